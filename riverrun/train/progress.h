#pragma once

#include <cstdint>

namespace riverrun {

/// Where a training run is; for showing it.
struct Progress {
  std::int64_t step = 0;
  std::int64_t total_steps = 0;
  std::int64_t epoch = 0;  // the current one, from 1
  std::int64_t epochs = 0;
  double loss = 0;  // a running mean of the training loss per target
  double lr = 0;
  double grad_norm = 0;       // of the last update, before clipping
  double mean_grad_norm = 0;  // a running mean of it
  double targets_per_second = 0;
  /// Until run() returns: the updates and validations up to the last epoch's end or, if it comes
  /// first, the time limit, and the validation that follows it.
  double seconds_left = 0;
};

/// An exponential mean, in which a value that is n values old weighs 0.95^n. It is corrected for
/// its beginning, as Adam's moments are: divided by the sum of the weights so far. Otherwise the
/// first value would weigh as much as all that came before it.
class RunningMean {
 public:
  void add(double value) noexcept;
  /// NaN before the first value.
  [[nodiscard]] double value() const noexcept { return sum_ / weight_; }

 private:
  double sum_ = 0;
  double weight_ = 0;
};

/// When a run validates: after every `valid_every` updates, and after each epoch, or each few ones.
struct ValidationPlan {
  std::int64_t steps_of_epochs = 1;  ///< the updates of these few
  std::int64_t valid_every = 1;

  [[nodiscard]] bool due_after(std::int64_t step) const noexcept;
  /// After how many of the updates [first, last] one is due; both at least 1.
  [[nodiscard]] std::int64_t due_within(std::int64_t first, std::int64_t last) const noexcept;
};

}  // namespace riverrun
