#include "riverrun/data/time_stamp.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <limits>
#include <system_error>

#include <fmt/format.h>

#include "riverrun/core/number.h"

namespace riverrun::data {
namespace {

constexpr std::string_view kDigits = "0123456789";

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

/// Takes the parts of a date off the beginning of a text. After the first that is not there, none
/// is.
class Scanner {
 public:
  explicit Scanner(std::string_view text) noexcept : rest_(text) {}

  [[nodiscard]] bool good() const noexcept { return good_; }
  [[nodiscard]] bool at_end() const noexcept { return rest_.empty(); }

  /// A number of exactly so many digits.
  int digits(int count, int most) noexcept {
    int value = 0;
    for (int i = 0; i < count; ++i) value = 10 * value + take_digit();
    good_ = good_ && value <= most;
    return value;
  }
  void require(char c) noexcept { good_ = good_ && skip(c); }
  bool skip(char c) noexcept {
    const bool is_there = rest_.starts_with(c);
    if (is_there) rest_.remove_prefix(1);
    return is_there;
  }
  /// What is behind a decimal point, in [0, 1).
  double fraction() {
    const std::size_t end = std::min(rest_.find_first_not_of(kDigits), rest_.size());
    good_ = good_ && end > 0;
    const double value = parse_double(fmt::format("0.{}", rest_.substr(0, end))).value_or(0);
    rest_.remove_prefix(end);
    return std::min(value, std::nextafter(1.0, 0.0));  // 0.999… may be rounded up
  }

 private:
  int take_digit() noexcept {
    good_ = good_ && !rest_.empty() && is_digit(rest_.front());
    if (!good_) return 0;
    const int digit = rest_.front() - '0';
    rest_.remove_prefix(1);
    return digit;
  }

  std::string_view rest_;
  bool good_ = true;
};

std::optional<TimeStamp> parse_date(std::string_view text) {
  namespace chrono = std::chrono;
  constexpr int kMinute = 60;
  constexpr int kHour = 60 * kMinute;
  TimeStamp time{.kind = TimeStamp::Kind::kLocal};
  Scanner scanner(text);
  const chrono::year year(scanner.digits(4, 9999));
  scanner.require('-');
  const chrono::month month(static_cast<unsigned>(scanner.digits(2, 12)));
  scanner.require('-');
  const chrono::day day(static_cast<unsigned>(scanner.digits(2, 31)));
  const chrono::year_month_day date(year, month, day);
  if (!scanner.good() || !date.ok()) return std::nullopt;
  time.whole = chrono::seconds(chrono::sys_days(date).time_since_epoch()).count();
  if (scanner.at_end()) return time;

  if (!scanner.skip('T')) scanner.require(' ');
  time.whole += kHour * scanner.digits(2, 23);
  scanner.require(':');
  time.whole += kMinute * scanner.digits(2, 59);
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
    std::int64_t offset = kHour * scanner.digits(2, 23);
    scanner.require(':');
    offset += kMinute * scanner.digits(2, 59);
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
