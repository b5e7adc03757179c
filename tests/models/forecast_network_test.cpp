// What a Forecaster learns from its windows, and what it says of them.

#include "riverrun/models/forecast_network.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numbers>
#include <span>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "riverrun/core/error.h"
#include "riverrun/nn/tape.h"

#include "tests/models/series.h"
#include "tests/nn/gradient_check.h"

namespace riverrun::models {
namespace {

using test::add_covariate;
using test::hourly;
using test::kMissing;
using test::small_forecaster;
using test::wave;
using testing::HasSubstr;
using testing::ThrowsMessage;

constexpr std::uint64_t kSeed = 5;

/// Two series with a covariate that is known of the future and, in the first, missing values.
data::TimeSeriesTable two_series() {
  std::vector<double> gaps = wave(24);
  gaps[10] = gaps[15] = gaps[18] = kMissing;
  data::TimeSeriesTable table = hourly({gaps, wave(24, 3)}, 5);
  add_covariate(table, {.name = "k", .known = true}, [](auto row) { return row % 3; });
  return table;
}

ForecasterOptions masked(const data::TimeSeriesTable& table, ForecastMethod method) {
  ForecasterOptions options = small_forecaster(table, method);
  options.missing = data::Missing::kMask;
  return options;
}

/// One after the other.
std::vector<double> forecasts(const Forecaster& model, const data::TimeSeriesTable& table,
                              const std::vector<ForecastWindow>& windows) {
  const ForecastData data(table, model.options());
  std::vector<double> all;
  model.forecast(data, windows, kSeed, [&](const ForecastWindow&, std::span<const double> said) {
    all.insert(all.end(), said.begin(), said.end());
  });
  return all;
}

Tensor& parameter(Forecaster& model, const std::string& name) {
  for (const NamedParameter& named : model.parameters()) {
    if (named.name == name) return named.parameter->mutable_value();
  }
  throw ConfigError("there is no parameter " + name);
}

void expect_near(const std::vector<double>& a, const std::vector<double>& b, double tolerance) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) ASSERT_NEAR(a[i], b[i], tolerance) << i;
}

double largest_difference(const std::vector<double>& a, const std::vector<double>& b) {
  double largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) largest = std::max(largest, std::abs(a[i] - b[i]));
  return largest;
}

class OfEachMethod : public testing::TestWithParam<ForecastMethod> {};
INSTANTIATE_TEST_SUITE_P(, OfEachMethod,
                         testing::Values(ForecastMethod::kSegments, ForecastMethod::kPaths),
                         [](const auto& method) {
                           return method.param == ForecastMethod::kSegments ? "Segments" : "Paths";
                         });

TEST_P(OfEachMethod, TheGradientsAreThoseOfCentralDifferences) {
  const data::TimeSeriesTable table = two_series();
  ForecasterOptions options = masked(table, GetParam());
  options.num_layers = 2;
  Forecaster model(options);
  for (const NamedParameter& named : model.parameters()) {
    Tensor& value = named.parameter->mutable_value();
    value = test::random_tensor(value.shape(), named.name.size());
    for (float& x : value.values()) x *= 0.4f;
  }
  const ForecastData data(table, options);
  const std::vector<ForecastWindow> windows = {{0, 13}, {1, 9}, {1, 21}};
  test::check_gradients([&](Tape& tape, const auto&) { return model.loss(tape, data, windows); },
                        {}, model.parameters(), 2e-2, 5e-3f);
}

TEST_P(OfEachMethod, TheLossOnATapeIsThatOfTheSum) {
  const data::TimeSeriesTable table = two_series();
  const ForecasterOptions options = masked(table, GetParam());
  Forecaster model(options);
  const ForecastData data(table, options);
  const std::vector<ForecastWindow> windows = {{0, 13}, {1, 3}, {1, 21}};
  Tape tape;
  const Var loss = model.loss(tape, data, windows);
  const Forecaster::LossSum sum = model.loss_sum(data, windows);
  // Of 5 targets 1 is missing, none, and 2 are behind the end. Of the look-back's, but for its
  // first row: 1 is missing, 5 are before the beginning, none.
  const bool paths = GetParam() == ForecastMethod::kPaths;
  EXPECT_EQ(sum.targets, 4 + 5 + 3 + (paths ? 6 + 3 + 7 : 0));
  EXPECT_NEAR(loss.value().values()[0] / (sum.sum / static_cast<double>(sum.targets)), 1, 1e-5);
}

TEST_P(OfEachMethod, ALossOfNothingKnownIsRefused) {
  const data::TimeSeriesTable table = two_series();
  Forecaster model(masked(table, GetParam()));
  const ForecastData data(table, model.options());
  Tape tape;
  const std::vector<ForecastWindow> last = {{0, 24}, {1, 24}};
  EXPECT_THAT([&] { (void)model.loss(tape, data, last); },
              ThrowsMessage<ConfigError>(HasSubstr("nothing is known of what comes after")));
}

TEST_P(OfEachMethod, DropoutIsOfLearningAlone) {
  const data::TimeSeriesTable table = two_series();
  ForecasterOptions options = masked(table, GetParam());
  const Forecaster without(options);
  options.dropout = 0.5f;
  Forecaster with(options);
  const ForecastData data(table, options);
  const std::vector<ForecastWindow> windows = {{0, 13}, {1, 9}};
  EXPECT_EQ(with.loss_sum(data, windows).sum, without.loss_sum(data, windows).sum);
  EXPECT_EQ(forecasts(with, table, windows), forecasts(without, table, windows));
  Tape tape;
  const Forecaster::LossSum sum = with.loss_sum(data, windows);
  const double mean = sum.sum / static_cast<double>(sum.targets);
  EXPECT_GT(std::abs(with.loss(tape, data, windows).value().values()[0] - mean), 1e-3);
}

TEST_P(OfEachMethod, WeightsThatAreNaNAreNoGoodOnes) {
  const data::TimeSeriesTable table = two_series();
  Forecaster model(masked(table, GetParam()));
  std::ranges::fill(parameter(model, "decoder.bias").values(),
                    std::numeric_limits<float>::quiet_NaN());
  const ForecastData data(table, model.options());
  const std::vector<ForecastWindow> windows = {{1, 9}};
  EXPECT_FALSE(std::isfinite(model.loss_sum(data, windows).sum));
  EXPECT_THAT([&] { (void)forecasts(model, table, windows); },
              ThrowsMessage<NumericError>(HasSubstr("of 2024-03-01 09:00 is not finite")));
}

TEST_P(OfEachMethod, QuantilesRiseAndAreTakenInTurn) {
  const data::TimeSeriesTable table = two_series();
  ForecasterOptions options = masked(table, GetParam());
  options.quantiles = {0.05, 0.2, 0.4, 0.5, 0.9};
  const Forecaster model(options);
  const ForecastData data(table, options);
  const std::vector<ForecastWindow> windows = {{1, 9}, {0, 24}, {0, 3}, {1, 9}};
  std::vector<ForecastWindow> taken;
  model.forecast(data, windows, kSeed, [&](const ForecastWindow& window, auto said) {
    taken.push_back(window);
    ASSERT_EQ(said.size(), 25u);
    for (auto row = said.begin(); row != said.end(); row += 5) {
      EXPECT_TRUE(std::is_sorted(row, row + 5));
    }
  });
  EXPECT_EQ(taken, windows);
}

TEST_P(OfEachMethod, WhatHappenedAfterTheOriginIsNotRead) {
  data::TimeSeriesTable table = two_series();
  const Forecaster model(masked(table, GetParam()));
  const std::vector<ForecastWindow> windows = {{1, 14}};
  const std::vector<double> before = forecasts(model, table, windows);
  for (std::size_t row = 14; row < 24; ++row) table.series[1].targets[row] = 3;
  EXPECT_EQ(forecasts(model, table, windows), before);
  for (std::size_t row = 14; row < 24; ++row) table.series[1].targets[row] = kMissing;
  EXPECT_EQ(forecasts(model, table, windows), before);
  table.series[1].targets[13] += 1;
  EXPECT_GT(largest_difference(forecasts(model, table, windows), before), 0.1);
}

TEST_P(OfEachMethod, WhatIsKnownOfTheHorizonMattersAndNothingBehindIt) {
  data::TimeSeriesTable table = two_series();
  const Forecaster model(masked(table, GetParam()));
  const std::vector<ForecastWindow> windows = {{1, 14}};
  const std::vector<double> before = forecasts(model, table, windows);
  for (std::size_t row = 19; row < 29; ++row) table.series[1].covariates[row] = 9;
  for (std::size_t row = 0; row < 6; ++row) table.series[1].covariates[row] = 9;
  EXPECT_EQ(forecasts(model, table, windows), before);
  table.series[1].covariates[18] = 9;
  const std::vector<double> after = forecasts(model, table, windows);
  EXPECT_GT(largest_difference(after, before), 1e-3);
  // Of the last segment and the last row alone.
  EXPECT_TRUE(std::equal(after.begin(), after.begin() + 4 * 3, before.begin()));
}

TEST_P(OfEachMethod, AnotherUnitGivesTheSameInThatUnit) {
  const data::TimeSeriesTable table = hourly({wave(24)});
  data::TimeSeriesTable other = table;
  for (double& value : other.series[0].targets) value = 1.8 * value + 32;
  ForecasterOptions options = small_forecaster(table, GetParam());
  const Forecaster model(options);
  options.lines[0].scale = {.mean = 1.8 * 10 + 32, .deviation = 1.8 * 2};
  const Forecaster described(options);
  std::vector<double> expected = forecasts(model, table, {{0, 12}, {0, 24}});
  for (double& value : expected) value = 1.8 * value + 32;
  expect_near(forecasts(described, other, {{0, 12}, {0, 24}}), expected, 1e-3);
}

TEST_P(OfEachMethod, ALevelThatWasNeverSeenIsNone) {
  const data::TimeSeriesTable table = hourly({wave(24)});
  const Forecaster model(small_forecaster(table, GetParam()));
  data::TimeSeriesTable other = table;
  for (double& value : other.series[0].targets) value = 4 * value + 200;
  std::vector<double> expected = forecasts(model, table, {{0, 12}, {0, 24}});
  for (double& value : expected) value = 4 * value + 200;
  // The least variance that is reckoned with has another part of it.
  expect_near(forecasts(model, other, {{0, 12}, {0, 24}}), expected, 1e-2);
}

TEST_P(OfEachMethod, ANewLineIsTheMeanOfAll) {
  const data::TimeSeriesTable table = two_series();
  const ForecasterOptions options = masked(table, GetParam());
  Forecaster model(options);
  data::TimeSeriesTable other = table;
  other.series[1].name = "new";
  const std::vector<ForecastWindow> windows = {{1, 16}};
  const std::vector<double> of_b = forecasts(model, table, windows);
  const std::vector<double> of_new = forecasts(model, other, windows);
  EXPECT_GT(largest_difference(of_b, of_new), 1e-2);
  Tensor& lines = parameter(model, "line_embedding.weight");
  const std::int64_t size = lines.size(1);
  for (std::int64_t i = 0; i < size; ++i) {
    lines.data()[i] = lines.data()[size + i] = (lines.data()[i] + lines.data()[size + i]) / 2;
  }
  ForecasterOptions same = options;
  const ForecastData as_new(other, options);
  same.lines[1].scale = as_new.lines()[1].scale;
  Forecaster mean(same);
  for (std::size_t i = 0; i < model.parameters().size(); ++i) {
    mean.parameters()[i].parameter->mutable_value() = model.parameters()[i].parameter->value();
  }
  expect_near(forecasts(mean, table, windows), of_new, 1e-4);
}

TEST(ForecastSegments, ThatCrossAreSorted) {
  const data::TimeSeriesTable table = hourly({wave(24)});
  Forecaster model(small_forecaster(table));
  std::ranges::fill(parameter(model, "decoder.weight").values(), 0.0f);
  // Three quantiles of each of a segment's two rows.
  parameter(model, "decoder.bias") = Tensor({6}, {2, 1, 0, -1, 3, 1});
  const ForecastData data(table, model.options());
  const ForecastBatch batch =
      forecast_batch(model.options(), data, std::vector{ForecastWindow{0, 9}});
  const std::vector<double> said = forecasts(model, table, {{0, 9}});
  const std::vector<double> expected = {0, 1, 2, -1, 1, 3, 0, 1, 2, -1, 1, 3, 0, 1, 2};
  for (std::size_t i = 0; i < said.size(); ++i) {
    EXPECT_NEAR(said[i], 10 + 2 * (batch.level[0] + batch.scale[0] * expected[i]), 1e-4) << i;
  }
}

TEST(ForecastSegments, TheLossIsTwiceThePinballLoss) {
  const data::TimeSeriesTable table = hourly({{1, 3, 1, 3, 1, 3, 1, 3, 5, 2, 3, 3, 3}});
  ForecasterOptions options = small_forecaster(table);
  Forecaster model(options);
  for (const NamedParameter& named : model.parameters()) {
    std::ranges::fill(named.parameter->mutable_value().values(), 0.0f);
  }
  const ForecastData data(table, options);
  const Forecaster::LossSum loss = model.loss_sum(data, std::vector{ForecastWindow{0, 8}});
  // It says 3 of each row. 5 is above by one deviation of the line, where 0.5 is the mean of the
  // quantiles' factors, and 2 is below by half of one, where it is too.
  EXPECT_NEAR(loss.sum, 2 * (0.5 * 1 + 0.5 * 0.5), 1e-4);
  EXPECT_EQ(loss.targets, 5);
}

/// A network that says of each row that it is mu, give or take sigma, whatever it reads.
Forecaster says_normal(const ForecasterOptions& options, float mu, float sigma) {
  Forecaster model(options);
  for (const NamedParameter& named : model.parameters()) {
    std::ranges::fill(named.parameter->mutable_value().values(), 0.0f);
  }
  parameter(model, "decoder.bias") = Tensor({2}, {mu, std::log(sigma)});
  return model;
}

TEST(ForecastPaths, HaveTheQuantilesOfTheDistribution) {
  const data::TimeSeriesTable table = hourly({wave(24)});
  ForecasterOptions options = small_forecaster(table, ForecastMethod::kPaths);
  options.paths = 20'000;
  const Forecaster model = says_normal(options, 0.5f, 2);
  const ForecastData data(table, options);
  const ForecastBatch batch = forecast_batch(options, data, std::vector{ForecastWindow{0, 9}});
  const std::vector<double> said = forecasts(model, table, {{0, 9}});
  const std::vector<double> of_normal = {-1.2815515655446004, 0, 1.2815515655446004};
  for (std::size_t i = 0; i < said.size(); ++i) {
    const double x = ((said[i] - 10) / 2 - batch.level[0]) / batch.scale[0];
    // Of the quantile 0.1 the standard error is 2·√(0.1·0.9/20000)/0.1755 = 0.024.
    EXPECT_NEAR(x, 0.5 + 2 * of_normal[i % 3], 0.1) << i;
  }
}

TEST(ForecastPaths, TheLossIsMinusTheLogLikelihood) {
  const data::TimeSeriesTable table = hourly({{1, 3, 1, 3, 1, 3, 1, 3, 5, 2, 3, 3, 3}});
  const Forecaster model = says_normal(small_forecaster(table, ForecastMethod::kPaths), 0.5f, 2);
  const ForecastData data(table, model.options());
  const Forecaster::LossSum loss = model.loss_sum(data, std::vector{ForecastWindow{0, 8}});
  // In deviations of the look-back from its last value, all rows but the first:
  double expected = 0;
  for (const double x : {0., -2., 0., -2., 0., -2., 0., 2., -1., 0., 0., 0.}) {
    expected += std::log(2 * std::sqrt(2 * std::numbers::pi)) + (x - 0.5) * (x - 0.5) / 8;
  }
  EXPECT_NEAR(loss.sum, expected, 1e-3);
  EXPECT_EQ(loss.targets, 12);
}

TEST(ForecastPaths, GoOnFromWhatWasDrawn) {
  const data::TimeSeriesTable table = hourly({wave(24)});
  const ForecasterOptions options = small_forecaster(table, ForecastMethod::kPaths);
  Forecaster model(options);
  // Almost certain of each row, whatever it reads.
  constexpr float kLogDeviation = -10;
  std::ranges::fill(parameter(model, "decoder.weight").values().last(4), 0.0f);
  parameter(model, "decoder.bias").values()[1] = kLogDeviation;
  const std::vector<double> said = forecasts(model, table, {{0, 9}});
  // If what it said comes, this is what it expected of each row after the ones before.
  data::TimeSeriesTable came = table;
  for (std::size_t h = 0; h < 5; ++h) came.series[0].targets[9 + h] = said[3 * h + 1];
  data::TimeSeriesTable known = table;
  known.series[0].observed = 9;
  const auto loss_of = [&](const data::TimeSeriesTable& of) {
    return model.loss_sum(ForecastData(of, options), std::vector{ForecastWindow{0, 9}}).sum;
  };
  EXPECT_NEAR(loss_of(came) - loss_of(known), 5 * (kLogDeviation + 0.9), 10);
}

TEST(ForecastPaths, TheSameSeedDrawsTheSameHoweverWindowsAreGrouped) {
  const data::TimeSeriesTable table = two_series();
  ForecasterOptions options = masked(table, ForecastMethod::kPaths);
  const auto network = make_path_network(options);
  const ForecastData data(table, options);
  const std::vector<ForecastWindow> windows = {{0, 9}, {1, 12}, {1, 12}, {0, 20}};
  const Tensor together = network->forecast(forecast_batch(options, data, windows), kSeed, 3);
  for (std::size_t b = 0; b < windows.size(); ++b) {
    const Tensor alone = network->forecast(
        forecast_batch(options, data, std::span(windows).subspan(b, 1)), kSeed, 3 + b);
    for (std::int64_t h = 0; h < options.horizon; ++h) {
      for (std::int64_t q = 0; q < 3; ++q) {
        EXPECT_FLOAT_EQ(alone.data()[h * 3 + q],
                        together.data()[(h * 4 + static_cast<std::int64_t>(b)) * 3 + q]);
      }
    }
  }
}

TEST(ForecastPaths, AreTheirOwnOfEachPlaceInTheList) {
  const data::TimeSeriesTable table = two_series();
  ForecasterOptions options = masked(table, ForecastMethod::kPaths);
  // The second time so many that there is one window at a time.
  for (const std::int64_t paths : {20, 8192}) {
    options.paths = paths;
    const Forecaster model(options);
    const std::vector<double> said = forecasts(model, table, {{1, 12}, {1, 12}});
    EXPECT_EQ(said, forecasts(model, table, {{1, 12}, {1, 12}}));
    EXPECT_GT(
        largest_difference({said.begin(), said.begin() + 15}, {said.begin() + 15, said.end()}),
        1e-3);
  }
}

TEST(PathNetwork, AMissingRowOfTheHorizonIsReadAsTheOneBefore) {
  // Of a horizon 3, x, y the loss that y adds, which is said after x.
  const auto added = [](double x) {
    const auto sum = [x](double y) {
      const data::TimeSeriesTable table = hourly({{1, 2, 1, 2, 3, x, y}});
      ForecasterOptions options = small_forecaster(table, ForecastMethod::kPaths);
      options.missing = data::Missing::kInterpolate;
      options.horizon = 3;
      options.look_back = 4;
      const ForecastData data(table, options);
      return Forecaster(options).loss_sum(data, std::vector<ForecastWindow>{{0, 4}}).sum;
    };
    return sum(4) - sum(kMissing);
  };
  EXPECT_NEAR(added(kMissing), added(3), 1e-6);
  EXPECT_GT(std::abs(added(kMissing) - added(2)), 1e-4) << "what comes before matters";
}

}  // namespace
}  // namespace riverrun::models
