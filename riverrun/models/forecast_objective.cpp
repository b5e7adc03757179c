#include "riverrun/models/forecast_objective.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numeric>
#include <utility>

#include "riverrun/core/error.h"
#include "riverrun/core/hash.h"
#include "riverrun/core/random.h"

namespace riverrun::models {
namespace {

/// What is drawn while training, each from a stream of seeds of its own.
enum SeedPart : std::uint64_t { kOrder = 100 };

std::size_t at(std::int64_t index) { return static_cast<std::size_t>(index); }

/// Of all that the windows read, and which they are.
std::uint64_t hash_of(const ForecastPart& part) {
  Fnv1a hash;
  if (part.data == nullptr) return hash.value();
  const auto mix = [&hash](const std::vector<float>& values) {
    for (const float value : values) hash.mix(std::bit_cast<std::uint32_t>(value));
  };
  for (const ForecastData::Line& line : part.data->lines()) mix(line.values);
  for (const ForecastData::Series& series : part.data->series()) {
    mix(series.covariates);
    mix(series.calendar);
  }
  for (const ForecastWindow& window : part.windows) {
    hash.mix(static_cast<std::uint64_t>(window.line));
    hash.mix(static_cast<std::uint64_t>(window.origin));
  }
  return hash.value();
}

const ForecastTraining& checked(const ForecastTraining& learning) {
  check_fields("ForecastObjective", learning);
  return learning;
}

std::vector<std::int64_t> first_numbers(std::size_t count) {
  std::vector<std::int64_t> numbers(count);
  std::iota(numbers.begin(), numbers.end(), 0);
  return numbers;
}

}  // namespace

ForecastObjective::ForecastObjective(Forecaster& model, ForecastPart train, ForecastPart valid,
                                     const TrainerOptions& options,
                                     const ForecastTraining& learning)
    : RunObjective("ForecastObjective", "the series"),
      model_(model),
      validates_(!valid.windows.empty()),
      train_(std::move(train)),
      judged_(validates_ ? std::move(valid) : train_),
      batch_size_(options.batch_size),
      learning_(checked(learning)),
      train_hash_(hash_of(train_)),
      valid_hash_(validates_ ? hash_of(judged_) : 0),
      order_(first_numbers(train_.windows.size()), part_seed(options.seed, kOrder)) {
  riverrun::check(options);
  if (batch_size_ < 1) {
    throw ConfigError("ForecastObjective: batch_size is 0; it must be at least 1");
  }
  if (train_.windows.empty()) {
    throw ConfigError("ForecastObjective: there is no window to learn from");
  }
}

std::int64_t ForecastObjective::updates_per_epoch() const {
  // An epoch of a very large file should end within minutes.
  constexpr std::int64_t kMost = 2000;
  return std::min(order_.batches(batch_size_), kMost);
}

std::int64_t ForecastObjective::epochs_between_validations() const {
  return models::epochs_between_validations(updates_per_epoch());
}

void ForecastObjective::take(std::int64_t step) {
  const std::vector<std::int64_t>& order = order_.of_epoch(step / updates_per_epoch());
  const std::int64_t first = step % updates_per_epoch() * batch_size_;
  const std::int64_t size = std::min(batch_size_, std::ssize(train_.windows) - first);
  batch_.clear();
  for (std::int64_t i = first; i < first + size; ++i) {
    batch_.push_back(train_.windows[at(order[at(i)])]);
  }
  taken_ = step + 1;
}

Objective::Loss ForecastObjective::loss(Tape& tape) {
  return {.mean = model_.loss(tape, *train_.data, batch_), .targets = std::ssize(batch_)};
}

std::optional<Judgement> ForecastObjective::validate(const std::function<bool()>& go_on) {
  constexpr std::int64_t kPiece = 256;  // windows after which it may be stopped
  double sum = 0;
  std::int64_t targets = 0;
  const std::span<const ForecastWindow> windows = judged_.windows;
  for (std::int64_t first = 0; first < std::ssize(windows); first += kPiece) {
    if (!go_on()) return std::nullopt;
    const Forecaster::LossSum loss = model_.loss_sum(
        *judged_.data,
        windows.subspan(at(first), at(std::min(kPiece, std::ssize(windows) - first))));
    sum += loss.sum;
    targets += loss.targets;
  }
  double loss = sum / static_cast<double>(targets);
  if (!std::isfinite(loss)) loss = std::numeric_limits<double>::infinity();
  if (!validates_) return judgement_of_learnt(loss, taken_);
  return Judgement{.loss = loss};
}

const char* ForecastObjective::unit() const {
  return model_.options().method == ForecastMethod::kSegments ? "(quantile loss)" : "nats per row";
}

RunDescription<ForecastRun> ForecastObjective::described() const {
  return {.model = model_.options(),
          .learning = learning_,
          .train_examples = std::ssize(train_.windows),
          .train_hash = train_hash_,
          .valid_examples = validates_ ? std::ssize(judged_.windows) : 0,
          .valid_hash = valid_hash_};
}

}  // namespace riverrun::models
