#include "riverrun/data/time_format.h"

#include <cmath>
#include <cstddef>
#include <utility>

#include <fmt/format.h>

#include "riverrun/core/error.h"
#include "riverrun/core/number.h"
#include "riverrun/data/civil_time.h"
#include "riverrun/data/time_pattern.h"

namespace riverrun::data {
namespace {

std::string write_number(const TimeStamp& time) {
  if (time.fraction == 0) return fmt::format("{}", time.whole);
  const bool is_beyond = time.fraction < 0 || time.fraction >= 1;
  const double value = is_beyond ? time.fraction : static_cast<double>(time.whole) + time.fraction;
  // The sum of steps of 0.1 that is nearly 0.3 is 0.3.
  std::string rounded = fmt::format("{:.15g}", value);
  constexpr double kFewBits = 4e-16;
  const bool is_same =
      std::abs(parse_double(rounded).value_or(0) - value) <= kFewBits * std::abs(value);
  return is_same ? rounded : fmt::format("{}", value);
}

std::string write_fraction(std::int64_t nanoseconds) {
  constexpr std::int64_t kThousand = 1000;
  if (nanoseconds % (kThousand * kThousand) == 0) {
    return fmt::format("{:03}", nanoseconds / (kThousand * kThousand));
  }
  if (nanoseconds % kThousand == 0) return fmt::format("{:06}", nanoseconds / kThousand);
  return fmt::format("{:09}", nanoseconds);
}

std::string write_offset(int colons, std::int32_t seconds) {
  const std::int64_t minutes = std::abs(std::int64_t{seconds}) / kSecondsOfMinute;
  const char sign = seconds < 0 ? '-' : '+';
  if (colons == 3 && minutes % 60 == 0) return fmt::format("{}{:02}", sign, minutes / 60);
  return fmt::format("{}{:02}{}{:02}", sign, minutes / 60, colons > 0 ? ":" : "", minutes % 60);
}

struct DateToWrite {
  CivilTime civil;
  std::int64_t nanoseconds = 0;
  std::int32_t offset = 0;
};

std::string write_part(const PatternPart& part, const DateToWrite& time) {
  const int year = static_cast<int>(time.civil.date.year());
  const auto month = static_cast<unsigned>(time.civil.date.month());
  const std::int64_t hour = time.civil.second / kSecondsOfHour;
  const auto two_digits = [&part](std::int64_t number) {
    return part.short_number ? fmt::format("{}", number) : fmt::format("{:02}", number);
  };
  switch (part.directive) {
    case 'Y':
      return fmt::format("{:04}", year);
    case 'y':
      return two_digits(year % 100);
    case 'm':
      return two_digits(month);
    case 'b':
      return std::string(kMonthNames.at(month - 1).substr(0, kShortNameSize));
    case 'B':
      return std::string(kMonthNames.at(month - 1));
    case 'q':
      return fmt::format("{}", (month + 2) / 3);
    case 'd':
      return two_digits(static_cast<unsigned>(time.civil.date.day()));
    case 'H':
      return two_digits(hour);
    case 'I':
      return two_digits(hour % 12 == 0 ? 12 : hour % 12);
    case 'p':
      return hour < 12 ? "AM" : "PM";
    case 'M':
      return two_digits(time.civil.second % kSecondsOfHour / kSecondsOfMinute);
    case 'S':
      return two_digits(time.civil.second % kSecondsOfMinute);
    case 'f':
      return write_fraction(time.nanoseconds);
    case 'z':
      return write_offset(part.colons, time.offset);
    default:
      return {part.character};
  }
}

}  // namespace

TimeFormat::TimeFormat(std::string pattern) : pattern_(std::move(pattern)) {
  if (!pattern_.empty()) require_pattern(pattern_);
}

bool TimeFormat::is_zoned() const noexcept { return ends_in_utc(pattern_) || has_offset(); }

bool TimeFormat::has(char directive) const noexcept {
  std::string_view rest = pattern_;
  while (!rest.empty()) {
    if (take_part(rest).directive == directive) return true;
  }
  return false;
}

std::optional<TimeStamp> TimeFormat::parse(std::string_view text) const {
  const std::optional<WrittenTime> written = read_time(pattern_, text);
  return written ? std::optional(written->time) : std::nullopt;
}

std::string TimeFormat::write(const TimeStamp& time, std::int32_t offset) const {
  if (is_number()) return write_number(time);

  constexpr std::int64_t kBillion = 1'000'000'000;
  const bool has_fraction =
      pattern_.find("%f") != std::string::npos && time.fraction > 0 && time.fraction < 1;
  std::int64_t nanoseconds = has_fraction ? std::llround(time.fraction * kBillion) : 0;
  std::int64_t seconds = time.whole;
  const bool is_date = in_calendar(seconds);
  seconds += is_date ? nanoseconds / kBillion + (is_zoned() ? offset : 0) : 0;
  nanoseconds %= kBillion;
  if (!is_date || !in_calendar(seconds)) {
    throw ConfigError(fmt::format(
        "TimeFormat.write: the time is {} seconds from 1970; it must be in the years 0 to 9999",
        time.whole));
  }

  const DateToWrite date{civil_time(seconds), nanoseconds, offset};
  std::string text;
  std::string_view rest = pattern_;
  while (!rest.empty()) {
    const PatternPart part = take_part(rest);
    if (part.directive == '\0' && rest.starts_with("%f") && nanoseconds == 0) {
      (void)take_part(rest);
    } else {
      text += write_part(part, date);
    }
  }
  return text;
}

}  // namespace riverrun::data
