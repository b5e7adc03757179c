#pragma once

#include <filesystem>

#include "cli/command.h"

namespace riverrun::cli {

/// The command line of `predict`.
struct PredictFlags {
  std::filesystem::path model;
  std::filesystem::path data;
  std::filesystem::path out;
  std::filesystem::path html;  ///< of a forecaster
  std::filesystem::path svg;   ///< the same
  int threads = 0;
  bool json = false;
};

/// What it does with a classifier, a tagger, a forecaster and a signal model.
ExitCode predict_classes(const PredictFlags& flags);
ExitCode predict_tags(const PredictFlags& flags);
ExitCode predict_series(const PredictFlags& flags);
ExitCode predict_signal(const PredictFlags& flags);

}  // namespace riverrun::cli
