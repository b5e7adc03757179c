#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <type_traits>
#include <utility>

#include "riverrun/cell/cell.h"
#include "riverrun/cell/gru.h"
#include "riverrun/cell/lstm.h"
#include "riverrun/cell/rnn.h"
#include "riverrun/fixed/math.h"
#include "riverrun/fixed/product.h"
#include "riverrun/fixed/vector.h"

namespace riverrun::fixed {
namespace detail {

/// Applies node kI of program P to vectors; `inputs.template load<kind, number>()` is an input.
template <const Program& P, int kI, class F, class Inputs>
RIVERRUN_FIXED_INLINE void evaluate_node(F* values, const Inputs& inputs) {
  constexpr Node n = P[kI];
  // An addition to a product that nothing else needs is one instruction.
  constexpr auto is_product = [](int i) {
    return P[i].op == Op::kMul && P.uses()[static_cast<std::size_t>(i)] == 1;
  };
  if constexpr (n.op == Op::kInput) {
    values[kI] = inputs.template load<n.input, n.a>();
  } else if constexpr (n.op == Op::kConstant) {
    values[kI] = broadcast<F>(static_cast<float>(n.constant));
  } else if constexpr (n.op == Op::kAdd && is_product(n.b)) {
    values[kI] = mul_add(values[P[n.b].a], values[P[n.b].b], values[n.a]);
  } else if constexpr (n.op == Op::kAdd && is_product(n.a)) {
    values[kI] = mul_add(values[P[n.a].a], values[P[n.a].b], values[n.b]);
  } else if constexpr (n.op == Op::kSub && is_product(n.b)) {
    values[kI] = neg_mul_add(values[P[n.b].a], values[P[n.b].b], values[n.a]);
  } else if constexpr (operands(n.op) == 1) {
    values[kI] = apply<n.op>(values[n.a]);
  } else if constexpr (operands(n.op) == 2) {
    values[kI] = apply<n.op>(values[n.a], values[n.b]);
  } else {
    values[kI] = apply<n.op>(values[n.a], values[n.b], values[n.c]);
  }
}

}  // namespace detail

/// Zeros, for a bias that is not there. Hidden by name: for g++ variables made from a template are
/// not hidden by -fvisibility=hidden, and one that is exported keeps a plug-in from being unloaded.
template <int kSize>
[[gnu::visibility("hidden")]] inline constexpr std::array<float, kSize> kZeros{};

/// The parameters of a layer in PyTorch's layout, row-major; a bias that is not there is left out.
/// Only read while they are handed over.
template <class Cell, int kInput, int kHidden>
struct RecurrentWeights {
  static constexpr int kRows = static_cast<int>(kGateCount<Cell>) * kHidden;
  static constexpr int kRecurrent = is_recurrent<Cell>() ? kHidden : 0;

  std::span<const float, kRows * kInput> weight_ih;      // [gates * hidden_size, input_size]
  std::span<const float, kRows * kRecurrent> weight_hh;  // [gates * hidden_size, hidden_size]
  std::span<const float, kRows> bias_ih = kZeros<kRows>;
  std::span<const float, kRows> bias_hh = kZeros<kRows>;
  /// The cell's own, each [hidden_size], in the order in which it names them.
  std::array<std::span<const float, kHidden>, kParamCount<Cell>> params;
};

/// A recurrent layer around any cell, of sizes that the compiler knows, run sample by sample: for
/// audio and control. Weights and states lie in the object itself (sizeof tells how much), which
/// can be copied; nothing is allocated, locked or thrown. One thread at a time. As
/// riverrun::Stream, it has 0 in the place of states that are subnormal.
///
/// The cell's equations are compiled for the instructions that this header is compiled for: see
/// NativeTarget. Results are those of riverrun::Stream within rounding.
template <class Cell, int kInput, int kHidden, class Target = NativeTarget>
class Recurrent {
  static_assert(kInput > 0 && kHidden > 0, "input_size and hidden_size must be positive");

 public:
  static constexpr int kInputSize = kInput;
  static constexpr int kOutputSize = kHidden;
  using Weights = RecurrentWeights<Cell, kInput, kHidden>;

  /// Until they are set, all weights are zero. The states stay as they are.
  void set_weights(const Weights& weights) noexcept {
    packed_ = {};
    detail::unrolled<Tiling::kTiles>([&](auto tile) { pack<tile>(weights); });
    for (std::size_t p = 0; p < weights.params.size(); ++p) {
      std::copy_n(weights.params[p].data(), kHidden, params_[p].data());
    }
  }

  /// One step: x [input_size] -> y [hidden_size], the new state h. They must not overlap.
  void step(std::span<const float, kInput> x, std::span<float, kHidden> y) noexcept {
    const float* h = h_[current_].data();
    float* h_next = h_[1 - current_].data();
    detail::unrolled<Tiling::kTiles>(
        [&](auto tile) RIVERRUN_FIXED_INLINE_LAMBDA { step_tile<tile>(x.data(), h, h_next); });
    // The next step waits for h, but not for this: the branch is hardly ever taken.
    detail::IntsOf<F> found{};
    detail::unrolled<Tiling::kVectors>([&](auto v) RIVERRUN_FIXED_INLINE_LAMBDA {
      found |= detail::is_subnormal(detail::load<F>(h_next + v * kLanes));
    });
    if (detail::any<F>(found)) flush(h_next);
    current_ = 1 - current_;
    detail::copy<F, kHidden>(h_next, y.data());
  }

  /// All states back to zeros.
  void reset() noexcept {
    h_ = {};
    others_ = {};
  }

  /// A state of the cell, [hidden_size], to read and to set: "h", "c" in the order of its `states`.
  template <int kNumber>
  [[nodiscard]] std::span<float, kHidden> state() noexcept {
    static_assert(kNumber >= 0 && kNumber < kStates, "the cell does not have so many states");
    if constexpr (kNumber == 0) return std::span<float, kHidden>(h_[current_].data(), kHidden);
    return std::span<float, kHidden>(others_[kNumber - 1].data(), kHidden);
  }

 private:
  static constexpr Program kProgram = without_dead_code(trace<Cell>());
  static constexpr int kStates = static_cast<int>(kStateCount<Cell>);
  static constexpr int kParams = static_cast<int>(kParamCount<Cell>);
  static constexpr int kValues = static_cast<int>(kGateValues<Cell>);
  static constexpr int kGates = static_cast<int>(kGateCount<Cell>);
  static constexpr int kRecurrent = Weights::kRecurrent;

  /// Which of the gate values each row block of W_ih and of W_hh is summed into.
  static constexpr auto slots(const std::array<int, GateLayout::kMaxGates>& all) {
    std::array<int, kGates> some{};
    std::copy_n(all.begin(), kGates, some.begin());
    return some;
  }
  static constexpr auto kInputSlots = slots(kGateLayout<Cell>.input_slot);
  static constexpr auto kRecurrentSlots = slots(kGateLayout<Cell>.recurrent_slot);

  using Tiling = detail::Tiling<Target, kHidden, kValues>;
  static constexpr int kLanes = Tiling::kLanes;
  static constexpr int kPadded = Tiling::kVectors * kLanes;
  using F = detail::Floats<kLanes>;

  /// Tile after tile, all that belongs to it in the order in which a step reads it: the biases
  /// [values][units], the columns of W_ih [k][gates][units], those of W_hh [k][gates][units].
  static constexpr int kPackedPerUnit = kValues + kGates * (kInput + kRecurrent);

  template <int kTile>
  void pack(const Weights& from) noexcept {
    constexpr int kFirst = Tiling::begin(kTile) * kLanes;
    constexpr int kUnits = Tiling::size(kTile) * kLanes;
    float* to = packed_.data() + kFirst * kPackedPerUnit;
    const auto column = [&](std::span<const float> matrix, int columns, int k, int gate,
                            float* at) {
      for (int u = 0; u < std::min(kUnits, kHidden - kFirst); ++u) {
        at[u] += matrix[static_cast<std::size_t>((gate * kHidden + kFirst + u) * columns + k)];
      }
    };
    for (int g = 0; g < kGates; ++g) {
      const auto gate = static_cast<std::size_t>(g);
      column(from.bias_ih, 1, 0, g, to + kInputSlots[gate] * kUnits);
      if (kRecurrent > 0) column(from.bias_hh, 1, 0, g, to + kRecurrentSlots[gate] * kUnits);
    }
    to += kValues * kUnits;
    const auto matrix = [&](std::span<const float> values, int columns) {
      for (int k = 0; k < columns; ++k) {
        for (int g = 0; g < kGates; ++g, to += kUnits) column(values, columns, k, g, to);
      }
    };
    matrix(from.weight_ih, kInput);
    matrix(from.weight_hh, kRecurrent);
  }

  /// The inputs of the cell's program for one vector of units.
  template <int kVectors>
  struct Inputs {
    const Recurrent& layer;
    const float* h;
    const F* gates;
    int vector;  // of the tile
    int unit;

    template <Input kKind, int kNumber>
    [[nodiscard]] RIVERRUN_FIXED_INLINE F load() const {
      if constexpr (kKind == Input::kGate) {
        return gates[kNumber * kVectors + vector];
      } else if constexpr (kKind == Input::kParam) {
        return detail::load<F>(layer.params_[kNumber].data() + unit);
      } else if constexpr (kNumber == 0) {
        return detail::load<F>(h + unit);
      } else {
        return detail::flush_subnormal(detail::load<F>(layer.others_[kNumber - 1].data() + unit));
      }
    }
  };

  /// One step of the units of a tile: their sums, then the cell's program, all in registers.
  template <int kTile>
  RIVERRUN_FIXED_INLINE void step_tile(const float* x, const float* h, float* h_next) noexcept {
    constexpr int kFirst = Tiling::begin(kTile) * kLanes;
    constexpr int kVectors = Tiling::size(kTile);
    constexpr int kUnits = kVectors * kLanes;
    const float* weights = packed_.data() + kFirst * kPackedPerUnit;

    F gates[kValues * kVectors];
    detail::unrolled<kValues * kVectors>([&](auto i) RIVERRUN_FIXED_INLINE_LAMBDA {
      gates[i] = detail::load<F>(weights + i * kLanes);
    });
    weights += kValues * kUnits;
    detail::accumulate<kInput, kInputSlots, kVectors>(x, weights, gates);
    weights += kInput * kGates * kUnits;
    if constexpr (kRecurrent > 0) {
      detail::accumulate<kRecurrent, kRecurrentSlots, kVectors>(h, weights, gates);
    }

    detail::unrolled<kVectors>([&](auto vector) RIVERRUN_FIXED_INLINE_LAMBDA {
      constexpr int kUnit = kFirst + vector * kLanes;
      const Inputs<kVectors> inputs{*this, h, gates, vector, kUnit};
      F values[kProgram.size];
      detail::unrolled<kProgram.size>([&](auto i) RIVERRUN_FIXED_INLINE_LAMBDA {
        detail::evaluate_node<kProgram, i>(values, inputs);
      });
      detail::unrolled<kStates>([&](auto s) RIVERRUN_FIXED_INLINE_LAMBDA {
        float* to = h_next;
        if constexpr (s > 0) to = others_[s - 1].data();
        detail::store(values[kProgram.output(s)], to + kUnit);
      });
    });
  }

  [[gnu::cold, gnu::noinline]] static void flush(float* h) noexcept {
    for (int u = 0; u < kPadded; u += kLanes) {
      detail::store(detail::flush_subnormal(detail::load<F>(h + u)), h + u);
    }
  }

  using Units = std::array<float, kPadded>;
  alignas(64) std::array<float, kPadded * kPackedPerUnit> packed_{};
  alignas(64) std::array<Units, kParams> params_{};
  /// h is read for all units while it is written for some: the one before and the one after a step.
  alignas(64) std::array<Units, 2> h_{};
  alignas(64) std::array<Units, kStates - 1> others_{};
  std::size_t current_ = 0;
};

/// Long short-term memory, as torch.nn.LSTM with one layer.
template <int kInput, int kHidden>
using LSTM = Recurrent<cells::LSTM, kInput, kHidden>;

/// Gated recurrent unit, as torch.nn.GRU with one layer.
template <int kInput, int kHidden>
using GRU = Recurrent<cells::GRU, kInput, kHidden>;

/// Elman network, as torch.nn.RNN with one layer; cells::RNNRelu for nonlinearity='relu'.
template <int kInput, int kHidden, class Cell = cells::RNNTanh>
using RNN = Recurrent<Cell, kInput, kHidden>;

}  // namespace riverrun::fixed
