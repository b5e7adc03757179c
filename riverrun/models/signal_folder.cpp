#include "riverrun/models/signal_folder.h"

#include <string_view>
#include <utility>

#include "riverrun/core/error.h"
#include "riverrun/core/file.h"
#include "riverrun/io/parameters.h"
#include "riverrun/train/model_config.h"

namespace riverrun::models {
namespace {

namespace fs = std::filesystem;

/// See kDigestKey.
std::string digest(const SignalOptions& options) {
  Fnv1a hash;
  for_each_field<SignalOptions>([&](const auto& field) {
    const std::string_view name = field.name;
    if (field.initial || name == "gain" || name == "pre_emphasis") return;
    hash.add(fmt::format("{}: {}\n", name, io::value_to_json(options.*field.member).dump()));
  });
  return to_digest(hash);
}

SignalOptions options_of(const ModelConfig& config) {
  config.require_type(kSignalType);
  auto options = config.read_options<SignalOptions>();
  try {
    check(options);
  } catch (const ConfigError& error) {
    throw config.fail(error.what());
  }
  return options;
}

}  // namespace

void save_config(const fs::path& folder, const SignalOptions& options) {
  nlohmann::ordered_json config = config_json(kSignalType, "RiverrunSignal", options);
  config["torch_dtype"] = "float32";
  config[kDigestKey] = digest(options);
  replace_file(folder / kConfigFile, config.dump(2) + "\n");
}

LoadedSignalModel load_signal_model(const Folder& folder) {
  const ModelConfig config(folder);
  const SignalOptions options = options_of(config);
  const io::SafetensorsFile weights = open_weights(folder);
  io::check_shapes(weights, parameter_shapes(options), kConfigFile);
  check_digests(config, weights, digest(options), kConfigFile);
  SignalModel model(options);
  io::load_parameters(weights, model.parameters());
  return {.model = std::move(model), .measured = measure_of(weights), .digest = config.digest()};
}

SignalModel load_signal_model(const fs::path& folder) {
  std::optional<SignalModel> model;
  read_model_folder(folder, [&](const Folder& opened) { model = load_signal_model(opened).model; });
  return std::move(*model);
}

}  // namespace riverrun::models
