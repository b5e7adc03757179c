#include "riverrun/data/frequency.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <numbers>

#include <fmt/format.h>

#include "riverrun/core/error.h"
#include "riverrun/core/number.h"
#include "riverrun/data/civil_time.h"

namespace riverrun::data {
namespace {

namespace chrono = std::chrono;
using Unit = Frequency::Unit;

struct Name {
  std::string_view one, many;
  Unit unit;
  std::int64_t count;
  bool month_end = false;
};

/// Of each unit, the longest first.
constexpr std::array<Name, 12> kNames = {{{"year end", "year ends", Unit::kMonth, 12, true},
                                          {"quarter end", "quarter ends", Unit::kMonth, 3, true},
                                          {"month end", "month ends", Unit::kMonth, 1, true},
                                          {"year", "years", Unit::kMonth, 12},
                                          {"quarter", "quarters", Unit::kMonth, 3},
                                          {"month", "months", Unit::kMonth, 1},
                                          {"week", "weeks", Unit::kDay, 7},
                                          {"day", "days", Unit::kDay, 1},
                                          {"trading day", "trading days", Unit::kTradingDay, 1},
                                          {"hour", "hours", Unit::kSecond, 3600},
                                          {"minute", "minutes", Unit::kSecond, 60},
                                          {"second", "seconds", Unit::kSecond, 1}}};
constexpr std::string_view kRowName = "row";
constexpr std::string_view kNumberName = "number ";

constexpr std::int64_t kMonthsOfYear = 12;
constexpr std::int64_t kDaysOfWeek = 7;
constexpr std::int64_t kWeekdays = 5;
constexpr std::int64_t kFirstMonday = 4;  // January 5, 1970, as the day after January 1

bool is_whole(double number) { return number == std::floor(number); }

bool is_valid(const Frequency& frequency) {
  constexpr double kMost = 9007199254740992.0;  // 2^53
  constexpr double kMostDays = 4e6;             // of 10,000 years
  const double count = frequency.count;
  if (!(count > 0 && count <= kMost)) return false;
  if (frequency.month_end && frequency.unit != Unit::kMonth) return false;
  switch (frequency.unit) {
    case Unit::kRow:
    case Unit::kTradingDay:
      return count == 1;
    case Unit::kDay:
    case Unit::kMonth:
      return is_whole(count) && count <= kMostDays;
    case Unit::kNumber:
    case Unit::kSecond:
      break;
  }
  return true;
}

void require_valid(const Frequency& frequency) {
  if (is_valid(frequency)) return;
  throw ConfigError(
      fmt::format("Frequency: count is {}; it must be positive, at most 2^53, of days and months a "
                  "whole number up to 4,000,000, and 1 of rows and trading days; only months have "
                  "ends",
                  frequency.count));
}

/// Of a row, in the unit of TimeStamp::whole; of months and trading days there is none.
double length(const Frequency& frequency) {
  return frequency.unit == Unit::kDay ? frequency.count * static_cast<double>(kSecondsOfDay)
                                      : frequency.count;
}

bool is_date(const TimeStamp& time) { return time.kind != TimeStamp::Kind::kNumber; }

/// Whether it can be reckoned with.
bool is_within(const TimeStamp& time) {
  return time.fraction >= 0 && time.fraction < 1 && (!is_date(time) || in_calendar(time.whole));
}

/// From Monday on.
std::int64_t weekday(const CivilTime& time) {
  return chrono::weekday(chrono::sys_days(time.date)).iso_encoding() - 1;
}

std::int64_t day_number(const CivilTime& time) {
  return chrono::sys_days(time.date).time_since_epoch().count();
}

/// Counts Mondays to Fridays; a Saturday or Sunday is the Friday before.
std::int64_t trading_day_number(const CivilTime& time) {
  const std::int64_t monday = day_number(time) - weekday(time);
  return (monday - kFirstMonday) / kDaysOfWeek * kWeekdays + std::min(weekday(time), kWeekdays - 1);
}

std::int64_t month_number(const chrono::year_month_day& date) {
  return kMonthsOfYear * static_cast<int>(date.year()) + static_cast<unsigned>(date.month()) - 1;
}

/// Nothing where dates end.
std::optional<TimeStamp> with_day(const TimeStamp& time, std::int64_t day) {
  constexpr std::int64_t kManyDays = 8'000'000;
  if (day < -kManyDays || day > kManyDays) return std::nullopt;
  TimeStamp moved = time;
  moved.whole = day * kSecondsOfDay + civil_time(time.whole).second;
  return in_calendar(moved.whole) ? std::optional(moved) : std::nullopt;
}

std::optional<TimeStamp> advance_months(const Frequency& frequency, const TimeStamp& from,
                                        std::int64_t steps) {
  const chrono::year_month_day date = civil_time(from.whole).date;
  std::int64_t month = 0;
  if (__builtin_mul_overflow(steps, static_cast<std::int64_t>(frequency.count), &month) ||
      __builtin_add_overflow(month, month_number(date), &month) || month < 0 ||
      month >= 10000 * kMonthsOfYear) {
    return std::nullopt;
  }
  const chrono::year_month place(chrono::year(static_cast<int>(month / kMonthsOfYear)),
                                 chrono::month(static_cast<unsigned>(month % kMonthsOfYear + 1)));
  const chrono::day last = chrono::year_month_day_last(place / chrono::last).day();
  const chrono::day day = frequency.month_end ? last : std::min(date.day(), last);
  return with_day(from, chrono::sys_days(place / day).time_since_epoch().count());
}

std::optional<TimeStamp> advance_trading_days(const TimeStamp& from, std::int64_t steps) {
  std::int64_t number = 0;
  if (__builtin_add_overflow(trading_day_number(civil_time(from.whole)), steps, &number)) {
    return std::nullopt;
  }
  std::int64_t week = number / kWeekdays;
  std::int64_t day = number % kWeekdays;
  if (day < 0) {
    day += kWeekdays;
    --week;
  }
  constexpr std::int64_t kManyWeeks = 1'000'000;
  if (week < -kManyWeeks || week > kManyWeeks) return std::nullopt;
  return with_day(from, week * kDaysOfWeek + day + kFirstMonday);
}

std::optional<TimeStamp> advance_evenly(double row, const TimeStamp& from, std::int64_t steps) {
  TimeStamp time = from;
  std::int64_t shift = 0;
  if (is_whole(row)) {
    if (__builtin_mul_overflow(steps, static_cast<std::int64_t>(row), &shift)) return std::nullopt;
  } else {
    const double distance = static_cast<double>(steps) * row;
    const double whole = std::floor(distance);
    constexpr double kMost = 9007199254740992.0;  // 2^53, beyond which there are no fractions
    if (std::abs(whole) > kMost) return std::nullopt;
    shift = static_cast<std::int64_t>(whole);
    time.fraction += distance - whole;
    if (time.fraction >= 1) {
      time.fraction -= 1;
      ++shift;
    }
  }
  if (__builtin_add_overflow(from.whole, shift, &time.whole)) return std::nullopt;
  return is_within(time) ? std::optional(time) : std::nullopt;
}

std::optional<TimeStamp> try_advance(const Frequency& frequency, const TimeStamp& from,
                                     std::int64_t steps) {
  if (!is_within(from)) return std::nullopt;
  if (frequency.unit == Unit::kMonth) return advance_months(frequency, from, steps);
  if (frequency.unit == Unit::kTradingDay) return advance_trading_days(from, steps);
  return advance_evenly(length(frequency), from, steps);
}

std::optional<std::int64_t> even_steps(double row, const TimeStamp& from, const TimeStamp& to) {
  std::int64_t whole = 0;
  if (__builtin_sub_overflow(to.whole, from.whole, &whole)) return std::nullopt;
  const double fraction = to.fraction - from.fraction;
  if (fraction == 0 && is_whole(row)) {
    const auto length = static_cast<std::int64_t>(row);
    return whole % length == 0 ? std::optional(whole / length) : std::nullopt;
  }
  const double rows = (static_cast<double>(whole) + fraction) / row;
  const double nearest = std::round(rows);
  constexpr double kTolerance = 0.01;
  constexpr double kMostRows = 1e14;  // a double has no hundredths of more
  if (std::abs(nearest) > kMostRows || std::abs(rows - nearest) > kTolerance) return std::nullopt;
  return static_cast<std::int64_t>(nearest);
}

/// Of a calendar, from the shortest.
enum class Cycle { kHour, kDay, kWeek, kMonth, kYear };

/// In seconds, of the shortest month and year.
constexpr std::array<std::int64_t, 5> kLengths = {kSecondsOfHour, kSecondsOfDay,
                                                  kDaysOfWeek* kSecondsOfDay, 28 * kSecondsOfDay,
                                                  365 * kSecondsOfDay};

std::vector<Cycle> cycles(const Frequency& frequency) {
  if (frequency.unit == Unit::kRow || frequency.unit == Unit::kNumber) return {};
  if (frequency.unit == Unit::kMonth) {
    return frequency.count < static_cast<double>(kMonthsOfYear) ? std::vector{Cycle::kYear}
                                                                : std::vector<Cycle>{};
  }
  const double row =
      frequency.unit == Unit::kTradingDay ? static_cast<double>(kSecondsOfDay) : length(frequency);
  std::vector<Cycle> longer;
  for (std::size_t i = 0; i < kLengths.size(); ++i) {
    if (static_cast<double>(kLengths.at(i)) > row) longer.push_back(static_cast<Cycle>(i));
  }
  return longer;
}

/// How much of the cycle is over, in [0, 1).
double place_in(Cycle cycle, const CivilTime& time) {
  const double second = static_cast<double>(time.second);
  const double day = second / static_cast<double>(kSecondsOfDay);
  const chrono::year_month_day& date = time.date;
  switch (cycle) {
    case Cycle::kHour:
      return std::fmod(second / static_cast<double>(kSecondsOfHour), 1.0);
    case Cycle::kDay:
      return day;
    case Cycle::kWeek:
      return (static_cast<double>(weekday(time)) + day) / static_cast<double>(kDaysOfWeek);
    case Cycle::kMonth: {
      const chrono::day last = (date.year() / date.month() / chrono::last).day();
      return (static_cast<unsigned>(date.day()) - 1 + day) / static_cast<unsigned>(last);
    }
    case Cycle::kYear:
      break;
  }
  const auto first = chrono::sys_days(date.year() / chrono::January / 1);
  const auto next = chrono::sys_days((date.year() + chrono::years(1)) / chrono::January / 1);
  const double days = static_cast<double>((chrono::sys_days(date) - first).count()) + day;
  return days / static_cast<double>((next - first).count());
}

}  // namespace

std::string to_string(const Frequency& frequency) {
  if (frequency.unit == Unit::kRow) return std::string(kRowName);
  if (frequency.unit == Unit::kNumber) return fmt::format("{}{}", kNumberName, frequency.count);
  // Each unit has a name for 1; for less it serves too.
  const auto suits = [&frequency](const Name& name) {
    const bool is_multiple = std::fmod(frequency.count, static_cast<double>(name.count)) == 0;
    return name.unit == frequency.unit && name.month_end == frequency.month_end &&
           (is_multiple || name.count == 1);
  };
  const auto name = std::ranges::find_if(kNames, suits);
  if (name == kNames.end()) return "";
  const double count = frequency.count / static_cast<double>(name->count);
  return count == 1 ? std::string(name->one) : fmt::format("{} {}", count, name->many);
}

std::optional<Frequency> parse_frequency(std::string_view text) {
  if (text == kRowName) return Frequency{};
  Frequency frequency;
  if (text.starts_with(kNumberName)) {
    const std::optional<double> count = parse_double(text.substr(kNumberName.size()));
    frequency = {.unit = Unit::kNumber, .count = count.value_or(0)};
    return is_valid(frequency) ? std::optional(frequency) : std::nullopt;
  }
  double count = 1;
  const std::size_t blank = text.find(' ');
  if (!text.empty() && text.front() >= '0' && text.front() <= '9' &&
      blank != std::string_view::npos) {
    count = parse_double(text.substr(0, blank)).value_or(0);
    text.remove_prefix(blank + 1);
  }
  for (const Name& name : kNames) {
    if (text != name.one && text != name.many) continue;
    frequency = {name.unit, count * static_cast<double>(name.count), name.month_end};
    if (is_valid(frequency)) return frequency;
  }
  return std::nullopt;
}

TimeStamp advance(const Frequency& frequency, const TimeStamp& from, std::int64_t steps) {
  require_valid(frequency);
  const std::optional<TimeStamp> time = try_advance(frequency, from, steps);
  if (time) return *time;
  throw ConfigError(fmt::format("advance: {} steps of a {} from {} are too far; times must be {}",
                                steps, to_string(frequency), from.whole,
                                is_date(from) ? "in the years 0 to 9999" : "numbers of 64 bits"));
}

std::optional<std::int64_t> steps_between(const Frequency& frequency, const TimeStamp& from,
                                          const TimeStamp& to) {
  require_valid(frequency);
  if (from.kind != to.kind || !is_within(from) || !is_within(to)) return std::nullopt;
  std::int64_t steps = 0;
  if (frequency.unit == Unit::kMonth) {
    steps = month_number(civil_time(to.whole).date) - month_number(civil_time(from.whole).date);
    steps /= static_cast<std::int64_t>(frequency.count);
  } else if (frequency.unit == Unit::kTradingDay) {
    steps = trading_day_number(civil_time(to.whole)) - trading_day_number(civil_time(from.whole));
  } else {
    return even_steps(length(frequency), from, to);
  }
  return try_advance(frequency, from, steps) == to ? std::optional(steps) : std::nullopt;
}

bool goes_by_clocks(const Frequency& frequency) noexcept {
  return frequency.unit == Unit::kDay || frequency.unit == Unit::kTradingDay ||
         frequency.unit == Unit::kMonth;
}

std::int64_t usual_season(const Frequency& frequency) {
  require_valid(frequency);
  const auto in = [&frequency](std::int64_t cycle) {
    const double rows = static_cast<double>(cycle) / frequency.count;
    constexpr double kMostRows = 1e15;
    return is_whole(rows) && rows <= kMostRows ? static_cast<std::int64_t>(rows) : 1;
  };
  switch (frequency.unit) {
    case Unit::kTradingDay:
      return kWeekdays;
    case Unit::kDay:
      if (frequency.count == 1) return kDaysOfWeek;
      return frequency.count == static_cast<double>(kDaysOfWeek) ? 52 : 1;
    case Unit::kMonth:
      return in(kMonthsOfYear);
    case Unit::kSecond:
      return in(kSecondsOfDay);
    case Unit::kRow:
    case Unit::kNumber:
      break;
  }
  return 1;
}

std::vector<float> calendar(const Frequency& frequency, const TimeStamp& time) {
  require_valid(frequency);
  std::vector<float> places;
  const std::vector<Cycle> with = cycles(frequency);
  if (with.empty()) return places;
  if (!in_calendar(time.whole)) {
    throw ConfigError(
        fmt::format("calendar: the time is {} seconds from 1970; it must be in the years 0 to 9999",
                    time.whole));
  }
  const CivilTime civil = civil_time(time.whole);
  for (const Cycle cycle : with) {
    // Months are alike, however many days they have.
    const double place = frequency.unit == Unit::kMonth
                             ? static_cast<double>(month_number(civil.date) % kMonthsOfYear) /
                                   static_cast<double>(kMonthsOfYear)
                             : place_in(cycle, civil);
    const double angle = 2 * std::numbers::pi * place;
    places.push_back(static_cast<float>(std::sin(angle)));
    places.push_back(static_cast<float>(std::cos(angle)));
  }
  return places;
}

std::int64_t calendar_size(const Frequency& frequency) {
  require_valid(frequency);
  return 2 * static_cast<std::int64_t>(cycles(frequency).size());
}

std::int64_t cycles_within(const Frequency& frequency, std::int64_t rows, double times) {
  require_valid(frequency);
  constexpr double kMonth = 365.25 / 12 * static_cast<double>(kSecondsOfDay);
  constexpr double kTradingDay = static_cast<double>(kDaysOfWeek * kSecondsOfDay) / kWeekdays;
  const double row = frequency.unit == Unit::kMonth        ? frequency.count * kMonth
                     : frequency.unit == Unit::kTradingDay ? kTradingDay
                                                           : length(frequency);
  return std::ranges::count_if(cycles(frequency), [&](Cycle cycle) {
    return static_cast<double>(kLengths.at(static_cast<std::size_t>(cycle))) * times <=
           row * static_cast<double>(rows);
  });
}

}  // namespace riverrun::data
