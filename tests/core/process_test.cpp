#include "riverrun/core/process.h"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <thread>

#include <dlfcn.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "riverrun/core/memory.h"
#include "riverrun/core/threads.h"

namespace riverrun {
namespace {

// ThreadSanitizer ends a forked child that makes threads. AddressSanitizer (beside which no memory
// is kept) has an allocator that a child may find locked by a thread that it does not have, and as
// leaks it counts what only the stacks of such threads knew.
#if defined(__SANITIZE_THREAD__)
constexpr bool kForkedChildrenMayHaveThreads = false;
#else
constexpr bool kForkedChildrenMayHaveThreads = kKeepsMemory;
#endif

constexpr int kWrong = 7;  // exit status

bool computes() {
  std::atomic<std::int64_t> sum{0};
  parallel_for(100, [&](std::int64_t i) { sum += i; });
  return sum == 4950;
}

// Whether two threads are inside a job at the same time.
bool computes_in_parallel() {
  std::atomic<int> inside{0};
  std::atomic<bool> met{true};
  parallel_for(2, [&](std::int64_t) {
    ++inside;
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (inside < 2 && met) {
      if (std::chrono::steady_clock::now() > deadline) met = false;
      std::this_thread::yield();
    }
  });
  return met;
}

// Destroyed after the pool of threads was closed, or before: that depends on the linker.
struct ComputesInItsDestructor {
  bool asked = false;
  ~ComputesInItsDestructor() {
    if (asked && !computes()) std::_Exit(kWrong);
  }
} at_end;

class Process : public ::testing::Test {
 protected:
  Process() {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    set_num_threads(3);
  }
  ~Process() override { set_num_threads(initial_); }

 private:
  int initial_ = num_threads();
};

class Fork : public Process {
 protected:
  void SetUp() override {
    if (!kForkedChildrenMayHaveThreads) GTEST_SKIP();
  }
};

// As waitpid reports it; a child that hangs ends with a signal.
template <class Body>
int status_of_child(const Body& body) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::alarm(60);
    body();
    std::_Exit(kWrong);
  }
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  return status;
}

TEST_F(Fork, AChildMayExitAfterItsParentComputed) {
  EXPECT_TRUE(computes());
  EXPECT_EQ(status_of_child([] { std::exit(0); }), 0);
  EXPECT_TRUE(computes());
}

TEST_F(Fork, AChildMayComputeAfterItsParentDid) {
  EXPECT_TRUE(computes());
  for (const int threads : {3, 2, 5}) {
    EXPECT_EQ(status_of_child([&] {
                set_num_threads(threads);
                std::exit(computes() && computes_in_parallel() ? 0 : kWrong);
              }),
              0)
        << threads;
  }
  EXPECT_TRUE(computes_in_parallel());
}

TEST_F(Fork, AGrandchildMayToo) {
  EXPECT_TRUE(computes());
  EXPECT_EQ(status_of_child([] {
              if (!computes()) std::_Exit(kWrong);
              std::exit(status_of_child([] { std::exit(computes_in_parallel() ? 0 : kWrong); }));
            }),
            0);
}

TEST_F(Fork, WhileOtherThreadsComputeAndTakeMemory) {
  std::atomic<bool> stop{false};
  std::thread computer([&] {
    while (!stop) computes();
  });
  std::thread user([&] {
    while (!stop) (void)allocate_memory(std::size_t{1} << 14);
  });
  for (int i = 0; i < 50; ++i) {
    ASSERT_EQ(status_of_child([] {
                const Memory memory = allocate_memory(std::size_t{1} << 14);
                memory[0] = 1;
                std::exit(computes_in_parallel() ? 0 : kWrong);
              }),
              0);
  }
  stop = true;
  computer.join();
  user.join();
}

TEST_F(Fork, InTheMiddleOfAJob) {
  std::atomic<int> ended{0};
  parallel_for(6, [&](std::int64_t) {
    ended += status_of_child([] { std::exit(computes_in_parallel() ? 0 : kWrong); }) == 0;
  });
  EXPECT_EQ(ended, 6);
}

using Exit = Process;

void exit_while_others_compute() {
  at_end.asked = true;
  for (int i = 0; i < 2; ++i) {
    std::thread([] {
      while (true) computes();
    }).detach();
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(5));
  ::alarm(60);
  std::exit(0);
}

TEST_F(Exit, WhileOtherThreadsCompute) {
  for (int i = 0; i < 20; ++i) {
    EXPECT_EXIT(exit_while_others_compute(), ::testing::ExitedWithCode(0), "");
  }
}

void exit_and_compute_in_a_destructor() {
  at_end.asked = true;
  ::alarm(60);
  if (!computes()) std::_Exit(kWrong);
  std::exit(0);
}

TEST_F(Exit, ThenAStaticDestructorComputes) {
  EXPECT_EXIT(exit_and_compute_in_a_destructor(), ::testing::ExitedWithCode(0), "");
}

void exit_in_a_job(bool on_a_worker) {
  at_end.asked = true;
  ::alarm(60);
  // One worker: two could have both tasks before the caller comes, who is to be in one.
  set_num_threads(2);
  const std::thread::id caller = std::this_thread::get_id();
  std::atomic<int> inside{0};
  parallel_for(2, [&](std::int64_t) {
    ++inside;
    while (inside < 2) std::this_thread::yield();
    if ((std::this_thread::get_id() != caller) == on_a_worker) std::exit(0);
    std::this_thread::sleep_for(std::chrono::seconds(60));
  });
}

TEST_F(Exit, InTheMiddleOfAJob) {
  EXPECT_EXIT(exit_in_a_job(false), ::testing::ExitedWithCode(0), "");
  EXPECT_EXIT(exit_in_a_job(true), ::testing::ExitedWithCode(0), "");
}

TEST_F(Process, APlugInThatComputedCanBeUnloaded) {
  if (!kKeepsMemory) GTEST_SKIP() << "AddressSanitizer counts the pool that stays behind as a leak";
  for (int i = 0; i < 10; ++i) {
    void* const plugin = ::dlopen(RIVERRUN_CORE_PLUGIN, RTLD_NOW | RTLD_LOCAL);
    ASSERT_NE(plugin, nullptr) << ::dlerror();
    const auto run = reinterpret_cast<bool (*)()>(::dlsym(plugin, "plugin_computes"));
    ASSERT_NE(run, nullptr);
    EXPECT_TRUE(run());
    ASSERT_EQ(::dlclose(plugin), 0);
    EXPECT_EQ(::dlopen(RIVERRUN_CORE_PLUGIN, RTLD_NOW | RTLD_NOLOAD), nullptr);
    // Workers that still were there would wake up to find their code gone.
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

}  // namespace
}  // namespace riverrun
