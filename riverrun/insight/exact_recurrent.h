#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "riverrun/cell/reference.h"
#include "riverrun/core/tensor.h"
#include "riverrun/nn/recurrent.h"

namespace riverrun::insight {

/// A Recurrent in double precision, for looking inside: it keeps every gate and state of every
/// step, and carries a gradient back through any number of steps. Dimension letters: T steps,
/// B batch, I input_size, H hidden_size, S states, V gate values (two for a split gate).
class ExactRecurrent {
 public:
  /// Takes the parameters as they are now; the network may go. Throws ConfigError if it is
  /// bidirectional or has a projection.
  explicit ExactRecurrent(const Recurrent& net);

  /// What happened in a forward pass.
  struct Run {
    struct Layer {
      std::vector<double> gates;   // [T, B, V, H]: before their nonlinearities
      std::vector<double> states;  // [T+1, S, B, H]: before the first step, after each
    };
    std::int64_t steps = 0;
    std::int64_t batch = 0;
    std::int64_t hidden_size = 0;
    std::vector<Layer> layers;

    /// Gate value `value` of all units of one sequence in step t in [0, T); which values a gate has
    /// is in the cell's GateLayout. [H]
    [[nodiscard]] std::span<const double> gate(std::size_t layer, std::int64_t t,
                                               std::int64_t sequence, int value) const;
    /// State s of one sequence after t steps, t in [0, T]. [H]
    [[nodiscard]] std::span<const double> state(std::size_t layer, std::int64_t t,
                                                std::int64_t sequence, std::size_t s) const;
  };
  /// Over x [T, B, I], whatever the network's batch_first is, from zero states or from the last
  /// ones of the run `before`. Throws ShapeError, and NumericError if a state is not finite.
  [[nodiscard]] Run forward(const Tensor& x, const Run* before = nullptr) const;

  /// ∂L/∂(state s of a layer, k steps before the end) of one sequence, with all other states of
  /// that step held, those of other layers too: what this state alone hands on to the later steps,
  /// on all paths. So the gradients of all layers and states are a row vector times the product of
  /// the k Jacobians. One that has vanished or exploded beyond a double's exponent is still exact:
  /// it is values · 2^exponent.
  struct StateGradient {
    std::size_t layer = 0;
    std::size_t state = 0;
    std::int64_t lag = 0;  // k in [0, T]; T is the initial state
    std::int64_t sequence = 0;
    std::span<const double> values;  // [H], valid during the call
    int exponent = 0;

    /// ln of the Euclidean norm; −∞ if it is 0.
    [[nodiscard]] double log_norm() const;
  };
  using Visit = std::function<void(const StateGradient&)>;
  /// Backpropagation through time of an L that depends on the output of the last step alone, from
  /// `grad_output` [B, H]. `visit` is called for each layer from the last to the first, each lag
  /// from 0 on and each state; by several threads at once for different sequences. Throws
  /// ShapeError.
  void backward(const Run& run, std::span<const double> grad_output, const Visit& visit) const;

  /// Bytes that one takes; as doubles, because no size is too large to ask for.
  struct Memory {
    double weights = 0;
    double step = 0;  // of one sequence, forward and backward
  };
  [[nodiscard]] static Memory memory(const CellDescriptor& cell,
                                     const RecurrentOptions& options) noexcept;

  /// The weights of one layer. Each gate value has a column block of H, which is zero if that value
  /// gets nothing from the input or from h.
  struct Layer {
    reference::Matrix weight_ih;             // [I, V*H]
    reference::Matrix weight_hh;             // [H, V*H]
    reference::Matrix weight_ih_transposed;  // [V*H, I]
    reference::Matrix weight_hh_transposed;  // [V*H, H]
    std::vector<double> bias;                // [V*H]
    reference::Matrix params;                // [P, H]
  };
  [[nodiscard]] const CellDescriptor& cell() const noexcept { return cell_; }
  [[nodiscard]] std::int64_t hidden_size() const noexcept { return hidden_; }
  [[nodiscard]] std::span<const Layer> layers() const noexcept { return layers_; }

 private:
  CellDescriptor cell_;
  std::int64_t input_ = 0;
  std::int64_t hidden_ = 0;
  std::vector<Layer> layers_;
};

}  // namespace riverrun::insight
