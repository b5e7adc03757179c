#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "riverrun/train/model_files.h"
#include "riverrun/train/objective.h"
#include "riverrun/train/progress.h"
#include "riverrun/train/run_folder.h"
#include "riverrun/train/trainer_options.h"

namespace riverrun {

/// kFinished: the last epoch has ended, or the objective is done; kNoImprovement: the patience of
/// the options is used up.
enum class StopReason { kFinished, kNoImprovement, kTimeLimit, kInterrupted };

struct TrainingResult {
  StopReason reason = StopReason::kFinished;
  std::int64_t steps = 0;    // of the whole run, before an interruption too
  std::int64_t targets = 0;  // learnt from since this call
  double seconds = 0;        // since this call
  /// Of the whole run, and the last; of more than 1,000, every second, fourth, … only.
  std::vector<Validation> validations;
  /// The best validation; not set if there was none yet.
  std::optional<Validation> best;
  /// Whether the folder holds a model (model.safetensors) of this run.
  bool model_saved = false;
  /// What was measured of that model; not set if nothing was. It is better than `best` if the time
  /// limit ended this or an earlier call at a moment that was better than all validations, and
  /// worse if the file of the best model was removed.
  std::optional<Measured> saved;
};

/// Trains the model of an Objective and keeps the best one seen in validation, in memory or in a
/// folder beside a checkpoint to resume from.
///
/// The same objective, options and seed give the same bits for any number of threads, and also if
/// the process is killed at any moment and the run resumed: the clock decides when a checkpoint is
/// written and never what is computed.
class Trainer {
 public:
  struct Watch {
    /// After each update.
    std::function<void(const Progress&)> progress;
    std::function<void(const Validation&)> validation;
    /// Ends run() after the current update when it becomes true.
    const std::atomic<bool>* stop = nullptr;
    /// Ends run() after so many seconds; 0 for no limit.
    double max_seconds = 0;
  };

  /// The objective must outlive the trainer. Throws ConfigError if an option is out of range or an
  /// epoch of the objective has no updates.
  Trainer(Objective& objective, const TrainerOptions& options);
  Trainer(const Trainer&) = delete;
  Trainer& operator=(const Trainer&) = delete;
  ~Trainer();

  /// Throws IoError unless the disk of `folder`, which need not be there yet, has room for what the
  /// run will write.
  void check_space(const std::filesystem::path& folder) const;

  /// For a run from the beginning in `folder`, which must outlive the trainer: writes the first
  /// checkpoint, and config.json if there is none. Throws IoError, as check_space() too, and
  /// FormatError for a config.json that cannot be read.
  void begin(RunFolder& folder);

  /// For a run that leaves no files: the best weights are kept in memory.
  void begin();

  /// For a run that goes on from the checkpoint in `folder`. Throws IoError (also as
  /// check_space()), FormatError, also for a checkpoint of another run than config.json,
  /// NumericError for one with NaN or infinity in it, and ConfigError if the objective or the
  /// options are not those of the checkpoint; only `epochs` and `patience` may differ. If it
  /// throws, no parameter has changed.
  void resume(RunFolder& folder);

  /// After begin() or resume(): trains until the last epoch's end, the objective is done, the
  /// options' patience is used up, the time limit, or the stop flag. Throws NumericError if the
  /// loss or the gradient is not finite: the message says at which step and what to try, and the
  /// files are those from before; IoError.
  TrainingResult run(const Watch& watch);

  /// After run(): gives the parameters the best weights that were kept. Throws IoError,
  /// FormatError, and Error if there are none.
  void take_best();

  [[nodiscard]] std::int64_t total_steps() const noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace riverrun
