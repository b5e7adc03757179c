#include "riverrun/lm/trainer_options.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "riverrun/core/error.h"

namespace riverrun::lm {
namespace {

template <std::size_t n>
void check_one_of(const char* name, const std::string& value,
                  const std::array<std::string_view, n>& allowed) {
  if (std::find(allowed.begin(), allowed.end(), value) != allowed.end()) return;
  std::string names;
  for (const std::string_view a : allowed)
    names += fmt::format("{}{}", names.empty() ? "" : ", ", a);
  throw ConfigError(fmt::format("Trainer: {} is \"{}\"; it must be one of {}", name, value, names));
}

}  // namespace

void check(const TrainerOptions& o) {
  const auto positive = [](const char* name, std::int64_t value) {
    if (value < 1) {
      throw ConfigError(fmt::format("Trainer: {} is {}; it must be at least 1", name, value));
    }
  };
  const auto not_negative = [](const char* name, double value) {
    if (!(value >= 0) || !std::isfinite(value)) {
      throw ConfigError(
          fmt::format("Trainer: {} is {}; it must be a finite number of at least 0", name, value));
    }
  };
  positive("seq_len", o.seq_len);
  positive("epochs", o.epochs);
  positive("decay_after", o.decay_after);
  check_one_of<4>("optimizer", o.optimizer, {"sgd", "adam", "adamw", "rmsprop"});
  check_one_of<4>("schedule", o.schedule, {"constant", "step", "cosine", "plateau"});
  not_negative("batch_size", static_cast<double>(o.batch_size));
  not_negative("lr", o.lr);
  not_negative("momentum", o.momentum);
  not_negative("weight_decay", o.weight_decay);
  not_negative("clip", o.clip);
  not_negative("warmup", static_cast<double>(o.warmup));
  not_negative("valid_every", static_cast<double>(o.valid_every));
  if (!(o.decay > 0 && o.decay < 1)) {
    throw ConfigError(fmt::format("Trainer: decay is {}; it must be between 0 and 1", o.decay));
  }
  if (o.momentum >= 1) {
    throw ConfigError(
        fmt::format("Trainer: momentum is {}; it must be below 1, or the updates grow without end",
                    o.momentum));
  }
  if (o.momentum != 0 && (o.optimizer == "adam" || o.optimizer == "adamw")) {
    throw ConfigError(
        fmt::format("Trainer: momentum is {}, which {} does not have; only sgd and "
                    "rmsprop do",
                    o.momentum, o.optimizer));
  }
  // Products of these are computed as 64-bit numbers.
  constexpr std::int64_t kLargest = std::int64_t{1} << 30;
  for (const auto& [name, value] : {std::pair{"seq_len", o.seq_len},
                                    {"batch_size", o.batch_size},
                                    {"epochs", o.epochs},
                                    {"warmup", o.warmup},
                                    {"decay_after", o.decay_after},
                                    {"valid_every", o.valid_every}}) {
    if (value > kLargest) {
      throw ConfigError(
          fmt::format("Trainer: {} is {}; it must be at most {}", name, value, kLargest));
    }
  }
}

std::int64_t chosen_batch_size(const TrainerOptions& o, std::int64_t train_tokens) {
  if (o.batch_size > 0) return o.batch_size;
  constexpr std::int64_t kMost = 32;
  constexpr std::int64_t kLeastUpdates = 64;
  std::int64_t batch_size = kMost;
  while (batch_size > 1 && train_tokens / o.seq_len < kLeastUpdates * batch_size) batch_size /= 2;
  return batch_size;
}

std::int64_t steps_per_epoch(const TrainerOptions& o, std::int64_t train_tokens) {
  // As text::Batches has it: streams of equal lengths, the last token of the text only predicted.
  const std::int64_t stream =
      std::max<std::int64_t>(train_tokens - 1, 0) / chosen_batch_size(o, train_tokens);
  return stream / o.seq_len + (stream % o.seq_len != 0 ? 1 : 0);
}

std::unique_ptr<Optimizer> make_optimizer(const TrainerOptions& o,
                                          const ParameterList& parameters) {
  if (o.optimizer == "sgd") {
    SGDOptions options;
    options.lr = o.lr;
    options.momentum = o.momentum;
    options.weight_decay = o.weight_decay;
    return std::make_unique<SGD>(parameters, options);
  }
  if (o.optimizer == "rmsprop") {
    RMSPropOptions options;
    options.lr = o.lr;
    options.momentum = o.momentum;
    options.weight_decay = o.weight_decay;
    return std::make_unique<RMSProp>(parameters, options);
  }
  if (o.optimizer == "adam") {
    AdamOptions options;
    options.lr = o.lr;
    options.weight_decay = o.weight_decay;
    return std::make_unique<Adam>(parameters, options);
  }
  AdamWOptions options;
  options.lr = o.lr;
  options.weight_decay = o.weight_decay;
  return std::make_unique<AdamW>(parameters, options);
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

}  // namespace riverrun::lm
