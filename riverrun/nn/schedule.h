#pragma once

#include <cstdint>
#include <functional>
#include <optional>

namespace riverrun {

/// The learning rate of update `step` (the first is 0). A pure function, so that a resumed run
/// needs nothing but the number of the step.
using Schedule = std::function<double(std::int64_t step)>;

/// All throw ConfigError if a rate is negative or not finite, or a number of steps not positive.

[[nodiscard]] Schedule constant_schedule(double lr);

struct StepScheduleOptions {
  double lr = 0.0;
  /// Every `step_size` steps the rate is multiplied by gamma ...
  std::int64_t step_size = 1;
  double gamma = 0.1;
  /// ... the first time at this step; 0 stands for step_size, as PyTorch's StepLR.
  std::int64_t first = 0;
};
[[nodiscard]] Schedule step_schedule(const StepScheduleOptions& options);

/// From lr at step 0 along half a cosine to min_lr at total_steps (Loshchilov & Hutter 2017), as
/// PyTorch's CosineAnnealingLR; afterwards min_lr.
[[nodiscard]] Schedule cosine_schedule(double lr, std::int64_t total_steps, double min_lr = 0.0);

/// `schedule` multiplied by (step + 1) / warmup_steps in the first warmup_steps steps.
[[nodiscard]] Schedule warmup_schedule(std::int64_t warmup_steps, Schedule schedule);

struct ReduceOnPlateauOptions {
  double lr = 0.0;
  double factor = 0.1;
  /// How many measurements without improvement are borne; the next one reduces the rate.
  std::int64_t patience = 10;
  /// An improvement is a value below best * (1 - threshold).
  double threshold = 1e-4;
  /// How many measurements after a reduction are not held against it.
  std::int64_t cooldown = 0;
  double min_lr = 0.0;
};

/// Reduces the rate when a measured value, such as the validation loss, stops falling; as
/// PyTorch's ReduceLROnPlateau in mode "min".
class ReduceOnPlateau {
 public:
  /// Throws ConfigError.
  explicit ReduceOnPlateau(const ReduceOnPlateauOptions& options);

  /// Takes in a measurement and returns the rate from now on. NaN is no improvement.
  double update(double measured);
  [[nodiscard]] double lr() const noexcept { return state_.lr; }

  /// All that changes, to be saved and set back.
  struct State {
    double lr = 0.0;
    std::optional<double> best;  ///< of all measurements
    std::int64_t bad_measurements = 0;
    std::int64_t cooldown_left = 0;
    friend bool operator==(const State&, const State&) = default;
  };
  [[nodiscard]] const State& state() const noexcept { return state_; }
  void set_state(const State& state) noexcept { state_ = state; }

 private:
  ReduceOnPlateauOptions options_;
  State state_;
};

}  // namespace riverrun
