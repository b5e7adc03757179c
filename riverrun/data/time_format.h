#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "riverrun/data/time_stamp.h"

namespace riverrun::data {

struct WrittenTime;

/// How times are written: directives of strftime between literal characters, such as
/// "%Y-%m-%d %H:%M:%S". Empty: as numbers. There are
///   %Y %y     the year; %y is two digits, of 1969 to 2068
///   %m %b %B  the month: 03, Mar, March; names are English
///   %q        the quarter, 1 to 4
///   %d        the day of the month
///   %H %I %p  the hour, 00 to 23 or 01 to 12, and AM or PM
///   %M %S     minutes and seconds
///   %f        the digits of a fraction of a second
///   %z %:z %:::z  the offset from UTC: +0200, +02:00, or +02 where it is whole hours
///   %%        a percent sign
/// and %-m, %-d, %-H and %-I for numbers without a leading zero. "Z" or "UTC" at the end says UTC.
/// Reading is lenient: a leading zero may be there or not, names may be short or long and in any
/// case, all directives of offsets read each other's forms and "Z", and ".%f" may be absent.
/// Writing is exact; a fraction has 3, 6 or 9 digits, as many as it needs, and ".%f" is omitted at
/// whole seconds.
class TimeFormat {
 public:
  TimeFormat() = default;
  /// Throws ConfigError, which says what is wrong, for a directive that does not exist or occurs
  /// twice, or for parts from which no date follows.
  explicit TimeFormat(std::string pattern);

  [[nodiscard]] const std::string& pattern() const noexcept { return pattern_; }
  [[nodiscard]] bool is_number() const noexcept { return pattern_.empty(); }
  /// Whether times have an offset from UTC, or are UTC.
  [[nodiscard]] bool is_zoned() const noexcept;
  /// Whether the offset is written: %z.
  [[nodiscard]] bool has_offset() const noexcept { return has('z'); }
  /// Whether there is a time of day.
  [[nodiscard]] bool has_hours() const noexcept { return has('H') || has('I'); }

  /// The time that all of `text` is; nothing if it is anything else. A part of a date that the
  /// format lacks is its first: "2024-03" is March 1.
  [[nodiscard]] std::optional<TimeStamp> parse(std::string_view text) const;
  /// As it would stand in the file. `offset`: of a format with %z, the seconds east of UTC, which
  /// are whole minutes. Throws ConfigError if a date is not in the years 0 to 9999.
  [[nodiscard]] std::string write(const TimeStamp& time, std::int32_t offset = 0) const;

  friend bool operator==(const TimeFormat&, const TimeFormat&) = default;

 private:
  [[nodiscard]] bool has(char directive) const noexcept;

  std::string pattern_;
};

/// Reads the times of a column and finds out their format: numbers, dates of ISO 8601, and others
/// that are in use, such as 2024/03/01, 01.03.2024, 3/1/2024 2:30 PM, Mar 1, 2024, March 2024 and
/// 2024-Q1. Digits alone are a number, unless all fields are 8 digits and dates of 1900 to 2100:
/// 20240301. Where several formats differ only in how they are written (leading zeros, offsets),
/// it is the one that most fields have.
class TimeColumn {
 public:
  /// `pattern`: the format, if it is known. Throws as TimeFormat.
  explicit TimeColumn(std::string_view pattern = {});

  /// Takes the next field; blanks around it do not count. What is wrong with it ("the time is
  /// "2024-02-30"; it must be …"), if it is no time, or not of a format that suits all fields
  /// before it; it was not taken then.
  [[nodiscard]] std::optional<std::string> add(std::string_view field);

  /// What may not be known although all fields are times: "03/04/2024" may be of March or of April.
  /// What is unclear, if it is, with an example.
  [[nodiscard]] std::optional<std::string> unclear() const;
  /// After the last field, if nothing is unclear; numbers if there was none.
  [[nodiscard]] TimeFormat format() const;
  [[nodiscard]] std::vector<TimeStamp> times() const;
  /// Of a format with an offset, the seconds east of UTC that all fields have; nothing if they
  /// differ. Times are in UTC in either case.
  [[nodiscard]] std::optional<std::int32_t> offset() const;

 private:
  /// The times of all fields so far as one format has them, and how the fields are written: how
  /// many have each of the traits that time_pattern.h lists.
  struct Reading {
    TimeFormat format;
    std::vector<TimeStamp> times;
    std::array<std::int64_t, 10> traits{};
  };

  void begin(std::string_view field);
  [[nodiscard]] std::optional<WrittenTime> read(const Reading& reading,
                                                std::string_view text) const;
  [[nodiscard]] TimeFormat format_of(const Reading& reading) const;
  [[nodiscard]] std::string formats() const;
  [[nodiscard]] std::string refusal(std::string_view field) const;

  TimeFormat given_;
  std::vector<Reading> readings_;
  std::string decisive_;  // the field of which the present readings follow
  std::string example_;   // one that they differ about
  std::optional<std::int32_t> offset_;
  bool offsets_differ_ = false;
};

}  // namespace riverrun::data
