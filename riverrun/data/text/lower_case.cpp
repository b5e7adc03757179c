#include "riverrun/data/text/lower_case.h"

#include <algorithm>
#include <iterator>

#include "riverrun/data/text/utf8.h"

namespace riverrun::text {
namespace {

/// The capital letters in a range of code points.
struct Capitals {
  char32_t first;
  char32_t last;
  char32_t step;      // 1: all of them; 2: every second one, with its small letter behind it
  char32_t to_small;  // what is added
};

// In rising order.
constexpr Capitals kCapitals[] = {
    {U'A', U'Z', 1, 32},     {0x00C0, 0x00D6, 1, 32}, {0x00D8, 0x00DE, 1, 32},
    {0x0100, 0x012E, 2, 1},  {0x0132, 0x0136, 2, 1},  {0x0139, 0x0147, 2, 1},
    {0x014A, 0x0176, 2, 1},  {0x0179, 0x017D, 2, 1},  {0x01A0, 0x01A0, 1, 1},
    {0x01AF, 0x01AF, 1, 1},  {0x01CD, 0x01DB, 2, 1},  {0x01DE, 0x01EE, 2, 1},
    {0x01F8, 0x021E, 2, 1},  {0x0222, 0x0232, 2, 1},  {0x0386, 0x0386, 1, 38},
    {0x0388, 0x038A, 1, 37}, {0x038C, 0x038C, 1, 64}, {0x038E, 0x038F, 1, 63},
    {0x0391, 0x03A1, 1, 32}, {0x03A3, 0x03AB, 1, 32}, {0x0400, 0x040F, 1, 80},
    {0x0410, 0x042F, 1, 32}, {0x0460, 0x0480, 2, 1},  {0x048A, 0x04BE, 2, 1},
    {0x04C1, 0x04CD, 2, 1},  {0x04D0, 0x052E, 2, 1},  {0x0531, 0x0556, 1, 48},
    {0x1E00, 0x1E94, 2, 1},  {0x1EA0, 0x1EFE, 2, 1},
};

}  // namespace

char32_t lower_case(char32_t code_point) noexcept {
  if (code_point == 0x0178) return 0x00FF;  // Ÿ
  const auto* const range = std::ranges::lower_bound(kCapitals, code_point, {}, &Capitals::last);
  if (range == std::end(kCapitals) || code_point < range->first) return code_point;
  return (code_point - range->first) % range->step == 0 ? code_point + range->to_small : code_point;
}

std::string lower_case(std::string_view bytes) {
  std::string lower;
  lower.reserve(bytes.size());
  Utf8Scanner scanner;
  const auto append = [&lower](char32_t code_point, int, bool) {
    append_utf8(lower_case(code_point), lower);
  };
  scanner.feed(bytes, append);
  scanner.finish(append);
  return lower;
}

}  // namespace riverrun::text
