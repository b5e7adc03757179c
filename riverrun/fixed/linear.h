#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>

#include "riverrun/fixed/product.h"
#include "riverrun/fixed/recurrent.h"
#include "riverrun/fixed/vector.h"

namespace riverrun::fixed {

/// The parameters of a linear layer in PyTorch's layout, row-major; a bias that is not there is
/// left out. Only read while they are handed over.
template <int kInput, int kOutput>
struct LinearWeights {
  std::span<const float, kOutput * kInput> weight;  // [out_features, in_features]
  std::span<const float, kOutput> bias = kZeros<kOutput>;
};

/// y = x·Wᵀ + b, as torch.nn.Linear, of sizes that the compiler knows. As fixed::Recurrent, it
/// holds its weights itself and never allocates, locks or throws.
template <int kInput, int kOutput, class Target = NativeTarget>
class Linear {
  static_assert(kInput > 0 && kOutput > 0, "in_features and out_features must be positive");

 public:
  static constexpr int kInputSize = kInput;
  static constexpr int kOutputSize = kOutput;
  using Weights = LinearWeights<kInput, kOutput>;

  /// Until they are set, all weights are zero.
  void set_weights(const Weights& weights) noexcept {
    packed_ = {};
    for (int tile = 0; tile < Tiling::kTiles; ++tile) {
      const int first = Tiling::begin(tile) * kLanes;
      const int units = Tiling::size(tile) * kLanes;
      float* to = packed_.data() + first * (1 + kInput);
      for (int u = 0; u < std::min(units, kOutput - first); ++u) {
        const float* row = weights.weight.data() + (first + u) * kInput;
        to[u] = weights.bias[static_cast<std::size_t>(first + u)];
        for (int k = 0; k < kInput; ++k) to[(1 + k) * units + u] = row[k];
      }
    }
  }

  /// x [in_features] -> y [out_features], which must not overlap.
  void step(std::span<const float, kInput> x, std::span<float, kOutput> y) noexcept {
    alignas(64) std::array<float, Tiling::kVectors * kLanes> sums;
    detail::unrolled<Tiling::kTiles>([&](auto tile) RIVERRUN_FIXED_INLINE_LAMBDA {
      constexpr int kFirst = Tiling::begin(tile) * kLanes;
      constexpr int kVectors = Tiling::size(tile);
      const float* weights = packed_.data() + kFirst * (1 + kInput);
      F tile_sums[kVectors];
      detail::unrolled<kVectors>([&](auto v) RIVERRUN_FIXED_INLINE_LAMBDA {
        tile_sums[v] = detail::load<F>(weights + v * kLanes);
      });
      detail::accumulate<kInput, kSlots, kVectors>(x.data(), weights + kVectors * kLanes,
                                                   tile_sums);
      detail::unrolled<kVectors>([&](auto v) RIVERRUN_FIXED_INLINE_LAMBDA {
        detail::store(tile_sums[v], sums.data() + kFirst + v * kLanes);
      });
    });
    detail::copy<F, kOutput>(sums.data(), y.data());
  }

  /// There is no state; for Stack.
  void reset() noexcept {}

 private:
  using Tiling = detail::Tiling<Target, kOutput, 1>;
  static constexpr int kLanes = Tiling::kLanes;
  using F = detail::Floats<kLanes>;
  static constexpr std::array<int, 1> kSlots = {0};

  /// Tile after tile: the bias [units], the columns of the weight [k][units].
  alignas(64) std::array<float, Tiling::kVectors * kLanes*(1 + kInput)> packed_{};
};

}  // namespace riverrun::fixed
