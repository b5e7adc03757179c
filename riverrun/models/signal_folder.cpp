#include "riverrun/models/signal_folder.h"

#include "riverrun/models/stored_model.h"

namespace riverrun::models {
namespace {

std::string digest(const SignalOptions& options) {
  Fnv1a hash;
  add_options(hash, options, {"gain", "pre_emphasis"});
  return to_digest(hash);
}

}  // namespace

void save_config(const std::filesystem::path& folder, const SignalOptions& options) {
  write_config(folder, kSignalType, "RiverrunSignal", options, digest(options));
}

LoadedSignalModel load_signal_model(const Folder& folder) {
  const ModelConfig config(folder);
  const auto options = stored_options<SignalOptions>(config, kSignalType);
  const io::SafetensorsFile weights =
      stored_weights(folder, config, options, digest(options), kConfigFile);
  return with_weights<LoadedSignalModel>(SignalModel(options), weights, config);
}

SignalModel load_signal_model(const std::filesystem::path& folder) {
  return load_from<SignalModel>(folder,
                                [](const Folder& opened) { return load_signal_model(opened); });
}

void check_signal_config(const Folder& folder) {
  check_config<SignalOptions>(folder, kSignalType, digest);
}

}  // namespace riverrun::models
