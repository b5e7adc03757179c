#include "riverrun/data/time_stamp.h"

#include <charconv>
#include <chrono>
#include <cmath>
#include <limits>
#include <system_error>

#include "riverrun/core/number.h"
#include "riverrun/data/civil_time.h"
#include "riverrun/data/time_scanner.h"

namespace riverrun::data {
namespace {

std::optional<TimeStamp> parse_date(std::string_view text) {
  namespace chrono = std::chrono;
  TimeStamp time{.kind = TimeStamp::Kind::kLocal};
  TimeScanner scanner(text);
  const chrono::year year(scanner.digits(4, 9999));
  scanner.require('-');
  const chrono::month month(static_cast<unsigned>(scanner.digits(2, 12)));
  scanner.require('-');
  const chrono::day day(static_cast<unsigned>(scanner.digits(2, 31)));
  const chrono::year_month_day date(year, month, day);
  if (!scanner.good() || !date.ok()) return std::nullopt;
  time.whole = seconds_at(date);
  if (scanner.at_end()) return time;

  if (!scanner.skip('T')) scanner.require(' ');
  time.whole += kSecondsOfHour * scanner.digits(2, 23);
  scanner.require(':');
  time.whole += kSecondsOfMinute * scanner.digits(2, 59);
  if (scanner.skip(':')) {
    time.whole += scanner.digits(2, 59);
    if (scanner.skip('.')) time.fraction = scanner.fraction();
  }
  if (scanner.at_end() || !scanner.good())
    return scanner.good() ? std::optional(time) : std::nullopt;

  time.kind = TimeStamp::Kind::kZoned;
  if (!scanner.skip('Z')) {
    const bool is_east = scanner.skip('+');
    if (!is_east) scanner.require('-');
    std::int64_t offset = kSecondsOfHour * scanner.digits(2, 23);
    scanner.require(':');
    offset += kSecondsOfMinute * scanner.digits(2, 59);
    time.whole -= is_east ? offset : -offset;
  }
  return scanner.good() && scanner.at_end() ? std::optional(time) : std::nullopt;
}

std::optional<TimeStamp> parse_number(std::string_view text) {
  TimeStamp time;
  // Doubles would not tell nanoseconds of our days apart.
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, time.whole);
  if (error == std::errc() && stop == end) return time;

  const std::optional<double> number = parse_double(text);
  if (!number) return std::nullopt;
  constexpr double kLimit = 9223372036854775808.0;  // 2^63
  const double whole = std::floor(*number);
  if (whole >= -kLimit && whole < kLimit) {
    return TimeStamp{.whole = static_cast<std::int64_t>(whole), .fraction = *number - whole};
  }
  using Limits = std::numeric_limits<std::int64_t>;
  return TimeStamp{.whole = whole < 0 ? Limits::min() : Limits::max(), .fraction = *number};
}

}  // namespace

std::optional<TimeStamp> parse_time(std::string_view text) {
  constexpr std::size_t kDash = 4;  // "2024-"; a number has none there, but for "1.5e-3"
  const bool is_date = text.size() > kDash && text[kDash] == '-' && is_digit(text[kDash - 1]);
  return is_date ? parse_date(text) : parse_number(text);
}

}  // namespace riverrun::data
