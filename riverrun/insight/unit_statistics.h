#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "riverrun/insight/gate_trace.h"

namespace riverrun::insight {

/// A unit of a network; both count from 0, as PyTorch's names do.
struct Unit {
  std::size_t layer = 0;
  std::size_t index = 0;

  friend bool operator==(const Unit&, const Unit&) = default;
};

/// What the units of a network do over a long text, from sums that need no memory for its length.
class UnitStatistics {
 public:
  UnitStatistics(std::size_t layers, std::size_t hidden_size, std::size_t openings,
                 std::size_t features);

  /// One entry of `layers` for each layer; `features` of the token that was read in this step.
  void add(std::span<const LayerStep> layers, std::span<const double> features);

  [[nodiscard]] std::int64_t steps() const noexcept { return steps_; }
  [[nodiscard]] double mean_opening(Unit unit, std::size_t opening) const;
  /// The geometric mean of what the unit keeps of its state in a step; 0 if it ever keeps nothing.
  /// Not the arithmetic one, because over many steps what is kept is the product: a gate that is
  /// shut once in ten steps forgets, though it is open by 0.9 on average.
  [[nodiscard]] double mean_retention(Unit unit) const;
  /// −1 / ln(mean_retention()): the steps after which 1/e of a state is left. 0 if nothing is kept;
  /// infinite if all is.
  [[nodiscard]] double time_constant(Unit unit) const;
  /// Pearson's coefficient of the unit's memory (c of an LSTM) and a feature, in [−1, 1];
  /// nothing if one of them never changes.
  [[nodiscard]] std::optional<double> correlation(Unit unit, std::size_t feature) const;

  struct Ranked {
    Unit unit;
    double value = 0;
  };
  /// All units, by falling time constant; those that keep nothing are left out. Units that are
  /// equal are in the order of their numbers.
  [[nodiscard]] std::vector<Ranked> by_memory() const;
  /// All units by falling |correlation| with a feature; without those that have none.
  [[nodiscard]] std::vector<Ranked> by_correlation(std::size_t feature) const;

 private:
  [[nodiscard]] std::size_t place(Unit unit) const { return unit.layer * hidden_ + unit.index; }

  std::size_t layers_;
  std::size_t hidden_;
  std::size_t openings_;
  std::int64_t steps_ = 0;
  // Means and sums of squared and multiplied deviations, updated step by step (Welford 1962).
  std::vector<double> mean_opening_;     // [L*H, O]
  std::vector<double> log_retention_;    // [L*H]: the sum
  std::vector<double> mean_state_;       // [L*H]
  std::vector<double> squares_state_;    // [L*H]
  std::vector<double> mean_feature_;     // [F]
  std::vector<double> squares_feature_;  // [F]
  std::vector<double> products_;         // [L*H, F]
};

}  // namespace riverrun::insight
