#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <numbers>
#include <string>
#include <utility>
#include <vector>

#include "riverrun/data/time_series.h"
#include "riverrun/models/forecaster.h"

namespace riverrun::test {

inline constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();

/// Series "a", "b", … of one target, "y", an hour apart from March 1, 2024 on. Behind the values
/// are `beyond` rows of which only known covariates may tell.
inline data::TimeSeriesTable hourly(const std::vector<std::vector<double>>& of_series,
                                    std::int64_t beyond = 0) {
  data::TimeSeriesTable table;
  table.path = "hours.csv";
  table.targets = {"y"};
  table.frequency = {.unit = data::Frequency::Unit::kSecond, .count = 3600};
  table.format = data::TimeFormat("%Y-%m-%d %H:%M");
  for (const std::vector<double>& values : of_series) {
    data::TimeSeries series;
    series.name = std::string(1, static_cast<char>('a' + table.series.size()));
    series.start = {.kind = data::TimeStamp::Kind::kLocal, .whole = 1'709'251'200};
    series.observed = std::ssize(values);
    series.steps = series.observed + beyond;
    series.targets = values;
    series.targets.resize(static_cast<std::size_t>(series.steps), kMissing);
    for (std::int64_t row = 0; row < series.steps; ++row) series.lines.push_back(row + 2);
    table.series.push_back(std::move(series));
  }
  return table;
}

/// A covariate behind those that are there, with value(row) in every series.
inline void add_covariate(data::TimeSeriesTable& table, const data::Covariate& covariate,
                          const std::function<double(std::int64_t)>& value) {
  const std::size_t before = table.covariates.size();
  table.covariates.push_back(covariate);
  for (data::TimeSeries& series : table.series) {
    std::vector<double> all;
    for (std::int64_t row = 0; row < series.steps; ++row) {
      const auto first = series.covariates.begin() + row * static_cast<std::int64_t>(before);
      all.insert(all.end(), first, first + static_cast<std::int64_t>(before));
      all.push_back(value(row));
    }
    series.covariates = std::move(all);
  }
}

/// A season of 8 rows on a rising level, that begins at row `from`.
inline std::vector<double> wave(std::int64_t rows, std::int64_t from = 0) {
  std::vector<double> values;
  for (std::int64_t i = from; i < from + rows; ++i) {
    const auto row = static_cast<double>(i);
    values.push_back(10 + 3 * std::sin(std::numbers::pi / 4 * row) + 0.05 * row);
  }
  return values;
}

/// A small forecaster of what a table has, without dropout.
inline models::ForecasterOptions small_forecaster(
    const data::TimeSeriesTable& table,
    models::ForecastMethod method = models::ForecastMethod::kSegments) {
  models::ForecasterOptions options;
  options.columns.target = table.targets;
  options.covariates = table.covariates;
  options.covariate_scales.resize(static_cast<std::size_t>(table.covariate_size()));
  options.frequency = data::to_string(table.frequency);
  for (const data::TimeSeries& series : table.series) {
    for (const std::string& target : table.targets) {
      options.lines.push_back({.series = series.name,
                               .target = target,
                               .scale = {.mean = 10, .deviation = 2, .naive_error = 1}});
    }
  }
  options.horizon = 5;
  options.look_back = 8;
  options.season = 8;
  options.method = method;
  options.segment = method == models::ForecastMethod::kSegments ? 2 : 1;
  options.quantiles = {0.1, 0.5, 0.9};
  options.paths = 20;
  options.calendar = true;
  options.hidden_size = 4;
  options.dropout = 0;
  return options;
}

}  // namespace riverrun::test
