#pragma once

#include <filesystem>

#include "riverrun/lm/model_folder.h"

namespace riverrun::cli {

/// The model of a verb that computes with it. Throws as lm::load_model(), and NumericError, which
/// says where, for a weight that is NaN or infinite.
[[nodiscard]] lm::SavedModel load_finite_model(const std::filesystem::path& folder);

}  // namespace riverrun::cli
