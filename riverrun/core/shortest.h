#pragma once

#include <charconv>

namespace riverrun {

/// The double that is written as x is: 0.2 for 0.2f, not 0.20000000298023224. For JSON, whose
/// numbers are doubles; reading it back as a float gives x.
[[nodiscard]] inline double shortest(float x) {
  char digits[32];
  const std::to_chars_result end = std::to_chars(digits, digits + sizeof digits, x);
  double value = 0;
  std::from_chars(digits, end.ptr, value);
  return value;
}

}  // namespace riverrun
