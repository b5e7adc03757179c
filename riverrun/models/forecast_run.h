#pragma once

#include <cstdint>
#include <tuple>
#include <vector>

#include "riverrun/core/fields.h"
#include "riverrun/core/folder.h"
#include "riverrun/data/time_series.h"
#include "riverrun/models/forecaster.h"
#include "riverrun/models/saved_run.h"
#include "riverrun/train/trainer_options.h"

namespace riverrun::models {

/// How a forecaster learns, beside what TrainerOptions say.
struct ForecastTraining {
  /// The part of each series, at its end, that is validated on in place of being learnt from, and
  /// at least a horizon; 0 if there are series of their own for it, or none: then the last weights
  /// are the ones that are kept.
  double valid_fraction = 0.2;
  /// The last time of which rows are read, as data::TimeSeriesTable::parse() reads it; empty: all
  /// are. Whoever reads the table cuts it (data::cut_after()).
  std::string until = {};

  friend bool operator==(const ForecastTraining&, const ForecastTraining&) = default;
};

}  // namespace riverrun::models

template <>
inline constexpr auto riverrun::kFields<riverrun::models::ForecastTraining> = [] {
  using O = models::ForecastTraining;
  return std::tuple{Field{"valid_fraction", &O::valid_fraction, from_below(0, 1),
                          "Part of the end of each series that is for validation, if not --valid; "
                          "0: none"},
                    Field{"until", &O::until, any_value(),
                          "The last time that is learnt or validated on; not given: all"}};
}();

namespace riverrun::models {

/// What forecasters are trained with, but for the batch and the number of epochs.
[[nodiscard]] TrainerOptions forecast_trainer_options();

/// All that decides which bits a run ends with, besides the files.
struct ForecastRun {
  ForecasterOptions model;
  TrainerOptions trainer = forecast_trainer_options();
  ForecastTraining learning;
};

/// How many rows of a series of so many are learnt from: all but the part for validation, and all
/// if too few would be left.
[[nodiscard]] std::int64_t learnt_rows(std::int64_t rows, std::int64_t horizon,
                                       const ForecastTraining& learning);

/// The last time of which the table has targets, as ForecasterOptions::learnt_until has it.
[[nodiscard]] std::string learnt_until(const data::TimeSeriesTable& table);

/// `run` with what suits the series that are learnt from, whose missing values were treated: what
/// they are; where `run` says 0, look-back, season, segment, units and the batch; and the number of
/// epochs. Throws ConfigError if no series is long enough to learn from.
[[nodiscard]] ForecastRun suggested_run(const data::TimeSeriesTable& table,
                                        const data::TimeSeriesColumns& columns, ForecastRun run);

/// Windows to learn from or to validate on.
struct ForecastPart {
  const ForecastData* data = nullptr;  ///< must outlive whoever is given the part
  std::vector<ForecastWindow> windows;
};
/// The windows of what is learnt from: those of the rows before the ones for validation, one row
/// apart, or more if there are more than five million. Windows of which nothing is known are left
/// out.
[[nodiscard]] ForecastPart learnt_windows(const ForecastData& data,
                                          const ForecasterOptions& options,
                                          const ForecastTraining& learning);
/// Those of the rows for validation, evenly spread: about `most`, and of each line at least one.
[[nodiscard]] ForecastPart judged_windows(const ForecastData& data,
                                          const ForecasterOptions& options,
                                          const ForecastTraining& learning, std::int64_t most);

/// What the checkpoint in a folder says. Throws IoError; FormatError, also if the parameters'
/// shapes are not those of the model that it describes; and NumericError if a number in it is NaN.
[[nodiscard]] SavedRun<ForecastRun> saved_forecast_run(const Folder& folder);

}  // namespace riverrun::models
