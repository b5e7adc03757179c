#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "riverrun/core/error.h"
#include "riverrun/core/file.h"
#include "riverrun/data/time_series.h"
#include "riverrun/report/figure.h"

#include "cli/forecast_report.h"
#include "cli/kind.h"
#include "cli/model.h"
#include "cli/predict.h"
#include "cli/progress.h"
#include "cli/report.h"
#include "cli/series.h"

namespace riverrun::cli {
namespace {

using models::ForecastData;
using models::ForecastWindow;

std::size_t at(std::int64_t index) { return static_cast<std::size_t>(index); }

/// What is forecast of one line: [horizon, quantiles].
struct Prediction {
  ForecastWindow window;
  std::vector<double> quantiles;
};

/// From the end of each line on.
std::vector<ForecastWindow> last_windows(const ForecastData& data,
                                         const models::ForecasterOptions& options) {
  std::vector<std::string> known;
  for (const data::Covariate& covariate : options.covariates) {
    if (covariate.known) known.push_back(fmt::format("\"{}\"", covariate.name));
  }
  std::vector<ForecastWindow> windows;
  for (std::int64_t i = 0; i < std::ssize(data.lines()); ++i) {
    const data::TimeSeries& series = data.series_of(data.lines()[at(i)]);
    if (!known.empty() && series.steps - series.observed < options.horizon) {
      throw FormatError(
          data.table().path,
          fmt::format(
              "{}there {} {} after the last value of a target; there must be {}, as many as "
              "are forecast, with empty targets and with what is known of the future: {}",
              series.name.empty() ? "" : fmt::format("series \"{}\": ", series.name),
              series.steps - series.observed == 1 ? "is" : "are",
              counted(series.steps - series.observed, "row"), options.horizon,
              fmt::join(known, ", ")));
    }
    windows.push_back({.line = i, .origin = series.observed});
  }
  return windows;
}

/// A row for each time that is forecast: time, series if there are several, target, the median and
/// the other quantiles.
std::string to_csv(const ForecastData& data, const models::ForecasterOptions& options,
                   const std::vector<Prediction>& list) {
  const data::TimeSeriesColumns& columns = options.columns;
  std::string csv = columns.time.empty() ? "row" : report::csv_field(columns.time);
  if (!columns.series.empty()) csv += "," + report::csv_field(columns.series);
  csv += ",target,forecast";
  for (const double q : options.quantiles) {
    if (q != 0.5) csv += fmt::format(",q{:g}", q);
  }
  csv += "\n";
  const std::size_t count = options.quantiles.size();
  for (const Prediction& prediction : list) {
    const ForecastData::Line& line = data.lines()[at(prediction.window.line)];
    const data::TimeSeries& series = data.series_of(line);
    for (std::int64_t h = 0; h < options.horizon; ++h) {
      const std::int64_t row = prediction.window.origin + h;
      csv += columns.time.empty() ? fmt::format("{}", row + 1)
                                  : report::csv_field(data.table().written_time(series, row));
      if (!columns.series.empty()) csv += "," + report::csv_field(series.name);
      csv += "," + report::csv_field(data.table().targets[at(line.target)]);
      std::string others;
      for (std::size_t q = 0; q < count; ++q) {
        const double value = prediction.quantiles[at(h) * count + q];
        if (options.quantiles[q] == 0.5) {
          csv += fmt::format(",{:.10g}", value);
        } else {
          others += fmt::format(",{:.10g}", value);
        }
      }
      csv += others + "\n";
    }
  }
  return csv;
}

nlohmann::ordered_json to_json(const ForecastData& data, const models::ForecasterOptions& options,
                               const std::vector<Prediction>& list) {
  auto array = nlohmann::ordered_json::array();
  const std::size_t count = options.quantiles.size();
  for (const Prediction& prediction : list) {
    const ForecastData::Line& line = data.lines()[at(prediction.window.line)];
    const data::TimeSeries& series = data.series_of(line);
    nlohmann::ordered_json object;
    if (!options.columns.series.empty()) object["series"] = series.name;
    object["target"] = data.table().targets[at(line.target)];
    auto times = nlohmann::ordered_json::array();
    for (std::int64_t h = 0; h < options.horizon; ++h) {
      times.push_back(data.table().written_time(series, prediction.window.origin + h));
    }
    object["times"] = std::move(times);
    for (std::size_t q = 0; q < count; ++q) {
      auto values = nlohmann::ordered_json::array();
      for (std::int64_t h = 0; h < options.horizon; ++h) {
        values.push_back(prediction.quantiles[at(h) * count + q]);
      }
      object["quantiles"][fmt::format("{:g}", options.quantiles[q])] = std::move(values);
    }
    array.push_back(std::move(object));
  }
  return array;
}

}  // namespace

ExitCode predict_series(const PredictFlags& flags) {
  using Clock = std::chrono::steady_clock;
  const models::Forecaster model = load_finite_forecaster(flags.model, "predict");
  const models::ForecasterOptions& options = model.options();
  const data::TimeSeriesTable table = read_series(flags.data, model);
  const ForecastData data(table, options);
  const std::vector<ForecastWindow> windows = last_windows(data, options);
  ReadCounter counter(std::ssize(windows), "series");
  std::vector<Prediction> list;
  const Clock::time_point start = Clock::now();
  model.forecast(data, windows, options.seed,
                 [&](const ForecastWindow& window, std::span<const double> quantiles) {
                   list.push_back({window, {quantiles.begin(), quantiles.end()}});
                   counter.show(std::ssize(list));
                 });
  const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
  counter.finish();
  if (!flags.out.empty()) replace_file(flags.out, to_csv(data, options, list));
  if (flags.json) {
    print_json({{"kind", name(Kind::kForecast)},
                {"model", flags.model.string()},
                {"data", flags.data.string()},
                {"horizon", options.horizon},
                {"seconds", seconds},
                {"forecasts", to_json(data, options, list)}});
  } else if (flags.out.empty()) {
    print(to_csv(data, options, list));
  } else {
    note(fmt::format("{}: {} of {} in {:.2f} s", flags.out.string(),
                     counted(std::ssize(list), "forecast"), counted(options.horizon, "row"),
                     seconds));
  }
  const auto figure = [&](const Prediction& prediction) {
    return forecast_figure(model, data, prediction.window, prediction.quantiles);
  };
  write({.html = flags.html, .svg = flags.svg, .csv = {}}, figure(list.front()), [&] {
    report::Page page(
        fmt::format("{} after {}", folder_name(flags.model), flags.data.filename().string()));
    constexpr std::size_t kMost = 50;
    for (std::size_t i = 0; i < std::min(list.size(), kMost); ++i) page.chart(figure(list[i]));
    if (list.size() > kMost) {
      page.paragraph(fmt::format("The other {} series are not shown.",
                                 grouped(std::ssize(list) - static_cast<std::int64_t>(kMost))));
    }
    return page;
  });
  return kOk;
}

}  // namespace riverrun::cli
