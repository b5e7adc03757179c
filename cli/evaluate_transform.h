#pragma once

#include <filesystem>

#include "cli/command.h"
#include "cli/report.h"

namespace riverrun::cli {

/// What `evaluate` does with a signal model, on what goes into its device and what comes out.
ExitCode evaluate_transform(const std::filesystem::path& folder, const std::filesystem::path& dry,
                            const std::filesystem::path& wet, const ReportFiles& files, bool json);

}  // namespace riverrun::cli
