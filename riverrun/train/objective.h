#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "riverrun/nn/parameter.h"
#include "riverrun/nn/recurrent.h"
#include "riverrun/nn/tape.h"

namespace riverrun::train {

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
  /// About how many targets a batch has, and the data for validation: for choosing how often to
  /// validate, and telling how long it will take.
  [[nodiscard]] virtual std::int64_t targets_per_update() const = 0;
  [[nodiscard]] virtual std::int64_t valid_targets() const = 0;

  /// Where the next batch is.
  struct Position {
    std::int64_t epoch = 0;
    std::int64_t update = 0;  ///< in [0, updates_per_epoch()]
    friend bool operator==(const Position&, const Position&) = default;
  };
  [[nodiscard]] virtual Position position() const = 0;
  /// Throws ConfigError for a position that is not in the data.
  virtual void seek(const Position& position) = 0;

  /// Takes the next batch, at the end of an epoch the first of the following one. May leave
  /// something in the gradients.
  virtual void next() = 0;
  struct Loss {
    Var mean;                  ///< [], over the targets
    std::int64_t targets = 0;  ///< of the batch
  };
  /// Of the batch that next() took. Carries the recurrent state on, where one is carried.
  virtual Loss loss(Tape& tape) = 0;

  /// The mean loss per target of the data for validation, without dropout; nothing if `go_on`,
  /// which is called now and then, returned false. Not finite where no number can tell how bad it
  /// is.
  [[nodiscard]] virtual std::optional<double> validate(
      const std::function<bool()>& go_on) const = 0;
  /// Of the loss: "nats per token".
  [[nodiscard]] virtual const char* unit() const = 0;

  /// The recurrent state that the next batch begins with, and the one that it has where all are
  /// zeros. Empty where none is carried.
  [[nodiscard]] virtual State carried() const { return {}; }
  [[nodiscard]] virtual State zero_state() const { return {}; }
  virtual void set_carried(State /*state*/) {}

  /// A JSON object, for the checkpoint: the model's options, how its data were made, and by what
  /// they can be known again.
  [[nodiscard]] virtual std::string description() const = 0;
  /// Takes on what of the description, in the checkpoint at `path`, is only kept. Throws
  /// ConfigError, which says what differs, unless a run that was described so may go on as this
  /// one, and FormatError if it describes none.
  virtual void settle_with(const std::string& description, const std::string& path) = 0;
};

}  // namespace riverrun::train
