#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "riverrun/core/fields.h"
#include "riverrun/core/tensor.h"
#include "riverrun/data/labelled.h"
#include "riverrun/data/time_series.h"
#include "riverrun/models/forecast_score.h"
#include "riverrun/nn/cells.h"
#include "riverrun/nn/parameter.h"
#include "riverrun/nn/recurrent.h"
#include "riverrun/nn/tape.h"

namespace riverrun::models {

/// How a forecaster comes to what is next.
enum class ForecastMethod {
  /// The past is read in segments of several rows, and each segment of the horizon is forecast at
  /// once (SegRNN: Lin et al. 2023, "SegRNN: Segment Recurrent Neural Network for Long-Term Time
  /// Series Forecasting"). It learns the quantiles, by their pinball loss (Koenker & Bassett 1978).
  kSegments,
  /// Row by row: each value has a normal distribution that follows from the rows before, and paths
  /// are drawn from it (DeepAR: Salinas et al. 2020, "DeepAR: Probabilistic forecasting with
  /// autoregressive recurrent networks"). It learns the likelihood.
  kPaths,
};

/// One target of one series, which is forecast by itself.
struct ForecastLine {
  std::string series = {};  ///< empty: the file has one series
  std::string target = {};
  SeriesScale scale = {};

  friend bool operator==(const ForecastLine&, const ForecastLine&) = default;
};

/// Of a number that is read beside the targets: (x - mean)/deviation is what a network reads.
struct CovariateScale {
  double mean = 0;
  double deviation = 1;

  friend bool operator==(const CovariateScale&, const CovariateScale&) = default;
};

/// What a forecaster is made of. The first part says what it reads and answers, and follows from
/// the data that it learns (describe()); the second one is its network.
struct ForecasterOptions {
  /// All columns that were found out; see data::read_time_series().
  data::TimeSeriesColumns columns;
  std::vector<data::Covariate> covariates;
  /// Of each of their numbers, in the order of data::TimeSeries::covariates.
  std::vector<CovariateScale> covariate_scales;
  std::string frequency = "row";  ///< as data::to_string() has it
  /// All that it learns from: of each series in the order of the file, each target.
  std::vector<ForecastLine> lines;
  /// The last time of which it knows what was, learnt or validated on, as data::parse_time() reads
  /// it; empty where rows have no times.
  std::string learnt_until = {};
  data::Missing missing = data::Missing::kError;

  /// Rows that are forecast at once.
  std::int64_t horizon = 0;
  /// Rows that they are forecast from, a multiple of `segment`.
  std::int64_t look_back = 0;
  /// Rows after which a season begins anew; of the seasonal naive forecast alone.
  std::int64_t season = 0;
  ForecastMethod method = ForecastMethod::kSegments;
  /// Rows of a segment; 1 with kPaths.
  std::int64_t segment = 0;
  /// In rising order, each in (0, 1), with 0.5 among them.
  std::vector<double> quantiles = {0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9};
  /// How many are drawn, with kPaths.
  std::int64_t paths = 200;
  /// Whether the hour, the day of the week, … are read, and of the cycles that data::calendar()
  /// has, from the shortest on, how many are skipped, and up to which one they are read: what the
  /// look-back shows often enough need not be told, and what was learnt from once is not known to
  /// come again.
  bool calendar = true;
  std::int64_t calendar_skipped = 0;
  std::int64_t calendar_cycles = 5;
  CellChoice cell = "gru";
  std::int64_t hidden_size = 0;
  std::int64_t num_layers = 1;
  float dropout = 0.3f;
  /// Of the initial parameters.
  std::uint64_t seed = 1;

  friend bool operator==(const ForecasterOptions&, const ForecasterOptions&) = default;
};

inline constexpr std::array<std::string_view, 2> kForecastMethods = {"segments", "paths"};

}  // namespace riverrun::models

template <>
inline constexpr std::span<const std::string_view>
    riverrun::kNames<riverrun::models::ForecastMethod> = riverrun::models::kForecastMethods;

template <>
inline constexpr auto riverrun::kFields<riverrun::data::Covariate> = [] {
  using C = data::Covariate;
  return std::tuple{Field{"name", &C::name}, Field{"levels", &C::levels},
                    Field{"known", &C::known}};
}();

template <>
inline constexpr auto riverrun::kFields<riverrun::models::SeriesScale> = [] {
  using S = models::SeriesScale;
  return std::tuple{Field{"mean", &S::mean}, Field{"deviation", &S::deviation, greater_than(0)},
                    Field{"naive_error", &S::naive_error, at_least(0)}};
}();

template <>
inline constexpr auto riverrun::kFields<riverrun::models::ForecastLine> = [] {
  using L = models::ForecastLine;
  return std::tuple{Field{"series", &L::series}, Field{"target", &L::target},
                    Field{"scale", &L::scale}};
}();

template <>
inline constexpr auto riverrun::kFields<riverrun::models::CovariateScale> = [] {
  using C = models::CovariateScale;
  return std::tuple{Field{"mean", &C::mean}, Field{"deviation", &C::deviation, greater_than(0)}};
}();

template <>
inline constexpr auto riverrun::kFields<riverrun::models::ForecasterOptions> = [] {
  using O = models::ForecasterOptions;
  constexpr double kMostRows = 1 << 20;
  return std::tuple{
      Field{"columns", &O::columns},
      Field{"covariates", &O::covariates},
      Field{"covariate_scales", &O::covariate_scales},
      Field{"frequency", &O::frequency},
      Field{"lines", &O::lines},
      Field{"learnt_until", &O::learnt_until},
      Field{"missing", &O::missing, any_value(),
            "What becomes of missing values: error, interpolate or mask"},
      Field{"horizon", &O::horizon, from_to(1, kMostRows), "Rows to forecast at once"},
      Field{"look_back", &O::look_back, from_to(1, kMostRows), "Rows that they are forecast from"},
      Field{"season", &O::season, from_to(1, kMostRows),
            "Rows of a season, for the naive forecast that is compared"},
      Field{"method", &O::method, any_value(),
            "segments: many rows at once, as SegRNN; paths: drawn row by row, as DeepAR"},
      Field{"segment", &O::segment, from_to(1, kMostRows),
            "Rows of a segment, which are read and forecast at once"},
      Field{"quantiles", &O::quantiles, between(0, 1)},
      Field{"paths", &O::paths, from_to(2, 100000), "How many paths are drawn"},
      Field{"calendar", &O::calendar, any_value(),
            "Read the hour, the day of the week and so on: true or false"},
      Field{"calendar_skipped", &O::calendar_skipped, from_to(0, 5)},
      Field{"calendar_cycles", &O::calendar_cycles, from_to(0, 5)},
      Field{"cell", &O::cell},
      Field{"hidden_size", &O::hidden_size, from_to(1, kLargestSize), "Units of a layer"},
      Field{"num_layers", &O::num_layers, from_to(1, kMostLayers), "Recurrent layers"},
      Field{"dropout", &O::dropout, from_below(0, 1),
            "Part of the units that is left out while training, in [0, 1)"},
      Field{"seed", &O::seed, any_value(), "", kInitial},
  };
}();

namespace riverrun::models {

/// Throws ConfigError if an option is out of range; the message names it. Allocates nothing of the
/// sizes that are asked for.
void check(const ForecasterOptions& options);

/// The names and shapes that Forecaster::parameters() will have. Throws ConfigError as check().
[[nodiscard]] std::vector<NamedShape> parameter_shapes(const ForecasterOptions& options);

/// Where a forecast begins: its first row is `origin`, and what is before it is read.
struct ForecastWindow {
  std::int64_t line = 0;  ///< of a ForecastData
  std::int64_t origin = 0;

  friend bool operator==(const ForecastWindow&, const ForecastWindow&) = default;
};

/// A table as a forecaster reads it: in its own numbers.
class ForecastData {
 public:
  struct Line {
    std::int64_t series = 0;         ///< of the table
    std::int64_t target = 0;         ///< of the table
    std::int32_t number = 0;         ///< in ForecasterOptions::lines; their count for a new one
    SeriesScale scale = {};          ///< of the model; of a new line, that of its own values
    std::vector<double> given = {};  ///< [observed], as the file has them; NaN where missing
    std::vector<float> values = {};  ///< [observed], (x - mean)/deviation
  };
  struct Series {
    std::vector<float> covariates;  ///< [steps, covariate_size]
    std::int64_t earlier = 0;       ///< rows before the first that the calendar begins with
    std::vector<float> calendar;    ///< [earlier + steps + horizon, calendar_size]
  };

  /// The table must outlive it. Throws FormatError, which says where, for values that are missing,
  /// unless the options mask them, and for values that are so large that they have no place among
  /// float32's; and if the targets are not those of the options.
  ForecastData(const data::TimeSeriesTable& table, const ForecasterOptions& options);

  [[nodiscard]] const data::TimeSeriesTable& table() const noexcept { return *table_; }
  [[nodiscard]] const std::vector<Line>& lines() const noexcept { return lines_; }
  [[nodiscard]] const std::vector<Series>& series() const noexcept { return series_; }
  [[nodiscard]] const data::TimeSeries& series_of(const Line& line) const {
    return table_->series[static_cast<std::size_t>(line.series)];
  }
  /// What happened from `origin` on, [horizon], in the numbers of the file; NaN where that is
  /// missing, or not known yet.
  [[nodiscard]] std::vector<double> actual(const ForecastWindow& window,
                                           std::int64_t horizon) const;
  /// What was before `origin`, in the numbers of the file.
  [[nodiscard]] std::span<const double> history(const ForecastWindow& window) const;

 private:
  const data::TimeSeriesTable* table_;
  std::vector<Line> lines_;
  std::vector<Series> series_;
};

/// All windows of a line whose rows are there: the first forecast begins after look_back rows, or,
/// if the line is too short for that, a horizon before its end; the last one ends with the line.
/// From `first` to before `last` alone, rows that a forecast may be of. `stride` rows apart.
[[nodiscard]] std::vector<ForecastWindow> windows_of(const ForecastData& data, std::int64_t line,
                                                     const ForecasterOptions& options,
                                                     std::int64_t first, std::int64_t last,
                                                     std::int64_t stride = 1);

struct ForecastBatch;
class ForecastNetwork;

/// Tells how time series go on: of each row of the horizon the quantiles. What it reads of a window
/// is set against the last value before the origin and the standard deviation of the look-back, so
/// that a level that it has never seen is none.
///
/// Several threads may call const functions at once; changing parameters is for one alone.
class Forecaster {
 public:
  /// Throws ConfigError as check().
  explicit Forecaster(const ForecasterOptions& options);
  Forecaster(Forecaster&&) noexcept;
  Forecaster& operator=(Forecaster&&) noexcept;
  ~Forecaster();

  /// The mean loss of the windows' rows, [], on a tape and with gradients of all parameters: of
  /// ForecastMethod::kSegments the pinball loss, twice the mean over the quantiles, in standard
  /// deviations of the line; of kPaths minus the log-likelihood in nats, of the look-back's rows
  /// too, in standard deviations of the look-back. Rows that are missing do not count. Throws
  /// ConfigError if all rows of the horizons are.
  Var loss(Tape& tape, const ForecastData& data, std::span<const ForecastWindow> windows);
  /// The same without gradients or dropout: the sum over the rows, and how many they are.
  struct LossSum {
    double sum = 0;
    std::int64_t targets = 0;
  };
  [[nodiscard]] LossSum loss_sum(const ForecastData& data,
                                 std::span<const ForecastWindow> windows) const;

  /// Calls `take(window, quantiles)` for each window in turn, where quantiles is [horizon,
  /// quantiles] in the numbers of the file, rising in each row. What is drawn follows from `seed`
  /// and the window's place in the list. Throws NumericError if what the network says is not
  /// finite.
  using Take = std::function<void(const ForecastWindow&, std::span<const double>)>;
  void forecast(const ForecastData& data, std::span<const ForecastWindow> windows,
                std::uint64_t seed, const Take& take) const;

  /// In a fixed order, under the names that a file gives them.
  [[nodiscard]] ParameterList parameters();
  [[nodiscard]] ConstParameterList parameters() const;
  [[nodiscard]] const ForecasterOptions& options() const noexcept { return options_; }
  /// The network inside; see forecast_network.h.
  [[nodiscard]] ForecastNetwork& network() noexcept { return *network_; }
  [[nodiscard]] const ForecastNetwork& network() const noexcept { return *network_; }

 private:
  ForecasterOptions options_;
  std::unique_ptr<ForecastNetwork> network_;
};

}  // namespace riverrun::models
