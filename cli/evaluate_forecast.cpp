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

/// Warns if targets of windows were learnt or validated on.
void warn_of_learnt(const models::ForecasterOptions& options, const models::ForecastData& data,
                    const std::vector<models::ForecastWindow>& windows) {
  const data::TimeSeriesTable& table = data.table();
  const std::optional<data::TimeStamp> until =
      options.learnt_until.empty() ? std::nullopt : table.parse(options.learnt_until);
  if (!until) return;
  const auto is_learnt = [&](const models::ForecastWindow& window) {
    const models::ForecastData::Line& line = data.lines()[static_cast<std::size_t>(window.line)];
    return line.number < std::ssize(options.lines) &&
           table.time_of(data.series_of(line), window.origin) <= *until;
  };
  const auto learnt = std::ranges::count_if(windows, is_learnt);
  if (learnt == 0) return;
  note(fmt::format(
      "warning: measured on rows that it has learnt from in {} of {}: it knows all up to "
      "{} (train --until, evaluate --start)",
      grouped(learnt), counted(std::ssize(windows), "window"), options.learnt_until));
}

}  // namespace

ExitCode evaluate_forecast(const std::filesystem::path& folder, const std::filesystem::path& data,
                           const ForecastWindows& which, const ReportFiles& files, bool json) {
  const models::Forecaster model = load_finite_forecaster(folder, "evaluate");
  const models::ForecasterOptions& options = model.options();
  const data::TimeSeriesTable table = read_series(data, model);
  const models::ForecastData read(table, options);
  std::optional<data::TimeStamp> start;
  if (!which.start.empty()) start = time_of_option("evaluate", "--start", which.start, table);
  std::vector<models::ForecastWindow> windows;
  for (std::int64_t i = 0; i < std::ssize(read.lines()); ++i) {
    const data::TimeSeries& series = read.series_of(read.lines()[static_cast<std::size_t>(i)]);
    const std::int64_t first = start ? table.steps_before(series, *start) : 0;
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
  warn_of_learnt(options, read, windows);
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
