#include "riverrun/nn/schedule.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <utility>

#include <fmt/format.h>

#include "riverrun/core/error.h"

namespace riverrun {
namespace {

void check_rate(const char* who, const char* option, double value) {
  if (value >= 0.0 && std::isfinite(value)) return;
  throw ConfigError(
      fmt::format("{}: {} is {}; it must be finite and at least 0", who, option, value));
}

void check_at_least(const char* who, const char* option, std::int64_t value, std::int64_t least) {
  if (value >= least) return;
  throw ConfigError(fmt::format("{}: {} is {}; it must be at least {}", who, option, value, least));
}

}  // namespace

Schedule constant_schedule(double lr) {
  check_rate("constant_schedule", "lr", lr);
  return [lr](std::int64_t) { return lr; };
}

Schedule step_schedule(const StepScheduleOptions& options) {
  check_rate("step_schedule", "lr", options.lr);
  check_rate("step_schedule", "gamma", options.gamma);
  check_at_least("step_schedule", "step_size", options.step_size, 1);
  check_at_least("step_schedule", "first", options.first, 0);
  return [options](std::int64_t step) {
    const std::int64_t first = options.first == 0 ? options.step_size : options.first;
    if (step < first) return options.lr;
    const std::int64_t reductions = 1 + (step - first) / options.step_size;
    return options.lr * std::pow(options.gamma, static_cast<double>(reductions));
  };
}

Schedule cosine_schedule(double lr, std::int64_t total_steps, double min_lr) {
  check_rate("cosine_schedule", "lr", lr);
  check_rate("cosine_schedule", "min_lr", min_lr);
  check_at_least("cosine_schedule", "total_steps", total_steps, 1);
  return [=](std::int64_t step) {
    const double done =
        static_cast<double>(std::min(step, total_steps)) / static_cast<double>(total_steps);
    return min_lr + (lr - min_lr) * 0.5 * (1.0 + std::cos(std::numbers::pi * done));
  };
}

Schedule warmup_schedule(std::int64_t warmup_steps, Schedule schedule) {
  check_at_least("warmup_schedule", "warmup_steps", warmup_steps, 1);
  if (!schedule) throw ConfigError("warmup_schedule: schedule is empty; it must be a function");
  return [warmup_steps, inner = std::move(schedule)](std::int64_t step) {
    const double lr = inner(step);
    if (step >= warmup_steps) return lr;
    return lr * static_cast<double>(step + 1) / static_cast<double>(warmup_steps);
  };
}

ReduceOnPlateau::ReduceOnPlateau(const ReduceOnPlateauOptions& options) : options_(options) {
  check_rate("ReduceOnPlateau", "lr", options.lr);
  check_rate("ReduceOnPlateau", "min_lr", options.min_lr);
  check_rate("ReduceOnPlateau", "threshold", options.threshold);
  check_at_least("ReduceOnPlateau", "patience", options.patience, 0);
  check_at_least("ReduceOnPlateau", "cooldown", options.cooldown, 0);
  if (!(options.factor >= 0.0 && options.factor < 1.0)) {
    throw ConfigError(
        fmt::format("ReduceOnPlateau: factor is {}; it must be in [0, 1)", options.factor));
  }
  state_.lr = options.lr;
}

double ReduceOnPlateau::update(double measured) {
  if (measured <
      state_.best.value_or(std::numeric_limits<double>::infinity()) * (1.0 - options_.threshold)) {
    state_.best = measured;
    state_.bad_measurements = 0;
  } else {
    ++state_.bad_measurements;
  }
  if (state_.cooldown_left > 0) {
    --state_.cooldown_left;
    state_.bad_measurements = 0;
  }
  if (state_.bad_measurements > options_.patience) {
    // PyTorch makes no reduction smaller than this.
    constexpr double kSmallest = 1e-8;
    const double reduced = std::max(state_.lr * options_.factor, options_.min_lr);
    if (state_.lr - reduced > kSmallest) state_.lr = reduced;
    state_.cooldown_left = options_.cooldown;
    state_.bad_measurements = 0;
  }
  return state_.lr;
}

}  // namespace riverrun
