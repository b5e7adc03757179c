#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "riverrun/core/folder.h"
#include "riverrun/models/forecaster.h"
#include "riverrun/train/model_files.h"

namespace riverrun::models {

/// Of config.json: see kModelTypeKey.
inline constexpr const char* kForecasterType = "riverrun_forecaster";

/// Writes config.json atomically, which says all of a model but its weights. The digest
/// (kDigestKey) covers all options without which the weights are meaningless: not the season, the
/// last time, the number of paths or dropout. Throws IoError.
void save_config(const std::filesystem::path& folder, const ForecasterOptions& options);

/// A model and what its files say of it.
struct LoadedForecaster {
  Forecaster model;
  std::optional<Measured> measured;
  std::optional<std::string> digest;
};
/// From a folder that is opened once, so that its files are of one model even if another takes the
/// folder's place meanwhile. Strict: a missing, extra or misshapen tensor, an option out of range,
/// or a digest that is not that of the files, are errors. Nothing much larger than the files is
/// allocated. Throws IoError and FormatError.
[[nodiscard]] LoadedForecaster load_forecaster(const Folder& folder);
[[nodiscard]] Forecaster load_forecaster(const std::filesystem::path& folder);

/// For a run that goes on: throws FormatError unless config.json, if there is one, has the digest
/// of its options.
void check_forecaster_config(const Folder& folder);

}  // namespace riverrun::models
