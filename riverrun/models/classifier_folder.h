#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "riverrun/core/folder.h"
#include "riverrun/models/classifier.h"
#include "riverrun/train/model_files.h"

namespace riverrun::models {

/// Of config.json: see kModelTypeKey.
inline constexpr const char* kClassifierType = "riverrun_classifier";

/// Writes config.json atomically, which says all of a model but its weights, and of one of texts
/// the tokenizer's file beside it. The digest (kDigestKey) covers all options without which the
/// weights are meaningless: not `examples`, and not the dropout; and the tokens. Throws IoError.
void save_config(const std::filesystem::path& folder, const ClassifierOptions& options,
                 const std::optional<text::Tokenizer>& tokenizer = {});

/// A model and what its files say of it.
struct LoadedClassifier {
  Classifier model;
  std::optional<Measured> measured;
  std::optional<std::string> digest;
};
/// From a folder that is opened once, so that its files are of one model even if another takes the
/// folder's place meanwhile. Strict: a missing, extra or misshapen tensor, an option out of range,
/// or a digest that is not that of the files, are errors. Nothing much larger than the files is
/// allocated. Throws IoError and FormatError.
[[nodiscard]] LoadedClassifier load_classifier(const Folder& folder);
[[nodiscard]] Classifier load_classifier(const std::filesystem::path& folder);

/// For a run that goes on: throws FormatError unless config.json, if there is one, has the digest
/// of its options and tokens.
void check_classifier_config(const Folder& folder);
/// The same: that of a run that learns texts; nothing if it learns numbers. Throws IoError and
/// FormatError.
[[nodiscard]] std::optional<text::Tokenizer> load_classifier_tokenizer(const Folder& folder);

}  // namespace riverrun::models
