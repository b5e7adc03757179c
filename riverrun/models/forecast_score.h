#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace riverrun::models {

/// How near forecasts come to what happened, over all windows, series and steps of the horizon. If
/// there is no target, all means are NaN.
struct ForecastScore {
  std::int64_t targets = 0;  ///< numbers that were forecast; those that are missing do not count
  /// Of the median: mean squared and mean absolute error, with each series divided by its standard
  /// deviation in the part that was learnt from, and of the numbers themselves.
  double mse = 0;
  double mae = 0;
  double mse_raw = 0;
  double mae_raw = 0;
  /// Mean absolute scaled error (Hyndman & Koehler 2006): absolute errors over the mean absolute
  /// error of the seasonal naive forecast, one step after the other, in the part that was learnt
  /// from. Series where that was 0 do not count; NaN if it was for all.
  double mase = 0;
  /// Weighted quantile loss, the mean over the quantiles: 2·Σ pinball loss / Σ |y| (Salinas et al.
  /// 2020, "ρ-risk"; GluonTS's mean_wQuantileLoss). Infinite or NaN if all targets are 0.
  double wql = 0;
  /// Of each quantile, the part of the targets that are not above it.
  std::vector<double> coverage;
};

/// What a series was like in the part that was learnt from.
struct SeriesScale {
  double mean = 0;
  double deviation = 1;
  double naive_error = 1;  ///< see ForecastScore::mase

  friend bool operator==(const SeriesScale&, const SeriesScale&) = default;
};

/// Of the values of a series, of which those that are NaN do not count: mean (0 if there is none),
/// standard deviation (of the population; 1 if it is 0) and mean absolute difference of values that
/// are one season apart; of neighbours, if no two are a season apart; 0 if there are none of these
/// either. Throws ConfigError if the season is less than 1.
[[nodiscard]] SeriesScale scale_of(std::span<const double> values, std::int64_t season);

/// Adds up forecasts, in double precision.
class ForecastCounter {
 public:
  /// In rising order, each in (0, 1), with 0.5 among them. Throws ConfigError.
  explicit ForecastCounter(std::vector<double> quantiles);

  /// A window of one series: the quantiles of each step, [horizon, quantiles], and what happened,
  /// [horizon], NaN where that is not known. Throws ShapeError.
  void add(std::span<const double> forecast, std::span<const double> actual,
           const SeriesScale& scale);
  /// The same of a forecast without quantiles, [horizon]: all of them are the one number.
  void add_point(std::span<const double> forecast, std::span<const double> actual,
                 const SeriesScale& scale);
  [[nodiscard]] ForecastScore score() const;
  [[nodiscard]] const std::vector<double>& quantiles() const noexcept { return quantiles_; }

 private:
  void add_median(double forecast, double actual, const SeriesScale& scale);
  void add_quantile(std::size_t quantile, double forecast, double actual);

  std::vector<double> quantiles_;
  std::size_t median_ = 0;  ///< its place among the quantiles
  std::int64_t targets_ = 0;
  // Sums over the targets:
  double squares_ = 0;
  double absolute_ = 0;
  double squares_raw_ = 0;
  double absolute_raw_ = 0;
  double naive_ = 0;                     ///< of the errors in naive errors,
  std::int64_t naive_targets_ = 0;       ///< of so many targets
  double magnitude_ = 0;                 ///< of |y|
  std::vector<double> pinball_;          ///< of each quantile
  std::vector<std::int64_t> not_above_;  ///< of each quantile, the targets it covers
};

/// What comes after `history` if the last season repeats itself, [horizon]: where it is missing,
/// the season before it, and so on; the last known value if there is none, and 0 if no value is
/// known. Throws ConfigError if the season is less than 1 or the horizon negative.
[[nodiscard]] std::vector<double> seasonal_naive(std::span<const double> history,
                                                 std::int64_t season, std::int64_t horizon);
/// seasonal_naive() with a season of 1.
[[nodiscard]] std::vector<double> last_value(std::span<const double> history, std::int64_t horizon);

}  // namespace riverrun::models
