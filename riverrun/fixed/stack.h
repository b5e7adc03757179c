#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <tuple>
#include <utility>

#include "riverrun/fixed/vector.h"

namespace riverrun::fixed {

/// Layers one after another, each on the output of the one before:
///   Stack<LSTM<1, 32>, LSTM<32, 32>, Linear<32, 1>> net;
/// As its layers, it holds everything itself and never allocates, locks or throws. A layer of one's
/// own needs kInputSize, kOutputSize, step and reset.
template <class... Layers>
class Stack {
  static_assert(sizeof...(Layers) > 0);
  static constexpr std::array<int, sizeof...(Layers)> kInputs = {Layers::kInputSize...};
  static constexpr std::array<int, sizeof...(Layers)> kOutputs = {Layers::kOutputSize...};
  static_assert(
      [] {
        for (std::size_t i = 1; i < kInputs.size(); ++i) {
          if (kInputs[i] != kOutputs[i - 1]) return false;
        }
        return true;
      }(),
      "each layer's input must be as large as the output of the layer before it");

 public:
  static constexpr int kInputSize = kInputs.front();
  static constexpr int kOutputSize = kOutputs.back();
  static constexpr std::size_t kLayers = sizeof...(Layers);

  /// For set_weights and state.
  template <std::size_t kNumber>
  [[nodiscard]] auto& layer() noexcept {
    return std::get<kNumber>(layers_);
  }

  /// One step: x [input size of the first layer] -> y [output size of the last], which must not
  /// overlap.
  void step(std::span<const float, kInputSize> x, std::span<float, kOutputSize> y) noexcept {
    step_from<0>(x, y);
  }
  /// The same for one number, an audio sample.
  [[nodiscard]] float step(float x) noexcept requires(kInputSize == 1 && kOutputSize == 1) {
    float y = 0.0f;
    step(std::span<const float, 1>(&x, 1), std::span<float, 1>(&y, 1));
    return y;
  }

  /// The states of all layers back to zeros.
  void reset() noexcept {
    std::apply([](Layers&... layers) { (layers.reset(), ...); }, layers_);
  }

 private:
  template <std::size_t kNumber>
  void step_from(std::span<const float, kInputs[kNumber]> x,
                 std::span<float, kOutputSize> y) noexcept {
    if constexpr (kNumber + 1 == kLayers) {
      layer<kNumber>().step(x, y);
    } else {
      alignas(64) std::array<float, kOutputs[kNumber]> between;
      layer<kNumber>().step(x, between);
      step_from<kNumber + 1>(between, y);
    }
  }

  std::tuple<Layers...> layers_;
};

}  // namespace riverrun::fixed
