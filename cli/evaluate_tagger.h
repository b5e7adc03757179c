#pragma once

#include <filesystem>

#include "cli/command.h"
#include "cli/report.h"

namespace riverrun::cli {

/// What `evaluate` does with a tagger.
ExitCode evaluate_tagger(const std::filesystem::path& folder, const std::filesystem::path& file,
                         const ReportFiles& files, bool json);

}  // namespace riverrun::cli
