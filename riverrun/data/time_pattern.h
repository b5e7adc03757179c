#pragma once

// The directives of which a TimeFormat consists; not for users.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "riverrun/data/time_stamp.h"

namespace riverrun::data {

inline constexpr std::array<std::string_view, 12> kMonthNames = {
    "January", "February", "March",     "April",   "May",      "June",
    "July",    "August",   "September", "October", "November", "December"};
inline constexpr std::size_t kShortNameSize = 3;

/// A directive, or a character that stands for itself.
struct PatternPart {
  char directive = '\0';  ///< '\0' for a character; '?' for a % that begins nothing
  char character = '\0';
  bool short_number = false;  ///< %-d
  int colons = 0;             ///< %:z
};
/// Takes the first part off a pattern that is not empty.
[[nodiscard]] PatternPart take_part(std::string_view& pattern);

/// Throws ConfigError as TimeFormat does.
void require_pattern(const std::string& pattern);

/// Whether it says UTC in letters.
[[nodiscard]] bool ends_in_utc(std::string_view pattern);

/// In what a text may differ from another that the same format reads.
enum class TimeTrait {
  kPaddedDate,  ///< 03 of %m or %d
  kShortDate,   ///< 3
  kPaddedHour,
  kShortHour,
  kShortName,  ///< Mar
  kLongName,   ///< March
  kFraction,
  kOffset,      ///< +0200
  kColons,      ///< +02:00
  kWholeHours,  ///< +02
};

struct WrittenTime {
  TimeStamp time;
  std::optional<std::int32_t> offset = {};  ///< of a format that is_zoned()
  std::array<bool, 10> traits{};            ///< by TimeTrait
};
/// The time that all of `text` is, if it is one. `pattern` is valid; empty: as a number.
[[nodiscard]] std::optional<WrittenTime> read_time(std::string_view pattern, std::string_view text);

}  // namespace riverrun::data
