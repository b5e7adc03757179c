#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "riverrun/data/time_series.h"
#include "riverrun/models/forecast_run.h"

namespace riverrun::models {

/// Where covariates of numbers tell what is to be forecast, so that forecasts look better than they
/// will be: a line each, without the path. In the rows that are learnt from, a known covariate is a
/// target, or is correlated with one, |r| > 0.9999 within the series; or any covariate is a target
/// of up to `look_back` + `horizon` rows later, as all of the look-back is read, or a known one of
/// fewer than `horizon` rows before. Of rows that have both there must be ten, in which the target
/// changes.
[[nodiscard]] std::vector<std::string> leaks(const data::TimeSeriesTable& table,
                                             std::int64_t look_back, std::int64_t horizon,
                                             const ForecastTraining& learning);

}  // namespace riverrun::models
