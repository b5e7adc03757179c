#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "riverrun/cell/dual.h"
#include "riverrun/core/tensor.h"
#include "riverrun/insight/exact_recurrent.h"
#include "riverrun/insight/openings.h"
#include "riverrun/nn/recurrent.h"

namespace riverrun::insight {

/// What the units of one layer did in one step. Dimension letters: O openings, H hidden_size, S
/// states.
struct LayerStep {
  std::span<const double> openings;  ///< [O, H]
  /// The part of its memory (see below) that a unit keeps: ∂s'/∂s with the gates held, which is
  /// σ(f) for an LSTM, σ(z) for a GRU, and 0 for a cell that reads its state through its weights
  /// alone. [H]
  std::span<const double> retention;
  std::vector<std::span<const double>> states;  ///< S times [H], after the step

  /// The second state, c of an LSTM; the only one, h, of a cell without it. [H]
  [[nodiscard]] std::span<const double> memory() const {
    return states[memory_state(states.size())];
  }
  [[nodiscard]] static constexpr std::size_t memory_state(std::size_t state_count) {
    return state_count > 1 ? 1 : 0;
  }
  [[nodiscard]] std::span<const double> opening(std::size_t o) const {
    return openings.subspan(o * retention.size(), retention.size());
  }
};

/// Reads one sequence piece by piece, with the state carried on, and shows every gate of every
/// step. Needs memory for one piece.
class GateTrace {
 public:
  /// Takes the parameters as they are now. Throws ConfigError as ExactRecurrent.
  explicit GateTrace(const Recurrent& net);

  [[nodiscard]] const std::vector<Opening>& openings() const noexcept { return openings_; }

  /// One entry for each layer; valid during the call.
  using Visit = std::function<void(std::span<const LayerStep>)>;
  /// The next steps, x [T, 1, I]. Throws ShapeError, NumericError.
  void read(const Tensor& x, const Visit& visit);
  /// Back to a zero state: what is read next is another sequence.
  void reset() { run_ = {}; }

 private:
  void evaluate(std::size_t layer, std::int64_t t);

  ExactRecurrent net_;
  std::vector<Opening> openings_;
  ExactRecurrent::Run run_;
  std::vector<std::vector<double>> values_;  // for each layer [O + 1, H]: openings, retention
  std::vector<Dual> nodes_;
};

}  // namespace riverrun::insight
