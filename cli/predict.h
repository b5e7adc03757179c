#pragma once

#include <filesystem>

#include "cli/command.h"

namespace riverrun::cli {

/// The command line of `predict`.
struct PredictFlags {
  std::filesystem::path model;
  std::filesystem::path data;
  std::filesystem::path out;
  int threads = 0;
  bool json = false;
};

/// What it does with a classifier, and with a tagger.
ExitCode predict_classes(const PredictFlags& flags);
ExitCode predict_tags(const PredictFlags& flags);

}  // namespace riverrun::cli
