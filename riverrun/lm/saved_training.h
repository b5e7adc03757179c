#pragma once

// The checkpoint of a language model's run; not for users.

#include <string>

#include "riverrun/io/safetensors.h"
#include "riverrun/lm/language_objective.h"
#include "riverrun/train/checkpoint.h"

namespace riverrun::lm {

/// What LanguageObjective::description() says.
struct RunDescription {
  LanguageModelOptions model;
  TextOptions text;
  std::string from;
  Fingerprint train_text;
  Fingerprint valid_text;
};
[[nodiscard]] std::string to_json(const RunDescription& run);
/// Throws FormatError, about the checkpoint at `path`, if something is missing or out of range.
[[nodiscard]] RunDescription parse_run_description(const std::string& json,
                                                   const std::string& path);

/// What the metadata of a language model's checkpoint say.
struct SavedTraining {
  RunOptions options;
  Fingerprints texts;
  TrainingState state;
};
/// Throws FormatError if something is missing or invalid, or the parameters' shapes are not those
/// of the model that the metadata describe, so that the model may be made.
[[nodiscard]] SavedTraining read_training(const io::SafetensorsFile& file);

}  // namespace riverrun::lm
