#include "cli/model.h"

#include "riverrun/nn/finite.h"

namespace riverrun::cli {

lm::SavedModel load_finite_model(const std::filesystem::path& folder) {
  lm::SavedModel saved = lm::load_model(folder);
  require_finite(saved.model.parameters(), (folder / kWeightsFile).string());
  return saved;
}

}  // namespace riverrun::cli
