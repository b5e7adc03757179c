#pragma once

#include <cstdint>
#include <span>

#include "riverrun/core/list_span.h"
#include "riverrun/core/tensor.h"
#include "riverrun/nn/linear.h"
#include "riverrun/nn/tape.h"

namespace riverrun {

enum class Reduction { kMean, kSum };

struct CrossEntropyOptions {
  /// The mean is over the targets that are not ignored (NaN if all are), as PyTorch.
  Reduction reduction = Reduction::kMean;
  /// A target of this value counts neither for the loss nor for the gradient.
  std::int32_t ignore_index = -100;
};

/// The softmax cross-entropy in nats, -log softmax(logits)[target], as
/// torch.nn.functional.cross_entropy: logits [..., classes], one target for each row of logits,
/// in row-major order -> [] (rank 0). Throws ShapeError if the numbers of rows and targets differ
/// and ConfigError if a target is not in [0, classes).
Var cross_entropy(Var logits, IntSpan targets, const CrossEntropyOptions& options = {});

/// At most this many logits (or one row of them, if that is more) are in memory at any time in
/// linear_cross_entropy.
inline constexpr std::int64_t kMaxLogits = std::int64_t{1} << 22;

/// cross_entropy(decoder.forward(tape, hidden), targets) without ever holding all logits: rows are
/// taken in chunks, and the gradients of hidden, weight and bias are computed while a chunk's
/// logits are there. hidden [..., in_features] -> [] (rank 0), in nats. Throws as cross_entropy,
/// and Error if hidden is of another tape.
Var linear_cross_entropy(Linear& decoder, Tape& tape, Var hidden, IntSpan targets,
                         const CrossEntropyOptions& options = {});

/// For evaluation: the sum over the targets in nats, without gradients; an ignored target gives 0.
/// `per_target`, if not empty, gets the nats of each one and must be as long as targets. Throws as
/// above.
[[nodiscard]] double linear_cross_entropy(const Linear& decoder, const Tensor& hidden,
                                          IntSpan targets, std::span<double> per_target = {},
                                          std::int32_t ignore_index = -100);

/// The mean of (input - target)² over all elements, as torch.nn.functional.mse_loss: input of any
/// shape, one target for each element -> [] (rank 0). Throws ShapeError if their numbers differ.
Var mse_loss(Var input, ListSpan<float> targets);

/// The mean over targets and quantiles of the pinball loss (Koenker & Bassett 1978), max(q·e, (q -
/// 1)·e) where e = target - input, whose least mean has the quantile q as its input: input [...,
/// quantiles], one target for each row in row-major order -> [] (rank 0). A target that is NaN does
/// not count; NaN if all are. Throws ShapeError if numbers differ, and ConfigError unless each
/// quantile is in (0, 1).
Var quantile_loss(Var input, ListSpan<float> targets, ListSpan<double> quantiles);

}  // namespace riverrun
