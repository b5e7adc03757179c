#pragma once

#include <cstdint>
#include <vector>

#include "riverrun/data/text/batches.h"
#include "riverrun/insight/horizon.h"
#include "riverrun/lm/language_model.h"

namespace riverrun::lm {

/// How strongly the loss of a token depends on a state some steps before it.
struct StateGradient {
  /// The steps between: the last of them reads the token before the one that is predicted, and 1
  /// means the state that this step begins with.
  std::int64_t lag = 0;
  /// The Euclidean norm of ∂loss/∂state over all layers and units, as the root of the mean square
  /// over the sequences; one for each state of the cell ("h", and "c" for an LSTM).
  std::vector<double> norms;

  friend bool operator==(const StateGradient&, const StateGradient&) = default;
};

/// A measurement of a training run: how far back the gradient reaches.
struct Reach {
  std::int64_t step = 0;  ///< updates before it
  std::vector<StateGradient> gradients;
};

/// Of all states together: the gradient of one alone may reach far and be next to nothing, as that
/// of a saturated cell state.
[[nodiscard]] insight::MemoryHorizon memory_horizon(const std::vector<StateGradient>& gradients);

/// Measures in a training run how far back the gradient reaches, so seldom and on so few sequences
/// that it takes less than one per cent of the time. Its cost is bounded by counting operations,
/// not by the clock, so that a run repeated or resumed measures the same.
class HorizonProbe {
 public:
  /// `model` must outlive the probe; `options` are those of the run's batches.
  HorizonProbe(LanguageModel& model, const text::BatchOptions& options);

  /// The updates from one measurement to the next: at least 200, as a measurement may take as
  /// long as an update, and more if it is not much cheaper.
  [[nodiscard]] std::int64_t every() const noexcept { return every_; }

  /// At the lags 1, 2, 4, … and at the beginning of the chunk, in rising order, without dropout.
  /// `initial` is the state at the chunk's beginning (empty: zeros). Of the batch, the first eight
  /// sequences are read, so that the memory needed is at most that of an update; it is freed at the
  /// end. Adds to the gradients of the model's parameters, which the caller should empty.
  [[nodiscard]] std::vector<StateGradient> measure(const text::Batch& chunk,
                                                   const State& initial) const;

 private:
  LanguageModel& model_;
  std::int64_t every_;
};

}  // namespace riverrun::lm
