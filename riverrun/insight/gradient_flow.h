#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "riverrun/core/tensor.h"
#include "riverrun/insight/exact_recurrent.h"
#include "riverrun/insight/horizon.h"
#include "riverrun/nn/linear.h"

namespace riverrun::insight {

/// ∂L/∂(last output) [run.batch, H] of the sequences `first` and following of a batch, once they
/// have been run.
using LossGradient =
    std::function<std::vector<double>(const ExactRecurrent::Run& run, std::int64_t first)>;

/// Of L = u·h with a random unit vector u for each sequence: its norm at lag 0 is 1.
[[nodiscard]] LossGradient random_direction(std::uint64_t seed);

/// Of the cross-entropy (nats) of `targets`, one for each sequence of the batch, as a decoder makes
/// logits of the last output. The decoder must outlive it. Throws ConfigError if a target is not in
/// [0, out_features).
[[nodiscard]] LossGradient last_token_loss(const Linear& decoder,
                                           std::vector<std::int32_t> targets);

/// How the gradient of one state of one layer depends on the lag.
struct GradientCurve {
  std::size_t layer = 0;
  std::size_t state = 0;
  /// [T+1]: at lag k in [0, T], the natural logarithm of the mean over the batch of the Euclidean
  /// norm of ∂L/∂(state k steps before the end); −∞ for 0.
  std::vector<double> log_norms;

  /// From lag 1 on. Throws ConfigError if T is 0.
  [[nodiscard]] MemoryHorizon horizon() const;
};

/// The batch is taken so many sequences at a time, so that its size costs no memory.
inline constexpr std::int64_t kSequencesTogether = 8;

/// The curves of all layers and states of a network that has run over x [T, B, I]. Throws
/// ShapeError and NumericError.
[[nodiscard]] std::vector<GradientCurve> gradient_flow(const ExactRecurrent& net, const Tensor& x,
                                                       const LossGradient& loss);

/// Sequences [first, first + count) of x [T, B, I].
[[nodiscard]] Tensor sequences(const Tensor& x, std::int64_t first, std::int64_t count);

/// 1, 2, 5, 10, 20, 50, … up to `steps`, and `steps`.
[[nodiscard]] std::vector<std::int64_t> round_lags(std::int64_t steps);

}  // namespace riverrun::insight
