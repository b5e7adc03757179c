#pragma once

#include <filesystem>

#include "cli/command.h"

namespace riverrun::cli {

/// What `info` says of a signal model.
ExitCode info_of_signal_model(const std::filesystem::path& folder, bool json);

}  // namespace riverrun::cli
