#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "riverrun/core/fields.h"
#include "riverrun/data/text/corpus.h"
#include "riverrun/lm/evaluate.h"
#include "riverrun/lm/horizon_probe.h"
#include "riverrun/lm/language_model.h"
#include "riverrun/lm/model_folder.h"
#include "riverrun/lm/progress.h"
#include "riverrun/lm/run_folder.h"
#include "riverrun/lm/trainer_options.h"

namespace riverrun::lm {

/// How the texts of a run were made from files. The trainer is given the texts; it keeps this in
/// the checkpoint for whoever resumes the run.
struct TextOptions {
  /// How much of the end of the text is kept for validation; 0: a text of its own is.
  double valid_fraction = 0.1;
  /// The largest vocabulary that was asked for; 0: any.
  std::int64_t vocab_size = 0;
};

}  // namespace riverrun::lm

template <>
inline constexpr auto riverrun::kFields<riverrun::lm::TextOptions> = [] {
  using O = lm::TextOptions;
  return std::tuple{Field{"valid_fraction", &O::valid_fraction, from_below(0, 1),
                          "How much of the end of TEXT is validated on"},
                    Field{"vocab_size", &O::vocab_size, at_least(0),
                          "At most so many different tokens, the most frequent ones; 0: all"}};
}();

namespace riverrun::lm {

/// All that decides which bits a training run ends with, besides the files.
struct RunOptions {
  LanguageModelOptions model;
  TrainerOptions trainer;
  TextOptions text;
  /// The folder of the model whose weights the run began with; empty: they were random.
  std::string from;
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

/// How far back the gradient reaches: see HorizonProbe.
struct Reach {
  std::int64_t step = 0;  // updates before it was measured
  std::vector<StateGradient> gradients;
};

enum class StopReason { kFinished, kTimeLimit, kInterrupted };

struct TrainingResult {
  StopReason reason = StopReason::kFinished;
  std::int64_t steps = 0;   // of the whole run, before an interruption too
  std::int64_t tokens = 0;  // predicted in training since this call
  double seconds = 0;       // since this call
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
    /// If set, how far back the gradient reaches is measured every `reach_every` updates, before
    /// the first one too, on chunks of full length; 0 chooses a distance such that it takes less
    /// than one per cent of the time. It does not change the run's bits.
    std::function<void(const Reach&)> reach;
    std::int64_t reach_every = 0;
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

  /// Throws IoError unless the disk of `folder`, which need not be there yet, has room for what the
  /// run will write.
  void check_space(const std::filesystem::path& folder) const;

  /// For a run from the beginning in `folder`, which must outlive the trainer: writes the first
  /// checkpoint. `text` and `from` (see RunOptions) are only kept in it. A config.json is there
  /// already, if the folder is to have one. Throws IoError, as check_space() too.
  void begin(RunFolder& folder, const TextOptions& text = {}, std::string from = {});

  /// For a run that goes on from the checkpoint in `folder`. Throws IoError (also as
  /// check_space()), FormatError, also for a checkpoint of another run than config.json,
  /// NumericError for one with NaN or infinity in it, and ConfigError if the texts or the options
  /// are not those of the checkpoint; only `epochs` may differ. If it throws, nothing has changed.
  void resume(RunFolder& folder);

  /// After begin() or resume(): trains until the last epoch's end, the time limit, or the stop
  /// flag. Throws NumericError if the loss or the gradient is not finite: the message says at which
  /// step and what to try, and the files are those from before; IoError.
  TrainingResult run(const Watch& watch);

  /// That of the options, or what was chosen by the text's size.
  [[nodiscard]] std::int64_t batch_size() const noexcept;
  [[nodiscard]] std::int64_t steps_per_epoch() const noexcept;
  [[nodiscard]] std::int64_t total_steps() const noexcept;

  /// The options in a folder's checkpoint. Throws IoError, FormatError.
  [[nodiscard]] static RunOptions checkpoint_options(const RunFolder& folder);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace riverrun::lm
