#include "riverrun/data/time_series_rows.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "riverrun/core/error.h"
#include "riverrun/data/ts_line.h"

namespace riverrun::data {
namespace {

std::size_t at(std::int64_t index) { return static_cast<std::size_t>(index); }

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

Covariate covariate_of(const SeriesColumn& column) {
  const auto words = column.values.words();
  return {.name = column.name, .levels = {words.begin(), words.end()}, .known = column.known};
}

/// Of each step what stands in the file.
std::vector<double> table_of(const std::vector<SeriesColumn>& columns,
                             const std::vector<std::size_t>& members,
                             const std::vector<std::int64_t>& steps, std::int64_t count) {
  std::vector<double> table(at(count) * columns.size(), kNaN);
  for (std::size_t i = 0; i < members.size(); ++i) {
    for (std::size_t c = 0; c < columns.size(); ++c) {
      table[at(steps[i]) * columns.size() + c] = columns[c].values.values()[members[i]];
    }
  }
  return table;
}

/// Without the rows at the end that have no target, if these can be of the future.
std::int64_t observed_of(const TimeSeries& series, const TimeSeriesTable& table) {
  const bool has_future = std::ranges::any_of(table.covariates, &Covariate::known);
  if (!has_future) return series.steps;
  const auto last = std::find_if(series.targets.rbegin(), series.targets.rend(),
                                 [](double value) { return !std::isnan(value); });
  const auto count = std::ssize(series.targets) - (last - series.targets.rbegin());
  const std::int64_t targets = std::ssize(table.targets);
  return (count + targets - 1) / targets;
}

void require_future(const TimeSeries& series, const TimeSeriesTable& table) {
  const std::string of_series =
      series.name.empty() ? "" : fmt::format(" of series {}", in_quotes(series.name));
  if (series.observed == 0) {
    throw FormatError(
        table.path, fmt::format("line {}: no row{} has a value of a target; one must have, as rows "
                                "after the last that has one are taken for the future",
                                series.line, of_series));
  }
  for (std::int64_t step = series.observed; step < series.steps; ++step) {
    for (std::size_t c = 0; c < table.covariates.size(); ++c) {
      if (!table.covariates[c].known ||
          !std::isnan(series.covariates[at(step) * table.covariates.size() + c])) {
        continue;
      }
      const std::int64_t line = series.lines[at(step)];
      const std::string place = line > 0 ? fmt::format("line {}", line)
                                         : fmt::format("{}{}, for which the file has no row",
                                                       table.written_time(series, step), of_series);
      throw FormatError(
          table.path,
          fmt::format("{}, column {}: the value is missing; after the last value of a target, rows "
                      "are of the future and must have all known covariates",
                      place, in_quotes(table.covariates[c].name)));
    }
  }
}

/// `members` are sorted.
void fill_series(const TimeSeriesRows& rows, const std::vector<std::size_t>& members,
                 const TimeSeriesTable& table, TimeSeries& series) {
  const std::vector<std::int64_t> steps = steps_of(rows, members, table.frequency);
  series.steps = steps.back() + 1;
  if (!rows.times.empty()) series.start = rows.times[members.front()];
  series.targets = table_of(rows.targets, members, steps, series.steps);
  series.covariates = table_of(rows.covariates, members, steps, series.steps);
  series.lines.resize(at(series.steps));
  for (std::size_t i = 0; i < members.size(); ++i) {
    series.lines[at(steps[i])] = rows.lines[members[i]];
  }
  if (table.frequency.unit == Frequency::Unit::kTradingDay) {
    for (const std::size_t row : members) series.times.push_back(rows.times[row]);
  }
  series.observed = observed_of(series, table);
}

/// In how many series the target is always the same, and the first of these.
void note_constant(TimeSeriesTable& table, std::size_t target) {
  std::int64_t constant = 0;
  const TimeSeries* first = nullptr;
  for (const TimeSeries& series : table.series) {
    double least = std::numeric_limits<double>::infinity();
    double most = -least;
    std::int64_t count = 0;
    for (std::size_t i = target; i < series.targets.size(); i += table.targets.size()) {
      const double value = series.targets[i];
      if (std::isnan(value)) continue;
      least = std::min(least, value);
      most = std::max(most, value);
      ++count;
    }
    if (count < 2 || least < most) continue;
    if (++constant == 1) first = &series;
  }
  if (constant == 0) return;
  std::string where;
  if (table.series.size() > 1) {
    where = fmt::format(" in {} of {} series, the first of which is {} from line {} on", constant,
                        table.series.size(), in_quotes(first->name), first->line);
  }
  table.notes.push_back(
      fmt::format("target {} never changes{}", in_quotes(table.targets[target]), where));
}

void note_missing_words(const SeriesColumn& column, std::vector<std::string>& notes) {
  const auto missing =
      std::ranges::count_if(column.values.values(), [](double value) { return std::isnan(value); });
  if (missing == 0) return;
  notes.push_back(fmt::format(
      "column {} is of words, {} of which are missing; if an empty field says that there "
      "is none of them, \"none\" should stand there",
      in_quotes(column.name), missing));
}

}  // namespace

TimeSeriesTable arrange(TimeSeriesRows rows, const Frequency* frequency) {
  RowsOfSeries members(rows.series_names.size());
  for (std::size_t row = 0; row < rows.series.size(); ++row) {
    members[rows.series[row]].push_back(row);
  }
  TimeSeriesTable table;
  table.path = rows.path;
  table.format = rows.format;
  table.offset = rows.offset;
  table.zone = rows.zone;
  for (const SeriesColumn& column : rows.targets) table.targets.push_back(column.name);
  for (const SeriesColumn& column : rows.covariates) {
    table.covariates.push_back(covariate_of(column));
  }
  for (std::size_t i = 0; i < members.size(); ++i) {
    table.series.push_back({.name = rows.series_names[i], .line = rows.lines[members[i].front()]});
  }
  settle_zone(rows, members, frequency);
  if (!rows.times.empty()) sort_by_time(rows, members);
  table.frequency = frequency_of(rows, members, frequency);
  for (std::size_t i = 0; i < members.size(); ++i) {
    fill_series(rows, members[i], table, table.series[i]);
    require_future(table.series[i], table);
  }
  table.notes = std::move(rows.notes);
  note_values(rows, table);
  return table;
}

void note_values(const TimeSeriesRows& rows, TimeSeriesTable& table) {
  for (std::size_t i = 0; i < table.targets.size(); ++i) note_constant(table, i);
  for (const SeriesColumn& column : rows.covariates) {
    if (column.values.kind() == ValueColumn::Kind::kWords) note_missing_words(column, table.notes);
  }
}

}  // namespace riverrun::data
