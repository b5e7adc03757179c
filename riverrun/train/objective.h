#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "riverrun/nn/parameter.h"
#include "riverrun/nn/recurrent.h"
#include "riverrun/nn/tape.h"

namespace riverrun {

/// How good a model is on data that it does not learn from.
struct Judgement {
  double loss = 0;  ///< the mean per target
  /// What it is chosen by before its loss, if there is such a measure: the larger, the better.
  std::optional<double> score = std::nullopt;

  /// Whether this model is the better one: by the score, and by the loss if scores are equal.
  [[nodiscard]] bool better_than(const Judgement& other) const noexcept {
    return score == other.score ? loss < other.loss : score > other.score;
  }
};

/// One measurement on the data for validation.
struct Validation {
  std::int64_t step = 0;  ///< updates so far
  double epoch = 0;       ///< passes over the training data so far
  double lr = 0;          ///< of the last update
  double train_loss = 0;  ///< mean per target since the validation before, with dropout
  Judgement valid;        ///< without dropout
  bool best = false;      ///< of all so far
};

/// What is trained, on which data, and how it is judged: all that a Trainer has to know of a model
/// of any kind. What a model predicts and is judged by (tokens, labels, numbers) are its targets.
///
/// A run's bits are decided by what an objective returns; nothing of it may depend on the clock or
/// on the number of threads.
class Objective {
 public:
  Objective() = default;
  Objective(const Objective&) = delete;
  Objective& operator=(const Objective&) = delete;
  virtual ~Objective() = default;

  /// Always the same ones, in the same order.
  [[nodiscard]] virtual ParameterList parameters() = 0;

  /// How many batches the training data make.
  [[nodiscard]] virtual std::int64_t updates_per_epoch() const = 0;

  /// Takes the batch of update `step`, the first of which is 0: that of number step %
  /// updates_per_epoch() in epoch step / updates_per_epoch(). They are taken one after the other,
  /// but for the first one of a run that is resumed. May leave something in the gradients.
  virtual void take(std::int64_t step) = 0;
  struct Loss {
    Var mean;                  ///< [], over the targets
    std::int64_t targets = 0;  ///< of the batch
  };
  /// Of the batch that was taken. Carries the recurrent state on, where one is carried.
  virtual Loss loss(Tape& tape) = 0;

  /// Judges the model on the data for validation, without dropout; nothing if `go_on`, which is
  /// called now and then, returned false. The loss is not finite where no number can tell how bad
  /// it is.
  [[nodiscard]] virtual std::optional<Judgement> validate(const std::function<bool()>& go_on) = 0;

  // What a model of a simple kind need not say.

  /// After a validation that belongs to the run, before the checkpoint that follows it.
  virtual void validated(const Validation& /*validation*/) {}
  /// Of data so small that a validation after each epoch would cost more than it tells.
  [[nodiscard]] virtual std::int64_t epochs_between_validations() const { return 1; }
  /// Whether the model can do what it is trained for, so that the run ends before its last epoch;
  /// asked after each update and each validation.
  [[nodiscard]] virtual bool is_done() const { return false; }
  /// Of the loss, for messages: "nats per token".
  [[nodiscard]] virtual const char* unit() const { return "(loss)"; }
  /// About how many targets a batch has, and the data for validation: for choosing how often to
  /// validate, and telling how long it will take.
  [[nodiscard]] virtual std::int64_t targets_per_update() const { return 1; }
  [[nodiscard]] virtual std::int64_t valid_targets() const { return 0; }

  /// The recurrent state that the next batch begins with, and the one that it has where all are
  /// zeros. Empty where none is carried.
  [[nodiscard]] virtual State carried() const { return {}; }
  [[nodiscard]] virtual State zero_state() const { return {}; }
  virtual void set_carried(State /*state*/) {}

  /// What else changes while it trains, as a JSON value that set_state() takes. set_state() throws
  /// ConfigError for an invalid value.
  [[nodiscard]] virtual std::string state() const { return "null"; }
  virtual void set_state(const std::string& /*json*/) {}

  /// A JSON value, for the checkpoint: the model's options, how its data were made, and
  /// fingerprints by which they are recognised.
  [[nodiscard]] virtual std::string description() const { return "null"; }
  /// Adopts the parts of the description, in the checkpoint at `path`, that are stored but not
  /// compared. Throws ConfigError, which says what differs, unless a run of that description may go
  /// on as this one, and FormatError if the description is invalid.
  virtual void settle_with(const std::string& /*description*/, const std::string& /*path*/) {}
};

}  // namespace riverrun
