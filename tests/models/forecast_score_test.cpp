#include "riverrun/models/forecast_score.h"

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "riverrun/core/error.h"

namespace riverrun::models {
namespace {

using testing::DoubleEq;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();
constexpr double kRounding = 1e-14;

// What was learnt from, with a season of 4. Figures of it and of the forecasts below are those of
// NumPy 2.4.6: values.mean(), values.std(), and the mean of |values[4:] - values[:-4]|.
const std::vector<double> kValues = {3, 5, 4, 8, 6, 7, 9, 12};

const std::vector<double> kQuantiles = {0.1, 0.5, 0.9};
const std::vector<double> kActual = {10, -2, 7.5, 4};
const std::vector<double> kForecast = {8,   9.5, 12,    //
                                       -4,  -3,  -2.5,  //
                                       7.5, 8,   9,     //
                                       1,   6,   7.25};
constexpr SeriesScale kScale{.mean = 5, .deviation = 2.5, .naive_error = 1.6};

ForecastScore score_of(const std::vector<double>& forecast, const std::vector<double>& actual,
                       const SeriesScale& scale = kScale) {
  ForecastCounter counter(kQuantiles);
  counter.add(forecast, actual, scale);
  return counter.score();
}

template <class Call>
std::string error_of(const Call& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(ScaleOf, IsThatOfNumPy) {
  const SeriesScale scale = scale_of(kValues, 4);
  EXPECT_NEAR(scale.mean, 6.75, kRounding);
  EXPECT_NEAR(scale.deviation, 2.7271780286589284, kRounding);
  EXPECT_NEAR(scale.naive_error, 3.5, kRounding);
}

TEST(ScaleOf, MissingValuesDoNotCount) {
  std::vector<double> values = kValues;
  values[2] = kMissing;
  values[5] = kMissing;
  const SeriesScale scale = scale_of(values, 4);  // nanmean, nanstd, nanmean of the differences
  EXPECT_NEAR(scale.mean, 7.166666666666667, kRounding);
  EXPECT_NEAR(scale.deviation, 2.91070819942883, kRounding);
  EXPECT_NEAR(scale.naive_error, 3.5, kRounding);
}

TEST(ScaleOf, NeighboursStandInForASeasonThatIsTooLong) {
  for (const std::int64_t season :
       {std::int64_t{8}, std::int64_t{9}, std::numeric_limits<std::int64_t>::max()}) {
    EXPECT_NEAR(scale_of(kValues, season).naive_error, 15.0 / 7, kRounding) << season;
  }
  // Long enough, but nothing known is a season apart.
  EXPECT_EQ(scale_of(std::vector<double>{1, 4, kMissing, kMissing}, 2).naive_error, 3);
}

TEST(ScaleOf, AConstantSeriesHasNoNaiveErrorAndADeviationOfOne) {
  const SeriesScale scale = scale_of(std::vector<double>(1000, 0.1), 7);
  EXPECT_EQ(scale.mean, 0.1);
  EXPECT_EQ(scale.deviation, 1);
  EXPECT_EQ(scale.naive_error, 0);
}

TEST(ScaleOf, NothingKnownIsZeroWithADeviationOfOne) {
  for (const std::vector<double>& values :
       {std::vector<double>{}, std::vector<double>{kMissing, kMissing}}) {
    const SeriesScale scale = scale_of(values, 1);
    EXPECT_EQ(scale.mean, 0);
    EXPECT_EQ(scale.deviation, 1);
    EXPECT_EQ(scale.naive_error, 0);
  }
  EXPECT_EQ(scale_of(std::vector<double>{kMissing, 5}, 1).mean, 5);
}

TEST(ScaleOf, SquaresOfHugeAndTinyValuesStayInRange) {
  for (const double unit : {1e306, 1e-306}) {
    std::vector<double> values = kValues;
    for (double& value : values) value *= unit;
    const SeriesScale scale = scale_of(values, 4);
    EXPECT_NEAR(scale.mean / unit, 6.75, kRounding);
    EXPECT_NEAR(scale.deviation / unit, 2.7271780286589284, kRounding);
    EXPECT_NEAR(scale.naive_error / unit, 3.5, kRounding);
  }
}

TEST(ScaleOf, SmallMovesOfALargeLevelAreMeasured) {
  std::vector<double> values = kValues;
  for (double& value : values) value += 1e9;
  EXPECT_NEAR(scale_of(values, 4).deviation, 2.7271780286589284, 1e-7);
}

TEST(ScaleOf, RefusesASeasonOfNoSteps) {
  EXPECT_THROW(static_cast<void>(scale_of(kValues, 0)), ConfigError);
}

TEST(ForecastCounter, ErrorsAreThoseOfTheMedian) {
  const ForecastScore score = score_of(kForecast, kActual);
  // The errors are 0.5, 1, -0.5 and -2.
  EXPECT_EQ(score.targets, 4);
  EXPECT_NEAR(score.mse_raw, 5.5 / 4, kRounding);
  EXPECT_NEAR(score.mae_raw, 1, kRounding);
  EXPECT_NEAR(score.mse, 5.5 / 4 / (2.5 * 2.5), kRounding);
  EXPECT_NEAR(score.mae, 1 / 2.5, kRounding);
  EXPECT_NEAR(score.mase, 1 / 1.6, kRounding);
}

// sklearn.metrics.mean_pinball_loss (scikit-learn 1.9.1) of the three columns with alpha 0.1, 0.5
// and 0.9 is 0.175, 0.5 and 0.28125; the mean of |y| is 23.5 / 4.
TEST(ForecastCounter, WeightedQuantileLossIsThatOfScikitLearnsPinballLoss) {
  EXPECT_NEAR(score_of(kForecast, kActual).wql, 2 * (0.175 + 0.5 + 0.28125) / 3 / (23.5 / 4),
              kRounding);
}

// The examples in the documentation of sklearn.metrics.mean_pinball_loss: of the targets 1, 2, 3
// and alpha 0.1, the forecast 0, 2, 3 loses 0.1 / 3 and 1, 2, 4 loses 0.3; with alpha 0.9 it is the
// other way round.
TEST(ForecastCounter, PinballLossIsThatOfScikitLearnsExamples) {
  const std::vector<double> actual = {1, 2, 3};
  // The median is right, so it adds nothing; y sums to 6.
  const auto wql = [&](const std::vector<double>& low, const std::vector<double>& high) {
    std::vector<double> forecast;
    for (std::size_t i = 0; i < 3; ++i)
      forecast.insert(forecast.end(), {low[i], actual[i], high[i]});
    return score_of(forecast, actual).wql;
  };
  const double unit = 2.0 * 3 / 6 / 3;
  EXPECT_NEAR(wql({0, 2, 3}, actual), 0.1 / 3 * unit, kRounding);
  EXPECT_NEAR(wql({1, 2, 4}, actual), 0.3 * unit, kRounding);
  EXPECT_NEAR(wql(actual, {0, 2, 3}), 0.3 * unit, kRounding);
  EXPECT_NEAR(wql(actual, {1, 2, 4}), 0.1 / 3 * unit, kRounding);
}

TEST(ForecastCounter, CoverageCountsATargetThatIsMet) {
  EXPECT_THAT(score_of(kForecast, kActual).coverage, ElementsAre(0.25, 0.5, 0.75));
}

TEST(ForecastCounter, MissingTargetsDoNotCount) {
  std::vector<double> forecast = kForecast;
  forecast.insert(forecast.begin() + 3, {100, 200, kMissing});
  std::vector<double> actual = kActual;
  actual.insert(actual.begin() + 1, kMissing);
  const ForecastScore all = score_of(kForecast, kActual);
  const ForecastScore score = score_of(forecast, actual);
  EXPECT_EQ(score.targets, 4);
  EXPECT_EQ(score.mse, all.mse);
  EXPECT_EQ(score.mae_raw, all.mae_raw);
  EXPECT_EQ(score.mase, all.mase);
  EXPECT_EQ(score.wql, all.wql);
  EXPECT_EQ(score.coverage, all.coverage);
}

TEST(ForecastCounter, WithoutTargetsThereIsNoMean) {
  const ForecastScore score = score_of({1, 2, 3}, {kMissing});
  EXPECT_EQ(score.targets, 0);
  for (const double mean : {score.mse, score.mae, score.mse_raw, score.mae_raw, score.mase,
                            score.wql, score.coverage[0]}) {
    EXPECT_TRUE(std::isnan(mean));
  }
}

TEST(ForecastCounter, AddsUpSeriesOfDifferentScales) {
  ForecastCounter counter({0.5});
  counter.add(std::vector<double>{0, 0}, std::vector<double>{2, -4},
              {.mean = 0, .deviation = 2, .naive_error = 4});
  counter.add(std::vector<double>{100}, std::vector<double>{90},
              {.mean = 0, .deviation = 10, .naive_error = 2});
  const ForecastScore score = counter.score();
  EXPECT_EQ(score.targets, 3);
  EXPECT_NEAR(score.mse, (1 + 4 + 1) / 3.0, kRounding);
  EXPECT_NEAR(score.mae, (1 + 2 + 1) / 3.0, kRounding);
  EXPECT_NEAR(score.mse_raw, (4 + 16 + 100) / 3.0, kRounding);
  EXPECT_NEAR(score.mae_raw, (2 + 4 + 10) / 3.0, kRounding);
  EXPECT_NEAR(score.mase, (0.5 + 1 + 5) / 3.0, kRounding);
  // 2 · ½ · |error| of the median, over all |y| together.
  EXPECT_NEAR(score.wql, 16.0 / 96, kRounding);
}

TEST(ForecastCounter, ASeriesThatWasConstantDoesNotCountForMase) {
  const SeriesScale constant = scale_of(std::vector<double>{7, 7, 7}, 1);
  ForecastCounter counter({0.1, 0.5, 0.9});
  const std::vector<double> forecast = {6, 7, 8, 6, 7, 8};
  counter.add(forecast, std::vector<double>{7, 9}, constant);
  EXPECT_TRUE(std::isnan(counter.score().mase));
  EXPECT_EQ(counter.score().mse, 2);  // a deviation of 1
  counter.add(forecast, std::vector<double>{8, 9}, {.mean = 0, .deviation = 1, .naive_error = 2});
  EXPECT_EQ(counter.score().mase, 0.75);
}

TEST(ForecastCounter, APointStandsForEveryQuantile) {
  ForecastCounter points(kQuantiles);
  points.add_point(std::vector<double>{9.5, -3}, std::vector<double>{10, -2}, kScale);
  points.add_point(std::vector<double>{5}, std::vector<double>{kMissing}, kScale);
  const ForecastScore score = points.score();
  const ForecastScore same = score_of({9.5, 9.5, 9.5, -3, -3, -3}, {10, -2});
  EXPECT_EQ(score.targets, 2);
  EXPECT_EQ(score.mse, same.mse);
  EXPECT_EQ(score.mase, same.mase);
  EXPECT_EQ(score.wql, same.wql);
  EXPECT_EQ(score.coverage, same.coverage);
  // The mean over the quantiles of 2·Σ q·error / Σ |y| is Σ |error| / Σ |y|, as they are symmetric.
  EXPECT_NEAR(score.wql, 1.5 / 12, kRounding);
}

TEST(ForecastCounter, ManyTargetsAreAddedWithoutLoss) {
  constexpr std::int64_t kWindows = 10'000;
  const std::vector<double> actual(1000, 0.1);
  const std::vector<double> forecast(1000, 0);
  ForecastCounter counter({0.5});
  for (std::int64_t i = 0; i < kWindows; ++i) counter.add(forecast, actual, {});
  const ForecastScore score = counter.score();
  EXPECT_EQ(score.targets, kWindows * 1000);
  // A sum in float32 would be off by several percent.
  EXPECT_NEAR(score.mae, 0.1, 1e-9);
  EXPECT_NEAR(score.mse, 0.01, 1e-10);
  EXPECT_NEAR(score.wql, 1, 1e-8);
}

TEST(ForecastCounter, RefusesQuantilesWithoutTheMedian) {
  EXPECT_EQ(error_of([] {
              ForecastCounter({0.1, 0.9});
            }),
            "ForecastCounter: the quantiles are [0.1, 0.9]; 0.5 must be among them");
  EXPECT_THROW(ForecastCounter({}), ConfigError);
}

TEST(ForecastCounter, RefusesQuantilesThatAreNoneOrNotRising) {
  for (const double bad : {0.0, 1.0, -0.1, 1.5, kMissing}) {
    EXPECT_THROW(ForecastCounter({bad, 0.5}), ConfigError) << bad;
    EXPECT_THROW(ForecastCounter({0.5, bad}), ConfigError) << bad;
  }
  EXPECT_THAT(error_of([] { ForecastCounter({0.5, 0.9, 0.1}); }), HasSubstr("0.1 comes after 0.9"));
  EXPECT_THROW(ForecastCounter({0.5, 0.5}), ConfigError);
}

TEST(ForecastCounter, RefusesAForecastOfAnotherSize) {
  ForecastCounter counter(kQuantiles);
  EXPECT_THROW(counter.add(std::vector<double>(5), std::vector<double>(2), kScale), ShapeError);
  EXPECT_THROW(counter.add(std::vector<double>(2), std::vector<double>(2), kScale), ShapeError);
  EXPECT_THROW(counter.add_point(std::vector<double>(6), std::vector<double>(2), kScale),
               ShapeError);
  EXPECT_EQ(counter.score().targets, 0);
}

TEST(SeasonalNaive, RepeatsTheLastSeasonOverAHorizonOfSeveral) {
  EXPECT_THAT(seasonal_naive(std::vector<double>{9, 9, 9, 1, 2, 3}, 3, 8),
              ElementsAre(1, 2, 3, 1, 2, 3, 1, 2));
  EXPECT_THAT(seasonal_naive(std::vector<double>{1, 2, 3}, 3, 2), ElementsAre(1, 2));
  EXPECT_THAT(seasonal_naive(std::vector<double>{1, 2, 3}, 3, 0), IsEmpty());
}

TEST(SeasonalNaive, AMissingValueIsThatOfTheSeasonBefore) {
  // The second step of the season is missing in the last two seasons, the third one in all.
  const std::vector<double> history = {10,       20, kMissing, 11,      kMissing,
                                       kMissing, 12, kMissing, kMissing};
  EXPECT_THAT(seasonal_naive(history, 3, 4), ElementsAre(12, 20, 12, 12));
}

TEST(SeasonalNaive, AHistoryShorterThanTheSeasonGivesItsLastValueForWhatItLacks) {
  EXPECT_THAT(seasonal_naive(std::vector<double>{1, 2, 3}, 5, 7), ElementsAre(3, 3, 1, 2, 3, 3, 3));
  EXPECT_THAT(
      seasonal_naive(std::vector<double>{1, 2}, std::numeric_limits<std::int64_t>::max(), 2),
      ElementsAre(2, 2));
}

TEST(SeasonalNaive, IsZeroIfNothingIsKnown) {
  EXPECT_THAT(seasonal_naive({}, 2, 3), ElementsAre(0, 0, 0));
  EXPECT_THAT(seasonal_naive(std::vector<double>{kMissing, kMissing}, 2, 3), ElementsAre(0, 0, 0));
}

TEST(SeasonalNaive, RefusesASeasonOfNoStepsAndANegativeHorizon) {
  EXPECT_THROW(static_cast<void>(seasonal_naive(kValues, 0, 1)), ConfigError);
  EXPECT_THROW(static_cast<void>(seasonal_naive(kValues, 1, -1)), ConfigError);
}

TEST(LastValue, IsTheLastOneThatIsKnown) {
  EXPECT_THAT(last_value(std::vector<double>{1, 0.5, kMissing}, 3),
              ElementsAre(DoubleEq(0.5), DoubleEq(0.5), DoubleEq(0.5)));
  EXPECT_THAT(last_value({}, 1), ElementsAre(0));
}

}  // namespace
}  // namespace riverrun::models
