#pragma once

#include <filesystem>

#include "cli/command.h"

namespace riverrun::cli {

/// What `info` says of a classifier.
ExitCode info_of_classifier(const std::filesystem::path& folder, bool json);

}  // namespace riverrun::cli
