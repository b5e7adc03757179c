#include "cli/forecast_report.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <limits>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/progress.h"
#include "cli/table.h"

namespace riverrun::cli {
namespace {

using models::ForecastData;
using models::ForecastScore;
using models::ForecastWindow;

std::size_t at(std::int64_t index) { return static_cast<std::size_t>(index); }

/// Which of the quantiles is the median.
std::size_t median_of(const std::vector<double>& quantiles) {
  return static_cast<std::size_t>(std::ranges::find(quantiles, 0.5) - quantiles.begin());
}

/// Adds up the absolute errors of each row of the horizon.
class ErrorsByRow {
 public:
  explicit ErrorsByRow(std::int64_t horizon) : sums_(at(horizon)), counts_(at(horizon)) {}

  /// `step` numbers lie between two of the forecast.
  void add(const double* forecast, std::size_t step, std::span<const double> actual,
           double deviation) {
    for (std::size_t h = 0; h < actual.size(); ++h) {
      const double error = std::abs(forecast[h * step] - actual[h]) / deviation;
      if (std::isnan(error)) continue;
      sums_[h] += error;
      ++counts_[h];
    }
  }
  [[nodiscard]] std::vector<double> means() const {
    std::vector<double> means;
    for (std::size_t h = 0; h < sums_.size(); ++h) {
      means.push_back(counts_[h] > 0 ? sums_[h] / static_cast<double>(counts_[h])
                                     : std::numeric_limits<double>::quiet_NaN());
    }
    return means;
  }

 private:
  std::vector<double> sums_;
  std::vector<std::int64_t> counts_;
};

/// Adds up what a model and the naive forecasts of the same windows are.
class ScoreCounter {
 public:
  explicit ScoreCounter(const std::vector<double>& quantiles)
      : model_(quantiles), seasonal_naive_(quantiles), last_value_(quantiles) {}

  void add(std::span<const double> said, std::span<const double> seasonal,
           std::span<const double> last, std::span<const double> actual,
           const models::SeriesScale& scale) {
    model_.add(said, actual, scale);
    seasonal_naive_.add_point(seasonal, actual, scale);
    last_value_.add_point(last, actual, scale);
  }
  [[nodiscard]] ForecastScores scores() const {
    return {.model = model_.score(),
            .seasonal_naive = seasonal_naive_.score(),
            .last_value = last_value_.score()};
  }

 private:
  models::ForecastCounter model_;
  models::ForecastCounter seasonal_naive_;
  models::ForecastCounter last_value_;
};

/// What cannot be said, as MASE of a target that never changes, is a dash.
std::string number(double value) { return std::isnan(value) ? "-" : fmt::format("{:.4g}", value); }

/// The part of the targets between the outermost quantiles, and the part that should be.
struct Band {
  double low = 0;
  double high = 0;
  double coverage = 0;
};
Band outer_band(const ForecastReport& report) {
  return {.low = report.quantiles.front(),
          .high = report.quantiles.back(),
          .coverage = report.all.model.coverage.back() - report.all.model.coverage.front()};
}

report::Table scores_table(const ForecastReport& report) {
  const auto row = [&](const char* name, double ForecastScore::*measure) {
    return std::vector<std::string>{name, number(report.all.model.*measure),
                                    number(report.all.seasonal_naive.*measure),
                                    number(report.all.last_value.*measure)};
  };
  return {.header = {"", "model", "seasonal naive", "last value"},
          .rows = {row("MSE, standardised", &ForecastScore::mse),
                   row("MAE, standardised", &ForecastScore::mae),
                   row("MSE", &ForecastScore::mse_raw), row("MAE", &ForecastScore::mae_raw),
                   row("MASE", &ForecastScore::mase), row("WQL", &ForecastScore::wql)}};
}

/// A row for each target; empty if there is but one.
report::Table targets_table(const ForecastReport& report) {
  report::Table table{
      .caption = "Each target, and beside it its seasonal naive forecast",
      .header = {"target", "MSE, standardised", "naive", "MAE, standardised", "naive", "MSE", "MAE",
                 "MASE", "naive", "WQL", "naive", "in the outer quantiles"},
      .rows = {}};
  for (std::size_t i = 0; report.targets.size() > 1 && i < report.targets.size(); ++i) {
    const ForecastScore& model = report.of_targets[i].model;
    const ForecastScore& naive = report.of_targets[i].seasonal_naive;
    table.rows.push_back(
        {report.targets[i], number(model.mse), number(naive.mse), number(model.mae),
         number(naive.mae), number(model.mse_raw), number(model.mae_raw), number(model.mase),
         number(naive.mase), number(model.wql), number(naive.wql),
         fmt::format("{:.1f} %", 100 * (model.coverage.back() - model.coverage.front()))});
  }
  return table;
}

/// What cannot be said is null: of no value there is no mean.
void add_scores(const ForecastScores& scores, const std::vector<double>& quantiles,
                nlohmann::ordered_json& json) {
  const auto or_null = [](double value) {
    return std::isfinite(value) ? nlohmann::ordered_json(value) : nlohmann::ordered_json();
  };
  json["values"] = scores.model.targets;
  const auto add = [&](const std::string& prefix, const ForecastScore& score) {
    json[prefix + "mse"] = or_null(score.mse);
    json[prefix + "mae"] = or_null(score.mae);
    json[prefix + "mse_raw"] = or_null(score.mse_raw);
    json[prefix + "mae_raw"] = or_null(score.mae_raw);
    json[prefix + "mase"] = or_null(score.mase);
    json[prefix + "wql"] = or_null(score.wql);
  };
  add("", scores.model);
  add("naive_", scores.seasonal_naive);
  add("last_value_", scores.last_value);
  auto coverage = nlohmann::ordered_json::object();
  for (std::size_t q = 0; q < quantiles.size(); ++q) {
    coverage[fmt::format("{:g}", quantiles[q])] = or_null(scores.model.coverage[q]);
  }
  json["coverage"] = std::move(coverage);
}

report::Table coverage_table(const ForecastReport& report) {
  report::Table table{.caption = "How many of the values are not above each quantile",
                      .header = {"quantile", "values not above it"},
                      .rows = {}};
  for (std::size_t q = 0; q < report.quantiles.size(); ++q) {
    table.rows.push_back({fmt::format("{:g}", report.quantiles[q]),
                          fmt::format("{:.1f} %", 100 * report.all.model.coverage[q])});
  }
  return table;
}

}  // namespace

std::string name_of(const ForecastData& data, std::int64_t line) {
  const ForecastData::Line& of = data.lines()[at(line)];
  const std::string& target = data.table().targets[at(of.target)];
  const std::string& series = data.series_of(of).name;
  return series.empty() ? target : fmt::format("{} of {}", target, series);
}

report::Figure forecast_figure(const models::Forecaster& model, const ForecastData& data,
                               const ForecastWindow& window, std::span<const double> quantiles) {
  const models::ForecasterOptions& options = model.options();
  const ForecastData::Line& line = data.lines()[at(window.line)];
  const data::TimeSeries& series = data.series_of(line);
  // As much of the past as of the future, and at least two seasons: more would make both narrow.
  const std::int64_t shown = std::min(
      window.origin, std::max(options.horizon, std::min<std::int64_t>(2 * options.season, 400)));
  report::Figure figure{.title = name_of(data, window.line),
                        .x = {.label = options.columns.time.empty() ? "row" : "time"},
                        .y = {.label = data.table().targets[at(line.target)]},
                        .series = {}};
  for (std::int64_t row = window.origin - shown; row < window.origin + options.horizon; ++row) {
    figure.x.categories.push_back(data.table().written_time(series, row));
  }
  report::Series known{.name = "what happened", .x = {}, .y = {}};
  const std::span<const double> before = data.history(window);
  const std::vector<double> after = data.actual(window, options.horizon);
  for (std::int64_t i = 0; i < shown; ++i) {
    known.x.push_back(static_cast<double>(i));
    known.y.push_back(before[before.size() - at(shown) + at(i)]);
  }
  for (std::int64_t h = 0; h < options.horizon && !std::isnan(after[at(h)]); ++h) {
    known.x.push_back(static_cast<double>(shown + h));
    known.y.push_back(after[at(h)]);
  }
  if (!known.x.empty()) figure.series.push_back(std::move(known));
  const std::size_t count = options.quantiles.size();
  // The outermost band and one within it are enough to see.
  std::vector<std::size_t> lower = {0};
  if (count / 4 > 0) lower.push_back(count / 4);
  for (const std::size_t q : lower) {
    const std::size_t other = count - 1 - q;
    if (other <= q) continue;
    report::Series band{.name = fmt::format("quantiles {:g} to {:g}", options.quantiles[q],
                                            options.quantiles[other]),
                        .x = {},
                        .y = {},
                        .mark = report::Mark::kBand};
    for (std::int64_t h = 0; h < options.horizon; ++h) {
      band.x.push_back(static_cast<double>(shown + h));
      band.y.push_back(quantiles[at(h) * count + q]);
      band.upper.push_back(quantiles[at(h) * count + other]);
    }
    figure.series.push_back(std::move(band));
  }
  report::Series median{.name = "forecast (median)", .x = {}, .y = {}};
  for (std::int64_t h = 0; h < options.horizon; ++h) {
    median.x.push_back(static_cast<double>(shown + h));
    median.y.push_back(quantiles[at(h) * count + median_of(options.quantiles)]);
  }
  figure.series.push_back(std::move(median));
  return figure;
}

ForecastReport measure(const models::Forecaster& model, const ForecastData& data,
                       std::span<const ForecastWindow> windows) {
  using Clock = std::chrono::steady_clock;
  const models::ForecasterOptions& options = model.options();
  ScoreCounter counter(options.quantiles);
  std::vector<ScoreCounter> target_counters(data.table().targets.size(),
                                            ScoreCounter(options.quantiles));
  ErrorsByRow errors(options.horizon);
  ErrorsByRow seasonal_errors(options.horizon);
  ErrorsByRow last_errors(options.horizon);
  ForecastReport report{.windows = std::ssize(windows),
                        .lines = std::ssize(data.lines()),
                        .horizon = options.horizon,
                        .season = options.season,
                        .quantiles = options.quantiles,
                        .all = {},
                        .targets = data.table().targets,
                        .of_targets = {},
                        .mae = {},
                        .seasonal_naive_mae = {},
                        .last_value_mae = {},
                        .example = {}};
  ReadCounter progress(std::ssize(windows), "windows");
  ForecastWindow example = windows.front();
  std::vector<double> example_said;
  std::int64_t done = 0;
  const Clock::time_point start = Clock::now();
  model.forecast(
      data, windows, options.seed, [&](const ForecastWindow& window, std::span<const double> said) {
        const ForecastData::Line& line = data.lines()[at(window.line)];
        const models::SeriesScale& scale = line.scale;
        const std::vector<double> actual = data.actual(window, options.horizon);
        const std::span<const double> history = data.history(window);
        const std::vector<double> seasonal =
            models::seasonal_naive(history, options.season, options.horizon);
        const std::vector<double> last = models::last_value(history, options.horizon);
        counter.add(said, seasonal, last, actual, scale);
        target_counters[at(line.target)].add(said, seasonal, last, actual, scale);
        const std::size_t count = options.quantiles.size();
        errors.add(said.data() + median_of(options.quantiles), count, actual, scale.deviation);
        seasonal_errors.add(seasonal.data(), 1, actual, scale.deviation);
        last_errors.add(last.data(), 1, actual, scale.deviation);
        if (window.line == example.line) {
          example = window;
          example_said.assign(said.begin(), said.end());
        }
        progress.show(++done);
      });
  report.seconds = std::chrono::duration<double>(Clock::now() - start).count();
  progress.finish();
  report.example = forecast_figure(model, data, example, example_said);
  report.all = counter.scores();
  for (const ScoreCounter& of_target : target_counters) {
    report.of_targets.push_back(of_target.scores());
  }
  report.mae = errors.means();
  report.seasonal_naive_mae = seasonal_errors.means();
  report.last_value_mae = last_errors.means();
  return report;
}

std::string summary(const ForecastReport& report) {
  return fmt::format("MSE {} (seasonal naive: {}), MASE {} ({}), WQL {} ({})",
                     number(report.all.model.mse), number(report.all.seasonal_naive.mse),
                     number(report.all.model.mase), number(report.all.seasonal_naive.mase),
                     number(report.all.model.wql), number(report.all.seasonal_naive.wql));
}

std::string to_text(const ForecastReport& report) {
  const Band band = outer_band(report);
  const report::Table targets = targets_table(report);
  return fmt::format(
      "{} of {} of {} each; a season of {}\n{}"
      "{:.1f} % of the values are between the quantiles {:g} and {:g} ({:g} % should be)\n"
      "{:.2f} s\n",
      counted(report.windows, "window"), counted(report.lines, "line"),
      counted(report.horizon, "row"), counted(report.season, "row"),
      aligned(scores_table(report)) + (targets.rows.empty() ? "" : aligned(targets)),
      100 * band.coverage, band.low, band.high, 100 * (band.high - band.low), report.seconds);
}

nlohmann::ordered_json to_json(const ForecastReport& report) {
  nlohmann::ordered_json json = {
      {"windows", report.windows}, {"horizon", report.horizon}, {"season", report.season}};
  add_scores(report.all, report.quantiles, json);
  auto targets = nlohmann::ordered_json::array();
  for (std::size_t i = 0; i < report.targets.size(); ++i) {
    nlohmann::ordered_json& of_target = targets.emplace_back();
    of_target["target"] = report.targets[i];
    add_scores(report.of_targets[i], report.quantiles, of_target);
  }
  json["targets"] = std::move(targets);
  json["seconds"] = report.seconds;
  json["windows_per_second"] = static_cast<double>(report.windows) / report.seconds;
  return json;
}

report::Figure errors_figure(const ForecastReport& report) {
  report::Figure figure{.title = "Mean absolute error over the horizon",
                        .x = {.label = "rows after the origin"},
                        .y = {.label = "mean absolute error, standardised", .low = 0},
                        .series = {}};
  const auto add = [&figure](const char* name, const std::vector<double>& errors) {
    report::Series series{.name = name, .x = {}, .y = errors};
    for (std::size_t h = 0; h < errors.size(); ++h) series.x.push_back(static_cast<double>(h + 1));
    figure.series.push_back(std::move(series));
  };
  add("model", report.mae);
  add("seasonal naive", report.seasonal_naive_mae);
  add("last value", report.last_value_mae);
  return figure;
}

void add_to(report::Page& page, const ForecastReport& report) {
  page.paragraph(fmt::format(
      "{} of {}, each of {}. The seasonal naive forecast repeats the last season, of {}; it is "
      "what a model has to be better than.",
      counted(report.windows, "window"), counted(report.lines, "line"),
      counted(report.horizon, "row"), counted(report.season, "row")));
  page.table(scores_table(report));
  page.paragraph(
      "Errors are of the median. Standardised errors are in standard deviations of each series in "
      "the part that was learnt from. MASE is the mean absolute error over that of the seasonal "
      "naive forecast there. WQL is the weighted quantile loss.");
  const report::Table targets = targets_table(report);
  if (!targets.rows.empty()) page.table(targets);
  page.chart(errors_figure(report));
  page.chart(report.example);
  page.table(coverage_table(report));
}

}  // namespace riverrun::cli
