#include "riverrun/tasks/task_folder.h"

#include <utility>

#include "riverrun/core/error.h"
#include "riverrun/core/file.h"
#include "riverrun/io/parameters.h"
#include "riverrun/train/model_config.h"

namespace riverrun::tasks {
namespace {

/// See kDigestKey.
std::string digest(const TaskConfig& config) {
  Fnv1a hash;
  hash.add(io::fields_to_json(config).dump());
  return to_digest(hash);
}

TaskConfig config_of(const ModelConfig& file) {
  file.require_type(kTaskType);
  auto config = file.read_options<TaskConfig>();
  try {
    check_fields("task", config);
    check(config.network);
  } catch (const ConfigError& error) {
    throw file.fail(error.what());
  }
  return config;
}

}  // namespace

void save_config(const std::filesystem::path& folder, const TaskConfig& config) {
  nlohmann::ordered_json json = config_json(kTaskType, "RiverrunSequenceModel", config);
  json["torch_dtype"] = "float32";
  json[kDigestKey] = digest(config);
  replace_file(folder / kConfigFile, json.dump(2) + "\n");
}

TaskConfig load_config(const Folder& folder) { return config_of(ModelConfig(folder)); }

LoadedTaskNetwork load_task_network(const Folder& folder) {
  const ModelConfig file(folder);
  TaskConfig config = config_of(file);
  const io::SafetensorsFile weights = open_weights(folder);
  io::check_shapes(weights, parameter_shapes(config.network), kConfigFile);
  check_digests(file, weights, digest(config), kConfigFile);
  SequenceModel network(config.network);
  io::load_parameters(weights, network.parameters());
  return {
      .config = std::move(config), .network = std::move(network), .measured = measure_of(weights)};
}

}  // namespace riverrun::tasks
