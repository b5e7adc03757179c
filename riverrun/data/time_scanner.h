#pragma once

// The parts of written dates; not for users.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string_view>

#include <fmt/format.h>

#include "riverrun/core/number.h"
#include "riverrun/data/ts_line.h"

namespace riverrun::data {

[[nodiscard]] constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

/// Takes the parts of a date off the beginning of a text. After the first that is not there, none
/// is.
class TimeScanner {
 public:
  explicit TimeScanner(std::string_view text) noexcept : rest_(text) {}

  [[nodiscard]] bool good() const noexcept { return good_; }
  [[nodiscard]] bool at_end() const noexcept { return rest_.empty(); }
  [[nodiscard]] std::string_view rest() const noexcept { return rest_; }
  void fail() noexcept { good_ = false; }

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
  /// In any case.
  bool skip_word(std::string_view word) noexcept {
    const bool is_there = same_word(rest_.substr(0, word.size()), word);
    if (is_there) rest_.remove_prefix(word.size());
    return is_there;
  }
  /// What is behind a decimal point, in [0, 1).
  double fraction() {
    const std::size_t end = std::min(rest_.find_first_not_of("0123456789"), rest_.size());
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

}  // namespace riverrun::data
