#pragma once

#include <filesystem>
#include <string>

#include "riverrun/data/time_series.h"
#include "riverrun/models/forecaster.h"

namespace riverrun::cli {

/// Notes what is odd in a file, and no error.
void note_oddities(const data::TimeSeriesTable& table);

/// The time that an option names, as the table has times. Throws ConfigError, which begins with the
/// verb, if it is none.
[[nodiscard]] data::TimeStamp time_of_option(const char* verb, const char* option,
                                             const std::string& text,
                                             const data::TimeSeriesTable& table);

/// "a row each hour"
[[nodiscard]] std::string rows_of(const std::string& frequency);

/// Reads the time series of a file as a forecaster needs them, and notes what is odd. Throws as
/// data::read_time_series() and data::fill_missing().
[[nodiscard]] data::TimeSeriesTable read_series(const std::filesystem::path& path,
                                                const models::Forecaster& model);

}  // namespace riverrun::cli
