#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string_view>

namespace riverrun::data {

/// A number, or a date. Times of one kind can be compared.
struct TimeStamp {
  enum class Kind { kNumber, kLocal, kZoned };  // kZoned: a date with a time zone

  Kind kind = Kind::kNumber;
  std::int64_t whole = 0;  ///< of a date the seconds since 1970, in UTC if it has a zone
  double fraction = 0;     ///< in [0, 1), unless the number is beyond 64 bits

  friend auto operator<=>(const TimeStamp&, const TimeStamp&) = default;
};

/// The time that all of `text` is: a number as parse_double() reads it, whole ones of 64 bits
/// exactly, or a date of ISO 8601: "2024-03-01", "2024-03-01T12:30", "2024-03-01 12:30:00.5", with
/// "Z" or "+02:00" after a time of day. Nothing if it is anything else, such as February 30.
[[nodiscard]] std::optional<TimeStamp> parse_time(std::string_view text);

}  // namespace riverrun::data
