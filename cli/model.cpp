#include "cli/model.h"

#include <utility>

#include <fmt/format.h>

#include "riverrun/core/error.h"
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

models::Forecaster load_finite_forecaster(const std::filesystem::path& folder, const char* verb) {
  require_kind(Kind::kForecast, folder, verb);
  models::Forecaster model = models::load_forecaster(folder);
  require_finite(std::as_const(model).parameters(), (folder / kWeightsFile).string());
  return model;
}

models::SignalModel load_finite_signal_model(const std::filesystem::path& folder,
                                             const char* verb) {
  require_kind(Kind::kTransform, folder, verb);
  models::SignalModel model = models::load_signal_model(folder);
  require_finite(model.parameters(), (folder / kWeightsFile).string());
  return model;
}

void require_rate(const models::SignalModel& model, const std::string& path,
                  std::int64_t sample_rate) {
  const std::int64_t known = model.options().sample_rate;
  if (sample_rate == known) return;
  throw FormatError(path, fmt::format("it has {} samples a second; the model knows signals of {}",
                                      sample_rate, known));
}

}  // namespace riverrun::cli
