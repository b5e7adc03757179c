#pragma once

// The order in which a run learns from examples, and how far it is; not for users.

#include <cstdint>
#include <string>
#include <vector>

#include "riverrun/train/objective.h"

namespace riverrun::models {

/// Draws an order for each epoch, by the seed and the epoch alone.
class EpochOrder {
 public:
  EpochOrder(std::vector<std::int64_t> which, std::uint64_t seed);
  /// Shuffled (Fisher & Yates 1938; Durstenfeld 1964).
  [[nodiscard]] const std::vector<std::int64_t>& of_epoch(std::int64_t epoch);
  /// How many batches of so many it makes, the last of which may be smaller.
  [[nodiscard]] std::int64_t batches(std::int64_t batch_size) const noexcept;

 private:
  std::vector<std::int64_t> which_;
  std::uint64_t seed_;
  std::vector<std::int64_t> order_;
  std::int64_t epoch_ = -1;  // that order_ is of
};

/// A number of updates, as a state of an Objective has it. Throws ConfigError, which begins with
/// `who`, if it is none.
[[nodiscard]] std::int64_t parse_updates(const char* who, const std::string& json);

/// Of a run with nothing to validate on, which is judged on what it learnt: the later, the better.
[[nodiscard]] Judgement judgement_of_learnt(double loss, std::int64_t updates);
/// Whether it is such a one. The score of all others of this room is none, or at most 1.
[[nodiscard]] bool is_of_learnt(const Judgement& judgement) noexcept;

/// Epochs between validations, so that there are at least 25 updates between them.
[[nodiscard]] std::int64_t epochs_between_validations(std::int64_t updates_per_epoch) noexcept;

}  // namespace riverrun::models
