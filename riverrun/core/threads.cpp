#include "riverrun/core/threads.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <memory>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "riverrun/core/cpus.h"
#include "riverrun/core/error.h"
#include "riverrun/core/process.h"

namespace riverrun {
namespace {

constexpr int kMaxThreads = 1024;

// Between the parallel steps of a training run lie some microseconds; a thread that sleeps begins
// some 20 after it is woken, which takes the caller 7.
constexpr std::chrono::microseconds kSpinTime{50};

int default_threads() noexcept try {
  return std::min(usable_cores(allowed_cpus()), kMaxThreads);
} catch (const std::exception&) {
  return 1;  // no memory
}

void relax() noexcept {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// Spins until `ready()`, at most for kSpinTime; says whether it is ready.
template <class Ready>
bool spin(Ready ready) noexcept {
  auto deadline = std::chrono::steady_clock::now() + kSpinTime;
  do {
    for (int i = 0; i < 16; ++i) {
      if (ready()) return true;
      relax();
    }
  } while (std::chrono::steady_clock::now() < deadline);
  return ready();
}

// The workers beside the calling thread. One job runs at a time. A worker joins it if it comes
// while the job is open; the caller does not wait for workers that have not come, so a worker that
// sleeps, or that the system runs late, never delays it.
//
// Each thread begins with its own share of the tasks, the same one in every job of as many: what
// the job before wrote is in its cache. Whoever is done takes from the others' shares.
//
// A pool is never destroyed: other threads and other static objects may compute while the process
// ends.
class Pool {
 public:
  // False if a job is running already, the pool was closed, or other threads would have to be made
  // and may not: then the caller does it alone.
  bool run(std::int64_t tasks, detail::Task task, void* context, int threads, bool makes_threads) {
    if (busy_.exchange(true, std::memory_order_acquire)) return false;
    struct Release {
      std::atomic<bool>& busy;
      ~Release() { busy.store(false, std::memory_order_release); }
    } release{busy_};
    if (threads != threads_) {
      if (!makes_threads) return false;
      start(threads);
    }

    // Nobody is inside, so the job can be written without a lock.
    task_ = task;
    context_ = context;
    // Rounded up, so that with few tasks the caller, who is surely awake, has the first.
    const auto begin = [&](std::int64_t t) { return (tasks * t + threads - 1) / threads; };
    for (int t = 0; t < threads; ++t) {
      shares_[t].next.store(begin(t), std::memory_order_relaxed);
      shares_[t].end = begin(t + 1);
    }
    failed_.store(false, std::memory_order_relaxed);
    // seq_cst orders this before notify_all's look for sleepers.
    std::uint32_t epoch = (state_.load(std::memory_order_relaxed) & kEpochMask) + kEpoch;
    state_.store(epoch | kOpen);
    state_.notify_all();

    work(0);
    close();
    if (failed_.load(std::memory_order_relaxed)) {
      std::rethrow_exception(std::exchange(error_, nullptr));
    }
    return true;
  }

  // Ends the workers, for good, unless a job is running: that may be one that this thread is in,
  // or one that lasts, and the process must end nevertheless.
  void close_if_idle() noexcept {
    if (busy_.exchange(true, std::memory_order_acquire)) return;
    stop();
    workers_.shrink_to_fit();
    shares_.reset();
  }

  // In a forked child. Leak checkers are to know that it is kept on purpose.
  void abandon() noexcept { abandoned_before_ = std::exchange(abandoned_, this); }

 private:
  // state_: the number of workers inside the job, whether more may join, whether the caller sleeps
  // until they are out, whether the pool ends, and the job's number. The number may wrap around: a
  // worker that slept through exactly 2^17 jobs misses one, which delays nobody.
  static constexpr std::uint32_t kInsideMask = (1u << 12) - 1;
  static constexpr std::uint32_t kOpen = 1u << 12;
  static constexpr std::uint32_t kCallerSleeps = 1u << 13;
  static constexpr std::uint32_t kStop = 1u << 14;
  static constexpr std::uint32_t kEpoch = 1u << 15;
  static constexpr std::uint32_t kEpochMask = ~(kEpoch - 1);
  static_assert(kMaxThreads <= kInsideMask);

  // As in Team, on two lines of the cache.
  struct alignas(128) Share {
    std::atomic<std::int64_t> next{0};
    std::int64_t end = 0;
  };

  void start(int threads) {
    // First what may throw: the shares must be as many as threads_ says.
    auto shares = std::make_unique<Share[]>(static_cast<std::size_t>(threads));
    stop();
    shares_ = std::move(shares);
    threads_ = threads;
    std::uint32_t epoch = state_.load(std::memory_order_relaxed) & kEpochMask;
    state_.store(epoch, std::memory_order_relaxed);
    workers_.reserve(static_cast<std::size_t>(threads - 1));
    try {
      for (int i = 1; i < threads; ++i) {
        workers_.emplace_back([this, i, epoch] { serve(i, epoch); });
      }
    } catch (const std::system_error&) {
      // The system grants no more threads: those that there are do the work.
    }
  }

  void stop() noexcept {
    state_.fetch_or(kStop);
    state_.notify_all();
    for (std::thread& worker : workers_) worker.join();
    workers_.clear();
  }

  void serve(int self, std::uint32_t seen) noexcept {
    while (true) {
      std::uint32_t state = await_job(seen);
      if (state & kStop) return;
      // Fails if another worker came or went, or the job was closed: then look again.
      if (!state_.compare_exchange_strong(state, state + 1, std::memory_order_acquire,
                                          std::memory_order_relaxed)) {
        continue;
      }
      seen = state & kEpochMask;
      work(self);
      std::uint32_t before = state_.fetch_sub(1, std::memory_order_release);
      if ((before & kCallerSleeps) && (before & kInsideMask) == 1) state_.notify_all();
    }
  }

  // Returns the state in which a job other than `seen` is open, or the pool ends.
  std::uint32_t await_job(std::uint32_t seen) noexcept {
    std::uint32_t state = 0;
    auto wanted = [&] {
      state = state_.load(std::memory_order_acquire);
      return (state & kStop) || ((state & kOpen) && (state & kEpochMask) != seen);
    };
    if (spin(wanted)) return state;
    while (!wanted()) state_.wait(state);
    return state;
  }

  void work(int self) noexcept {
    for (int t = 0; t < threads_; ++t) {
      Share& share = shares_[(self + t) % threads_];
      while (true) {
        // Looked at first, because taking a share's line from its owner costs both.
        if (t > 0 && share.next.load(std::memory_order_relaxed) >= share.end) break;
        const std::int64_t index = share.next.fetch_add(1, std::memory_order_relaxed);
        if (index >= share.end || failed_.load(std::memory_order_relaxed)) break;
        try {
          task_(context_, index);
        } catch (...) {
          if (!failed_.exchange(true, std::memory_order_relaxed)) error_ = std::current_exception();
        }
      }
    }
  }

  // Lets no more workers in and waits until those inside are out.
  void close() noexcept {
    state_.fetch_and(~kOpen, std::memory_order_relaxed);
    auto empty = [&] { return (state_.load(std::memory_order_acquire) & kInsideMask) == 0; };
    if (spin(empty)) return;
    state_.fetch_or(kCallerSleeps);
    std::uint32_t state = state_.load(std::memory_order_acquire);
    while (state & kInsideMask) {
      state_.wait(state);
      state = state_.load(std::memory_order_acquire);
    }
  }

  alignas(128) std::atomic<std::uint32_t> state_{0};
  alignas(128) std::atomic<bool> busy_{false};

  detail::Task task_ = nullptr;
  void* context_ = nullptr;
  std::unique_ptr<Share[]> shares_;  // [threads_]
  std::atomic<bool> failed_{false};
  std::exception_ptr error_;  // of whoever set failed_

  int threads_ = 1;
  std::vector<std::thread> workers_;

  static constinit Pool* abandoned_;
  Pool* abandoned_before_ = nullptr;
};
constinit Pool* Pool::abandoned_ = nullptr;

// What follows is without locks, which a thread that is not in a forked child may have held, and
// without destructors.
constinit std::atomic<int> thread_count{0};  // 0: nobody has asked yet
constinit std::atomic<Pool*> current_pool{nullptr};
constinit std::atomic<bool> is_closed{false};

Pool& pool() {
  if (Pool* const there = current_pool.load(std::memory_order_acquire)) return *there;
  auto made = std::make_unique<Pool>();
  Pool* there = nullptr;
  if (!current_pool.compare_exchange_strong(there, made.get(), std::memory_order_acq_rel)) {
    return *there;  // another thread was faster
  }
  return *made.release();
}

// When the process ends, or the plug-in that riverrun is linked into is unloaded, whose code the
// workers run. Who computes afterwards does so alone.
struct AtEnd {
  AtEnd() {
    // A child has none of its parent's workers, and may have been forked in the middle of a job:
    // it begins with a pool of its own. The parent's cannot be destroyed, having threads.
    around_fork(nullptr, nullptr, [] {
      Pool* const parents = current_pool.exchange(nullptr, std::memory_order_relaxed);
      if (parents != nullptr) parents->abandon();
    });
  }
  ~AtEnd() {
    is_closed.store(true, std::memory_order_relaxed);
    if (Pool* const there = current_pool.load(std::memory_order_acquire)) there->close_if_idle();
  }
  AtEnd(const AtEnd&) = delete;
  AtEnd& operator=(const AtEnd&) = delete;
};
const AtEnd kAtEnd;

}  // namespace

int num_threads() noexcept {
  int threads = thread_count.load(std::memory_order_relaxed);
  if (threads != 0) return threads;
  const int usual = default_threads();
  return thread_count.compare_exchange_strong(threads, usual, std::memory_order_relaxed) ? usual
                                                                                         : threads;
}

void set_num_threads(int threads) {
  if (threads < 1 || threads > kMaxThreads) {
    throw ConfigError(
        fmt::format("set_num_threads: {} threads; it must be from 1 to {}", threads, kMaxThreads));
  }
  thread_count.store(threads, std::memory_order_relaxed);
}

namespace detail {

void run_tasks(std::int64_t tasks, Task task, void* context, bool makes_threads) {
  const int threads = num_threads();
  const bool divides = tasks > 1 && threads > 1 && !is_closed.load(std::memory_order_relaxed) &&
                       (makes_threads || current_pool.load(std::memory_order_acquire) != nullptr);
  if (divides && pool().run(tasks, task, context, threads, makes_threads)) return;
  for (std::int64_t index = 0; index < tasks; ++index) task(context, index);
}

}  // namespace detail
}  // namespace riverrun
