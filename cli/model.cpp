#include "cli/model.h"

#include "riverrun/nn/finite.h"

#include "cli/kind.h"

namespace riverrun::cli {

lm::SavedModel load_finite_model(const std::filesystem::path& folder, const char* verb) {
  require_kind(Kind::kLanguage, folder, verb);
  lm::SavedModel saved = lm::load_model(folder);
  require_finite(saved.model.parameters(), (folder / kWeightsFile).string());
  return saved;
}

models::Classifier load_finite_classifier(const std::filesystem::path& folder, const char* verb) {
  require_kind(Kind::kClassify, folder, verb);
  models::Classifier model = models::load_classifier(folder);
  require_finite(model.parameters(), (folder / kWeightsFile).string());
  return model;
}

models::Tagger load_finite_tagger(const std::filesystem::path& folder, const char* verb) {
  require_kind(Kind::kTag, folder, verb);
  models::Tagger model = models::load_tagger(folder);
  require_finite(model.parameters(), (folder / kWeightsFile).string());
  return model;
}

}  // namespace riverrun::cli
