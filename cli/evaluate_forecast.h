#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "cli/command.h"
#include "cli/report.h"

namespace riverrun::cli {

/// Which windows of a file are forecast.
struct ForecastWindows {
  std::string start = {};   ///< the first time that may be forecast; empty: any
  std::int64_t stride = 1;  ///< rows from one window to the next
};

/// Measures a forecaster on a CSV file of time series, by every window of it.
ExitCode evaluate_forecast(const std::filesystem::path& folder, const std::filesystem::path& data,
                           const ForecastWindows& which, const ReportFiles& files, bool json);

}  // namespace riverrun::cli
