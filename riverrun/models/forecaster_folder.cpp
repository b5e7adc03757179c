#include "riverrun/models/forecaster_folder.h"

#include "riverrun/models/stored_model.h"

namespace riverrun::models {
namespace {

std::string digest(const ForecasterOptions& options) {
  Fnv1a hash;
  add_options(hash, options, {"season", "learnt_until", "paths", "dropout"});
  return to_digest(hash);
}

}  // namespace

void save_config(const std::filesystem::path& folder, const ForecasterOptions& options) {
  write_config(folder, kForecasterType, "RiverrunForecaster", options, digest(options));
}

LoadedForecaster load_forecaster(const Folder& folder) {
  const ModelConfig config(folder);
  const auto options = stored_options<ForecasterOptions>(config, kForecasterType);
  const io::SafetensorsFile weights =
      stored_weights(folder, config, options, digest(options), kConfigFile);
  return with_weights<LoadedForecaster>(Forecaster(options), weights, config);
}

Forecaster load_forecaster(const std::filesystem::path& folder) {
  return load_from<Forecaster>(folder,
                               [](const Folder& opened) { return load_forecaster(opened); });
}

void check_forecaster_config(const Folder& folder) {
  check_config<ForecasterOptions>(folder, kForecasterType, digest);
}

}  // namespace riverrun::models
