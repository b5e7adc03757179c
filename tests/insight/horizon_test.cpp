#include "riverrun/insight/horizon.h"

#include <cmath>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include "riverrun/core/error.h"

namespace riverrun::insight {
namespace {

constexpr double kZero = -std::numeric_limits<double>::infinity();

/// growth^lag at lags 1 to `steps`.
MemoryHorizon geometric(double growth, int steps) {
  std::vector<double> lags;
  std::vector<double> norms;
  for (int lag = 1; lag <= steps; ++lag) {
    lags.push_back(lag);
    norms.push_back(lag * std::log(growth));
  }
  return memory_horizon(lags, norms);
}

TEST(MemoryHorizon, OfAGeometricSequence) {
  const MemoryHorizon falls = geometric(0.9, 5000);
  EXPECT_EQ(falls.fate, Fate::kVanishes);
  EXPECT_NEAR(falls.lag.value(), 1 + std::log(0.01) / std::log(0.9), 1e-9);
  EXPECT_NEAR(falls.log_growth.value(), std::log(0.9), 1e-12);

  const MemoryHorizon stays = geometric(0.9999, 5000);
  EXPECT_EQ(stays.fate, Fate::kCarries);
  EXPECT_FALSE(stays.lag.has_value());
  EXPECT_NEAR(stays.log_growth.value(), std::log(0.9999), 1e-12);

  const MemoryHorizon grows = geometric(1.1, 100);
  EXPECT_EQ(grows.fate, Fate::kExplodes);
  EXPECT_FALSE(grows.lag.has_value());
  EXPECT_NEAR(grows.log_growth.value(), std::log(1.1), 1e-12);
}

TEST(MemoryHorizon, FewLagsAreInterpolatedOnTheLogarithm) {
  const std::vector<double> lags = {1, 2, 4, 8, 16, 32, 64};
  std::vector<double> norms;
  for (const double lag : lags) norms.push_back(lag * std::log(0.9));
  const MemoryHorizon few = memory_horizon(lags, norms);
  EXPECT_NEAR(few.lag.value(), geometric(0.9, 100).lag.value(), 1e-9);
  EXPECT_NEAR(few.log_growth.value(), std::log(0.9), 1e-12);
}

TEST(MemoryHorizon, NoNormIsNoMemory) {
  const MemoryHorizon none = memory_horizon(std::vector<double>{1, 2, 3}, std::vector(3, kZero));
  EXPECT_EQ(none.fate, Fate::kNone);
  EXPECT_EQ(none.lag, 0.0);
  EXPECT_FALSE(none.log_growth.has_value());
}

TEST(MemoryHorizon, ANormThatBecomesZeroHasFallen) {
  const MemoryHorizon cut =
      memory_horizon(std::vector<double>{1, 2, 3, 4}, std::vector<double>{0, 0, kZero, kZero});
  EXPECT_EQ(cut.fate, Fate::kVanishes);
  EXPECT_EQ(cut.lag, 3.0);
  EXPECT_EQ(cut.log_growth, 0.0);
}

TEST(MemoryHorizon, ANormThatOverflowedExplodes) {
  constexpr double kInfinite = std::numeric_limits<double>::infinity();
  const std::vector<double> lags = {1, 2, 4};
  EXPECT_EQ(memory_horizon(lags, std::vector<double>{0, 9, kInfinite}).fate, Fate::kExplodes);
  const MemoryHorizon at_once = memory_horizon(lags, std::vector<double>{kInfinite, 0, -9});
  EXPECT_EQ(at_once.fate, Fate::kExplodes);
  EXPECT_FALSE(at_once.lag.has_value());
  EXPECT_EQ(memory_horizon(lags, std::vector<double>{0, kInfinite, -9}).lag, 4.0);
}

TEST(MemoryHorizon, AFewOutliersDoNotChangeTheGrowth) {
  std::vector<double> lags;
  std::vector<double> norms;
  for (int lag = 1; lag <= 1000; ++lag) {
    lags.push_back(lag);
    norms.push_back(-0.001 * lag + (lag % 50 == 1 ? 3 : 0));
  }
  EXPECT_NEAR(memory_horizon(lags, norms).log_growth.value(), -0.001, 1e-5);
}

TEST(MemoryHorizon, OneLagSaysNothingOfGrowth) {
  const MemoryHorizon one = memory_horizon(std::vector<double>{1}, std::vector<double>{2});
  EXPECT_EQ(one.fate, Fate::kCarries);
  EXPECT_FALSE(one.log_growth.has_value());
}

TEST(MemoryHorizon, RefusesWhatCannotBe) {
  const auto refused = [](std::vector<double> lags, std::vector<double> norms) {
    EXPECT_THROW(static_cast<void>(memory_horizon(lags, norms)), ConfigError);
  };
  refused({}, {});
  refused({1, 2}, {0});
  refused({1, 1}, {0, 0});
  refused({2, 1}, {0, 0});
  refused({1, 2}, {0, std::nan("")});
}

}  // namespace
}  // namespace riverrun::insight
