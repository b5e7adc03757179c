#include "riverrun/data/text/lower_case.h"

#include <cstdint>
#include <string>

#include <gtest/gtest.h>

#include "riverrun/core/hash.h"

namespace riverrun::text {
namespace {

TEST(LowerCase, LettersOfFourScripts) {
  EXPECT_EQ(lower_case("The BANK of 3 Rivers"), "the bank of 3 rivers");
  EXPECT_EQ(lower_case("ÄÖÜ ÉÈ ÇÑ Øre Þorn Ÿ ŁÓDŹ Ğ Œuvre Ế ƠƯ"),
            "äöü éè çñ øre þorn ÿ łódź ğ œuvre ế ơư");
  EXPECT_EQ(lower_case("ΟΔΟΣ Ήταν"), "οδοσ ήταν");
  EXPECT_EQ(lower_case("РЕКА Ёлка Їжак Ґанок"), "река ёлка їжак ґанок");
  EXPECT_EQ(lower_case("ԳԵՏ"), "գետ");
}

TEST(LowerCase, WhatHasNoCapitalsStays) {
  for (const char* text : {"river×÷ß ı ĸ ŉ 0-9 _", "河 نهر नदी 川", "½ €"}) {
    EXPECT_EQ(lower_case(text), text);
  }
  EXPECT_EQ(lower_case("A\xFF"), "a\xEF\xBF\xBD");
}

// Of all letters that it maps; they are Unicode's simple mappings, as Python's str.lower() has
// them.
TEST(LowerCase, EachLetterIsMappedOnce) {
  std::int64_t mapped = 0;
  for (char32_t c = 0; c < 0x110000; ++c) {
    const char32_t lower = lower_case(c);
    if (lower == c) continue;
    ++mapped;
    EXPECT_EQ(lower_case(lower), lower) << static_cast<std::uint32_t>(c);
  }
  EXPECT_EQ(mapped, 507);
}

}  // namespace
}  // namespace riverrun::text
