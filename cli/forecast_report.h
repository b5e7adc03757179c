#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "riverrun/models/forecast_score.h"
#include "riverrun/models/forecaster.h"
#include "riverrun/report/figure.h"
#include "riverrun/report/page.h"

namespace riverrun::cli {

/// How good forecasts are, beside naive ones of the same windows.
struct ForecastScores {
  models::ForecastScore model;
  models::ForecastScore seasonal_naive;
  models::ForecastScore last_value;
};

struct ForecastReport {
  std::int64_t windows = 0;
  std::int64_t lines = 0;
  std::int64_t horizon = 0;
  std::int64_t season = 0;
  std::vector<double> quantiles;
  ForecastScores all;
  std::vector<std::string> targets;        ///< their names
  std::vector<ForecastScores> of_targets;  ///< of each
  /// Of each row of the horizon, the mean absolute error, standardised.
  std::vector<double> mae;
  std::vector<double> seasonal_naive_mae;
  std::vector<double> last_value_mae;
  /// The last window of the first line.
  report::Figure example;
  double seconds = 0;  ///< that the model took
};

/// Forecasts all windows. Shows on a terminal how far it is. Throws as Forecaster::forecast().
[[nodiscard]] ForecastReport measure(const models::Forecaster& model,
                                     const models::ForecastData& data,
                                     std::span<const models::ForecastWindow> windows);

/// A forecast of one window, its quantiles [horizon, quantiles], behind what was before it and
/// beside what happened, if that is known.
[[nodiscard]] report::Figure forecast_figure(const models::Forecaster& model,
                                             const models::ForecastData& data,
                                             const models::ForecastWindow& window,
                                             std::span<const double> quantiles);

/// "MASE 0.82 (seasonal naive: 1.02), MSE 0.36 (0.51)"
[[nodiscard]] std::string summary(const ForecastReport& report);
[[nodiscard]] std::string to_text(const ForecastReport& report);
[[nodiscard]] nlohmann::ordered_json to_json(const ForecastReport& report);
/// The errors over the horizon.
[[nodiscard]] report::Figure errors_figure(const ForecastReport& report);
void add_to(report::Page& page, const ForecastReport& report);

/// "OT", or "OT of store 3".
[[nodiscard]] std::string name_of(const models::ForecastData& data, std::int64_t line);

}  // namespace riverrun::cli
