#include "cli/evaluate_forecast.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "riverrun/core/error.h"
#include "riverrun/data/time_series.h"

#include "cli/forecast_report.h"
#include "cli/kind.h"
#include "cli/model.h"
#include "cli/series.h"

namespace riverrun::cli {
namespace {

/// The first row of a series whose time is not before `start`.
std::int64_t row_at(const data::TimeSeriesTable& table, const data::TimeSeries& series,
                    const data::TimeStamp& start) {
  std::int64_t low = 0;
  std::int64_t high = series.steps;
  while (low < high) {
    const std::int64_t middle = low + (high - low) / 2;
    if (table.time_of(series, middle) < start) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

data::TimeStamp parse_start(const data::TimeSeriesTable& table, const std::string& text) {
  std::optional<data::TimeStamp> time = table.format.parse(text);
  if (!time) time = data::parse_time(text);
  const bool has_rows = table.frequency.unit == data::Frequency::Unit::kRow;
  if (!time || time->kind != table.series.front().start.kind) {
    throw ConfigError(
        has_rows
            ? fmt::format("evaluate: --start is \"{}\"; as {} has no times, it must be the number "
                          "of a row, from 1",
                          text, table.path)
            : fmt::format(
                  "evaluate: --start is \"{}\"; it must be a time as {} has them, such as {}", text,
                  table.path, table.written_time(table.series.front(), 0)));
  }
  if (has_rows) time->whole = std::max<std::int64_t>(time->whole, 1) - 1;
  return *time;
}

}  // namespace

ExitCode evaluate_forecast(const std::filesystem::path& folder, const std::filesystem::path& data,
                           const ForecastWindows& which, const ReportFiles& files, bool json) {
  const models::Forecaster model = load_finite_forecaster(folder, "evaluate");
  const models::ForecasterOptions& options = model.options();
  const data::TimeSeriesTable table = read_series(data, model);
  const models::ForecastData read(table, options);
  std::optional<data::TimeStamp> start;
  if (!which.start.empty()) start = parse_start(table, which.start);
  std::vector<models::ForecastWindow> windows;
  for (std::int64_t i = 0; i < std::ssize(read.lines()); ++i) {
    const data::TimeSeries& series = read.series_of(read.lines()[static_cast<std::size_t>(i)]);
    const std::int64_t first = start ? row_at(table, series, *start) : 0;
    const std::vector<models::ForecastWindow> of_line =
        models::windows_of(read, i, options, first, series.observed, which.stride);
    windows.insert(windows.end(), of_line.begin(), of_line.end());
  }
  if (windows.empty()) {
    std::int64_t longest = 0;
    for (const data::TimeSeries& series : table.series) {
      longest = std::max(longest, series.observed);
    }
    throw FormatError(table.path,
                      start ? fmt::format("no series has {} from {} on",
                                          counted(options.horizon, "row"), which.start)
                            : fmt::format("the longest series has {}; to compare a forecast of {} "
                                          "with what happened, there must be more",
                                          counted(longest, "row"), options.horizon));
  }
  std::int64_t unknown = 0;
  for (const models::ForecastData::Line& line : read.lines()) {
    if (line.number == std::ssize(options.lines)) ++unknown;
  }
  if (unknown > 0) {
    note(
        fmt::format("note: {} of {} were not learnt from; their errors are set against what {} "
                    "itself has of them",
                    grouped(unknown), counted(std::ssize(read.lines()), "line"), table.path));
  }
  const ForecastReport report = measure(model, read, windows);
  if (json) {
    nlohmann::ordered_json object = {
        {"kind", name(Kind::kForecast)}, {"model", folder.string()}, {"data", data.string()}};
    object.update(to_json(report));
    print_json(object);
  } else {
    print(to_text(report));
  }
  write(files, errors_figure(report), [&] {
    report::Page page(fmt::format("{} on {}", folder_name(folder), data.filename().string()));
    add_to(page, report);
    return page;
  });
  return kOk;
}

}  // namespace riverrun::cli
