#include <filesystem>
#include <memory>
#include <vector>

#include <CLI/CLI.hpp>

#include "cli/command.h"
#include "cli/options.h"
#include "cli/report.h"
#include "cli/train_classifier.h"
#include "cli/train_flags.h"
#include "cli/train_language.h"

namespace riverrun::cli {
namespace {

ExitCode run(TrainFlags& flags) {
  std::vector<std::filesystem::path> read = flags.texts;
  read.insert(read.end(), {flags.valid, flags.out, flags.from});
  require(flags.files, read);
  use_threads(flags.threads);
  switch (flags.kind()) {
    case Kind::kLanguage:
      return train_language(flags);
    case Kind::kClassify:
      break;
  }
  return train_classifier(flags);
}

}  // namespace

void add_train(CLI::App& program, Verb& chosen) {
  CLI::App* app = program.add_subcommand(
      "train", "Train a language model on texts, or a classifier on labelled sequences");
  auto flags = std::make_shared<TrainFlags>(*app);
  app->callback([&chosen, flags] { chosen = [flags] { return run(*flags); }; });
}

}  // namespace riverrun::cli
