#include "riverrun/core/random.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <set>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace riverrun {
namespace {

using ::testing::ElementsAre;

// The known answers that Salmon et al. published with their code (Random123, kat_vectors).
TEST(Philox, GivesThePublishedAnswers) {
  EXPECT_THAT(philox4x32_10({0, 0, 0, 0}, {0, 0}),
              ElementsAre(0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8));
  std::uint32_t ones = 0xffffffff;
  EXPECT_THAT(philox4x32_10({ones, ones, ones, ones}, {ones, ones}),
              ElementsAre(0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd));
  EXPECT_THAT(
      philox4x32_10({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
      ElementsAre(0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1));
}

TEST(Random, CountsBlocksWithinAStream) {
  std::uint64_t seed = 0x1122334455667788;
  std::uint64_t stream = 0x99aabbccddeeff00;
  Random random(seed, stream);
  for (std::uint32_t block = 0; block < 3; ++block) {
    auto expected = philox4x32_10({block, 0, 0xddeeff00, 0x99aabbcc}, {0x55667788, 0x11223344});
    for (std::uint32_t number : expected) EXPECT_EQ(random.next(), number);
  }
}

TEST(Random, SeedAndStreamBothMatter) {
  EXPECT_NE(Random(1).next(), Random(2).next());
  EXPECT_NE(Random(1, 0).next(), Random(1, 1).next());
}

TEST(Random, ContinuesFromASavedState) {
  for (int drawn = 0; drawn < 9; ++drawn) {
    Random random(7, 3);
    for (int i = 0; i < drawn; ++i) random.next();
    Random restored(random.state());
    EXPECT_EQ(restored.state(), random.state());
    for (int i = 0; i < 9; ++i) ASSERT_EQ(restored.next(), random.next()) << drawn << " " << i;
  }
}

TEST(Random, UniformIsFlatAndBelowOne) {
  Random random(1);
  std::array<int, 10> counts{};
  constexpr int kDraws = 100000;
  for (int i = 0; i < kDraws; ++i) {
    float value = random.uniform();
    ASSERT_GE(value, 0.0f);
    ASSERT_LT(value, 1.0f);
    ++counts[static_cast<std::size_t>(value * 10)];
  }
  // Five standard deviations of a binomial count.
  for (int count : counts) EXPECT_NEAR(count, kDraws / 10, 5 * std::sqrt(kDraws * 0.09));
}

TEST(Random, UniformNeverReachesItsUpperEnd) {
  Random random(2);
  float low = 1.0f;
  float high = std::nextafter(low, 2.0f);  // so close that rounding reaches it half of the time
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(random.uniform(low, high), low);
}

TEST(Random, NormalIsBoxAndMullersFormula) {
  Random random(3);
  Random numbers(3);
  for (int i = 0; i < 100000; ++i) {
    double u = (numbers.next() + 1.0) / 4294967296.0;
    double v = numbers.next() / 4294967296.0;
    double expected = std::sqrt(-2 * std::log(u)) * std::cos(2 * std::numbers::pi * v);
    ASSERT_NEAR(random.normal(), expected, 3e-7 * std::max(1.0, std::abs(expected))) << i;
  }
}

TEST(Random, NormalHasTheMomentsOfANormal) {
  Random random(4);
  constexpr int kDraws = 200000;
  double first = 0, second = 0, fourth = 0;
  for (int i = 0; i < kDraws; ++i) {
    double x = random.normal();
    first += x;
    second += x * x;
    fourth += x * x * x * x;
  }
  // Five standard errors: the variances of x, x^2 and x^4 are 1, 2 and 96.
  EXPECT_NEAR(first / kDraws, 0, 5 * std::sqrt(1.0 / kDraws));
  EXPECT_NEAR(second / kDraws, 1, 5 * std::sqrt(2.0 / kDraws));
  EXPECT_NEAR(fourth / kDraws, 3, 5 * std::sqrt(96.0 / kDraws));
}

// Bits that every compiler and machine must give.
TEST(Random, NormalIsTheSameEverywhere) {
  Random random(5);
  std::uint32_t hash = 2166136261;
  for (int i = 0; i < 10000; ++i) {
    hash = (hash ^ std::bit_cast<std::uint32_t>(random.normal())) * 16777619;
  }
  EXPECT_EQ(hash, 1422211981u);
}

TEST(Random, BelowIsFlat) {
  Random random(6);
  std::array<int, 7> counts{};
  constexpr int kDraws = 70000;
  for (int i = 0; i < kDraws; ++i) ++counts.at(random.below(7));
  for (int count : counts) EXPECT_NEAR(count, kDraws / 7, 5 * std::sqrt(kDraws * 6.0 / 49));
}

TEST(Random, BelowHasNoBiasForALargeBound) {
  // With bound 3 * 2^30, a plain remainder or product would give a third of the values twice as
  // often as the others.
  Random random(7);
  constexpr std::uint32_t kBound = 3u << 30;
  std::array<int, 3> residues{};
  constexpr int kDraws = 30000;
  for (int i = 0; i < kDraws; ++i) {
    std::uint32_t value = random.below(kBound);
    ASSERT_LT(value, kBound);
    ++residues[value % 3];
  }
  for (int count : residues) EXPECT_NEAR(count, kDraws / 3, 5 * std::sqrt(kDraws * 2.0 / 9));
}

TEST(Random, FillsAreTheSingleDraws) {
  std::vector<float> filled(11);
  Random(8).fill_uniform(filled, -2, 3);
  Random uniform(8);
  for (float value : filled) EXPECT_EQ(value, uniform.uniform(-2, 3));
  Random(8).fill_normal(filled, 10, 0.5f);
  Random normal(8);
  for (float value : filled) EXPECT_FLOAT_EQ(value, 10 + 0.5f * normal.normal());
}

TEST(PartSeed, DiffersByPartAndBySeed) {
  std::set<std::uint64_t> seeds;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    for (std::uint64_t part = 0; part < 10; ++part) seeds.insert(part_seed(seed, part));
  }
  EXPECT_EQ(seeds.size(), 1000u);
  EXPECT_EQ(part_seed(5, 2), part_seed(5, 2));
}

}  // namespace
}  // namespace riverrun
