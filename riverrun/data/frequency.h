#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "riverrun/data/time_stamp.h"

namespace riverrun::data {

/// What lies between the rows of a time series. `count` is positive, of days and months a whole
/// number, of rows and trading days 1; the functions below throw ConfigError otherwise.
struct Frequency {
  enum class Unit {
    kRow,         ///< there are no times
    kNumber,      ///< times are numbers, `count` apart
    kSecond,      ///< `count` seconds, which may have a fraction
    kDay,         ///< `count` days: the time of day stays, whatever the clocks do
    kTradingDay,  ///< Monday to Friday but for holidays, which are not known; `count` is 1
    kMonth,       ///< `count` months
  };
  Unit unit = Unit::kRow;
  double count = 1;
  /// Of months: the last day of each, in place of the same one.
  bool month_end = false;

  friend bool operator==(const Frequency&, const Frequency&) = default;
};

/// "row", "number 0.5", "second", "15 minutes", "hour", "day", "2 days", "week", "trading day",
/// "month", "month end", "quarter", "quarter end", "year", "year end".
[[nodiscard]] std::string to_string(const Frequency& frequency);
/// The frequency of that name; nothing if there is none. Other counts than those that to_string()
/// gives are read too: "7 days" is a week.
[[nodiscard]] std::optional<Frequency> parse_frequency(std::string_view text);

/// The one of rows at these times, each series of which rises strictly. It is the shortest step
/// from a row to the next, in months if they suit, else in days, else in seconds; all other steps
/// must be whole multiples of it (rows are missing there), and none may be more frequent. Days with
/// no Saturday or Sunday among them although they go on after one are trading days. If all rows are
/// last days of months, so are those to come; else a series stays on the day of its first row.
/// Fractional steps may be off by 1/100 of a step. Nothing if there is no such frequency, no series
/// of two rows, times of several kinds, or numbers whose distance is beyond 64 bits.
[[nodiscard]] std::optional<Frequency> find_frequency(
    std::span<const std::vector<TimeStamp>> series);

/// The time `steps` rows after `from` (before it, if negative). Month ends, leap years and weekends
/// are those of the calendar: what is the 31st in January is the 28th or 29th in February and the
/// 31st again in March. Of trading days, a Saturday or Sunday counts as the Friday before. Throws
/// ConfigError if a date is not in the years 0 to 9999, or a number not within 64 bits.
[[nodiscard]] TimeStamp advance(const Frequency& frequency, const TimeStamp& from,
                                std::int64_t steps);
/// How many rows `to` is after `from`; nothing if it is between two, or advance() would throw. Of
/// trading days, the weekdays.
[[nodiscard]] std::optional<std::int64_t> steps_between(const Frequency& frequency,
                                                        const TimeStamp& from, const TimeStamp& to);

/// Whether rows are days, weeks or months apart on clocks, which are put forward and back between.
[[nodiscard]] bool goes_by_clocks(const Frequency& frequency) noexcept;

/// After how many rows a season begins anew, as is usual for the frequency: a day, of hours and
/// shorter steps that divide it; 7 for days, 5 for trading days, 52 for weeks; a year, of months
/// that divide it; 1 for all others.
[[nodiscard]] std::int64_t usual_season(const Frequency& frequency);

/// The places in the cycles that a calendar has at this frequency, each as a sine and a cosine: of
/// an hour, a day, a week, a month and a year, in this order; only cycles that are longer than a
/// row. Of months and longer rows, a year goes by its months. Empty for rows and numbers. Throws
/// ConfigError if the date is not in the years 0 to 9999.
[[nodiscard]] std::vector<float> calendar(const Frequency& frequency, const TimeStamp& time);
/// How many numbers that is.
[[nodiscard]] std::int64_t calendar_size(const Frequency& frequency);
/// How many of these cycles, from the shortest on, so many rows go through at least `times` times.
[[nodiscard]] std::int64_t cycles_within(const Frequency& frequency, std::int64_t rows,
                                         double times);

}  // namespace riverrun::data
