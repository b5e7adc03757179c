#include "riverrun/kernels/dropout.h"

#include <algorithm>

// Compiles this file once for each instruction set; the order matters.
// clang-format off
#include "riverrun/kernels/highway-config.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "riverrun/kernels/dropout.cpp"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace riverrun::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::ScalableTag<std::uint32_t>;
using V = hn::Vec<D>;

HWY_INLINE std::uint32_t low32(std::uint64_t x) { return static_cast<std::uint32_t>(x); }
HWY_INLINE std::uint32_t high32(std::uint64_t x) { return static_cast<std::uint32_t>(x >> 32); }

#if HWY_TARGET == HWY_SCALAR

// One block of Philox4x32-10; vectors of one lane have no even and odd lanes.
HWY_INLINE void draw_blocks(D, const Random::State& state, std::uint64_t block,
                            std::uint32_t* words) {
  const auto drawn =
      philox4x32_10({low32(block), high32(block), low32(state.stream), high32(state.stream)},
                    {low32(state.seed), high32(state.seed)});
  std::copy(drawn.begin(), drawn.end(), words);
}

#else

struct Product {
  V high, low;
};

// The 64-bit products of 32-bit lanes. Highway multiplies the even lanes; the odd ones are moved
// there and back.
HWY_INLINE Product multiply(D d, V a, V multiplier) {
  const hn::Repartition<std::uint64_t, D> d64;
  const V odd_lanes = hn::BitCast(d, hn::ShiftRight<32>(hn::BitCast(d64, a)));
  const auto even = hn::MulEven(a, multiplier);
  const auto odd = hn::MulEven(odd_lanes, multiplier);
  return {hn::OddEven(hn::BitCast(d, odd), hn::BitCast(d, hn::ShiftRight<32>(even))),
          hn::OddEven(hn::BitCast(d, hn::ShiftLeft<32>(odd)), hn::BitCast(d, even))};
}

// philox4x32_10 of core/random.h for Lanes(d) consecutive blocks, one in each lane.
HWY_INLINE void draw_blocks(D d, const Random::State& state, std::uint64_t block,
                            std::uint32_t* words) {
  const V multiplier0 = hn::Set(d, 0xD2511F53u);
  const V multiplier1 = hn::Set(d, 0xCD9E8D57u);
  const V first = hn::Set(d, low32(block));
  V c0 = hn::Add(first, hn::Iota(d, 0));
  const V overflowed = hn::VecFromMask(d, hn::Lt(c0, first));
  V c1 = hn::Sub(hn::Set(d, high32(block)), overflowed);  // a mask is -1
  V c2 = hn::Set(d, low32(state.stream));
  V c3 = hn::Set(d, high32(state.stream));
  std::uint32_t key0 = low32(state.seed);
  std::uint32_t key1 = high32(state.seed);
  for (int round = 0; round < 10; ++round) {
    const Product p0 = multiply(d, c0, multiplier0);
    const Product p1 = multiply(d, c2, multiplier1);
    c0 = hn::Xor(hn::Xor(p1.high, c1), hn::Set(d, key0));
    c1 = p1.low;
    c2 = hn::Xor(hn::Xor(p0.high, c3), hn::Set(d, key1));
    c3 = p0.low;
    key0 += 0x9E3779B9u;
    key1 += 0xBB67AE85u;
  }
  hn::StoreInterleaved4(c0, c1, c2, c3, d, words);
}

#endif

void dropout(const Random::State& start, std::uint32_t threshold, float scale, std::int64_t n,
             const float* from, float* to) {
  const D d;
  const hn::RebindToFloat<D> df;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  const V drop_below = hn::Set(d, threshold);
  const auto factor = hn::Set(df, scale);
  HWY_ALIGN std::uint32_t words[4 * hn::MaxLanes(D())];
  const auto one_by_one = [&](std::int64_t begin, std::int64_t end, const std::uint32_t* drawn) {
    for (std::int64_t i = begin; i < end; ++i) {
      to[i] = drawn[i - begin] < threshold ? 0.0f : from[i] * scale;
    }
  };

  std::uint64_t block = start.drawn / 4;
  std::int64_t i = 0;
  // The first block may be partly drawn already.
  if (const auto skip = static_cast<std::int64_t>(start.drawn % 4); skip != 0) {
    draw_blocks(d, start, block, words);
    i = std::min(n, 4 - skip);
    one_by_one(0, i, words + skip);
    ++block;
  }
  for (; i + 4 * lanes <= n; block += static_cast<std::uint64_t>(lanes)) {
    draw_blocks(d, start, block, words);
    for (std::int64_t k = 0; k < 4 * lanes; k += lanes, i += lanes) {
      const auto drop = hn::RebindMask(df, hn::Lt(hn::Load(d, words + k), drop_below));
      hn::StoreU(hn::IfThenZeroElse(drop, hn::Mul(hn::LoadU(df, from + i), factor)), df, to + i);
    }
  }
  if (i < n) {
    draw_blocks(d, start, block, words);
    one_by_one(i, n, words);
  }
}

}  // namespace riverrun::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace riverrun::kernels {

HWY_EXPORT(dropout);

void dropout(const Random::State& start, std::uint32_t threshold, float scale, std::int64_t n,
             const float* from, float* to) {
  HWY_DYNAMIC_DISPATCH(dropout)(start, threshold, scale, n, from, to);
}

}  // namespace riverrun::kernels
#endif
