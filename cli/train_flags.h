#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <list>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "riverrun/lm/language_objective.h"
#include "riverrun/lm/model_folder.h"
#include "riverrun/models/classifier_objective.h"
#include "riverrun/models/forecast_run.h"
#include "riverrun/models/signal_objective.h"
#include "riverrun/models/tagger_objective.h"
#include "riverrun/train/run_folder.h"

#include "cli/kind.h"
#include "cli/report.h"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace riverrun::cli {

/// The command line of `train`, and what becomes of it if a run or a model is gone on from.
class TrainFlags {
 public:
  /// Adds all options to `app`, which keeps references to this object.
  explicit TrainFlags(CLI::App& app);
  TrainFlags(const TrainFlags&) = delete;
  TrainFlags& operator=(const TrainFlags&) = delete;

  /// That of the run that is resumed, if one is; or what --kind says; or, without it, what the
  /// files and the options are. Throws ConfigError if an option of another kind is given, and as
  /// kind_of().
  [[nodiscard]] Kind kind(const std::optional<RunFolder>& resumed) const;
  /// Throws ConfigError or IoError unless a run can begin in --out.
  void check_out(Kind kind) const;

  // Of a classifier, a tagger, a forecaster or a signal model.

  /// Puts what is given in the place of what suits the data.
  void apply(models::ClassifierRun& run) const;
  void apply(models::TaggerRun& run) const;
  void apply(models::ForecastRun& run) const;
  void apply(models::SignalRun& run) const;
  /// The run with what is given, where `suggested` by the data is the rest.
  template <class Run>
  [[nodiscard]] Run completed(const Run& suggested) const {
    Run run = suggested;
    apply(run);
    if constexpr (requires { run.model.columns; }) run.model.columns = suggested.model.columns;
    run.learning = suggested.learning;
    if (options.trainer.batch_size == 0) run.trainer.batch_size = suggested.trainer.batch_size;
    return run;
  }
  /// Throws ConfigError, which names the flag, if what is given differs from what the run that is
  /// resumed began with. Gives it what may change.
  void settle(models::ClassifierRun& stored) const;
  void settle(models::TaggerRun& stored) const;
  void settle(models::ForecastRun& stored) const;
  void settle(models::SignalRun& stored) const;
  [[nodiscard]] bool gives_embedding_size() const;
  /// That of --vectors; empty if it is not given.
  [[nodiscard]] const std::string& vectors() const { return classifier_defaults_.learning.vectors; }
  /// Throws ConfigError unless --valid is given if and only if the run that is resumed had a file
  /// of its own to validate on.
  void settle_valid(bool had_own_file) const;

  // Of a language model.

  /// Takes on what the run that is resumed began with. Throws ConfigError, which names the flag, if
  /// what is given differs.
  void settle_with(const lm::RunOptions& stored);
  /// The same for what the model of --from keeps.
  void settle_with(const lm::SavedModel& model);
  /// The kind of tokens of the run or the model, called `whose`.
  void settle_tokens(const text::Tokenizer& tokenizer, const char* whose);
  /// Throws ConfigError unless a vocabulary of --tokens can have --vocab-size tokens.
  void check_vocab_size() const;

  std::vector<std::filesystem::path> texts;
  std::filesystem::path out;
  std::filesystem::path valid;
  std::filesystem::path valid_wet;
  std::filesystem::path from;
  std::string encoding;
  std::string tokens = "char";
  std::uint64_t seed = 1;
  double max_minutes = 0;
  std::int64_t reach_every = 0;
  int threads = 0;
  bool resume = false;
  bool overwrite = false;
  bool json = false;
  ReportFiles files;
  std::string kind_name;
  lm::RunOptions options;

 private:
  /// What an option belongs to, which says when it may be given.
  enum class Of { kCall, kRun, kModel, kStart };
  /// An option for a field of `part` of the run's options, called as the field.
  template <class Part, class FieldOfPart>
  CLI::Option* add(CLI::App& app, Part lm::RunOptions::*part, const FieldOfPart& field, Of of);

  void add_sequence_options(CLI::App& app);
  /// Adds, for models of a kind, an option for each field of `defaults` that has one, or says in
  /// that of the name what is the default there.
  template <class Struct>
  void add_options_of(Kind kind, CLI::App& app, Struct& defaults);
  void add_trainer_defaults(Kind kind, CLI::App& app, const TrainerOptions& defaults);
  /// Says that an option is of models of that kind.
  void belongs(CLI::Option& option, Kind kind);
  /// The option of a field, called as the field; null if the command line has none.
  [[nodiscard]] const CLI::Option* option_of(const char* field) const;
  /// Calls `visit(field, option)` for each field of the struct for which one is given.
  template <class Struct, class Visit>
  void for_each_given(Visit visit) const;
  template <class Struct>
  void apply_to(Struct& values) const;
  template <class Struct>
  void settle_all(Struct& stored) const;
  void settle_seed(std::uint64_t stored) const;

  CLI::App& app_;
  std::map<const CLI::Option*, std::set<Kind>> kinds_;  // of options that not all kinds have
  models::ClassifierRun classifier_defaults_;           // which CLI11 keeps references to
  models::TaggerRun tagger_defaults_;                   // the same
  models::SignalRun signal_defaults_;                   // the same
  models::ForecastRun forecast_defaults_;               // the same
  // Values joined by commas; the same.
  std::string channels_;
  std::string target_;
  std::string past_;
  std::string known_;
  std::string quantiles_;
  std::list<std::string> words_;  // the same
  CLI::Option* tokens_option_ = nullptr;
  CLI::Option* dropout_option_ = nullptr;
  CLI::Option* seed_option_ = nullptr;
  std::vector<std::function<void(const lm::RunOptions&)>> settle_;
  std::vector<std::function<void(const lm::RunOptions&)>> settle_from_;
};

}  // namespace riverrun::cli
