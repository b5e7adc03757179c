#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "riverrun/core/folder.h"
#include "riverrun/data/text/tokenizer.h"
#include "riverrun/lm/language_model.h"

namespace riverrun::lm {

/// The names of a model folder's files; the tokenizer's is text::kTokenizerFile.
inline constexpr const char* kConfigFile = "config.json";
inline constexpr const char* kWeightsFile = "model.safetensors";

/// A language model and the map between its numbers and text.
struct SavedModel {
  LanguageModel model;
  text::Tokenizer tokenizer;
};

/// Of config.json, and of the metadata of a model's weights and of a checkpoint: a digest by which
/// the files of a folder prove that they belong together. It is over what weights mean nothing
/// without: the cell, vocab_size, embedding_size, hidden_size, num_layers, the kind of tokens and
/// every token with its number; not over the dropout, which may be changed by hand. It notices
/// files of two models in one folder, not an attack. Files of version 0.1 have none.
inline constexpr const char* kDigestKey = "riverrun_digest";

/// Writes config.json and the tokenizer, each atomically; both say all of a model but its weights.
/// Throws IoError.
void save_config(const std::filesystem::path& folder, const LanguageModelOptions& options,
                 const text::Tokenizer& tokenizer);

/// What a training run has measured of a model.
struct Measured {
  std::int64_t step = 0;  // updates so far
  double valid_nats = 0;  // mean per token of the validation text
};

/// The digest that config.json in the folder holds, for what is written beside it. Nothing if it
/// holds none or is not there. Throws IoError, and FormatError if it cannot be read.
[[nodiscard]] std::optional<std::string> config_digest(const std::filesystem::path& folder);

/// Writes model.safetensors atomically, with `measured` and config_digest() in its metadata. Throws
/// IoError, and FormatError if config.json cannot be read.
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
/// tokenizer of another size or kind than config.json says, or a digest that is not that of the
/// files, are errors; so are weights without one beside a config.json that has one. Nothing much
/// larger than the files is allocated, and no weights are read before all that is known to be
/// right. Throws IoError and FormatError.
[[nodiscard]] SavedModel load_model(const std::filesystem::path& folder);

/// A model and what its files say of it.
struct LoadedModel {
  SavedModel saved;
  std::optional<Measured> measured;
  std::optional<std::string> digest;  ///< nothing if no file has one
};
/// The same as load_model(), from a folder that is open.
[[nodiscard]] LoadedModel load_model(const Folder& folder);

/// Calls `read` with the open folder; again, with the folder that took its place, if files could
/// not be opened because it was replaced and removed meanwhile. Throws IoError and whatever `read`
/// throws.
void read_model_folder(const std::filesystem::path& folder,
                       const std::function<void(const Folder&)>& read);

/// The tokenizer of a run in the folder, whose checkpoint says `options`. Throws IoError, and
/// FormatError if it is of another size or config.json says that it is of another model.
[[nodiscard]] text::Tokenizer load_tokenizer(const std::filesystem::path& folder,
                                             const LanguageModelOptions& options);

}  // namespace riverrun::lm
