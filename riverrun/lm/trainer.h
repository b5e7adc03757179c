#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "riverrun/lm/evaluate.h"
#include "riverrun/lm/language_model.h"
#include "riverrun/lm/run_folder.h"
#include "riverrun/lm/trainer_options.h"
#include "riverrun/text/corpus.h"

namespace riverrun::lm {

/// All that decides which bits a training run ends with, besides the texts.
struct RunOptions {
  LanguageModelOptions model;
  TrainerOptions trainer;
};

/// One measurement on the validation text.
struct Validation {
  std::int64_t step = 0;  // updates so far
  double epoch = 0;       // passes over the training text so far
  double lr = 0;          // of the last update
  double train_nats = 0;  // mean per token since the validation before, with dropout
  double valid_nats = 0;  // mean per token, without dropout
  bool best = false;      // of all so far
};

/// Where a run is; for showing it.
struct Progress {
  std::int64_t step = 0;
  std::int64_t total_steps = 0;
  std::int64_t epoch = 0;  // the current one, from 1
  std::int64_t epochs = 0;
  double nats = 0;  // a running mean of the training loss per token
  double lr = 0;
  double tokens_per_second = 0;
  double seconds_left = 0;  // until the last epoch's end or the time limit
};

enum class StopReason { kFinished, kTimeLimit, kInterrupted };

struct TrainingResult {
  StopReason reason = StopReason::kFinished;
  std::int64_t steps = 0;               // of the whole run, before an interruption too
  std::int64_t tokens = 0;              // predicted in training since this call
  double seconds = 0;                   // since this call
  std::vector<Validation> validations;  // of the whole run
  /// The best validation; not set if there was none yet.
  std::optional<Validation> best;
  /// Set after kTimeLimit: what the last weights reach, which are saved if that is the best.
  std::optional<double> last_valid_nats;
  /// Whether the folder holds a model (model.safetensors) of this run.
  bool model_saved = false;
};

/// Trains a language model on a corpus, with truncated back-propagation through time and the state
/// carried from chunk to chunk, and keeps in a folder the model that is best on the validation text
/// and a checkpoint to resume from.
///
/// The same options, texts and seed give the same bits for any number of threads, and also if the
/// process is killed at any moment and the run resumed: the clock decides when a checkpoint is
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

  /// All must outlive the trainer; `model` is what gets trained. Throws ConfigError if an option is
  /// out of range or a text is too short for one batch.
  Trainer(LanguageModel& model, const text::Corpus& train, const text::Corpus& valid,
          const TrainerOptions& options);
  Trainer(const Trainer&) = delete;
  Trainer& operator=(const Trainer&) = delete;
  ~Trainer();

  /// For a run from the beginning in `folder`, which must outlive the trainer: makes sure that the
  /// disk has room for what the run will write, and writes the first checkpoint. Throws IoError.
  void begin(RunFolder& folder);

  /// For a run that goes on from the checkpoint in `folder`. Throws IoError, FormatError, and
  /// ConfigError if the texts are not those of the checkpoint. The options may differ from the
  /// checkpoint's only in `epochs`.
  void resume(RunFolder& folder);

  /// After begin() or resume(): trains until the last epoch's end, the time limit, or the stop
  /// flag. Throws NumericError if the loss or the gradient is not finite: the message says at which
  /// step and what to try, and the files are those from before; IoError.
  TrainingResult run(const Watch& watch);

  [[nodiscard]] std::int64_t steps_per_epoch() const noexcept;
  [[nodiscard]] std::int64_t total_steps() const noexcept;

  /// The options in a folder's checkpoint. Throws IoError, FormatError.
  [[nodiscard]] static RunOptions checkpoint_options(const RunFolder& folder);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace riverrun::lm
