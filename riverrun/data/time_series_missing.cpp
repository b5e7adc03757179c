// What becomes of the missing values of time series.

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "riverrun/core/error.h"
#include "riverrun/data/time_series.h"
#include "riverrun/data/time_series_rows.h"
#include "riverrun/data/ts_line.h"

namespace riverrun::data {
namespace {

/// A target or a covariate of a series.
class Column {
 public:
  enum class Kind { kTarget, kPast, kKnown };

  Column(const TimeSeriesTable& table, TimeSeries& series, std::size_t number) : series_(&series) {
    const bool is_target = number < table.targets.size();
    const std::size_t place = is_target ? number : number - table.targets.size();
    const Covariate* covariate = is_target ? nullptr : &table.covariates[place];
    if (covariate != nullptr) kind_ = covariate->known ? Kind::kKnown : Kind::kPast;
    name_ = is_target ? &table.targets[place] : &covariate->name;
    is_of_words_ = !is_target && !covariate->levels.empty();
    steps_ = kind_ == Kind::kKnown ? series.steps : series.observed;
    values_ = (is_target ? series.targets : series.covariates).data() + place;
    stride_ = is_target ? table.targets.size() : table.covariates.size();
  }

  [[nodiscard]] Kind kind() const noexcept { return kind_; }
  [[nodiscard]] const std::string& name() const noexcept { return *name_; }
  [[nodiscard]] bool is_of_words() const noexcept { return is_of_words_; }
  [[nodiscard]] const TimeSeries& series() const noexcept { return *series_; }
  /// Those at which a value should be there.
  [[nodiscard]] std::int64_t steps() const noexcept { return steps_; }
  [[nodiscard]] double& operator[](std::int64_t step) const noexcept {
    return values_[static_cast<std::size_t>(step) * stride_];
  }
  /// The first step from `step` on that has a value, or steps().
  [[nodiscard]] std::int64_t next_value(std::int64_t step) const noexcept {
    while (step < steps_ && std::isnan((*this)[step])) ++step;
    return step;
  }

 private:
  TimeSeries* series_;
  Kind kind_ = Kind::kTarget;
  const std::string* name_;
  bool is_of_words_;
  std::int64_t steps_;
  double* values_;
  std::size_t stride_;
};

template <class Function>
void for_each_column(TimeSeriesTable& table, const Function& function) {
  for (TimeSeries& series : table.series) {
    for (std::size_t i = 0; i < table.targets.size() + table.covariates.size(); ++i) {
      function(Column(table, series, i));
    }
  }
}

std::string of_series(const TimeSeries& series) {
  return series.name.empty() ? "" : fmt::format(" of series {}", in_quotes(series.name));
}

std::string place_of(const TimeSeriesTable& table, const Column& column, std::int64_t step) {
  const TimeSeries& series = column.series();
  const std::int64_t line = series.lines[static_cast<std::size_t>(step)];
  const std::string row = line > 0
                              ? fmt::format("line {}", line)
                              : fmt::format("{}{}, for which the file has no row",
                                            table.written_time(series, step), of_series(series));
  return fmt::format("{}, column {}", row, in_quotes(column.name()));
}

/// Whether the file has no row where clocks may have been put forward.
bool is_gap_of_the_night(const TimeSeriesTable& table, const TimeSeries& series,
                         std::int64_t step) {
  return series.lines[static_cast<std::size_t>(step)] == 0 && !table.zone &&
         table.frequency.unit == Frequency::Unit::kSecond &&
         may_be_changed(table.format, table.time_of(series, step));
}

/// What stays missing with `missing`, and may not.
void require_no_missing(TimeSeriesTable& table, Missing missing) {
  std::int64_t count = 0;
  std::string first;
  std::string advice;
  for_each_column(table, [&](const Column& column) {
    if (missing == Missing::kMask && column.kind() != Column::Kind::kKnown) return;
    for (std::int64_t step = 0; step < column.steps(); ++step) {
      if (!std::isnan(column[step]) || ++count > 1) continue;
      first = place_of(table, column, step);
      if (column.is_of_words()) {
        advice =
            "; if an empty field says that there is none of the words, \"none\" should stand there";
      } else if (is_gap_of_the_night(table, column.series(), step)) {
        advice =
            "; if clocks were put forward (daylight saving), the time zone must be named (train "
            "--time-zone)";
      }
    }
  });
  if (count == 0) return;
  const std::string rows = table.frequency.unit == Frequency::Unit::kRow
                               ? ""
                               : fmt::format("; a row each {}", to_string(table.frequency));
  const char* const rule =
      missing == Missing::kMask
          ? "those of known covariates must be there or be interpolated (train --missing)"
          : "missing values must be interpolated or masked (train --missing)";
  throw FormatError(table.path, fmt::format("{}: a value is missing ({} in all{}); {}{}", first,
                                            count, rows, rule, advice));
}

void require_a_value(TimeSeriesTable& table) {
  for_each_column(table, [&](const Column& column) {
    if (column.next_value(0) < column.steps()) return;
    throw FormatError(
        table.path,
        fmt::format("line {}, column {}: all {} values{} are missing; there must be at least one",
                    column.series().line, in_quotes(column.name()), column.steps(),
                    of_series(column.series())));
  });
}

/// Fills [begin, end), where one of the two is next to a value.
void fill_gap(const Column& column, std::int64_t begin, std::int64_t end) {
  const double before = column[begin > 0 ? begin - 1 : end];
  const bool keeps = column.is_of_words() || column.kind() == Column::Kind::kPast;
  const double after = keeps || end == column.steps() ? before : column[end];
  const double parts = static_cast<double>(end - begin + 1);
  for (std::int64_t step = begin; step < end; ++step) {
    const double part = static_cast<double>(step - begin + 1) / parts;
    // The difference of two may be beyond the range of a double.
    column[step] = before == after ? before : before * (1 - part) + after * part;
  }
}

/// Nothing that comes later may be known of the past: targets stay missing, what is of the past
/// alone keeps what it was, and only what is known in advance is between its neighbours.
void interpolate(const Column& column) {
  if (column.kind() == Column::Kind::kTarget) return;
  for (std::int64_t step = 0; step < column.steps(); ++step) {
    const std::int64_t end = column.next_value(step);
    if (end > step) fill_gap(column, step, end);
    step = end;
  }
}

}  // namespace

void fill_missing(TimeSeriesTable& table, Missing missing) {
  if (missing != Missing::kInterpolate) require_no_missing(table, missing);
  require_a_value(table);  // of all, before anything is changed
  if (missing == Missing::kInterpolate) for_each_column(table, interpolate);
}

}  // namespace riverrun::data
