#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "riverrun/core/folder.h"
#include "riverrun/nn/parameter.h"
#include "riverrun/train/objective.h"

namespace riverrun {

/// The names of a model folder's files.
inline constexpr const char* kConfigFile = "config.json";
inline constexpr const char* kWeightsFile = "model.safetensors";
inline constexpr const char* kCheckpointFile = "checkpoint.safetensors";
/// Of models that know words and characters; those that read texts have a tokenizer.json.
inline constexpr const char* kVocabularyFile = "vocabulary.json";

/// Of config.json, and of the metadata of a model's weights and of a checkpoint: a digest by which
/// the files of a folder prove that they belong together. What it is over is the model's business;
/// it notices files of two models in one folder, not an attack. Files of early versions have none.
inline constexpr const char* kDigestKey = "riverrun_digest";

/// The key of config.json that says which kind of model the folder holds; riverrun's begin with
/// kModelTypePrefix.
inline constexpr const char* kModelTypeKey = "model_type";
inline constexpr const char* kModelTypePrefix = "riverrun_";

/// The kind of model in the folder, which begins with kModelTypePrefix if it is riverrun's. Throws
/// IoError, and FormatError if config.json is none.
[[nodiscard]] std::string model_type(const std::filesystem::path& folder);

/// Calls `read` with the open folder of a model; again, with the folder that took its place, if
/// files could not be opened because it was replaced and removed meanwhile. Throws IoError and
/// whatever `read` throws.
void read_model_folder(const std::filesystem::path& folder,
                       const std::function<void(const Folder&)>& read);

/// What a training run has measured of a model.
struct Measured {
  std::int64_t step = 0;  ///< updates so far
  Judgement valid;        ///< on the data for validation
};

/// The digest that config.json in the folder holds, for what is written beside it. Nothing if it
/// holds none or is not there. Throws IoError, and FormatError if it cannot be read.
[[nodiscard]] std::optional<std::string> config_digest(const Folder& folder);

/// Writes model.safetensors atomically, with `measured` and config_digest() in its metadata. Throws
/// IoError, and FormatError if config.json cannot be read.
void save_weights(const std::filesystem::path& folder, const ConstParameterList& parameters,
                  const std::optional<Measured>& measured = {});

/// What model.safetensors says was measured; nothing if it does not say. Throws IoError, and
/// FormatError also if its digest is another than that of config.json.
[[nodiscard]] std::optional<Measured> saved_measure(const std::filesystem::path& folder);

/// Whether the folder has a config.json that says it is of riverrun. Throws IoError if there is one
/// that cannot be read.
[[nodiscard]] bool has_own_config(const std::filesystem::path& folder);

}  // namespace riverrun
