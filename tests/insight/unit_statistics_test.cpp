#include "riverrun/insight/unit_statistics.h"

#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

namespace riverrun::insight {
namespace {

/// One layer of two units with one gate; `retention` and `states` of one step.
void add(UnitStatistics& statistics, std::array<double, 2> retention, std::array<double, 2> states,
         std::array<double, 2> features) {
  const std::array<LayerStep, 1> layers = {
      LayerStep{.openings = retention, .retention = retention, .states = {states}}};
  statistics.add(layers, features);
}

TEST(UnitStatistics, TheTimeConstantIsThatOfTheProduct) {
  UnitStatistics statistics(1, 2, 1, 2);
  add(statistics, {0.9, 1}, {0, 0}, {0, 0});
  add(statistics, {0.1, 1}, {0, 0}, {0, 0});
  EXPECT_DOUBLE_EQ(statistics.mean_opening({0, 0}, 0), 0.5);
  EXPECT_DOUBLE_EQ(statistics.mean_retention({0, 0}), 0.3);
  // After two steps 0.09 is left, and so it is by the time constant.
  EXPECT_NEAR(std::exp(-2 / statistics.time_constant({0, 0})), 0.09, 1e-12);
  EXPECT_EQ(statistics.time_constant({0, 1}), std::numeric_limits<double>::infinity());
  EXPECT_EQ(statistics.by_memory().front().unit, (Unit{0, 1}));
}

TEST(UnitStatistics, AUnitThatForgetsAllAtOnceKeepsNothing) {
  UnitStatistics statistics(1, 2, 1, 2);
  add(statistics, {0.9, 0.5}, {0, 0}, {0, 0});
  add(statistics, {0, 0.5}, {0, 0}, {0, 0});
  EXPECT_EQ(statistics.time_constant({0, 0}), 0);
  ASSERT_EQ(statistics.by_memory().size(), 1U);
  EXPECT_EQ(statistics.by_memory().front().unit, (Unit{0, 1}));
}

TEST(UnitStatistics, CorrelationIsPearsons) {
  // Far from 0, where sums of squares would lose all digits.
  constexpr double kFar = 1e9;
  UnitStatistics statistics(1, 2, 1, 2);
  const std::vector<double> x = {1, 2, 4, 8};
  const std::vector<double> y = {3, 1, 5, 2};
  for (std::size_t i = 0; i < x.size(); ++i) {
    add(statistics, {0.5, 0.5}, {kFar + x[i], -x[i]}, {y[i], 7});
  }
  // Deviations −2.75 −1.75 0.25 4.25 and 0.25 −1.75 2.25 −0.75.
  const double expected = -0.25 / std::sqrt(28.75 * 8.75);
  ASSERT_TRUE(statistics.correlation({0, 0}, 0));
  EXPECT_NEAR(*statistics.correlation({0, 0}, 0), expected, 1e-6);
  EXPECT_NEAR(*statistics.correlation({0, 1}, 0), -expected, 1e-12);
  EXPECT_FALSE(statistics.correlation({0, 0}, 1));  // which never changes
  EXPECT_TRUE(statistics.by_correlation(1).empty());
}

TEST(UnitStatistics, RanksByTheSizeOfTheCorrelation) {
  UnitStatistics statistics(1, 2, 1, 2);
  const std::vector<double> feature = {0, 1, 0, 1, 1};
  const std::vector<double> weak = {0, 1, 1, 0, 1};
  for (std::size_t i = 0; i < feature.size(); ++i) {
    add(statistics, {0.5, 0.5}, {weak[i], -feature[i]}, {feature[i], 0});
  }
  const auto ranked = statistics.by_correlation(0);
  ASSERT_EQ(ranked.size(), 2U);
  EXPECT_EQ(ranked[0].unit, (Unit{0, 1}));
  EXPECT_NEAR(ranked[0].value, -1, 1e-12);
  EXPECT_EQ(statistics.steps(), 5);
}

}  // namespace
}  // namespace riverrun::insight
