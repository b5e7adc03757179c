#include "riverrun/report/figure.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <map>
#include <regex>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "riverrun/core/error.h"
#include "riverrun/data/text/utf8.h"

#include "tests/report/needs_gnuplot.h"
#include "tests/report/sample_figures.h"

namespace riverrun::report {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr double kGap = std::numeric_limits<double>::quiet_NaN();

Figure small() {
  return {.title = "Small",
          .x = {.label = "lag", .unit = "steps"},
          .y = {.label = "norm", .scale = Scale::kPowersOfTen},
          .series = {{.name = "a, \"b\"", .x = {1, 2, 3}, .y = {-1, kGap, -2000.5}}}};
}

TEST(Figure, Csv) {
  EXPECT_EQ(to_csv(small()),
            "series,lag (steps),log10 of norm\r\n"
            "\"a, \"\"b\"\"\",1,-1\r\n"
            "\"a, \"\"b\"\"\",2,\r\n"
            "\"a, \"\"b\"\"\",3,-2000.5\r\n");
}

TEST(Figure, CsvIsUtf8WhateverTheNames) {
  Figure figure = small();
  figure.series[0].name = "\xff\n";
  EXPECT_THAT(to_csv(figure), HasSubstr("\"\xEF\xBF\xBD\n\",1,-1\r\n"));
}

TEST(Figure, CsvQuotesAsRfc4180) {
  Figure figure = small();
  figure.series[0].name = "a,b";
  figure.x.label = "\"quoted\"";
  figure.x.unit = "";
  figure.y.scale = Scale::kLinear;
  figure.y.label = "two\r\nlines";
  EXPECT_THAT(to_csv(figure), testing::StartsWith("series,\"\"\"quoted\"\"\",\"two\r\nlines\"\r\n"
                                                  "\"a,b\","));
}

TEST(Figure, CsvNamesCategories) {
  Figure figure = small();
  figure.x.categories = {"zero", "one", "two", "three, or so"};
  EXPECT_THAT(to_csv(figure), HasSubstr("one,-1\r\n"));
  EXPECT_THAT(to_csv(figure), HasSubstr("\"three, or so\",-2000.5\r\n"));
}

TEST(Figure, PowersOfTenAsText) {
  EXPECT_EQ(power_of_ten(0), "1.00e+00");
  EXPECT_EQ(power_of_ten(std::log10(3.2e-7)), "3.20e-07");
  EXPECT_EQ(power_of_ten(-2000.5), "3.16e-2001");
  EXPECT_EQ(power_of_ten(std::log10(9.9951)), "1.00e+01");
}

TEST(Figure, AValueThatALogAxisCannotShowIsAGap) {
  Figure figure = small();
  figure.y.scale = Scale::kLogarithmic;
  figure.series[0].y = {0, 1, -1};
  EXPECT_TRUE(is_gap(figure, figure.series[0], 0));
  EXPECT_FALSE(is_gap(figure, figure.series[0], 1));
  EXPECT_TRUE(is_gap(figure, figure.series[0], 2));
}

TEST(Figure, ThinnedKeepsTheEndsAndSpreadsAsTheAxisDoes) {
  Figure figure = small();
  Series& series = figure.series[0];
  series.x.clear();
  series.y.clear();
  for (int i = 1; i <= 10000; ++i) {
    series.x.push_back(i);
    series.y.push_back(-i);
  }
  for (const Scale scale : {Scale::kLinear, Scale::kLogarithmic}) {
    figure.x.scale = scale;
    const Series few = thinned(figure, 100).series[0];
    EXPECT_LE(few.x.size(), 102u);
    EXPECT_GE(few.x.size(), 50u);
    EXPECT_EQ(few.x.front(), 1);
    EXPECT_EQ(few.x.back(), 10000);
    for (std::size_t i = 0; i < few.x.size(); ++i) EXPECT_EQ(few.y[i], -few.x[i]);
    const auto below_100 =
        std::count_if(few.x.begin(), few.x.end(), [](double x) { return x < 100; });
    EXPECT_EQ(below_100 > 20, scale == Scale::kLogarithmic);
  }
  EXPECT_EQ(thinned(small(), 100).series[0].x, small().series[0].x);
}

TEST(Figure, RefusesWhatCannotBeDrawn) {
  const auto refused = [](const auto& change) {
    Figure figure = small();
    change(figure);
    EXPECT_THROW(static_cast<void>(to_csv(figure)), ConfigError);
    EXPECT_THROW(static_cast<void>(to_svg(figure)), ConfigError);
  };
  refused([](Figure& f) { f.series.clear(); });
  refused([](Figure& f) { f.series[0].y.pop_back(); });
  refused([](Figure& f) { f.series[0] = {.name = "none", .x = {}, .y = {}}; });
  refused([](Figure& f) { f.series[0].x[1] = kGap; });
  refused([](Figure& f) {
    f.x.scale = Scale::kLogarithmic;
    f.series[0].x[0] = 0;
  });
  refused([](Figure& f) { f.x.categories = {"only one"}; });
  refused([](Figure& f) { f.series[0].mark = Mark::kBars; });
}

using Svg = test::NeedsGnuplot;

TEST_F(Svg, DrawsEverySeries) {
  for (const Figure& figure : test::sample_figures()) {
    const std::string svg = to_svg(figure);
    EXPECT_THAT(svg, HasSubstr("<svg"));
    EXPECT_THAT(svg, HasSubstr("</svg>"));
    for (std::size_t s = 0; s < figure.series.size(); ++s) {
      EXPECT_THAT(svg, HasSubstr("gnuplot_plot_" + std::to_string(s + 1))) << figure.title;
    }
  }
}

/// Where a text stands in a picture, from its upper edge.
double height_of(const std::string& svg, const std::string& text) {
  const std::size_t at = svg.find("<text>" + text + "</text>");
  if (at == std::string::npos) return kGap;
  return std::stod(svg.substr(svg.find(',', svg.rfind("translate(", at)) + 1));
}

TEST_F(Svg, TheLegendStandsApartFromTheAxisHoweverLong) {
  Figure figure = small();
  figure.series[0].name = "first";
  for (const std::size_t series : {1, 5, 12}) {
    figure.series.resize(series, figure.series[0]);
    const std::string svg = to_svg(figure);
    constexpr double kFontSize = 15;
    EXPECT_GT(height_of(svg, "first") - height_of(svg, "lag (steps)"), 1.5 * kFontSize) << series;
    EXPECT_LT(height_of(svg, "first"), 560) << series;
  }
}

TEST_F(Svg, BarsOfSeveralSeriesStandSideBySide) {
  Figure figure = small();
  figure.x.categories = {"a", "b", "c"};
  figure.y = {.label = "probability", .low = 0.0};
  figure.series = {{.name = "one", .x = {0, 1, 2}, .y = {1, 2, 3}, .mark = Mark::kBars},
                   {.name = "two", .x = {0, 1, 2}, .y = {3, 2, 1}, .mark = Mark::kBars}};
  const std::string svg = to_svg(figure);
  // Left and right of all that stand on the same line: the bars, and the two of the legend.
  std::map<std::string, std::vector<std::pair<double, double>>> standing;
  const std::regex polygon("points = '([0-9.]+),([0-9.]+) ([0-9.]+),");
  for (std::sregex_iterator at(svg.begin(), svg.end(), polygon), end; at != end; ++at) {
    standing[(*at)[2]].emplace_back(std::stod((*at)[1]), std::stod((*at)[3]));
  }
  std::vector<std::pair<double, double>> bars;
  for (const auto& [bottom, some] : standing) {
    if (some.size() > bars.size()) bars = some;
  }
  ASSERT_EQ(bars.size(), 6u);
  std::ranges::sort(bars);
  constexpr double kRounding = 0.1;
  for (std::size_t i = 1; i < bars.size(); ++i) {
    EXPECT_GE(bars[i].first, bars[i - 1].second - kRounding) << i;
  }
}

TEST_F(Svg, ANameIsTextAndNoCommand) {
  const std::filesystem::path victim =
      std::filesystem::path(testing::TempDir()) / "riverrun-svg-victim";
  std::filesystem::remove(victim);
  const std::string touch = "touch " + victim.string();
  Figure figure = small();
  figure.title = "it's `" + touch + "` \"`" + touch + "`\"";
  figure.x.label = "'\nsystem(\"" + touch + "\")\n'";
  figure.y.label = "a_{b}^c @x \\n <b>&";
  figure.x.categories = {"", "'; !" + touch, "$(" + touch + ")", "%s"};
  figure.series[0].name = "'\n!" + touch + "\n#";
  const std::string svg = to_svg(figure);
  EXPECT_FALSE(std::filesystem::exists(victim));
  EXPECT_THAT(svg, HasSubstr("<title>it's `touch"));
  EXPECT_THAT(svg, HasSubstr("a_{b}^c @x \\n &lt;b>&amp;"));
}

TEST_F(Svg, APercentSignInATicsNameIsNoFormat) {
  Figure figure = small();
  figure.x.categories = {"'%'", "100%g", "%s", "%%"};
  const std::string svg = to_svg(figure);
  EXPECT_THAT(svg, HasSubstr("100%g<"));
  EXPECT_THAT(svg, HasSubstr(">%s<"));
  EXPECT_THAT(svg, HasSubstr(">%%<"));
}

// "]]>" ends what it may not stand outside of, and U+FFFE and U+FFFF are forbidden.
TEST_F(Svg, IsWellFormedWhateverTheNames) {
  const std::string odd = "]]>]]]>\xEF\xBF\xBE\xEF\xBF\xBF\x01\x1b";
  Figure figure = small();
  figure.title = odd;
  figure.x.label = odd;
  figure.y.label = odd;
  figure.x.categories = {odd, "a", "b", "]]>"};
  figure.series[0].name = odd;
  const std::string svg = to_svg(figure);
  EXPECT_THAT(svg, Not(HasSubstr("]]>")));
  EXPECT_THAT(svg, HasSubstr(">]]&gt;]]]&gt;\xEF\xBF\xBD\xEF\xBF\xBD"));
  EXPECT_EQ(svg, text::to_valid_xml(svg));
}

TEST_F(Svg, IsUtf8WhateverTheNames) {
  Figure figure = small();
  figure.title = "\xff";
  figure.x.categories = {"\xc3", "a", "b", "\xe2\x82"};
  figure.series[0].name = "\x80";
  const std::string svg = to_svg(figure);
  EXPECT_TRUE(svg == text::to_valid_utf8(svg));
}

/// The left and the right end of the last bar of a series.
std::pair<double, double> last_bar(const std::string& svg, int series) {
  const std::string points = "points = '";
  const std::size_t end = svg.find("gnuplot_plot_" + std::to_string(series + 1));
  const std::string corners = svg.substr(svg.rfind(points, end) + points.size());
  return {std::stod(corners), std::stod(corners.substr(corners.find(' ')))};
}

TEST_F(Svg, BarsOfOneCategoryStandSideBySide) {
  Figure figure = small();
  figure.x.categories = {"one", "two"};
  figure.y.scale = Scale::kLinear;
  figure.series[0] = {.name = "A", .x = {0, 1}, .y = {0.4, 0.2}, .mark = Mark::kBars};
  figure.series.push_back({.name = "B", .x = {0, 1}, .y = {0.5, 0.3}, .mark = Mark::kBars});
  const std::string svg = to_svg(figure);
  EXPECT_LT(last_bar(svg, 1).first, last_bar(svg, 1).second);
  EXPECT_NEAR(last_bar(svg, 1).second, last_bar(svg, 2).first, 1);
}

TEST_F(Svg, ALineOfASinglePointIsSeen) {
  Figure figure = small();
  EXPECT_THAT(to_svg(figure), Not(HasSubstr("#gpPt6' transform")));
  figure.series[0].y = {kGap, 1, kGap};
  EXPECT_THAT(to_svg(figure), HasSubstr("#gpPt6' transform"));
}

TEST_F(Svg, NothingToShowIsStillAPicture) {
  Figure figure = small();
  figure.series[0].y = {kGap, kGap, kGap};
  EXPECT_THAT(to_svg(figure), HasSubstr("</svg>"));
}

TEST(Gnuplot, IsNamedIfItIsNotThere) {
  const std::string path = std::getenv("PATH");
  ::setenv("PATH", "/nowhere", 1);
  try {
    require_gnuplot();
    ADD_FAILURE() << "it was found nowhere";
  } catch (const IoError& error) {
    EXPECT_THAT(error.what(), HasSubstr("gnuplot-nox"));
  }
  ::setenv("PATH", path.c_str(), 1);
}

}  // namespace
}  // namespace riverrun::report
