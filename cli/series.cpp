#include "cli/series.h"

#include <optional>

#include <fmt/format.h>

#include "riverrun/core/error.h"

#include "cli/command.h"

namespace riverrun::cli {

void note_oddities(const data::TimeSeriesTable& table) {
  for (const std::string& line : table.notes) note(fmt::format("note: {}: {}", table.path, line));
}

data::TimeStamp time_of_option(const char* verb, const char* option, const std::string& text,
                               const data::TimeSeriesTable& table) {
  const std::optional<data::TimeStamp> time = table.parse(text);
  if (time) return *time;
  throw ConfigError(
      table.frequency.unit == data::Frequency::Unit::kRow
          ? fmt::format(
                "{}: {} is \"{}\"; as {} has no times, it must be the number of a row, from "
                "1",
                verb, option, text, table.path)
          : fmt::format("{}: {} is \"{}\"; it must be a time as {} has them, such as {}", verb,
                        option, text, table.path, table.written_time(table.series.front(), 0)));
}

std::string rows_of(const std::string& frequency) {
  return frequency == "row" ? "rows without times" : fmt::format("a row each {}", frequency);
}

data::TimeSeriesTable read_series(const std::filesystem::path& path,
                                  const models::Forecaster& model) {
  const models::ForecasterOptions& options = model.options();
  data::TimeSeriesTable table =
      data::read_time_series(path, {.columns = options.columns,
                                    .covariates = options.covariates,
                                    .frequency = *data::parse_frequency(options.frequency)});
  note_oddities(table);
  data::fill_missing(table, options.missing);
  return table;
}

}  // namespace riverrun::cli
