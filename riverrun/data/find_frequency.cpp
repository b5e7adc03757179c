#include <algorithm>
#include <cmath>
#include <cstddef>
#include <iterator>

#include <fmt/format.h>

#include "riverrun/core/number.h"
#include "riverrun/data/civil_time.h"
#include "riverrun/data/frequency.h"

namespace riverrun::data {
namespace {

using Unit = Frequency::Unit;
using AllTimes = std::span<const std::vector<TimeStamp>>;

constexpr double kMostRows = 1e14;

/// How many rows of the frequency each row is after the one before it; nothing if one is off.
std::optional<std::vector<std::int64_t>> steps_in(const Frequency& frequency, AllTimes series) {
  std::vector<std::int64_t> steps;
  for (const std::vector<TimeStamp>& times : series) {
    std::int64_t last = 0;
    for (const TimeStamp& time : times) {
      const std::optional<std::int64_t> row = steps_between(frequency, times.front(), time);
      if (!row) return std::nullopt;
      if (&time != &times.front()) steps.push_back(*row - last);
      last = *row;
    }
  }
  return steps;
}

/// The shortest step, if all others are multiples of it, and none is more frequent.
std::optional<std::int64_t> common_step(std::vector<std::int64_t> steps) {
  std::sort(steps.begin(), steps.end());
  if (steps.empty() || steps.front() < 1) return std::nullopt;
  const std::int64_t shortest = steps.front();
  std::ptrdiff_t least = 0;
  for (auto begin = steps.begin(); begin != steps.end();) {
    const auto end = std::upper_bound(begin, steps.end(), *begin);
    if (begin == steps.begin()) least = end - begin;
    if (*begin % shortest != 0 || end - begin > least) return std::nullopt;
    begin = end;
  }
  return shortest;
}

std::optional<Frequency> multiple(const Frequency& unit, AllTimes series) {
  const std::optional<std::vector<std::int64_t>> steps = steps_in(unit, series);
  if (!steps) return std::nullopt;
  const std::optional<std::int64_t> step = common_step(*steps);
  constexpr std::int64_t kMost = std::int64_t{1} << 53;  // that a double has exactly
  if (!step || *step > kMost) return std::nullopt;
  Frequency frequency = unit;
  frequency.count = static_cast<double>(*step);
  return frequency;
}

bool skips_a_weekend(AllTimes series) {
  for (const std::vector<TimeStamp>& times : series) {
    const TimeStamp& first = times.front();
    const TimeStamp& last = times.back();
    const Frequency trading_day{.unit = Unit::kTradingDay};
    if (steps_between(trading_day, first, last) != (last.whole - first.whole) / kSecondsOfDay) {
      return true;
    }
  }
  return false;
}

double distance(const TimeStamp& from, const TimeStamp& to) {
  std::int64_t whole = 0;
  const double far = static_cast<double>(to.whole) - static_cast<double>(from.whole);
  const bool is_far = __builtin_sub_overflow(to.whole, from.whole, &whole);
  return (is_far ? far : static_cast<double>(whole)) + (to.fraction - from.fraction);
}

/// Of steps of about `count`, the number of fewest digits of which all are whole multiples.
std::optional<Frequency> rounded(Unit unit, double count, AllTimes series) {
  constexpr double kTolerance = 0.01;
  for (int digits = 1; digits <= 15; ++digits) {
    const double candidate = parse_double(fmt::format("{:.{}g}", count, digits)).value_or(count);
    if (std::abs(candidate - count) > kTolerance * count) continue;
    const Frequency frequency{.unit = unit, .count = candidate};
    const std::optional<std::vector<std::int64_t>> steps = steps_in(frequency, series);
    if (steps && common_step(*steps) == 1) return frequency;
  }
  return std::nullopt;
}

/// Of steps that are no whole numbers.
std::optional<Frequency> fractional(Unit unit, AllTimes series) {
  std::vector<double> distances;
  for (const std::vector<TimeStamp>& times : series) {
    for (std::size_t i = 1; i < times.size(); ++i) {
      distances.push_back(distance(times[i - 1], times[i]));
    }
  }
  // The mean is not rounded as a single one may be.
  const double shortest = *std::min_element(distances.begin(), distances.end());
  double sum = 0;
  std::int64_t terms = 0;
  for (const double length : distances) {
    if (length > 1.5 * shortest) continue;
    sum += length;
    ++terms;
  }
  double count = sum / static_cast<double>(terms);
  constexpr double kMostCount = 9007199254740992.0;  // 2^53
  if (!(shortest > 0 && count < kMostCount)) return std::nullopt;

  std::int64_t most = 0;
  double longest = 0;
  for (const std::vector<TimeStamp>& times : series) {
    double rows = 0;
    for (std::size_t i = 1; i < times.size(); ++i) {
      rows += std::round(distance(times[i - 1], times[i]) / count);
    }
    if (!(rows < kMostRows)) return std::nullopt;
    if (static_cast<std::int64_t>(rows) <= most) continue;
    most = static_cast<std::int64_t>(rows);
    longest = distance(times.front(), times.back());
  }
  if (most < 1) return std::nullopt;
  return rounded(unit, longest / static_cast<double>(most), series);
}

bool has_fraction(AllTimes series) {
  return std::any_of(series.begin(), series.end(), [](const std::vector<TimeStamp>& times) {
    return std::any_of(times.begin(), times.end(),
                       [](const TimeStamp& time) { return time.fraction != 0; });
  });
}

/// Whether steps between the times can be told.
bool are_comparable(AllTimes series) {
  const TimeStamp* first = nullptr;
  bool have_steps = false;
  for (const std::vector<TimeStamp>& times : series) {
    for (const TimeStamp& time : times) {
      if (first == nullptr) first = &time;
      const bool is_date = time.kind != TimeStamp::Kind::kNumber;
      if (time.kind != first->kind || (is_date && !in_calendar(time.whole)) ||
          !(time.fraction >= 0 && time.fraction < 1)) {
        return false;
      }
    }
    have_steps = have_steps || times.size() > 1;
  }
  return have_steps;
}

}  // namespace

std::optional<Frequency> find_frequency(AllTimes series) {
  if (!are_comparable(series)) return std::nullopt;
  const auto is_empty = [](const std::vector<TimeStamp>& times) { return times.empty(); };
  std::vector<std::vector<TimeStamp>> some;
  if (std::any_of(series.begin(), series.end(), is_empty)) {
    std::remove_copy_if(series.begin(), series.end(), std::back_inserter(some), is_empty);
    series = some;
  }
  const TimeStamp::Kind kind = series.front().front().kind;
  if (kind == TimeStamp::Kind::kNumber) {
    const std::optional<Frequency> whole = multiple({.unit = Unit::kNumber}, series);
    return whole ? whole : fractional(Unit::kNumber, series);
  }

  for (const bool is_end : {true, false}) {
    const auto months = multiple({.unit = Unit::kMonth, .count = 1, .month_end = is_end}, series);
    if (months) return months;
  }
  const auto trading_days = multiple({.unit = Unit::kTradingDay}, series);
  if (trading_days && trading_days->count == 1 && skips_a_weekend(series)) return trading_days;
  for (const Unit unit : {Unit::kDay, Unit::kSecond}) {
    const std::optional<Frequency> even = multiple({.unit = unit}, series);
    if (even) return even;
  }
  // Whole seconds that no whole step suits were not written at even times.
  return has_fraction(series) ? fractional(Unit::kSecond, series) : std::nullopt;
}

}  // namespace riverrun::data
