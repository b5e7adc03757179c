#include "riverrun/core/threads.h"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <mutex>
#include <new>
#include <numeric>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "riverrun/core/error.h"

namespace {

// What a pool of threads allocates for their shares is refused while this holds.
std::atomic<bool> refuses_aligned_arrays{false};

}  // namespace

void* operator new[](std::size_t size, std::align_val_t alignment) {
  const auto to = static_cast<std::size_t>(alignment);
  void* const memory =
      refuses_aligned_arrays ? nullptr : std::aligned_alloc(to, (size + to - 1) / to * to);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
void operator delete[](void* memory, std::align_val_t /*alignment*/) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t /*size*/, std::align_val_t /*a*/) noexcept {
  std::free(memory);
}

namespace riverrun {
namespace {

using ::testing::Each;

class Threads : public ::testing::Test {
 protected:
  ~Threads() override { set_num_threads(initial_); }

 private:
  int initial_ = num_threads();
};

// Returns when `count` threads are inside at the same time; false if they do not come.
bool meet(std::atomic<int>& inside, int count) {
  ++inside;
  auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (inside < count) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

TEST_F(Threads, AreAtLeastOneAtFirst) { EXPECT_GE(num_threads(), 1); }

TEST_F(Threads, RefuseAnInvalidNumber) {
  for (int threads : {-1, 0, 1025}) EXPECT_THROW(set_num_threads(threads), ConfigError) << threads;
  set_num_threads(3);
  EXPECT_EQ(num_threads(), 3);
}

TEST_F(Threads, RunEveryIndexOnce) {
  for (int threads : {1, 2, 5, 2}) {
    set_num_threads(threads);
    for (std::int64_t tasks : {0, 1, 2, 3, 100, 1001}) {
      std::vector<int> runs(static_cast<std::size_t>(tasks), 0);
      parallel_for(tasks, [&](std::int64_t i) { ++runs[static_cast<std::size_t>(i)]; });
      EXPECT_THAT(runs, Each(1)) << threads << " threads, " << tasks << " tasks";
    }
  }
}

TEST_F(Threads, RunAtTheSameTime) {
  set_num_threads(4);
  std::atomic<int> inside{0};
  std::atomic<int> met{0};
  parallel_for(4, [&](std::int64_t) { met += meet(inside, 4); });
  EXPECT_EQ(met, 4);
}

TEST_F(Threads, WakeAfterSleeping) {
  set_num_threads(2);
  for (int round = 0; round < 5; ++round) {
    std::atomic<int> inside{0};
    std::atomic<int> met{0};
    parallel_for(2, [&](std::int64_t) { met += meet(inside, 2); });
    ASSERT_EQ(met, 2);
    std::this_thread::sleep_for(std::chrono::milliseconds(5));  // far beyond spinning
  }
}

TEST_F(Threads, SurviveManyShortJobs) {
  set_num_threads(3);
  std::vector<std::int64_t> values(7, 0);
  constexpr int kJobs = 20000;
  for (int job = 0; job < kJobs; ++job) {
    parallel_for(7, [&](std::int64_t i) { values[static_cast<std::size_t>(i)] += i; });
  }
  for (std::size_t i = 0; i < values.size(); ++i) {
    EXPECT_EQ(values[i], kJobs * static_cast<std::int64_t>(i));
  }
}

TEST_F(Threads, WaitForASlowWorker) {
  set_num_threads(2);
  std::vector<int> done(2, 0);
  std::atomic<int> inside{0};
  std::thread::id caller = std::this_thread::get_id();
  parallel_for(2, [&](std::int64_t i) {
    meet(inside, 2);
    if (std::this_thread::get_id() != caller) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    done[static_cast<std::size_t>(i)] = 1;
  });
  EXPECT_THAT(done, Each(1));
}

TEST_F(Threads, RunANestedCallOnTheThreadItself) {
  set_num_threads(3);
  std::atomic<int> elsewhere{0};
  std::atomic<int> total{0};
  parallel_for(6, [&](std::int64_t) {
    std::thread::id outer = std::this_thread::get_id();
    parallel_for(5, [&](std::int64_t) {
      elsewhere += std::this_thread::get_id() != outer;
      ++total;
    });
  });
  EXPECT_EQ(elsewhere, 0);
  EXPECT_EQ(total, 30);
}

TEST_F(Threads, CanBeUsedFromSeveralThreads) {
  set_num_threads(2);
  constexpr int kCallers = 4;
  std::vector<std::int64_t> sums(kCallers, 0);
  std::vector<std::thread> callers;
  for (int c = 0; c < kCallers; ++c) {
    callers.emplace_back([&sums, c] {
      for (int round = 0; round < 500; ++round) {
        std::atomic<std::int64_t> sum{0};
        parallel_for(10, [&](std::int64_t i) { sum += i; });
        sums[static_cast<std::size_t>(c)] += sum;
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_THAT(sums, Each(45 * 500));
}

TEST_F(Threads, RethrowOnTheCaller) {
  for (int threads : {1, 3}) {
    set_num_threads(threads);
    try {
      parallel_for(100, [](std::int64_t i) {
        if (i == 40) throw std::runtime_error("index " + std::to_string(i));
      });
      ADD_FAILURE() << "nothing was thrown with " << threads << " threads";
    } catch (const std::runtime_error& error) {
      EXPECT_STREQ(error.what(), "index 40");
    }
    std::atomic<int> runs{0};
    parallel_for(10, [&](std::int64_t) { ++runs; });
    EXPECT_EQ(runs, 10) << "the pool must work after an exception";
  }
}

TEST_F(Threads, RethrowOneOfManyExceptions) {
  set_num_threads(4);
  for (int round = 0; round < 200; ++round) {
    EXPECT_THROW(parallel_for(50, [](std::int64_t) { throw ConfigError("always"); }), ConfigError);
  }
}

TEST_F(Threads, WorkOnWhereThereWasNoMemoryForMoreOfThem) {
  std::vector<int> runs(500, 0);
  const auto run = [&] {
    parallel_for(500, [&](std::int64_t i) { ++runs[static_cast<std::size_t>(i)]; });
  };
  set_num_threads(2);
  run();
  set_num_threads(40);
  refuses_aligned_arrays = true;
  EXPECT_THROW(run(), std::bad_alloc);
  refuses_aligned_arrays = false;
  EXPECT_THAT(runs, Each(1));
  run();
  EXPECT_THAT(runs, Each(2));
}

TEST_F(Threads, RunOneTaskOnTheCaller) {
  set_num_threads(4);
  for (int round = 0; round < 50; ++round) {
    std::thread::id ran;
    parallel_for(1, [&](std::int64_t) { ran = std::this_thread::get_id(); });
    ASSERT_EQ(ran, std::this_thread::get_id());
  }
}

}  // namespace
}  // namespace riverrun
