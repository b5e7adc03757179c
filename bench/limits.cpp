// What this machine can do: the rate of fused multiply-adds, the rates at which a thread's data of
// some sizes are read again and again, with all threads together, and how often it does something
// else; one JSON object on standard output.
//
//   limits [THREADS…]        1 2 if none are given
//
// A rate is the best of many short runs: a limit, not an average. Sizes and not caches,
// because how much of a cache is one's own only shows in them: on a shared machine, others use the
// third.

#include <algorithm>
#include <barrier>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>
#include <sys/mman.h>

// Compiles this file once for each instruction set; the order matters.
// clang-format off
#include "riverrun/kernels/highway-config.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "bench/limits.cpp"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace limits::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

// An FMA's result is ready after 4 or 5 cycles and two start per cycle: 10 chains keep the units
// busy, and 12 leave room for the operands in 16 registers.
constexpr int kChains = 12;

double MultiplyAdd(std::int64_t rounds, float value) {
  const D d;
  const V factor = hn::Set(d, value);
  V sum[kChains];
  HWY_UNROLL(12)
  for (int c = 0; c < kChains; ++c) sum[c] = hn::Set(d, static_cast<float>(c) * value);
  for (std::int64_t r = 0; r < rounds; ++r) {
    HWY_UNROLL(12)
    for (int c = 0; c < kChains; ++c) sum[c] = hn::MulAdd(sum[c], factor, factor);
  }
  HWY_UNROLL(12)
  for (int c = 1; c < kChains; ++c) sum[0] = hn::Add(sum[0], sum[c]);
  return hn::GetLane(hn::SumOfLanes(d, sum[0]));
}

// Floating-point operations of a round.
std::int64_t RoundOperations() { return 2 * kChains * static_cast<std::int64_t>(hn::Lanes(D())); }

// "Or" is ready after one cycle: eight chains are far from being the limit.
constexpr int kStreams = 8;

std::uint32_t Read(const std::uint32_t* HWY_RESTRICT from, std::int64_t count,
                   std::int64_t passes) {
  const hn::ScalableTag<std::uint32_t> d;
  const auto n = static_cast<std::int64_t>(hn::Lanes(d));
  hn::Vec<decltype(d)> seen[kStreams];
  HWY_UNROLL(8)
  for (int s = 0; s < kStreams; ++s) seen[s] = hn::Zero(d);
  for (std::int64_t pass = 0; pass < passes; ++pass) {
    for (std::int64_t i = 0; i + kStreams * n <= count; i += kStreams * n) {
      HWY_UNROLL(8)
      for (int s = 0; s < kStreams; ++s) seen[s] = hn::Or(seen[s], hn::Load(d, from + i + s * n));
    }
    HWY_FENCE;  // the next pass is not to be taken from registers
  }
  HWY_UNROLL(8)
  for (int s = 1; s < kStreams; ++s) seen[0] = hn::Or(seen[0], seen[s]);
  return hn::GetLane(seen[0]);
}

const char* Target() { return hwy::TargetName(HWY_TARGET); }

}  // namespace limits::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace limits {
namespace {

using Clock = std::chrono::steady_clock;

HWY_EXPORT(MultiplyAdd);
HWY_EXPORT(RoundOperations);
HWY_EXPORT(Read);
HWY_EXPORT(Target);

// What is computed must be used, or it is not computed.
volatile double sink = 0;

/// How often something is tried: for so long, and so often at least.
struct Tries {
  double seconds;
  int least;
};
constexpr Tries kMany = {0.1, 5};
constexpr Tries kFew = {0, 3};

/// The least seconds in which all threads have done `work(thread)`.
template <class Work>
double fastest(int threads, Tries wanted, Work work) {
  double best = 1e30;
  bool enough = false;
  int tries = 0;
  Clock::time_point start;
  const Clock::time_point begin = Clock::now();
  std::barrier ready(threads, [&]() noexcept { start = Clock::now(); });
  std::barrier done(threads, [&]() noexcept {
    const Clock::time_point now = Clock::now();
    best = std::min(best, std::chrono::duration<double>(now - start).count());
    enough = ++tries >= wanted.least &&
             std::chrono::duration<double>(now - begin).count() > wanted.seconds;
  });
  const auto loop = [&](int thread) {
    while (!enough) {
      ready.arrive_and_wait();
      work(thread);
      done.arrive_and_wait();
    }
  };
  std::vector<std::jthread> others;
  for (int t = 1; t < threads; ++t) others.emplace_back(loop, t);
  loop(0);
  return best;
}

double peak_flops(int threads, Tries tries) {
  constexpr std::int64_t kRounds = 1'000'000;
  const double seconds =
      fastest(threads, tries, [](int) { sink = HWY_DYNAMIC_DISPATCH(MultiplyAdd)(kRounds, 0.5f); });
  return static_cast<double>(kRounds * HWY_DYNAMIC_DISPATCH(RoundOperations)() * threads) / seconds;
}

/// Memory that is really there, in large pages if the system has them.
class Buffer {
 public:
  explicit Buffer(std::int64_t bytes) : count_(bytes / std::int64_t{sizeof(std::uint32_t)}) {
    constexpr std::size_t kLargePage = std::size_t{1} << 21;
    const std::size_t rounded =
        (static_cast<std::size_t>(bytes) + kLargePage - 1) / kLargePage * kLargePage;
    data_.reset(static_cast<std::uint32_t*>(std::aligned_alloc(kLargePage, rounded)));
    if (!data_) throw std::bad_alloc();
#ifdef MADV_HUGEPAGE
    madvise(data_.get(), rounded, MADV_HUGEPAGE);
#endif
    for (std::int64_t i = 0; i < count_; ++i) data_.get()[i] = static_cast<std::uint32_t>(i);
  }
  [[nodiscard]] const std::uint32_t* data() const { return data_.get(); }
  [[nodiscard]] std::int64_t count() const { return count_; }

 private:
  struct Free {
    void operator()(std::uint32_t* memory) const { std::free(memory); }
  };
  std::unique_ptr<std::uint32_t, Free> data_;
  std::int64_t count_;
};

/// Bytes a second, each thread reading `bytes` of its own.
double bandwidth(std::int64_t bytes, int threads) {
  constexpr std::int64_t kTry = std::int64_t{1} << 26;  // read at least so much in a try
  const std::int64_t passes = std::max<std::int64_t>(1, kTry / bytes);
  std::vector<Buffer> buffers;
  for (int t = 0; t < threads; ++t) buffers.emplace_back(bytes);
  const double seconds = fastest(threads, kMany, [&](int thread) {
    const Buffer& buffer = buffers[static_cast<std::size_t>(thread)];
    sink = HWY_DYNAMIC_DISPATCH(Read)(buffer.data(), buffer.count(), passes);
  });
  return static_cast<double>(bytes * passes * threads) / seconds;
}

/// The median time of so many rounds of multiply-adds, which wait for nothing, and the 99.9th
/// percentile over it: how much of the slowest repetitions is the system's and the host's doing.
std::pair<double, double> tail(std::int64_t rounds) {
  constexpr double kSeconds = 0.3;
  constexpr std::size_t kLeast = 2000;
  std::vector<double> times;
  for (double total = 0; total < kSeconds || times.size() < kLeast; total += times.back()) {
    const Clock::time_point begin = Clock::now();
    sink = HWY_DYNAMIC_DISPATCH(MultiplyAdd)(rounds, 0.5f);
    times.push_back(std::chrono::duration<double>(Clock::now() - begin).count());
  }
  std::sort(times.begin(), times.end());
  const double median = times[times.size() / 2];
  return {median, times[times.size() * 999 / 1000] / median};
}

nlohmann::json measure(const std::vector<int>& thread_counts) {
  constexpr std::int64_t kSmallest = std::int64_t{1} << 14;
  constexpr std::int64_t kLargest = std::int64_t{1} << 27;
  nlohmann::json result;
  result["target"] = HWY_DYNAMIC_DISPATCH(Target)();
  // From a fraction of a microsecond to a fraction of a millisecond: as long as a step may take.
  for (const std::int64_t rounds : {50, 150, 1000, 5000, 30'000, 150'000}) {
    result["tails"].push_back(tail(rounds));
  }
  for (const int threads : thread_counts) {
    const std::string key = std::to_string(threads);
    result["flops"][key] = peak_flops(threads, kMany);
    for (std::int64_t power = kSmallest; power <= kLargest; power *= 2) {
      for (const std::int64_t bytes : {power, power + power / 2}) {
        result["bytes_per_second"][key].push_back({bytes, bandwidth(bytes, threads)});
      }
    }
  }
  return result;
}

}  // namespace
}  // namespace limits

/// limits [THREADS…] measures everything. limits --now answers each number of threads on standard
/// input with the operations a second of this moment.
int main(int argc, char** argv) {
  if (argc == 2 && std::string_view(argv[1]) == "--now") {
    for (int count = 0; std::cin >> count;) {
      std::cout << limits::peak_flops(std::max(1, count), limits::kFew) << std::endl;
    }
    return 0;
  }
  std::vector<int> threads;
  for (int i = 1; i < argc; ++i) threads.push_back(std::max(1, std::atoi(argv[i])));
  if (threads.empty()) threads = {1, 2};
  std::cout << limits::measure(threads).dump(2) << std::endl;
}
#endif  // HWY_ONCE
