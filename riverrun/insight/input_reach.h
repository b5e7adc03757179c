#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "riverrun/core/tensor.h"
#include "riverrun/insight/horizon.h"
#include "riverrun/nn/recurrent.h"

namespace riverrun::insight {

/// What a loss asks of a recurrent stack that has read some sequences, as a Tape's backward pass
/// says. Dimension letters: T steps, B batch, I input_size, F features of the output.
struct StackGradient {
  Tensor x;                                ///< what the stack read, [T, B, I]
  std::vector<std::int64_t> lengths = {};  ///< [B]; empty: each is T
  /// Of each sequence, the step whose output is answered from, [B]; empty: the last states are.
  std::vector<std::int64_t> answered = {};
  Tensor output = {};              ///< ∂loss/∂output [T, B, F], if steps are answered
  std::vector<Tensor> state = {};  ///< else ∂loss/∂(last states), as State; may be empty
};

/// How the gradient by what was read depends on the distance from what was answered from.
struct ReachCurve {
  /// At lag k from 0 on, ln of the root mean square, over the sequences that have such a step, of
  /// the Euclidean norm of its gradient; −∞ for 0, or what is below float32's range.
  std::vector<double> log_norms;

  /// From lag 1 on; nothing if there is none.
  [[nodiscard]] std::optional<MemoryHorizon> horizon() const;
};

struct InputReach {
  ReachCurve back;   ///< steps before; at lag 0, the step itself
  ReachCurve ahead;  ///< steps after; empty unless the stack is bidirectional
};

/// With g = ∂loss/∂h at the step t that a sequence is answered from, all others left out: the norms
/// of ∂(g·h_t)/∂x_{t-k}, and of ∂(g·h_t)/∂x_{t+k} in a bidirectional stack. Answered from the last
/// states, these are at the end; of a bidirectional stack, those of its last layer's reverse
/// direction are at the beginning, and `ahead` is counted from there. In float32, with the kernels
/// of training; all gradients of `net`'s parameters are emptied. Throws ShapeError, ConfigError if
/// a step that is answered is not in its sequence, and NumericError if a gradient is not finite.
[[nodiscard]] InputReach input_reach(Recurrent& net, const StackGradient& gradient);

}  // namespace riverrun::insight
