#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <type_traits>
#include <utility>

#include "riverrun/fixed/vector.h"

// Internal to riverrun/fixed: products of a matrix with a vector whose sums stay in registers.

namespace riverrun::fixed::detail {

/// Calls body(std::integral_constant<int, I>()) for I = 0, …, kCount - 1. Arrays that are only
/// indexed so can stay in registers, at any level of optimisation.
template <int kCount, class Body>
RIVERRUN_FIXED_INLINE void unrolled(const Body& body) {
  [&]<int... kI>(std::integer_sequence<int, kI...>) RIVERRUN_FIXED_INLINE_LAMBDA {
    (body(std::integral_constant<int, kI>()), ...);
  }
  (std::make_integer_sequence<int, kCount>());
}

/// How the units of a layer are divided into tiles of vectors, so that all `sums` of every unit of
/// a tile are in registers together.
template <class Target, int kUnits, int kSums>
struct Tiling {
  static constexpr int kLanes = lanes_for<Target>(kUnits);
  static constexpr int kVectors = (kUnits + kLanes - 1) / kLanes;
  /// With AVX-512 and on 64-bit Arm there are 32 registers, else 16; some are for what the sums are
  /// made of.
#if defined(__aarch64__)
  static constexpr int kRegisters = 24;
#else
  static constexpr int kRegisters = Target::kMaxLanes == 16 ? 24 : 12;
#endif
  static constexpr int kMaxTile = std::max(1, kRegisters / kSums);
  static constexpr int kTiles = (kVectors + kMaxTile - 1) / kMaxTile;

  /// The first vector of a tile. Tiles differ by one vector at most.
  [[nodiscard]] static constexpr int begin(int tile) { return tile * kVectors / kTiles; }
  [[nodiscard]] static constexpr int size(int tile) { return begin(tile + 1) - begin(tile); }
};

/// sums[slots[i]][v] += Σ_k x[k]·weights[k][i][v], for all i and all vectors v < kVectors.
template <int kLength, const auto& kSlots, int kVectors, class F>
RIVERRUN_FIXED_INLINE void accumulate(const float* x, const float* weights, F* sums) {
  constexpr int kCount = static_cast<int>(kSlots.size()) * kVectors;
  // A sum is a chain of additions, each of which takes 4 cycles, while 2 can begin in each cycle:
  // where there are fewer than 8 sums, each is made in several parts.
  constexpr int kParts = std::min(kLength, kCount > 5 ? 1 : kCount > 2 ? 2 : 4);
  constexpr int kWhole = kLength / kParts * kParts;
  const auto slot = [](int i) { return kSlots[i / kVectors] * kVectors + i % kVectors; };
  F parts[kParts * kCount];
  unrolled<kParts * kCount>([&](auto i) RIVERRUN_FIXED_INLINE_LAMBDA {
    parts[i] = i < kCount ? sums[slot(i % kCount)] : F{};
  });
  const auto add = [&](int k, auto part) RIVERRUN_FIXED_INLINE_LAMBDA {
    const F factor = broadcast<F>(x[k]);
    const float* row = weights + k * (kCount * kLanesOf<F>);
    unrolled<kCount>([&](auto i) RIVERRUN_FIXED_INLINE_LAMBDA {
      F& sum = parts[part * kCount + i];
      sum = mul_add(factor, load<F>(row + i * kLanesOf<F>), sum);
    });
  };
  for (int k = 0; k < kWhole; k += kParts) {
    unrolled<kParts>([&](auto part) RIVERRUN_FIXED_INLINE_LAMBDA { add(k + part, part); });
  }
  unrolled<kLength - kWhole>([&](auto part)
                                 RIVERRUN_FIXED_INLINE_LAMBDA { add(kWhole + part, part); });
  unrolled<kCount>([&](auto i) RIVERRUN_FIXED_INLINE_LAMBDA {
    for (int part = 1; part < kParts; ++part) parts[i] += parts[part * kCount + i];
    sums[slot(i)] = parts[i];
  });
}

}  // namespace riverrun::fixed::detail
