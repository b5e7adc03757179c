#include "cli/series.h"

#include <fmt/format.h>

#include "cli/command.h"

namespace riverrun::cli {

void note_oddities(const data::TimeSeriesTable& table) {
  for (const std::string& line : table.notes) note(fmt::format("note: {}: {}", table.path, line));
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
