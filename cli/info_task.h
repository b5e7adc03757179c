#pragma once

#include <filesystem>

#include "cli/command.h"

namespace riverrun::cli {

/// What `info` says of a network that `task` has kept.
ExitCode info_of_task_network(const std::filesystem::path& folder, bool json);

}  // namespace riverrun::cli
