#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include <nlohmann/json.hpp>

#include "riverrun/train/trainer.h"

#include "cli/classification_report.h"
#include "cli/progress.h"
#include "cli/train_flags.h"

namespace riverrun::cli {

/// What `train` does with a model of sequences, of any kind.
struct Training {
  const TrainFlags& flags;
  Objective& objective;
  Trainer& trainer;
  /// That of the run that is resumed; else it is set to the one that is begun.
  std::optional<RunFolder>& folder;
  /// Writes what says all of the model but its weights.
  std::function<void(const std::filesystem::path&)> save_config;
  /// Says, once the run can begin, what it is.
  std::function<void()> describe;
  ProgressDisplay::Words words;
};

/// Trains, as the flags say, until the run's end or Ctrl-C. Throws as Trainer.
[[nodiscard]] TrainingResult run(const Training& training);

/// How far it came and what was measured: the members "steps" to "validations" of what --json
/// prints. Losses are called "train_" and "valid_" of `loss`, "nats_per_sequence"; what is learnt
/// is called `trained`, "sequences". The latter are null unless the run `validates`.
[[nodiscard]] nlohmann::ordered_json progress_json(const TrainingResult& result,
                                                   const TrainerOptions& options, const char* loss,
                                                   const char* trained, bool validates);

/// How good the model is on what is validated on, as a report has it.
struct ValidationReport {
  std::string text;  ///< for people: a line or more
  nlohmann::ordered_json json;
  std::function<void(report::Page&)> add_to;
};
[[nodiscard]] ValidationReport validation_report(const ClassificationReport& score);

/// Prints what came of a run, `json` or for people, and writes its report with the figure
/// `losses()` of the validations. `score` is not set if nothing is validated on, or there is no
/// model yet; `judged` is what is: "the words to validate on".
void report(const TrainFlags& flags, nlohmann::ordered_json json, const TrainingResult& result,
            const std::optional<ValidationReport>& score, const std::string& judged,
            const std::function<report::Figure()>& losses);

}  // namespace riverrun::cli
