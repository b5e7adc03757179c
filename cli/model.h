#pragma once

#include <filesystem>

#include "riverrun/lm/model_folder.h"
#include "riverrun/models/classifier_folder.h"
#include "riverrun/models/tagger_folder.h"

namespace riverrun::cli {

/// The language model of a verb that computes with it. Throws as lm::load_model(); NumericError,
/// which says where, for a weight that is NaN or infinite; and ConfigError, which begins with the
/// verb, if the model is of another kind.
[[nodiscard]] lm::SavedModel load_finite_model(const std::filesystem::path& folder,
                                               const char* verb);
/// The same of a classifier and of a tagger.
[[nodiscard]] models::Classifier load_finite_classifier(const std::filesystem::path& folder,
                                                        const char* verb);
[[nodiscard]] models::Tagger load_finite_tagger(const std::filesystem::path& folder,
                                                const char* verb);

}  // namespace riverrun::cli
