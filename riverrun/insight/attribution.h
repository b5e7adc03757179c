#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "riverrun/core/tensor.h"
#include "riverrun/nn/tape.h"

namespace riverrun::insight {

/// One number that a model answers, as a function of what it reads: of N variants of one sequence
/// side by side, x [T, N, I] on the tape, a value of N elements. No variant may depend on another.
using Answer = std::function<Var(Tape& tape, Var x)>;

struct AttributionOptions {
  /// How many inputs on the way from the baseline are looked at, at first.
  std::int64_t points = 32;
  /// They are doubled until the remainder is at most this part of the sum of all |attributions|,
  /// ...
  double tolerance = 0.01;
  /// ... or until they would be more than this.
  std::int64_t most_points = 512;
};

/// How much each number that was read contributed to an answer.
struct Attribution {
  std::vector<double> inputs;  ///< [T, I]
  double answer = 0;           ///< of the sequence
  double baseline = 0;         ///< of the baseline
  std::int64_t points = 0;     ///< that the last sum was made of

  /// What the attributions lack of answer - baseline, which they would add up to if the path were
  /// followed exactly.
  [[nodiscard]] double remainder() const;
  /// The sum of all |attributions|: what a remainder is small beside.
  [[nodiscard]] double size() const;
};

/// Integrated gradients (Sundararajan, Taly & Yan 2017, "Axiomatic Attribution for Deep Networks"):
/// of each number the difference from the baseline, times the mean of the answer's gradient along
/// the straight line from there, by Gauss-Legendre quadrature. x and baseline are [T, 1, I]. In
/// float32, with the kernels of training. Throws ShapeError; ConfigError unless points are at least
/// 1; NumericError if an answer or a gradient is not finite.
[[nodiscard]] Attribution integrated_gradients(const Answer& answer, const Tensor& x,
                                               const Tensor& baseline,
                                               const AttributionOptions& options = {});

}  // namespace riverrun::insight
