// Figures with bands: the area between a lower and an upper edge.
#include <cstddef>
#include <limits>
#include <regex>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "riverrun/core/error.h"
#include "riverrun/report/figure.h"

#include "tests/report/needs_gnuplot.h"
#include "tests/report/sample_figures.h"

namespace riverrun::report {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

constexpr double kGap = std::numeric_limits<double>::quiet_NaN();

Figure forecast() {
  return {.title = "Forecast",
          .x = {.label = "step"},
          .y = {.label = "load", .unit = "MW"},
          .series = {{.name = "before", .x = {0, 1}, .y = {3, 4}},
                     {.name = "band",
                      .x = {1, 2, 3, 4, 5},
                      .y = {3.5, 3, kGap, 2, 1},
                      .mark = Mark::kBand,
                      .upper = {4.5, 5, 6, 7, 8}},
                     {.name = "median", .x = {1, 2, 3, 4, 5}, .y = {4, 4, 4, 4, 4}}}};
}

/// How many areas of a band are filled; its legend is one more.
std::ptrdiff_t areas(const std::string& svg) {
  const std::regex area("<polygon fill = 'rgb\\(213,  94,   0\\)' fill-opacity = '0\\.22");
  return std::distance(std::sregex_iterator(svg.begin(), svg.end(), area), {});
}

TEST(Band, HasAsManyUpperAsLowerAndAllElseHasNone) {
  EXPECT_NO_THROW(check(forecast()));
  Figure figure = forecast();
  figure.series[1].upper.pop_back();
  EXPECT_THROW(check(figure), ConfigError);
  figure = forecast();
  figure.series[2].upper = {1, 2, 3, 4, 5};
  EXPECT_THROW(check(figure), ConfigError);
  EXPECT_THROW(static_cast<void>(to_csv(figure)), ConfigError);
}

TEST(Band, AGapInEitherEdgeIsAGap) {
  Figure figure = forecast();
  Series& band = figure.series[1];
  band.upper[1] = kGap;
  EXPECT_FALSE(is_gap(figure, band, 0));
  EXPECT_TRUE(is_gap(figure, band, 1));
  EXPECT_TRUE(is_gap(figure, band, 2));
  figure.y.scale = Scale::kLogarithmic;
  band.y[0] = 0;
  EXPECT_TRUE(is_gap(figure, band, 0));
}

TEST(Band, HasTheStyleOfTheNextSeriesThatIsNone) {
  Figure figure = forecast();
  figure.series.insert(figure.series.begin() + 2, figure.series[1]);
  std::vector<std::size_t> styles;
  for (std::size_t s = 0; s < figure.series.size(); ++s) styles.push_back(style_of(figure, s));
  EXPECT_THAT(styles, ElementsAre(0, 1, 1, 1));
}

TEST(Band, ThinnedKeepsBothEdgesOfTheSamePoints) {
  Figure figure = forecast();
  Series& band = figure.series[1];
  band = {.name = "band", .x = {}, .y = {}, .mark = Mark::kBand, .upper = {}};
  for (int i = 0; i < 1000; ++i) {
    band.x.push_back(i);
    band.y.push_back(-i);
    band.upper.push_back(2 * i);
  }
  const Series few = thinned(figure, 100).series[1];
  EXPECT_EQ(few.mark, Mark::kBand);
  EXPECT_LE(few.x.size(), 102u);
  ASSERT_EQ(few.upper.size(), few.x.size());
  for (std::size_t i = 0; i < few.x.size(); ++i) {
    EXPECT_EQ(few.y[i], -few.x[i]);
    EXPECT_EQ(few.upper[i], 2 * few.x[i]);
  }
}

TEST(Band, CsvHasAColumnOfUpperEdges) {
  EXPECT_EQ(to_csv(forecast()),
            "series,step,load (MW),upper\r\n"
            "before,0,3,\r\n"
            "before,1,4,\r\n"
            "band,1,3.5,4.5\r\n"
            "band,2,3,5\r\n"
            "band,3,,\r\n"
            "band,4,2,7\r\n"
            "band,5,1,8\r\n"
            "median,1,4,\r\n"
            "median,2,4,\r\n"
            "median,3,4,\r\n"
            "median,4,4,\r\n"
            "median,5,4,\r\n");
}

using SvgBand = test::NeedsGnuplot;

TEST_F(SvgBand, IsFilledInTheColourOfItsMedianAndEndsAtAGap) {
  EXPECT_EQ(areas(to_svg(forecast())), 2 + 1);
  Figure figure = forecast();
  figure.series[1].y[2] = 3;
  EXPECT_EQ(areas(to_svg(figure)), 1 + 1);
}

TEST_F(SvgBand, LiesBehindAllCurvesAndIsOnceInTheLegend) {
  const std::string svg = to_svg(forecast());
  EXPECT_LT(svg.find("fill-opacity = '0.22"), svg.find("<text>before</text>"));
  const std::size_t entry = svg.find("<text>band</text>");
  EXPECT_GT(entry, svg.find("<text>before</text>"));
  EXPECT_LT(entry, svg.find("<text>median</text>"));
  EXPECT_EQ(svg.find("<text>band</text>", entry + 1), std::string::npos);
}

TEST_F(SvgBand, OfASinglePointIsSeen) {
  const char* stroke = "stroke='rgb(213,  94,   0)' opacity='0.22'";
  EXPECT_THAT(to_svg(forecast()), Not(HasSubstr(stroke)));
  Figure figure = forecast();
  figure.series[1].y = {kGap, 3, kGap, kGap, kGap};
  EXPECT_THAT(to_svg(figure), HasSubstr(stroke));
}

TEST_F(SvgBand, WithNothingToShowIsStillAPicture) {
  Figure figure = forecast();
  figure.series.resize(2);
  figure.series.erase(figure.series.begin());
  figure.series[0].upper = std::vector<double>(5, kGap);
  EXPECT_THAT(to_svg(figure), HasSubstr("</svg>"));
}

TEST_F(SvgBand, IsDrawnOnALogarithmicAxisUpToWhatItCannotShow) {
  Figure figure = forecast();
  figure.y.scale = Scale::kLogarithmic;
  figure.series[1].y = {3.5, 3, -1, 2, 1};
  EXPECT_EQ(areas(to_svg(figure)), 2 + 1);
}

}  // namespace
}  // namespace riverrun::report
