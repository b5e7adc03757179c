#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

#include "riverrun/lm/language_model.h"
#include "riverrun/text/tokenizer.h"

namespace riverrun::lm {

/// The names of a model folder's files; the tokenizer's is text::kTokenizerFile.
inline constexpr const char* kConfigFile = "config.json";
inline constexpr const char* kWeightsFile = "model.safetensors";

/// A language model and the map between its numbers and text.
struct SavedModel {
  LanguageModel model;
  text::Tokenizer tokenizer;
};

/// Writes config.json and the tokenizer, each atomically; both say all of a model but its weights.
/// Throws IoError.
void save_config(const std::filesystem::path& folder, const LanguageModelOptions& options,
                 const text::Tokenizer& tokenizer);

/// What a training run has measured of a model.
struct Measured {
  std::int64_t step = 0;  // updates so far
  double valid_nats = 0;  // mean per token of the validation text
};

/// Writes model.safetensors atomically, with `measured` in its metadata, and what shows that it
/// belongs to the config.json and the tokenizer.json in the folder, if there are any. Throws
/// IoError, and FormatError if that config.json cannot be read.
void save_weights(const std::filesystem::path& folder, const LanguageModel& model,
                  const std::optional<Measured>& measured = {});

/// What model.safetensors says was measured; nothing if it does not say. Throws IoError and
/// FormatError.
[[nodiscard]] std::optional<Measured> saved_measure(const std::filesystem::path& folder);

/// What config.json says; initialisation options have their defaults, as a trained model does not
/// need them. Throws IoError, and FormatError if a value is missing or cannot be.
[[nodiscard]] LanguageModelOptions load_config(const std::filesystem::path& folder);

/// Whether the folder has a config.json that says it is of riverrun. Throws IoError if there is one
/// that cannot be read.
[[nodiscard]] bool has_own_config(const std::filesystem::path& folder);

/// The whole model, from a folder that is opened once, so that its files are of one model even if
/// another takes the folder's place meanwhile. Strict: a missing, extra or misshapen tensor, a
/// tokenizer of another size than the model's vocabulary, or weights that were saved with another
/// config.json or tokenizer.json are errors (of models saved by version 0.1 the last cannot be
/// told). Nothing much larger than the files is allocated. Throws IoError and FormatError.
[[nodiscard]] SavedModel load_model(const std::filesystem::path& folder);

}  // namespace riverrun::lm
