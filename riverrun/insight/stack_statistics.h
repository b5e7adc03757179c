#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "riverrun/core/tensor.h"
#include "riverrun/insight/gate_trace.h"
#include "riverrun/insight/unit_statistics.h"
#include "riverrun/nn/recurrent.h"

namespace riverrun::insight {

/// What the units of a stack do over many sequences, each read from a zero state; of a
/// bidirectional stack too. Each layer and direction is a network of its own, which reads what it
/// would read in the stack, the reverse direction from the end.
class StackStatistics {
 public:
  /// Takes the parameters as they are now. Throws ConfigError if there is a projection.
  explicit StackStatistics(const Recurrent& net);

  /// One sequence, [T, 1, I]. Throws ShapeError, and NumericError if a state is not finite.
  void add(const Tensor& x);

  /// What the units of one layer and direction did: UnitStatistics of a single layer, 0.
  struct Part {
    std::size_t layer = 0;
    bool reverse = false;
    GateTrace trace;
    UnitStatistics units;
  };
  /// Layer by layer, the forward direction first.
  [[nodiscard]] std::span<const Part> parts() const noexcept { return parts_; }
  [[nodiscard]] const std::vector<Opening>& openings() const noexcept {
    return parts_.front().trace.openings();
  }
  [[nodiscard]] std::int64_t steps() const noexcept { return parts_.front().units.steps(); }
  [[nodiscard]] std::int64_t hidden_size() const noexcept { return hidden_; }

  /// Over all units of a part.
  [[nodiscard]] double mean_opening(const Part& part, std::size_t opening) const;

  struct Ranked {
    std::size_t part = 0;  ///< of parts()
    std::size_t unit = 0;
    double time_constant = 0;  ///< see UnitStatistics
  };
  /// All units by falling time constant; those that keep nothing are left out.
  [[nodiscard]] std::vector<Ranked> by_memory() const;

 private:
  std::int64_t hidden_;
  std::vector<Part> parts_;
};

}  // namespace riverrun::insight
