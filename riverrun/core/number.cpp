#include "riverrun/core/number.h"

#include <cmath>
#include <string>

#include <fmt/format.h>
#include <locale.h>  // NOLINT(modernize-deprecated-headers): newlocale is POSIX's
#include <stdlib.h>  // NOLINT(modernize-deprecated-headers): strtod_l too
#if __has_include(<xlocale.h>)
#include <xlocale.h>  // where macOS has both
#endif

namespace riverrun {

std::optional<double> parse_double(std::string_view text) {
  // strtod would skip blanks, take a plus, and read words and hexadecimal digits.
  const bool decimal = text.find_first_not_of("0123456789.eE+-") == std::string_view::npos;
  if (!decimal || text.empty() || text.front() == '+') return std::nullopt;
  static const locale_t kPlain = newlocale(LC_ALL_MASK, "C", nullptr);
  const std::string copy(text);
  char* end = nullptr;
  const double value = strtod_l(copy.c_str(), &end, kPlain);
  if (end != copy.c_str() + copy.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

double shortest(float x) {
  if (!std::isfinite(x)) return x;
  return *parse_double(fmt::format("{}", x));
}

}  // namespace riverrun
