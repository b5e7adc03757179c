#include "riverrun/models/epoch_order.h"

#include <optional>
#include <utility>

#include <fmt/format.h>

#include "riverrun/core/error.h"
#include "riverrun/core/number.h"
#include "riverrun/core/random.h"
#include "riverrun/train/trainer_options.h"

namespace riverrun::models {

EpochOrder::EpochOrder(std::vector<std::int64_t> which, std::uint64_t seed)
    : which_(std::move(which)), seed_(seed) {}

const std::vector<std::int64_t>& EpochOrder::of_epoch(std::int64_t epoch) {
  if (epoch == epoch_) return order_;
  order_ = which_;
  Random random(seed_, static_cast<std::uint64_t>(epoch));
  for (std::size_t i = order_.size(); i > 1; --i) {
    std::swap(order_[i - 1], order_[random.below(static_cast<std::uint32_t>(i))]);
  }
  epoch_ = epoch;
  return order_;
}

std::int64_t EpochOrder::batches(std::int64_t batch_size) const noexcept {
  return (static_cast<std::int64_t>(which_.size()) - 1) / batch_size + 1;
}

std::int64_t parse_updates(const char* who, const std::string& json) {
  const std::optional<double> updates = parse_double(json);
  if (!updates || *updates < 0 || *updates > kMostUpdates * kMostUpdates) {
    throw ConfigError(
        fmt::format("{}: the state is {}; it must be the number of updates", who, json));
  }
  return static_cast<std::int64_t>(*updates);
}

Judgement judgement_of_learnt(double loss, std::int64_t updates) {
  return {.loss = loss, .score = 1.0 + static_cast<double>(updates)};
}

bool is_of_learnt(const Judgement& judgement) noexcept { return judgement.score > 1.0; }

std::int64_t epochs_between_validations(std::int64_t updates_per_epoch) noexcept {
  constexpr std::int64_t kLeastUpdates = 25;
  return (kLeastUpdates - 1) / updates_per_epoch + 1;
}

}  // namespace riverrun::models
