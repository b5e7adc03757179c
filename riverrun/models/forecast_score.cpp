#include "riverrun/models/forecast_score.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "riverrun/core/error.h"

namespace riverrun::models {
namespace {

constexpr double kMedian = 0.5;

std::size_t at(std::int64_t index) { return static_cast<std::size_t>(index); }

void check_season(const char* who, std::int64_t season) {
  if (season < 1) {
    throw ConfigError(fmt::format("{}: the season is {}; it must be at least 1 step", who, season));
  }
}

/// Mean absolute difference of known values `lag` apart; nothing if there are no two.
std::optional<double> mean_difference(std::span<const double> values, std::int64_t lag) {
  double sum = 0;
  std::int64_t count = 0;
  for (std::int64_t i = lag; i < std::ssize(values); ++i) {
    const double difference = values[at(i)] - values[at(i - lag)];
    if (std::isnan(difference)) continue;
    sum += std::abs(difference);
    ++count;
  }
  if (count == 0) return std::nullopt;
  return sum / static_cast<double>(count);
}

/// A power of two that is larger than all values, so that their squares stay in a double's range.
int exponent_of(std::span<const double> values) {
  double largest = 0;
  for (const double value : values) {
    if (!std::isnan(value)) largest = std::max(largest, std::abs(value));
  }
  int exponent = 0;
  static_cast<void>(std::frexp(largest, &exponent));
  return exponent;
}

/// What a forecast loses if the quantile is forecast and `actual` comes.
double pinball_loss(double quantile, double forecast, double actual) {
  const double error = actual - forecast;
  return std::max(quantile * error, (quantile - 1) * error);
}

}  // namespace

SeriesScale scale_of(std::span<const double> values, std::int64_t season) {
  check_season("scale_of", season);
  const int exponent = exponent_of(values);
  std::vector<double> small;
  small.reserve(values.size());
  for (const double value : values) small.push_back(std::ldexp(value, -exponent));

  const auto known = std::ranges::find_if(small, [](double v) { return !std::isnan(v); });
  if (known == small.end()) return {.mean = 0, .deviation = 1, .naive_error = 0};
  // Differences from a value of the series, so that a constant one has a deviation of exactly 0.
  const double origin = *known;
  double sum = 0;
  double count = 0;
  for (const double value : small) {
    if (std::isnan(value)) continue;
    sum += value - origin;
    ++count;
  }
  const double offset = sum / count;
  double squares = 0;
  for (const double value : small) {
    if (std::isnan(value)) continue;
    const double difference = value - origin - offset;
    squares += difference * difference;
  }
  const double deviation = std::ldexp(std::sqrt(squares / count), exponent);
  std::optional<double> naive = mean_difference(small, season);
  if (!naive) naive = mean_difference(small, 1);
  return {.mean = std::ldexp(origin + offset, exponent),
          .deviation = deviation > 0 ? deviation : 1,
          .naive_error = std::ldexp(naive.value_or(0), exponent)};
}

ForecastCounter::ForecastCounter(std::vector<double> quantiles)
    : quantiles_(std::move(quantiles)), pinball_(quantiles_.size()), not_above_(quantiles_.size()) {
  double last = 0;
  for (const double quantile : quantiles_) {
    if (!(quantile > 0 && quantile < 1)) {
      throw ConfigError(fmt::format(
          "ForecastCounter: a quantile is {}; it must be more than 0 and less than 1", quantile));
    }
    if (quantile <= last) {
      throw ConfigError(fmt::format(
          "ForecastCounter: the quantile {} comes after {}; they must be in rising order", quantile,
          last));
    }
    last = quantile;
  }
  const auto median = std::ranges::find(quantiles_, kMedian);
  if (median == quantiles_.end()) {
    throw ConfigError(fmt::format("ForecastCounter: the quantiles are [{}]; 0.5 must be among them",
                                  fmt::join(quantiles_, ", ")));
  }
  median_ = static_cast<std::size_t>(median - quantiles_.begin());
}

void ForecastCounter::add(std::span<const double> forecast, std::span<const double> actual,
                          const SeriesScale& scale) {
  const std::size_t quantiles = quantiles_.size();
  if (forecast.size() != actual.size() * quantiles) {
    throw ShapeError(fmt::format(
        "ForecastCounter.add: the forecast has {} numbers and the horizon {} steps; there must be "
        "{} for each step, as many as quantiles",
        forecast.size(), actual.size(), quantiles));
  }
  for (std::size_t i = 0; i < actual.size(); ++i) {
    if (std::isnan(actual[i])) continue;
    const auto of_step = forecast.subspan(i * quantiles, quantiles);
    add_median(of_step[median_], actual[i], scale);
    for (std::size_t q = 0; q < quantiles; ++q) add_quantile(q, of_step[q], actual[i]);
  }
}

void ForecastCounter::add_point(std::span<const double> forecast, std::span<const double> actual,
                                const SeriesScale& scale) {
  if (forecast.size() != actual.size()) {
    throw ShapeError(fmt::format(
        "ForecastCounter.add_point: the forecast has {} numbers and the horizon {} steps; there "
        "must be as many",
        forecast.size(), actual.size()));
  }
  for (std::size_t i = 0; i < actual.size(); ++i) {
    if (std::isnan(actual[i])) continue;
    add_median(forecast[i], actual[i], scale);
    for (std::size_t q = 0; q < quantiles_.size(); ++q) add_quantile(q, forecast[i], actual[i]);
  }
}

void ForecastCounter::add_median(double forecast, double actual, const SeriesScale& scale) {
  const double raw = std::abs(actual - forecast);
  const double scaled = raw / scale.deviation;
  ++targets_;
  squares_ += scaled * scaled;
  absolute_ += scaled;
  squares_raw_ += raw * raw;
  absolute_raw_ += raw;
  if (scale.naive_error > 0) {
    naive_ += raw / scale.naive_error;
    ++naive_targets_;
  }
  magnitude_ += std::abs(actual);
}

void ForecastCounter::add_quantile(std::size_t quantile, double forecast, double actual) {
  pinball_[quantile] += pinball_loss(quantiles_[quantile], forecast, actual);
  if (actual <= forecast) ++not_above_[quantile];
}

ForecastScore ForecastCounter::score() const {
  const auto targets = static_cast<double>(targets_);
  double pinball = 0;
  for (const double loss : pinball_) pinball += loss;
  ForecastScore score{.targets = targets_,
                      .mse = squares_ / targets,
                      .mae = absolute_ / targets,
                      .mse_raw = squares_raw_ / targets,
                      .mae_raw = absolute_raw_ / targets,
                      .mase = naive_ / static_cast<double>(naive_targets_),
                      .wql = 2 * pinball / magnitude_ / static_cast<double>(quantiles_.size()),
                      .coverage = {}};
  for (const std::int64_t count : not_above_) {
    score.coverage.push_back(static_cast<double>(count) / targets);
  }
  return score;
}

std::vector<double> seasonal_naive(std::span<const double> history, std::int64_t season,
                                   std::int64_t horizon) {
  check_season("seasonal_naive", season);
  if (horizon < 0) {
    throw ConfigError(
        fmt::format("seasonal_naive: the horizon is {}; it must not be negative", horizon));
  }
  const auto last_known = std::find_if(history.rbegin(), history.rend(),
                                       [](double value) { return !std::isnan(value); });
  const double last = last_known == history.rend() ? 0 : *last_known;
  std::vector<double> forecast;
  forecast.reserve(at(horizon));
  for (std::int64_t step = 0; step < horizon; ++step) {
    if (step >= season) {
      forecast.push_back(forecast[at(step - season)]);
      continue;
    }
    std::int64_t source = std::ssize(history) - season + step;
    while (source >= 0 && std::isnan(history[at(source)])) source -= season;
    forecast.push_back(source >= 0 ? history[at(source)] : last);
  }
  return forecast;
}

std::vector<double> last_value(std::span<const double> history, std::int64_t horizon) {
  return seasonal_naive(history, 1, horizon);
}

}  // namespace riverrun::models
