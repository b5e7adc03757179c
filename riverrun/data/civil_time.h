#pragma once

// Seconds since 1970 as dates of the calendar; not for users.

#include <chrono>
#include <cstdint>

namespace riverrun::data {

inline constexpr std::int64_t kSecondsOfMinute = 60;
inline constexpr std::int64_t kSecondsOfHour = 60 * kSecondsOfMinute;
inline constexpr std::int64_t kSecondsOfDay = 24 * kSecondsOfHour;

/// Of the beginning of the day.
[[nodiscard]] constexpr std::int64_t seconds_at(const std::chrono::year_month_day& date) {
  return kSecondsOfDay * std::chrono::sys_days(date).time_since_epoch().count();
}

/// Whether they are in the years 0 to 9999, which can be written with four digits.
[[nodiscard]] constexpr bool in_calendar(std::int64_t seconds) {
  using namespace std::chrono_literals;
  return seconds >= seconds_at(0y / 1 / 1) && seconds < seconds_at(9999y / 12 / 31) + kSecondsOfDay;
}

struct CivilTime {
  std::chrono::year_month_day date;
  std::int64_t second = 0;  ///< of the day
};

/// Of seconds that are in_calendar().
[[nodiscard]] constexpr CivilTime civil_time(std::int64_t seconds) {
  const auto day = std::chrono::floor<std::chrono::days>(std::chrono::seconds(seconds));
  return {std::chrono::sys_days(day), seconds - std::chrono::seconds(day).count()};
}

}  // namespace riverrun::data
