#pragma once

#include <optional>
#include <string_view>

namespace riverrun {

/// The number that all of `text` is, in decimal notation: "0.1", "-2", ".5", "1e-3"; the nearest
/// double, whatever the locale. Nothing if it is anything else: empty, with blanks or a plus before
/// it, hexadecimal, "inf", "nan", or beyond the range of a double. (What is nearer to zero than any
/// other double is zero.) Serves in place of std::from_chars, which libc++ has not had for doubles.
[[nodiscard]] std::optional<double> parse_double(std::string_view text);

/// The double that is written as x is: 0.2 for 0.2f, not 0.20000000298023224. For JSON, whose
/// numbers are doubles; reading it back as a float gives x.
[[nodiscard]] double shortest(float x);
[[nodiscard]] constexpr double shortest(double x) { return x; }

}  // namespace riverrun
