#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <tuple>

#include "riverrun/core/fields.h"
#include "riverrun/core/folder.h"
#include "riverrun/nn/sequence_model.h"
#include "riverrun/train/model_files.h"

namespace riverrun::tasks {

/// Of config.json: see kModelTypeKey.
inline constexpr const char* kTaskType = "riverrun_task";

/// What a folder says of a network that learns a task.
struct TaskConfig {
  std::string task;
  std::int64_t length = 0;  ///< 0: the task has none
  std::uint64_t seed = 1;
  SequenceModelOptions network;
};

/// Writes config.json atomically, with a digest (kDigestKey) of all of it. Throws IoError.
void save_config(const std::filesystem::path& folder, const TaskConfig& config);

/// Throws IoError, FormatError.
[[nodiscard]] TaskConfig load_config(const Folder& folder);

struct LoadedTaskNetwork {
  TaskConfig config;
  SequenceModel network;
  std::optional<Measured> measured;
};
/// Strict, as the other models' folders: what is missing, extra, misshapen or of another model is
/// an error, and nothing much larger than the files is allocated. Throws IoError and FormatError.
[[nodiscard]] LoadedTaskNetwork load_task_network(const Folder& folder);

}  // namespace riverrun::tasks

template <>
inline constexpr auto riverrun::kFields<riverrun::tasks::TaskConfig> = [] {
  using C = tasks::TaskConfig;
  return std::tuple{Field{"task", &C::task}, Field{"length", &C::length, at_least(0)},
                    Field{"seed", &C::seed}, Field{"network", &C::network}};
}();
