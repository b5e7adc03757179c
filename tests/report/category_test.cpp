// The names of categories below a chart.
#include <cstddef>
#include <iterator>
#include <regex>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "riverrun/report/figure.h"

#include "tests/report/needs_gnuplot.h"

namespace riverrun::report {
namespace {

/// Where a name stands, and whether it is aslant.
struct Name {
  std::string text;
  double x = 0;
  bool is_aslant = false;
};

/// The names that begin with "name" in the picture of a curve over as many categories.
std::vector<Name> names_of(const std::vector<std::string>& categories) {
  Series curve{.name = "curve", .x = {}, .y = {}};
  for (std::size_t i = 0; i < categories.size(); ++i) {
    curve.x.push_back(static_cast<double>(i));
    curve.y.push_back(1 + static_cast<double>(i % 3));
  }
  const std::string svg = to_svg({.title = "Names",
                                  .x = {.label = "category", .categories = categories},
                                  .y = {.label = "value"},
                                  .series = {curve}});
  const std::regex name("translate\\(([0-9.]+),[0-9.]+\\)( rotate)?[^>]*>\\s*<text>(name[^<]*)<");
  std::vector<Name> names;
  for (std::sregex_iterator at(svg.begin(), svg.end(), name), end; at != end; ++at) {
    names.push_back({(*at)[3], std::stod((*at)[1]), (*at)[2].matched});
  }
  return names;
}

/// "name", padded to `length` characters.
std::vector<std::string> categories(std::size_t count, std::size_t length) {
  return std::vector<std::string>(count, "name" + std::string(length - 4, 'x'));
}

constexpr double kCharacter = 7.5;  // the width of most, in a picture 860 wide; x is as wide
constexpr double kLine = 15;

using SvgCategories = test::NeedsGnuplot;

TEST_F(SvgCategories, AreUprightIfAllHaveRoom) {
  const std::vector<Name> names = names_of(categories(8, 10));
  ASSERT_EQ(names.size(), 8u);
  for (const Name& name : names) EXPECT_FALSE(name.is_aslant);
}

TEST_F(SvgCategories, AreAslantAndAllThereIfTheyAreAFewDozen) {
  const std::vector<Name> names = names_of(categories(40, 10));
  ASSERT_EQ(names.size(), 40u);
  for (const Name& name : names) EXPECT_TRUE(name.is_aslant);
}

TEST_F(SvgCategories, ThatAreAslantDoNotCoverEachOtherOrLeaveThePicture) {
  for (const std::size_t length : {10, 16, 30}) {
    const std::vector<Name> names = names_of(categories(60, length));
    ASSERT_GE(names.size(), 20u);
    constexpr double kSlope = 0.7;  // of 45 degrees
    for (std::size_t i = 1; i < names.size(); ++i) {
      EXPECT_GT((names[i].x - names[i - 1].x) * kSlope, 0.7 * kLine) << length;
    }
    EXPECT_GT(names.front().x, kSlope * kCharacter * static_cast<double>(length)) << length;
  }
}

TEST_F(SvgCategories, AreThinnedOutIfTheyAreMany) {
  for (const std::size_t count : {65, 200, 5000}) {
    const std::vector<Name> names = names_of(categories(count, 16));
    ASSERT_GE(names.size(), 3u) << count;
    for (const Name& name : names) EXPECT_FALSE(name.is_aslant);
    for (std::size_t i = 1; i < names.size(); ++i) {
      EXPECT_GT(names[i].x - names[i - 1].x, 16 * kCharacter) << count;
    }
    EXPECT_LT(names.back().x + 8 * kCharacter, 860) << count;
  }
}

TEST_F(SvgCategories, AreThinnedOutHoweverLongTheyAre) {
  EXPECT_EQ(names_of(categories(100, 500)).size(), 2u);
  EXPECT_GT(names_of(categories(100, 4)).size(), 15u);
}

}  // namespace
}  // namespace riverrun::report
