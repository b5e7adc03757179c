#include "riverrun/nn/crf.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "riverrun/core/error.h"
#include "riverrun/core/random.h"
#include "riverrun/core/threads.h"

#include "tests/nn/crf_listed.h"
#include "tests/nn/gradient_check.h"

namespace riverrun {
namespace {

using test::at;
using test::Everything;
using test::everything;
using test::random_crf;
using test::random_tensor;
using test::zero_crf;
using testing::AllOf;
using testing::Each;
using testing::ElementsAre;
using testing::Ge;
using testing::Lt;
using testing::ThrowsMessage;

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

// The numbers are from pytorch-crf 0.7.2 (torchcrf.CRF) in float64: crf(emissions, tags, mask,
// reduction="none"), its sum's backward(), and crf.decode(emissions, mask).
TEST(Crf, AgreesWithPytorchCrf) {
  Crf crf({.num_tags = 3});
  crf.start_transitions().set_value(Tensor({3}, {0.5f, -1, 0.25f}));
  crf.end_transitions().set_value(Tensor({3}, {-0.5f, 0.75f, 1}));
  crf.transitions().set_value(Tensor({3, 3}, {1, -0.5f, 0.25f, 0.5f, -2, 1.5f, -1, 0.75f, 0.125f}));
  const Tensor emissions({4, 2, 3},
                         {1, 0.5f, -1,     0.25f, 2, -0.5f, -0.75f, 1.5f, 0.5f, 1, -1, 3,
                          2, 0,    -0.25f, 0,     0, 0,     0.5f,   1,    -2,   0, 0,  0});
  const Everything all =
      everything(crf, emissions, {0, 1, 1, 2, 2, 0, 1, 0}, {4, 2}, Tensor({2}, {1, 1}));
  const auto expect = [](const std::vector<float>& values, const std::vector<float>& expected) {
    EXPECT_THAT(values, testing::Pointwise(testing::FloatNear(4e-7f), expected));
  };
  expect(all.likelihood, {-1.9602337, -0.2818033});
  expect(all.emissions, {0.2460132,  -0.0785199, -0.1674932, -0.1802298, 0.2368721,  -0.0566423,
                         -0.2566412, 0.4110139,  -0.1543727, -0.0196779, -0.0029156, 0.0225935,
                         -0.6803504, -0.0416370, 0.7219873,  0,          0,          0,
                         -0.3015409, 0.3754221,  -0.0738812, 0,          0,          0});
  expect(all.start, {0.0657834, 0.1583522, -0.2241355});
  expect(all.end, {-0.3212188, 0.3725065, -0.0512877});
  expect(all.transitions, {-0.7518209, 0.2179075, -0.3372948, -0.4213013, -0.0235560, 0.9725865,
                           -0.0850882, 0.5475320, -0.1189648});
  EXPECT_THAT(all.decoded, ElementsAre(0, 1, 1, 2, 0, -1, 1, -1));
}

// What emissions and parameters are about multiples of, so that many sequences of tags are about as
// probable.
class CrfOfAnyScale : public testing::TestWithParam<std::pair<float, float>> {};

TEST_P(CrfOfAnyScale, AgreesWithTheListOfAllSequencesOfTags) {
  constexpr std::int64_t kTags = 3;
  constexpr std::int64_t kBatch = 4;
  const auto [emission_scale, parameter_scale] = GetParam();
  const std::vector<std::int64_t> lengths{5, 1, 4, 2};
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Random random(seed);
    const auto spread = [&](Tensor tensor, float scale) {
      for (float& x : tensor.values()) x += scale * (static_cast<float>(random.below(3)) - 1.0f);
      return tensor;
    };
    Crf crf = random_crf(kTags, seed);
    for (const NamedParameter& entry : crf.parameters()) {
      entry.parameter->set_value(spread(entry.parameter->value(), parameter_scale));
    }
    const Tensor emissions = spread(random_tensor({5, kBatch, kTags}, seed), emission_scale);
    std::vector<std::int32_t> tags;
    for (int i = 0; i < 5 * kBatch; ++i) {
      tags.push_back(static_cast<std::int32_t>(random.below(kTags)));
    }
    const std::vector<float> weights{1.0f, -0.5f, 2.0f, 0.25f};
    const std::vector<double> nats = crf.log_likelihood(emissions, tags, lengths);
    const Everything all = everything(crf, emissions, tags, lengths, Tensor({kBatch}, weights));
    std::vector<double> pairs(at(kTags * kTags));
    for (std::int64_t b = 0; b < kBatch; ++b) {
      const test::Listed listed = test::list_all(crf, emissions, b, lengths[at(b)]);
      std::vector<std::int32_t> own, best;
      for (std::int64_t t = 0; t < 5; ++t) {
        const std::int64_t row = t * kBatch + b;
        const bool within = t < lengths[at(b)];
        if (within) {
          own.push_back(tags[at(row)]);
          best.push_back(all.decoded[at(row)]);
          if (t > 0) pairs[at(own[at(t - 1)] * kTags + own[at(t)])] += weights[at(b)];
        } else {
          EXPECT_EQ(all.decoded[at(row)], -1);
        }
        for (std::int64_t k = 0; k < kTags; ++k) {
          const double p = within ? listed.marginals[at(t * kTags + k)] : 0.0;
          const double there = within && own[at(t)] == k ? 1.0 : 0.0;
          EXPECT_NEAR(all.marginals[at(row * kTags + k)], p, 1e-7);
          EXPECT_NEAR(all.emissions[at(row * kTags + k)], weights[at(b)] * (there - p), 4e-7);
        }
      }
      const double expected = test::score(crf, emissions, b, own) - listed.log_z;
      EXPECT_NEAR(nats[at(b)], expected, 1e-10 + 1e-12 * std::abs(listed.log_z));
      EXPECT_EQ(all.likelihood[at(b)], static_cast<float>(nats[at(b)]));
      EXPECT_DOUBLE_EQ(test::score(crf, emissions, b, best), listed.best);
      for (std::size_t i = 0; i < pairs.size(); ++i) pairs[i] -= weights[at(b)] * listed.pairs[i];
    }
    for (std::size_t i = 0; i < pairs.size(); ++i) {
      EXPECT_NEAR(all.transitions[i], pairs[i], 2e-6) << i;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, CrfOfAnyScale,
                         testing::Values(std::pair(0, 0), std::pair(1e4, 0), std::pair(0, 1e4),
                                         std::pair(1e4, 1e4), std::pair(500, 500),
                                         std::pair(1e6, 1)));

TEST(Crf, HasTheGradientsOfCentralDifferences) {
  Crf crf = random_crf(4);
  test::check_gradients(
      [&](Tape& tape, const auto& in) {
        // They must be copied: these die before the backward pass.
        const std::vector<std::int32_t> tags{3, 0, 1, 1, 2, 2, 0, -1, 3};
        const std::vector<std::int64_t> lengths{3, 2, 3};
        return crf.log_likelihood(tape, in[0], tags, lengths);
      },
      {random_tensor({3, 3, 4}, 5)}, crf.parameters());
}

TEST(Crf, WithoutTransitionsIsASoftmaxOfEachStep) {
  constexpr std::int64_t kSteps = 5000;
  const Crf crf = zero_crf(5);
  const Tensor emissions = random_tensor({kSteps, 1, 5}, 3);
  double expected = 0;
  const Tensor marginals = crf.marginals(emissions);
  for (std::int64_t t = 0; t < kSteps; ++t) {
    const float* const row = emissions.data() + t * 5;
    const double sum =
        std::accumulate(row, row + 5, 0.0, [](double a, float x) { return a + std::exp(x); });
    expected += row[2] - std::log(sum);
    ASSERT_NEAR(marginals.data()[t * 5 + 2], std::exp(row[2]) / sum, 1e-6);
  }
  EXPECT_NEAR(crf.log_likelihood(emissions, std::vector(kSteps, 2))[0], expected, 1e-5);
}

TEST(Crf, LargeEmissionsDoNotOverflow) {
  const Crf crf = zero_crf(4);
  for (const float large : {1e4f, -1e4f, 3e38f}) {
    Tensor emissions({3, 1, 4});
    emissions.fill(large);
    const double nats = crf.log_likelihood(emissions, {0, 3, 1})[0];
    EXPECT_NEAR(nats, -3 * std::log(4.0), 1e-15 * std::abs(large) + 1e-9) << large;
    EXPECT_THAT(crf.marginals(emissions).values(), Each(testing::FloatEq(0.25f))) << large;
  }
}

TEST(Crf, WhatIsBeyondASequencesEndHasNoInfluence) {
  Crf crf = random_crf(2);
  std::vector<Everything> results;
  for (const float padding : {0.0f, kNaN, kInf, 7.0f}) {
    Tensor emissions = random_tensor({3, 2, 2}, 1);
    std::vector<std::int64_t> tags{1, 0, 0, 1, 1, 0};
    for (const std::int64_t row : {3, 5}) {
      std::fill_n(emissions.data() + row * 2, 2, padding);
      tags[at(row)] = padding == 0.0f ? 0 : std::int64_t{-100} << 32;
    }
    results.push_back(everything(crf, emissions, tags, {3, 1}, Tensor({2}, {1, 2})));
    EXPECT_EQ(results.back(), results.front()) << padding;
    for (const std::size_t row : {3, 5}) {
      EXPECT_EQ(results.back().decoded[row], -1);
      for (const std::size_t i : {2 * row, 2 * row + 1}) {
        EXPECT_EQ(results.back().emissions[i], 0.0f);
        EXPECT_EQ(results.back().marginals[i], 0.0f);
      }
    }
  }
}

TEST(Crf, OfEqualScoresDecodesTheLowestTagsFromTheLastOn) {
  Crf crf = zero_crf(3);
  EXPECT_THAT(crf.decode(Tensor({4, 1, 3})), Each(0));
  // (0, 1), (1, 0) and (1, 2) are equally good.
  crf.transitions().set_value(Tensor({3, 3}, {0, 1, 0, 1, 0, 1, 0, 0, 0}));
  EXPECT_THAT(crf.decode(Tensor({2, 1, 3})), ElementsAre(1, 0));
  crf.end_transitions().set_value(Tensor({3}, {-1, 0, 0}));
  EXPECT_THAT(crf.decode(Tensor({2, 1, 3})), ElementsAre(0, 1));
}

TEST(Crf, MinusInfinityForbids) {
  Crf crf = random_crf(3);
  Tensor emissions = random_tensor({2, 1, 3}, 1);
  // Either step alone would be 0 and 1; what is 50 less cannot make up for it.
  emissions.values()[0] = 50;
  emissions.values()[3 + 1] = 50;
  EXPECT_THAT(crf.decode(emissions), ElementsAre(0, 1));
  emissions.values()[2] = -kInf;
  Tensor transitions = crf.transitions().value();
  transitions.values()[0 * 3 + 1] = -kInf;
  for (const std::size_t from : {0, 1, 2}) transitions.values()[from * 3 + 2] = -kInf;
  crf.transitions().set_value(transitions);
  EXPECT_THAT(crf.decode(emissions), testing::AnyOf(ElementsAre(0, 0), ElementsAre(1, 1)));
  for (const auto& tags : std::vector<std::vector<std::int32_t>>{{0, 1}, {2, 0}, {1, 2}}) {
    EXPECT_EQ(crf.log_likelihood(emissions, tags)[0], -kInf);
  }
  double sum = 0;
  for (const std::int64_t first : {0, 1}) {
    sum += std::exp(crf.log_likelihood(emissions, {first, 0})[0]);
    sum += std::exp(crf.log_likelihood(emissions, {first, 1})[0]);
  }
  EXPECT_NEAR(sum, 1, 1e-12);
  const Everything all = everything(crf, emissions, {1, 1}, {}, Tensor({1}, {1}));
  EXPECT_EQ(all.marginals[2], 0.0f);
  EXPECT_EQ(all.marginals[3 + 2], 0.0f);
  for (const auto& grad : {all.emissions, all.start, all.end, all.transitions}) {
    EXPECT_THAT(grad, Each(testing::Truly([](float x) { return std::isfinite(x); })));
  }
  EXPECT_EQ(all.transitions[0 * 3 + 1], 0.0f);
}

TEST(Crf, NaNReachesAllOfItsSequenceAndNoOther) {
  for (const std::int64_t step : {0, 1, 3}) {
    for (const float bad : {kNaN, kInf, -kInf}) {
      Crf crf = random_crf(3);
      Tensor emissions = random_tensor({4, 2, 3}, 1);
      float* const row = emissions.data() + step * 6 + 3;
      // One NaN is enough, but only all three tags forbidden leave none.
      std::fill_n(row, bad == -kInf ? 3 : 1, bad);
      const std::vector<std::int32_t> tags{0, 1, 2, 0, 1, 2, 0, 2};
      const Everything all = everything(crf, emissions, tags, {}, Tensor({2}, {1, 1}));
      EXPECT_FALSE(std::isnan(all.likelihood[0]));
      EXPECT_TRUE(std::isnan(all.likelihood[1])) << step << " " << bad;
      for (std::size_t i = 0; i < 24; ++i) {
        EXPECT_EQ(std::isnan(all.marginals[i]), i % 6 >= 3) << i;
        EXPECT_EQ(std::isnan(all.emissions[i]), i % 6 >= 3) << i;
      }
      for (const auto& grad : {all.start, all.end, all.transitions}) {
        EXPECT_THAT(grad, Each(testing::IsNan()));
      }
      EXPECT_THAT(all.decoded, Each(AllOf(Ge(0), Lt(3))));
    }
  }
}

TEST(Crf, NaNInAnyParameterReachesTheLikelihood) {
  for (std::size_t which = 0; which < 3; ++which) {
    for (const float bad : {kNaN, kInf}) {
      Crf crf = random_crf(3);
      crf.parameters()[which].parameter->mutable_value().values()[1] = bad;
      const Everything all = everything(crf, Tensor({3, 1, 3}), {0, 0, 0}, {}, Tensor({1}, {1}));
      for (const auto& numbers : {all.likelihood, all.marginals, all.transitions}) {
        EXPECT_THAT(numbers, Each(testing::IsNan())) << which;
      }
    }
  }
}

TEST(Crf, OfOneTagIsCertain) {
  const Crf crf({.num_tags = 1, .seed = 3});
  const Tensor emissions = random_tensor({4, 1, 1}, 1);
  EXPECT_NEAR(crf.log_likelihood(emissions, {0, 0, 0, 0})[0], 0, 1e-12);
  EXPECT_THAT(crf.marginals(emissions).values(), Each(1.0f));
  EXPECT_THAT(crf.decode(emissions), Each(0));
}

TEST(Crf, ABatchMayBeEmpty) {
  const Crf crf({.num_tags = 2});
  EXPECT_TRUE(crf.log_likelihood(Tensor({3, 0, 2}), {}).empty());
  EXPECT_TRUE(crf.decode(Tensor({3, 0, 2})).empty());
  EXPECT_EQ(crf.marginals(Tensor({3, 0, 2})).shape(), (Shape{3, 0, 2}));
}

TEST(Crf, TheRecordingOutlivesTheLayer) {
  const Tensor emissions = random_tensor({3, 1, 2}, 1);
  std::optional<Crf> crf = random_crf(2);
  const ParameterList parameters = crf->parameters();
  Tape tape;
  // Constant emissions have no gradient, but the parameters do.
  const Var likelihood = crf->log_likelihood(tape, tape.input(emissions), {0, 1, 1});
  crf.reset();
  tape.backward(likelihood);
  for (const NamedParameter& entry : parameters) {
    EXPECT_FALSE(entry.parameter->grad().empty()) << entry.name;
  }
}

TEST(Crf, BeginsWithSmallParametersUnderTheirNames) {
  const Crf crf({.num_tags = 40, .seed = 1});
  const ConstParameterList list = crf.parameters();
  ASSERT_EQ(list.size(), 3u);
  EXPECT_EQ(list[0].name, "start_transitions");
  EXPECT_EQ(list[1].name, "end_transitions");
  EXPECT_EQ(list[2].name, "transitions");
  EXPECT_EQ(list[1].parameter->value().shape(), Shape{40});
  EXPECT_EQ(list[2].parameter->value().shape(), (Shape{40, 40}));
  for (const NamedConstParameter& entry : list) {
    const auto [low, high] = std::ranges::minmax(entry.parameter->value().values());
    EXPECT_THAT(low, AllOf(Ge(-0.1f), Lt(-0.05f))) << entry.name;
    EXPECT_THAT(high, AllOf(Ge(0.05f), testing::Le(0.1f))) << entry.name;
  }
  const Crf other({.num_tags = 40, .seed = 2});
  EXPECT_NE(other.transitions().value().values()[0], list[2].parameter->value().values()[0]);
}

TEST(Crf, ACloneHasParametersOfItsOwn) {
  Crf crf = random_crf(2);
  const Tensor emissions({2, 1, 2});
  const Crf clone = crf.clone();
  const std::vector<double> before = crf.log_likelihood(emissions, {0, 1});
  EXPECT_EQ(clone.log_likelihood(emissions, {0, 1}), before);
  for (const NamedParameter& entry : crf.parameters()) {
    entry.parameter->mutable_value().values()[0] += 1;
    EXPECT_NE(crf.log_likelihood(emissions, {0, 1}), before) << entry.name;
    EXPECT_EQ(clone.log_likelihood(emissions, {0, 1}), before) << entry.name;
  }
}

TEST(Crf, HasTheSameBitsWithAnyNumberOfThreads) {
  const int before = num_threads();
  constexpr std::int64_t kBatch = 45;
  const Tensor emissions = random_tensor({30, kBatch, 17}, 1);
  std::vector<std::int32_t> tags;
  std::vector<std::int64_t> lengths;
  for (std::int32_t i = 0; i < 30 * kBatch; ++i) tags.push_back(i * i % 17);
  for (std::int64_t b = 0; b < kBatch; ++b) lengths.push_back(1 + b * 7 % 30);
  std::vector<Everything> results;
  for (const int threads : {1, 2, 3}) {
    set_num_threads(threads);
    Crf crf = random_crf(17);
    results.push_back(everything(crf, emissions, tags, lengths, random_tensor({kBatch}, 2)));
  }
  set_num_threads(before);
  EXPECT_EQ(results[0], results[1]);
  EXPECT_EQ(results[0], results[2]);
}

TEST(Crf, SaysWhatIsWrong) {
  for (const std::int64_t tags : {-1, 0, 4097}) {
    EXPECT_THAT([&] { Crf({.num_tags = tags}); },
                ThrowsMessage<ConfigError>("Crf: num_tags is " + std::to_string(tags) +
                                           "; it must be from 1 to 4096"));
  }
  Crf crf({.num_tags = 3});
  const Tensor emissions({2, 2, 3});
  Tape tape;
  Tape other;
  EXPECT_THAT(
      [&] {
        (void)crf.decode(Tensor({2, 2, 4}));
      },
      ThrowsMessage<ShapeError>(
          "Crf.decode: emissions are [2, 2, 4]; they must be [seq_len, batch, num_tags = "
          "3], with at least one step"));
  EXPECT_THROW((void)crf.decode(Tensor({2, 3})), ShapeError);
  EXPECT_THROW((void)crf.marginals(Tensor({0, 2, 3})), ShapeError);
  EXPECT_THAT([&] { (void)crf.marginals(emissions, {2}); },
              ThrowsMessage<ShapeError>("Crf.marginals: there are 1 lengths; there must be one for "
                                        "each of batch = 2 sequences, or none"));
  EXPECT_THAT(
      [&] {
        (void)crf.decode(emissions, {2, 3});
      },
      ThrowsMessage<ShapeError>("Crf.decode: length 1 is 3; it must be from 1 to seq_len = 2"));
  EXPECT_THROW((void)crf.decode(emissions, {0, 2}), ShapeError);
  EXPECT_THAT(
      [&] {
        (void)crf.log_likelihood(emissions, {0, 1, 2});
      },
      ThrowsMessage<ShapeError>(
          "Crf.log_likelihood: there are 3 tags; there must be one for each of seq_len = 2 "
          "steps of batch = 2 sequences"));
  const std::vector<std::int64_t> wide{0, 1, 2, (std::int64_t{1} << 32) + 1};  // as 32 bits: 1
  EXPECT_THAT([&] { (void)crf.log_likelihood(emissions, wide); },
              ThrowsMessage<ConfigError>(
                  "Crf.log_likelihood: the tag of step 1 of sequence 1 is 4294967297; it must be "
                  "in [0, num_tags = 3)"));
  EXPECT_THROW((void)crf.log_likelihood(emissions, {0, 1, -1, 0}), ConfigError);
  EXPECT_NO_THROW((void)crf.log_likelihood(emissions, {0, 1, -1, 0}, {1, 2}));
  EXPECT_THROW(crf.log_likelihood(tape, tape.input(emissions), {0, 1, 3, 0}), ConfigError);
  EXPECT_THROW(crf.log_likelihood(tape, tape.input(Tensor({2, 2, 4})), {0, 1, 3, 0}), ShapeError);
  EXPECT_THROW(crf.log_likelihood(tape, other.input(emissions), {0, 1, 2, 0}), Error);
}

}  // namespace
}  // namespace riverrun
