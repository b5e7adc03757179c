#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>

#include "riverrun/core/error.h"

#include "cli/command.h"
#include "cli/options.h"
#include "cli/report.h"
#include "cli/train_classifier.h"
#include "cli/train_flags.h"
#include "cli/train_forecast.h"
#include "cli/train_language.h"
#include "cli/train_tagger.h"
#include "cli/train_transform.h"

namespace riverrun::cli {
namespace {

ExitCode run(TrainFlags& flags) {
  std::vector<std::filesystem::path> read = flags.texts;
  read.insert(read.end(), {flags.valid, flags.valid_wet, flags.vectors(), flags.out, flags.from});
  require(flags.files, read);
  if (std::ranges::count(read, "-") > 1) {
    throw ConfigError(
        "train: standard input (-) is given more than once; it can be read only once");
  }
  use_threads(flags.threads);
  std::optional<RunFolder> folder;
  if (flags.resume && RunFolder::can_resume(flags.out)) folder = RunFolder::resume(flags.out);
  switch (flags.kind(folder)) {
    case Kind::kClassify:
      return train_classifier(flags, std::move(folder));
    case Kind::kTag:
      return train_tagger(flags, std::move(folder));
    case Kind::kForecast:
      return train_forecast(flags, std::move(folder));
    case Kind::kTransform:
      return train_transform(flags, std::move(folder));
    case Kind::kLanguage:
    case Kind::kTask:  // which kind() refuses
      break;
  }
  return train_language(flags, std::move(folder));
}

}  // namespace

void add_train(CLI::App& program, Verb& chosen) {
  CLI::App* app = program.add_subcommand(
      "train",
      "Train a language model on texts, a classifier on labelled sequences, a tagger on tagged "
      "sentences, a forecaster on time series, or a signal model on what goes into a device and "
      "what comes out");
  auto flags = std::make_shared<TrainFlags>(*app);
  app->callback([&chosen, flags] { chosen = [flags] { return run(*flags); }; });
}

}  // namespace riverrun::cli
