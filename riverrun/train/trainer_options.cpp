#include "riverrun/train/trainer_options.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "riverrun/core/error.h"

namespace riverrun {
void check(const TrainerOptions& o) {
  check_fields("Trainer", o);
  if (o.momentum != 0 && (o.optimizer == "adam" || o.optimizer == "adamw")) {
    throw ConfigError(
        fmt::format("Trainer: momentum is {}, which {} does not have; only sgd and "
                    "rmsprop do",
                    o.momentum, o.optimizer));
  }
}

std::unique_ptr<Optimizer> make_optimizer(const TrainerOptions& o,
                                          const ParameterList& parameters) {
  if (o.optimizer == "sgd") {
    return std::make_unique<SGD>(
        parameters, SGDOptions{.lr = o.lr, .momentum = o.momentum, .weight_decay = o.weight_decay});
  }
  if (o.optimizer == "rmsprop") {
    return std::make_unique<RMSProp>(
        parameters,
        RMSPropOptions{.lr = o.lr, .weight_decay = o.weight_decay, .momentum = o.momentum});
  }
  if (o.optimizer == "adam") {
    return std::make_unique<Adam>(parameters,
                                  AdamOptions{.lr = o.lr, .weight_decay = o.weight_decay});
  }
  return std::make_unique<AdamW>(parameters,
                                 AdamWOptions{.lr = o.lr, .weight_decay = o.weight_decay});
}

Schedule make_schedule(const TrainerOptions& o, std::int64_t steps_per_epoch) {
  if (o.schedule == "plateau") return {};
  const std::int64_t total = steps_per_epoch * o.epochs;
  Schedule schedule;
  if (o.schedule == "constant") {
    schedule = constant_schedule(o.lr);
  } else if (o.schedule == "step") {
    schedule = step_schedule({.lr = o.lr,
                              .step_size = steps_per_epoch,
                              .gamma = o.decay,
                              .first = steps_per_epoch * o.decay_after});
  } else {
    schedule = cosine_schedule(o.lr, total);
  }
  // A short run should not spend itself in warming up.
  const std::int64_t warmup = std::min(o.warmup, total / 10);
  return warmup > 0 ? warmup_schedule(warmup, std::move(schedule)) : schedule;
}

}  // namespace riverrun
