#pragma once

#include <filesystem>

#include "cli/command.h"

namespace riverrun::cli {

/// What `info` says of a forecaster.
ExitCode info_of_forecaster(const std::filesystem::path& folder, bool json);

}  // namespace riverrun::cli
