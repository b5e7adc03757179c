#include "riverrun/core/number.h"

#include <clocale>
#include <cmath>
#include <limits>
#include <optional>
#include <string>

#include <gtest/gtest.h>

namespace riverrun {
namespace {

TEST(ParseDouble, TakesDecimalNumbers) {
  EXPECT_EQ(parse_double("0.1"), 0.1);
  EXPECT_EQ(parse_double("-2"), -2.0);
  EXPECT_EQ(parse_double(".5"), 0.5);
  EXPECT_EQ(parse_double("5."), 5.0);
  EXPECT_EQ(parse_double("1e-3"), 0.001);
  EXPECT_EQ(parse_double("1E+3"), 1000.0);
  EXPECT_EQ(parse_double("007"), 7.0);
  EXPECT_EQ(parse_double("1.7976931348623157e308"), std::numeric_limits<double>::max());
  EXPECT_EQ(parse_double("4.9406564584124654e-324"), std::numeric_limits<double>::denorm_min());
  EXPECT_EQ(parse_double("1e-400"), 0.0);
  EXPECT_TRUE(std::signbit(parse_double("-0").value()));
}

TEST(ParseDouble, RefusesAllElse) {
  for (const char* text : {"",   " ",   ".",    "-",     "+1",       "--1",   "-+1",    " 1",
                           "1 ", "1\n", "1,5",  "1.5.2", "1e",       "1e+",   "e3",     "0x10",
                           "1f", "inf", "-inf", "nan",   "infinity", "1e999", "-1e999", "one"}) {
    EXPECT_EQ(parse_double(text), std::nullopt) << text;
  }
  EXPECT_EQ(parse_double(std::string_view("1\0", 2)), std::nullopt);
  EXPECT_EQ(parse_double(std::string_view("12345", 2)), 12.0);
}

TEST(ParseDouble, DoesNotDependOnTheLocale) {
  // Those of these that a machine has; C.UTF-8 alone, if it has none, shows nothing.
  const std::string before = std::setlocale(LC_ALL, nullptr);
  for (const char* locale : {"de_DE.UTF-8", "fr_FR.UTF-8"}) {
    if (std::setlocale(LC_ALL, locale) == nullptr) continue;
    EXPECT_EQ(parse_double("0.5"), 0.5) << locale;
    EXPECT_EQ(parse_double("0,5"), std::nullopt) << locale;
  }
  std::setlocale(LC_ALL, before.c_str());
}

TEST(Shortest, IsWrittenAsTheFloatIs) {
  EXPECT_EQ(shortest(0.2f), 0.2);
  EXPECT_EQ(shortest(-0.1f), -0.1);
  EXPECT_EQ(shortest(0.0f), 0.0);
  EXPECT_EQ(shortest(1e-45f), 1e-45);
  EXPECT_EQ(shortest(3.4028235e38f), 3.4028235e38);
  EXPECT_EQ(shortest(16777216.0f), 16777216.0);
  EXPECT_TRUE(std::isinf(shortest(std::numeric_limits<float>::infinity())));
  EXPECT_TRUE(std::isnan(shortest(std::numeric_limits<float>::quiet_NaN())));
}

}  // namespace
}  // namespace riverrun
