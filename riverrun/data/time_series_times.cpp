// The times of the rows: in which order they are, and how far apart.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "riverrun/core/error.h"
#include "riverrun/data/civil_time.h"
#include "riverrun/data/time_series_rows.h"
#include "riverrun/data/ts_line.h"

namespace riverrun::data {
namespace {

using Members = std::vector<std::size_t>;

/// So many times its rows a series may have steps.
constexpr std::int64_t kMostSteps = 100;

std::string written(const TimeSeriesRows& rows, std::size_t row) {
  return in_quotes(write_time(rows.format, rows.times[row], rows.offset, rows.zone));
}

std::string of_series(const TimeSeriesRows& rows, std::size_t row) {
  const std::string& name = rows.series_names[rows.series[row]];
  return name.empty() ? "" : fmt::format(" of series {}", in_quotes(name));
}

/// Where rows of another time begin.
std::size_t end_of_time(const TimeSeriesRows& rows, const Members& sorted, std::size_t begin) {
  std::size_t end = begin + 1;
  while (end < sorted.size() && rows.times[sorted[end]] == rows.times[sorted[begin]]) ++end;
  return end;
}

/// Whether no two rows of one time have the same value, and values come again at other times.
bool tells_apart(const ValueColumn& column, const TimeSeriesRows& rows, const Members& sorted) {
  if (column.is_closed()) return false;
  const auto no_label = [](double value) { return std::floor(value) != value; };  // or NaN
  if (std::ranges::any_of(column.values(), no_label)) return false;
  std::vector<double> values;
  for (std::size_t begin = 0; begin < sorted.size();) {
    const std::size_t end = end_of_time(rows, sorted, begin);
    values.clear();
    for (; begin < end; ++begin) values.push_back(column.values()[sorted[begin]]);
    std::sort(values.begin(), values.end());
    if (std::adjacent_find(values.begin(), values.end()) != values.end()) return false;
  }
  values.assign(column.values().begin(), column.values().end());
  std::sort(values.begin(), values.end());
  const auto distinct = std::unique(values.begin(), values.end()) - values.begin();
  return 2 * distinct <= std::ssize(sorted);
}

/// Rather one of words.
const SeriesColumn* column_that_tells_apart(const TimeSeriesRows& rows, const Members& sorted) {
  const SeriesColumn* of_numbers = nullptr;
  for (const auto* columns : {&rows.others, &rows.targets}) {
    for (const SeriesColumn& column : *columns) {
      if (!tells_apart(column.values, rows, sorted)) continue;
      if (column.values.kind() == ValueColumn::Kind::kWords) return &column;
      if (of_numbers == nullptr) of_numbers = &column;
    }
  }
  return of_numbers;
}

/// What is to be done if most times of the file, which is taken for one series, occur several
/// times; else empty.
std::string advice_on_series(const TimeSeriesRows& rows, const Members& sorted) {
  std::int64_t times = 0;
  std::int64_t repeated = 0;
  std::size_t most = 0;
  bool all_equal = true;
  for (std::size_t begin = 0; begin < sorted.size(); ++times) {
    const std::size_t end = end_of_time(rows, sorted, begin);
    if (end - begin > 1) ++repeated;
    all_equal = all_equal && (begin == 0 || end - begin == most);
    most = std::max(most, end - begin);
    begin = end;
  }
  if (2 * repeated < times) return "";
  const SeriesColumn* column = column_that_tells_apart(rows, sorted);
  return fmt::format(
      "; {}, so there may be several series: name the column that tells them apart with train "
      "--series{}",
      all_equal ? fmt::format("every time occurs {} times", most)
                : fmt::format("{} of {} times occur more than once", repeated, times),
      column == nullptr ? "" : fmt::format(", perhaps {}", in_quotes(column->name)));
}

void require_distinct(const TimeSeriesRows& rows, const Members& sorted) {
  const auto same = [&rows](std::size_t a, std::size_t b) {
    return rows.times[a] == rows.times[b];
  };
  const auto found = std::adjacent_find(sorted.begin(), sorted.end(), same);
  if (found == sorted.end()) return;
  const std::size_t row = *(found + 1);
  std::string advice;
  if (rows.series_names.front().empty()) advice = advice_on_series(rows, sorted);
  if (advice.empty() && may_be_changed(rows.format, rows.times[row])) {
    advice =
        "; if clocks were put back (daylight saving), the time zone must be named (train "
        "--time-zone), or times must be in UTC or have their offset, as +02:00";
  }
  fail_at(rows, row,
          fmt::format("the time is {}, as on line {}; all times{} must differ{}",
                      written(rows, row), rows.lines[*found],
                      rows.series_names.front().empty() ? "" : of_series(rows, row), advice));
}

/// What is between most rows and the next, if anything is.
std::optional<Frequency> usual_frequency(const TimeSeriesRows& rows, const RowsOfSeries& series) {
  constexpr std::size_t kEnough = 10'000;
  std::map<std::string, std::size_t> counts;
  std::optional<Frequency> usual;
  std::size_t most = 0;
  std::size_t steps = 0;
  for (const Members& members : series) {
    for (std::size_t i = 1; i < members.size() && steps < kEnough; ++i, ++steps) {
      const std::vector<TimeStamp> two = {rows.times[members[i - 1]], rows.times[members[i]]};
      const std::optional<Frequency> found = find_frequency(std::span(&two, 1));
      const std::size_t count = found ? ++counts[to_string(*found)] : 0;
      if (count <= most) continue;
      most = count;
      usual = found;
    }
  }
  return usual;
}

[[noreturn]] void refuse_irregular(const TimeSeriesRows& rows, const RowsOfSeries& series) {
  const bool has_steps =
      std::ranges::any_of(series, [](const Members& members) { return members.size() > 1; });
  if (!has_steps) {
    fail_at(rows, series.front().front(),
            "the times have no frequency, as each series has one row; one must have two");
  }
  const std::optional<Frequency> usual = usual_frequency(rows, series);
  for (const Members& members : series) {
    for (std::size_t i = 1; usual && i < members.size(); ++i) {
      const std::size_t before = members[i - 1];
      if (steps_between(*usual, rows.times[before], rows.times[members[i]])) continue;
      fail_at(
          rows, members[i],
          fmt::format("the times have no frequency: {} is not whole steps after {}, the row before "
                      "it{}, if the step is {}, as it is between most rows",
                      written(rows, members[i]), written(rows, before), of_series(rows, before),
                      in_quotes(to_string(*usual))));
    }
  }
  fail_at(rows, series.front().front(),
          "the times have no frequency; all must be whole steps apart, such as an hour or a month");
}

[[noreturn]] void refuse_off_grid(const TimeSeriesRows& rows, const Frequency& frequency,
                                  std::size_t from, std::size_t row) {
  fail_at(rows, row,
          fmt::format(
              "the time is {}; it must be whole steps after {} (line {}), as the frequency{} is "
              "{}",
              written(rows, row), written(rows, from), rows.lines[from], of_series(rows, row),
              in_quotes(to_string(frequency))));
}

/// Steps are not yet memory here.
void require_few_gaps(const TimeSeriesRows& rows, const Members& sorted,
                      const std::vector<std::int64_t>& steps, const Frequency& frequency) {
  if (steps.back() / kMostSteps < std::ssize(sorted)) return;
  std::size_t longest = 1;
  for (std::size_t i = 1; i < steps.size(); ++i) {
    if (steps[i] - steps[i - 1] > steps[longest] - steps[longest - 1]) longest = i;
  }
  const std::size_t row = sorted[longest];
  const std::size_t before = sorted[longest - 1];
  fail_at(
      rows, row,
      fmt::format("from {} (line {}) to {} there are {} steps, as the frequency is {}, and {} of "
                  "all rows{} would be missing; at most {} steps may be there for each row",
                  written(rows, before), rows.lines[before], written(rows, row),
                  steps[longest] - steps[longest - 1], in_quotes(to_string(frequency)),
                  steps.back() + 1 - std::ssize(sorted), of_series(rows, row), kMostSteps));
}

/// In a time zone, frequencies that go by clocks were found before.
void require_zone(const TimeSeriesRows& rows, const Frequency& frequency) {
  if (!rows.zone || rows.times.front().kind != TimeStamp::Kind::kZoned ||
      !goes_by_clocks(frequency)) {
    return;
  }
  throw FormatError(
      rows.path, fmt::format("column {}: the times are a {} apart in UTC, but not on the clocks of "
                             "{}; without --time-zone they can be read",
                             in_quotes(rows.time_name), to_string(frequency), rows.zone->name()));
}

}  // namespace

void fail_at(const TimeSeriesRows& rows, std::size_t row, const std::string& what) {
  throw FormatError(rows.path, fmt::format("line {}, column {}: {}", rows.lines[row],
                                           in_quotes(rows.time_name), what));
}

bool may_be_changed(const TimeFormat& format, const TimeStamp& time) {
  constexpr std::int64_t kNight = 4 * kSecondsOfHour;
  return time.kind == TimeStamp::Kind::kLocal && format.has_hours() &&
         civil_time(time.whole).second < kNight;
}

void sort_by_time(TimeSeriesRows& rows, RowsOfSeries& series) {
  const auto is_before = [&rows](std::size_t a, std::size_t b) {
    return rows.times[a] < rows.times[b];
  };
  std::optional<std::size_t> unsorted;  // the first such row of the file
  for (Members& members : series) {
    const auto first = std::is_sorted_until(members.begin(), members.end(), is_before);
    if (first == members.end()) continue;
    unsorted = std::min(unsorted.value_or(*first), *first);
    std::stable_sort(members.begin(), members.end(), is_before);
  }
  for (const Members& members : series) require_distinct(rows, members);
  if (!unsorted) return;
  rows.notes.push_back(
      fmt::format("rows were sorted by time, as that of line {} is before that of the row above it",
                  rows.lines[*unsorted]));
}

Frequency frequency_of(const TimeSeriesRows& rows, const RowsOfSeries& series,
                       const Frequency* frequency) {
  using Unit = Frequency::Unit;
  if (rows.times.empty()) return {.unit = Unit::kRow};
  if (frequency != nullptr) {
    const bool has_numbers = rows.times.front().kind == TimeStamp::Kind::kNumber;
    if (has_numbers != (frequency->unit == Unit::kNumber)) {
      fail_at(rows, 0,
              fmt::format("the time is {}; it must be a {}, as the model's frequency is {}",
                          written(rows, 0), has_numbers ? "date" : "number",
                          in_quotes(to_string(*frequency))));
    }
    return *frequency;
  }
  std::vector<std::vector<TimeStamp>> times(series.size());
  for (std::size_t i = 0; i < series.size(); ++i) {
    times[i].reserve(series[i].size());
    for (const std::size_t row : series[i]) times[i].push_back(rows.times[row]);
  }
  const std::optional<Frequency> found = find_frequency(times);
  if (!found) refuse_irregular(rows, series);
  require_zone(rows, *found);
  return *found;
}

std::vector<std::int64_t> steps_of(const TimeSeriesRows& rows, const Members& series,
                                   const Frequency& frequency) {
  using Unit = Frequency::Unit;
  std::vector<std::int64_t> steps(series.size());
  const bool follow_each_other =
      frequency.unit == Unit::kRow || frequency.unit == Unit::kTradingDay;
  for (std::size_t i = 1; i < series.size(); ++i) {
    steps[i] = static_cast<std::int64_t>(i);
    if (frequency.unit == Unit::kRow) continue;
    const std::size_t from = follow_each_other ? series[i - 1] : series.front();
    const auto step = steps_between(frequency, rows.times[from], rows.times[series[i]]);
    // Times that are all but equal may be on one step.
    if (!step || *step <= (follow_each_other ? 0 : steps[i - 1])) {
      refuse_off_grid(rows, frequency, from, series[i]);
    }
    if (!follow_each_other) steps[i] = *step;
  }
  require_few_gaps(rows, series, steps, frequency);
  return steps;
}

}  // namespace riverrun::data
