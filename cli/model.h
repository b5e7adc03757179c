#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "riverrun/lm/model_folder.h"
#include "riverrun/models/classifier_folder.h"
#include "riverrun/models/forecaster_folder.h"
#include "riverrun/models/signal_folder.h"
#include "riverrun/models/tagger_folder.h"

namespace riverrun::cli {

/// The language model of a verb that computes with it. Throws as lm::load_model(); NumericError,
/// which says where, for a weight that is NaN or infinite; and ConfigError, which begins with the
/// verb, if the model is of another kind.
[[nodiscard]] lm::SavedModel load_finite_model(const std::filesystem::path& folder,
                                               const char* verb);
/// The same of a classifier, a tagger, a forecaster and a signal model.
[[nodiscard]] models::Classifier load_finite_classifier(const std::filesystem::path& folder,
                                                        const char* verb);
[[nodiscard]] models::Tagger load_finite_tagger(const std::filesystem::path& folder,
                                                const char* verb);
[[nodiscard]] models::Forecaster load_finite_forecaster(const std::filesystem::path& folder,
                                                        const char* verb);
[[nodiscard]] models::SignalModel load_finite_signal_model(const std::filesystem::path& folder,
                                                           const char* verb);
/// Throws FormatError unless the audio file has as many samples a second as the model knows.
void require_rate(const models::SignalModel& model, const std::string& path,
                  std::int64_t sample_rate);

}  // namespace riverrun::cli
