#include "riverrun/lm/sampler.h"

#include <array>
#include <cmath>
#include <limits>
#include <set>
#include <vector>

#include <gtest/gtest.h>

#include "riverrun/core/error.h"

namespace riverrun::lm {
namespace {

/// Logits of the given probabilities.
std::vector<float> logits_of(std::initializer_list<double> probabilities) {
  std::vector<float> logits;
  for (const double p : probabilities) logits.push_back(static_cast<float>(std::log(p)));
  return logits;
}

std::vector<int> count(Sampler& sampler, const std::vector<float>& logits, int draws) {
  std::vector<int> counts(logits.size());
  for (int i = 0; i < draws; ++i) ++counts[static_cast<std::size_t>(sampler.draw(logits))];
  return counts;
}

TEST(Sampler, TemperatureZeroTakesTheLikeliestAndTheFirstOfEquals) {
  Sampler sampler({.temperature = 0});
  EXPECT_EQ(sampler.draw(std::vector<float>{1, 3, 2}), 1);
  EXPECT_EQ(sampler.draw(std::vector<float>{1, 3, 3}), 1);
}

TEST(Sampler, FrequenciesAreTheSoftmax) {
  Sampler sampler({.temperature = 1, .seed = 5});
  constexpr int kDraws = 20000;
  const std::vector<int> counts = count(sampler, logits_of({0.5, 0.2, 0.3}), kDraws);
  constexpr std::array<double, 3> kExpected = {0.5, 0.2, 0.3};
  for (std::size_t i = 0; i < 3; ++i) {
    const double deviation = std::sqrt(kDraws * kExpected[i] * (1 - kExpected[i]));
    EXPECT_NEAR(counts[i], kDraws * kExpected[i], 4 * deviation);
  }
}

TEST(Sampler, TemperatureSharpensAndFlattens) {
  // p^(1/T), normalised: at T = 1/2 of 0.8 and 0.2 it is 16/17.
  Sampler cold({.temperature = 0.5});
  EXPECT_NEAR(count(cold, logits_of({0.8, 0.2}), 10000)[0], 10000 * 16.0 / 17, 100);
  Sampler hot({.temperature = 100});
  EXPECT_NEAR(count(hot, logits_of({0.8, 0.2}), 10000)[0], 5000, 250);
}

TEST(Sampler, TheSameSeedDrawsTheSame) {
  const std::vector<float> logits(50, 0.0f);
  const auto draw = [&](std::uint64_t seed) {
    Sampler sampler({.seed = seed});
    std::vector<std::int32_t> tokens;
    for (int i = 0; i < 20; ++i) tokens.push_back(sampler.draw(logits));
    return tokens;
  };
  EXPECT_EQ(draw(3), draw(3));
  EXPECT_NE(draw(3), draw(4));
}

TEST(Sampler, TopKKeepsTheLikeliest) {
  Sampler sampler({.temperature = 1, .top_k = 2});
  const std::vector<int> counts = count(sampler, logits_of({0.1, 0.4, 0.2, 0.3}), 1000);
  EXPECT_EQ(counts[0], 0);
  EXPECT_EQ(counts[2], 0);
  EXPECT_GT(counts[1], counts[3]);
  EXPECT_GT(counts[3], 0);
}

TEST(Sampler, TopPKeepsTheSmallestSetThatReachesIt) {
  Sampler sampler({.temperature = 1, .top_p = 0.6f});
  const std::vector<int> counts = count(sampler, logits_of({0.2, 0.5, 0.3}), 1000);
  EXPECT_EQ(counts[0], 0);
  EXPECT_GT(counts[1], counts[2]);
  EXPECT_GT(counts[2], 0);
}

TEST(Sampler, TopPSmallerThanTheLikeliestStillDraws) {
  Sampler sampler({.temperature = 1, .top_p = 0.01f});
  EXPECT_EQ(count(sampler, logits_of({0.2, 0.5, 0.3}), 100)[1], 100);
}

TEST(Sampler, NeverDrawsTheForbiddenToken) {
  Sampler sampler({.temperature = 1, .forbidden = 1});
  const std::vector<int> counts = count(sampler, {0, 20, 0}, 200);
  EXPECT_EQ(counts[1], 0);
}

TEST(Sampler, RefusesLogitsThatAreNoNumbers) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float infinity = std::numeric_limits<float>::infinity();
  for (const float temperature : {0.0f, 1.0f}) {
    Sampler sampler({.temperature = temperature, .forbidden = 3});
    EXPECT_EQ(sampler.draw(std::vector<float>{-infinity, 0, -infinity, 1}), 1);  // masked
    EXPECT_EQ(sampler.draw(std::vector<float>{-infinity, 0, -infinity, nan}), 1);
    for (const float damaged : {nan, infinity}) {
      EXPECT_THROW((void)sampler.draw(std::vector<float>{0, 0, damaged}), NumericError);
    }
    EXPECT_THROW((void)sampler.draw(std::vector<float>{-infinity, -infinity}), NumericError);
  }
}

TEST(Sampler, RefusesInvalidOptions) {
  EXPECT_THROW(Sampler({.temperature = -1}), ConfigError);
  EXPECT_THROW(Sampler({.temperature = std::numeric_limits<float>::quiet_NaN()}), ConfigError);
  EXPECT_THROW(Sampler({.top_k = -1}), ConfigError);
  EXPECT_THROW(Sampler({.top_p = 0}), ConfigError);
  EXPECT_THROW(Sampler({.top_p = 1.5f}), ConfigError);
}

}  // namespace
}  // namespace riverrun::lm
