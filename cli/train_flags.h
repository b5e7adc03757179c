#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "riverrun/lm/language_objective.h"
#include "riverrun/lm/model_folder.h"

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
  lm::RunOptions options;

 private:
  /// What an option belongs to, which says when it may be given.
  enum class Of { kCall, kRun, kModel, kStart };
  /// An option for a field of `part` of the run's options, called as the field.
  template <class Part, class FieldOfPart>
  CLI::Option* add(CLI::App& app, Part lm::RunOptions::*part, const FieldOfPart& field, Of of);

  CLI::Option* tokens_option_ = nullptr;
  CLI::Option* dropout_option_ = nullptr;
  CLI::Option* seed_option_ = nullptr;
  std::vector<std::function<void(const lm::RunOptions&)>> settle_;
  std::vector<std::function<void(const lm::RunOptions&)>> settle_from_;
};

}  // namespace riverrun::cli
