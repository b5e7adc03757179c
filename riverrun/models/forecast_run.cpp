#include "riverrun/models/forecast_run.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "riverrun/core/error.h"
#include "riverrun/models/forecaster_folder.h"
#include "riverrun/models/run_description_json.h"

namespace riverrun::models {
namespace {

std::size_t at(std::int64_t index) { return static_cast<std::size_t>(index); }

std::int64_t divided_up(std::int64_t a, std::int64_t b) { return (a - 1) / b + 1; }

/// Rows of the series in the middle, by length.
std::int64_t usual_rows(const data::TimeSeriesTable& table, const ForecasterOptions& options,
                        const ForecastTraining& learning) {
  std::vector<std::int64_t> rows;
  for (const data::TimeSeries& series : table.series) {
    rows.push_back(learnt_rows(series.observed, options.horizon, learning));
  }
  std::ranges::nth_element(rows, rows.begin() + std::ssize(rows) / 2);
  return rows[rows.size() / 2];
}

/// Lines, and the scales of what is read, from the rows that are learnt from.
void describe(const data::TimeSeriesTable& table, const ForecastTraining& learning,
              ForecasterOptions& options) {
  options.covariates = table.covariates;
  options.frequency = data::to_string(table.frequency);
  if (options.season == 0) {
    const std::int64_t usual = data::usual_season(table.frequency);
    options.season = 2 * usual <= usual_rows(table, options, learning) ? usual : 1;
  }
  options.lines.clear();
  const std::int64_t numbers = table.covariate_size();
  std::vector<std::vector<double>> of_covariates(at(numbers));
  const std::int64_t targets = std::ssize(table.targets);
  for (const data::TimeSeries& series : table.series) {
    const std::int64_t rows = learnt_rows(series.observed, options.horizon, learning);
    for (std::int64_t target = 0; target < targets; ++target) {
      std::vector<double> values;
      for (std::int64_t row = 0; row < rows; ++row) {
        values.push_back(series.targets[at(row * targets + target)]);
      }
      options.lines.push_back({.series = series.name,
                               .target = table.targets[at(target)],
                               .scale = scale_of(values, options.season)});
    }
    std::vector<double> row_numbers(at(numbers));
    for (std::int64_t row = 0; numbers > 0 && row < rows; ++row) {
      table.write_covariates(series, row, row_numbers);
      for (std::size_t i = 0; i < row_numbers.size(); ++i) {
        of_covariates[i].push_back(row_numbers[i]);
      }
    }
  }
  options.covariate_scales.clear();
  for (const std::vector<double>& values : of_covariates) {
    const SeriesScale scale = scale_of(values, 1);
    options.covariate_scales.push_back({.mean = scale.mean, .deviation = scale.deviation});
  }
}

/// The look-back, if none is given, and the segment.
void choose_steps(std::int64_t rows, ForecasterOptions& options) {
  const bool draws = options.method == ForecastMethod::kPaths;
  const bool is_given = options.look_back > 0;
  if (!is_given) {
    // Many seasons, of which about two thirds of the rows are left as origins.
    constexpr std::int64_t kSeasons = 30;
    constexpr std::int64_t kWithoutSeason = 96;
    std::int64_t suits =
        options.season > 1 ? kSeasons * std::min(options.season, rows) : kWithoutSeason;
    if (draws) suits = std::max(2 * std::min(options.season, rows), options.horizon);
    constexpr std::int64_t kMost = 10'000;  // of which a step still takes a fraction of a second
    suits = std::min(suits, kMost);
    const std::int64_t left = std::max<std::int64_t>(rows - options.horizon, 1);
    options.look_back = std::clamp(left / 3, std::min({suits, options.horizon, left}), suits);
  }
  if (options.segment > 0) {
    if (!is_given)
      options.look_back = divided_up(options.look_back, options.segment) * options.segment;
    return;
  }
  options.segment = 1;
  if (draws) return;
  constexpr std::int64_t kSegments = 15;
  if (!is_given) {
    options.segment = std::max<std::int64_t>(options.look_back / kSegments, 1);
    options.look_back -= options.look_back % options.segment;
    return;
  }
  for (std::int64_t s = 1; s <= std::max<std::int64_t>(options.look_back / kSegments, 1); ++s) {
    if (options.look_back % s == 0) options.segment = s;
  }
}

/// Of a line, the rows that windows may forecast.
struct Rows {
  std::int64_t first = 0;
  std::int64_t last = 0;  ///< the one behind them
};
Rows learnt(std::int64_t rows, const ForecasterOptions& options, const ForecastTraining& learning) {
  return {0, learnt_rows(rows, options.horizon, learning)};
}
Rows judged(std::int64_t rows, const ForecasterOptions& options, const ForecastTraining& learning) {
  const bool is_own_file = learning.valid_fraction == 0;
  return {is_own_file ? 0 : learnt_rows(rows, options.horizon, learning), rows};
}

/// How many windows of a line forecast only these rows; see windows_of().
std::int64_t window_count(const Rows& rows, const ForecasterOptions& options) {
  const std::int64_t end = rows.last - options.horizon;
  const std::int64_t earliest = std::max<std::int64_t>(std::min(options.look_back, end), 1);
  return std::max<std::int64_t>(end - std::max(rows.first, earliest) + 1, 0);
}

/// Of the rows that `which` chooses of each line, so far apart that there are about `most`.
template <class Which>
ForecastPart windows_of_rows(const ForecastData& data, const ForecasterOptions& options,
                             const ForecastTraining& learning, Which which, std::int64_t most) {
  std::int64_t count = 0;
  for (const ForecastData::Line& line : data.lines()) {
    count += window_count(which(std::ssize(line.values), options, learning), options);
  }
  const std::int64_t stride = count == 0 ? 1 : divided_up(count, std::max<std::int64_t>(most, 1));
  ForecastPart part{.data = &data, .windows = {}};
  for (std::int64_t i = 0; i < std::ssize(data.lines()); ++i) {
    const std::vector<float>& values = data.lines()[at(i)].values;
    const Rows rows = which(std::ssize(values), options, learning);
    for (const ForecastWindow& window :
         windows_of(data, i, options, rows.first, rows.last, stride)) {
      const auto first = values.begin() + window.origin;
      if (std::any_of(first, first + options.horizon, [](float x) { return !std::isnan(x); })) {
        part.windows.push_back(window);
      }
    }
  }
  return part;
}

}  // namespace

TrainerOptions forecast_trainer_options() {
  TrainerOptions options;
  options.lr = 1e-3;
  options.warmup = 50;
  return options;
}

std::int64_t learnt_rows(std::int64_t rows, std::int64_t horizon,
                         const ForecastTraining& learning) {
  if (learning.valid_fraction == 0) return rows;
  const auto part =
      static_cast<std::int64_t>(std::ceil(static_cast<double>(rows) * learning.valid_fraction));
  const std::int64_t learnt = rows - std::max(part, horizon);
  return learnt > horizon ? learnt : rows;
}

std::string learnt_until(const data::TimeSeriesTable& table) {
  if (table.frequency.unit == data::Frequency::Unit::kRow) return "";
  std::optional<data::TimeStamp> last;
  for (const data::TimeSeries& series : table.series) {
    const data::TimeStamp time = table.time_of(series, series.observed - 1);
    last = std::max(last.value_or(time), time);
  }
  if (last->kind == data::TimeStamp::Kind::kNumber) return data::TimeFormat().write(*last);
  std::string format = table.format.has_hours() ? "%Y-%m-%d %H:%M:%S.%f" : "%Y-%m-%d";
  if (last->kind == data::TimeStamp::Kind::kZoned) format += "%:z";
  return data::write_time(data::TimeFormat(format), *last, table.offset, table.zone);
}

ForecastRun suggested_run(const data::TimeSeriesTable& table,
                          const data::TimeSeriesColumns& columns, ForecastRun run) {
  run.model.columns = columns;
  run.model.learnt_until = learnt_until(table);
  describe(table, run.learning, run.model);
  const std::int64_t usual = usual_rows(table, run.model, run.learning);
  choose_steps(usual, run.model);
  // Three times in the look-back are plain to see; once in all is no pattern.
  run.model.calendar_skipped = data::cycles_within(table.frequency, run.model.look_back, 3);
  run.model.calendar_cycles = data::cycles_within(table.frequency, usual, 2);
  std::int64_t windows = 0;
  std::int64_t longest = 0;
  for (const data::TimeSeries& series : table.series) {
    const std::int64_t rows = learnt_rows(series.observed, run.model.horizon, run.learning);
    windows += window_count({0, rows}, run.model) * std::ssize(table.targets);
    longest = std::max(longest, rows);
  }
  if (windows == 0) {
    throw ConfigError(
        fmt::format("{}: the longest series has {} rows to learn from; with a horizon of {} there "
                    "must be at least {}",
                    table.path, longest, run.model.horizon, run.model.horizon + 1));
  }
  // Few windows are learnt often, by a small network; many, at least some times.
  if (run.model.hidden_size == 0) {
    constexpr double kManyNumbers = 12e6;
    const double numbers = static_cast<double>(windows) * static_cast<double>(run.model.horizon);
    run.model.hidden_size = windows < 1000           ? 32
                            : windows < 10000        ? 64
                            : numbers < kManyNumbers ? 128
                                                     : 256;
  }
  if (run.trainer.batch_size == 0) {
    constexpr std::int64_t kLeast = 8;
    constexpr std::int64_t kMost = 256;
    run.trainer.batch_size = kLeast;
    while (run.trainer.batch_size < kMost && windows / run.trainer.batch_size > 16) {
      run.trainer.batch_size *= 2;
    }
  }
  // The longer the horizon, the more each window teaches, and the sooner a network overfits.
  constexpr double kUpdates = 1200;
  constexpr double kHorizon = 96;
  constexpr std::int64_t kLeastEpochs = 3;
  const double horizons = std::max(static_cast<double>(run.model.horizon) / kHorizon, 1.0);
  const auto updates = static_cast<std::int64_t>(kUpdates / std::sqrt(horizons));
  run.trainer.epochs =
      std::max(kLeastEpochs, divided_up(updates, divided_up(windows, run.trainer.batch_size)));
  return run;
}

ForecastPart learnt_windows(const ForecastData& data, const ForecasterOptions& options,
                            const ForecastTraining& learning) {
  constexpr std::int64_t kMost = 5'000'000;
  return windows_of_rows(data, options, learning, learnt, kMost);
}

ForecastPart judged_windows(const ForecastData& data, const ForecasterOptions& options,
                            const ForecastTraining& learning, std::int64_t most) {
  return windows_of_rows(data, options, learning, judged, most);
}

SavedRun<ForecastRun> saved_forecast_run(const Folder& folder) {
  check_forecaster_config(folder);
  return read_saved_run<ForecastRun>(folder);
}

template std::string to_json(const RunDescription<ForecastRun>&);
template RunDescription<ForecastRun> parse_description(const std::string&, const std::string&);

}  // namespace riverrun::models
