#pragma once

#include <filesystem>

#include "cli/command.h"

namespace riverrun::cli {

/// What `info` says of a tagger.
ExitCode info_of_tagger(const std::filesystem::path& folder, bool json);

}  // namespace riverrun::cli
