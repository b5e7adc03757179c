#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "riverrun/core/folder.h"
#include "riverrun/data/text/tokenizer.h"
#include "riverrun/lm/language_model.h"
#include "riverrun/train/model_files.h"

namespace riverrun::lm {

/// Of config.json: see kModelTypeKey.
inline constexpr const char* kModelType = "riverrun_lm";

/// A language model and the map between its numbers and text.
struct SavedModel {
  LanguageModel model;
  text::Tokenizer tokenizer;
};

/// The digest (kDigestKey) covers everything without which the weights are meaningless: the cell,
/// vocab_size, embedding_size, hidden_size, num_layers, the kind of tokens and every token with its
/// number; not over the dropout, which may be changed by hand.

/// Writes config.json and the tokenizer, each atomically; both say all of a model but its weights.
/// Throws IoError.
void save_config(const std::filesystem::path& folder, const LanguageModelOptions& options,
                 const text::Tokenizer& tokenizer);

/// What config.json says; initialisation options have their defaults, as a trained model does not
/// need them. Throws IoError, and FormatError if a value is missing or cannot be.
[[nodiscard]] LanguageModelOptions load_config(const std::filesystem::path& folder);

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

/// The tokenizer of a run in the folder, whose checkpoint says `options`. Throws IoError, and
/// FormatError if it is of another size or config.json says that it is of another model.
[[nodiscard]] text::Tokenizer load_tokenizer(const std::filesystem::path& folder,
                                             const LanguageModelOptions& options);

}  // namespace riverrun::lm
