#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "riverrun/core/folder.h"
#include "riverrun/models/tagger.h"
#include "riverrun/train/model_files.h"

namespace riverrun::models {

/// Of config.json: see kModelTypeKey.
inline constexpr const char* kTaggerType = "riverrun_tagger";

/// Writes config.json and vocabulary.json, each atomically, which say all of a model but its
/// weights. The digest (kDigestKey) covers the vocabulary, and all options without which the
/// weights are meaningless: not `examples`, `usual_share` and the dropout. Throws IoError.
void save_config(const std::filesystem::path& folder, const TaggerOptions& options,
                 const TaggerVocabulary& vocabulary);

/// A model and what its files say of it.
struct LoadedTagger {
  Tagger model;
  std::optional<Measured> measured;
  std::optional<std::string> digest;
};
/// From a folder that is opened once, so that its files are of one model even if another takes the
/// folder's place meanwhile. Strict: a missing, extra or misshapen tensor, an option out of range,
/// a vocabulary of another size, or a digest that is not that of the files, are errors. Nothing
/// much larger than the files is allocated. Throws IoError and FormatError.
[[nodiscard]] LoadedTagger load_tagger(const Folder& folder);
[[nodiscard]] Tagger load_tagger(const std::filesystem::path& folder);

/// That of a run's folder, which needs no weights yet. Throws as above.
[[nodiscard]] TaggerVocabulary load_tagger_vocabulary(const Folder& folder);

}  // namespace riverrun::models
