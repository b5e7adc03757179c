#include "riverrun/lm/inspector.h"

#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "riverrun/core/error.h"

namespace riverrun::lm {
namespace {

using Predict = Inspector::Predict;

LanguageModelOptions small() {
  LanguageModelOptions options;
  options.vocab_size = 7;
  options.embedding_size = 5;
  options.hidden_size = 6;
  options.num_layers = 2;
  return options;
}

/// More than a piece.
std::vector<std::int32_t> some_tokens() {
  std::vector<std::int32_t> tokens;
  for (std::int32_t i = 0; i < 150; ++i) tokens.push_back((i * i + 3 * i) % 7);
  return tokens;
}

TEST(Inspector, IsAsSurprisedAsTheModel) {
  LanguageModel model(small());
  const std::vector<std::int32_t> tokens = some_tokens();
  State state;
  const std::vector<std::int32_t> inputs(tokens.begin(), tokens.end() - 1);
  const std::vector<std::int32_t> targets(tokens.begin() + 1, tokens.end());
  const double expected = model.total_nats(inputs, targets, 1, state);

  double total = 0;
  std::size_t seen = 0;
  Inspector(model).read(tokens, Predict::kYes, [&](const Inspector::Step& step) {
    EXPECT_EQ(step.token, tokens[seen]);
    EXPECT_EQ(step.nats.has_value(), seen > 0);
    total += step.nats.value_or(0);
    ++seen;
    ASSERT_EQ(step.log_probabilities.size(), 7U);
    double sum = 0;
    for (const double log_p : step.log_probabilities) sum += std::exp(log_p);
    EXPECT_NEAR(sum, 1, 1e-12);
  });
  EXPECT_EQ(seen, tokens.size());
  EXPECT_NEAR(total, expected, 1e-4);
}

TEST(Inspector, GoesOnWhereItStopped) {
  LanguageModel model(small());
  const std::vector<std::int32_t> tokens = some_tokens();
  std::vector<double> whole;
  std::vector<double> pieces;
  const auto look = [](std::vector<double>& values) {
    return [&values](const Inspector::Step& step) {
      if (step.nats) values.push_back(*step.nats);
      for (const insight::LayerStep& layer : step.layers) {
        values.insert(values.end(), layer.openings.begin(), layer.openings.end());
        values.insert(values.end(), layer.memory().begin(), layer.memory().end());
      }
    };
  };
  Inspector(model).read(tokens, Predict::kYes, look(whole));
  Inspector inspector(model);
  inspector.read(std::span(tokens).first(10), Predict::kYes, look(pieces));
  inspector.read(std::span(tokens).subspan(10), Predict::kYes, look(pieces));
  EXPECT_EQ(pieces, whole);
}

TEST(Inspector, WithoutPredictionsOnlyTheInsideIsSeen) {
  LanguageModel model(small());
  std::size_t seen = 0;
  Inspector(model).read(some_tokens(), Predict::kNo, [&](const Inspector::Step& step) {
    EXPECT_FALSE(step.nats);
    EXPECT_TRUE(step.log_probabilities.empty());
    EXPECT_EQ(step.layers.size(), 2U);
    ++seen;
  });
  EXPECT_EQ(seen, 150U);
}

TEST(Inspector, WithoutMemoryTheContextMakesNoDifference) {
  LanguageModelOptions options = small();
  options.cell = "memoryless";
  LanguageModel model(options);
  const auto last = [&](const std::vector<std::int32_t>& tokens) {
    std::vector<double> values;
    Inspector(model).read(tokens, Predict::kYes, [&](const Inspector::Step& step) {
      values.assign(step.log_probabilities.begin(), step.log_probabilities.end());
      const auto h = step.layers.back().states.front();
      values.insert(values.end(), h.begin(), h.end());
    });
    return values;
  };
  EXPECT_EQ(last({1, 2, 3, 4}), last({6, 4}));
  EXPECT_NE(last({1, 2, 3, 4}), last({6, 5}));
}

TEST(Inspector, RefusesATokenThatIsNotThere) {
  LanguageModel model(small());
  Inspector inspector(model);
  const std::vector<std::int32_t> tokens = {1, 7};
  EXPECT_THROW(inspector.read(tokens, Predict::kYes, [](const auto&) {}), ConfigError);
}

TEST(Inspector, DamagedWeightsAreNoticed) {
  LanguageModel model(small());
  const std::vector<std::int32_t> tokens = {1};
  for (const float damage : {NAN, INFINITY, -INFINITY}) {
    for (const NamedParameter& named : model.parameters()) {
      if (named.name == "decoder.bias") named.parameter->mutable_value().values()[3] = damage;
    }
    Inspector inspector(model);
    EXPECT_THROW(inspector.read(tokens, Predict::kYes, [](const auto&) {}), NumericError);
  }
}

TEST(Likeliest, AreInFallingOrder) {
  const std::vector<double> log_probabilities = {std::log(0.1), std::log(0.4), std::log(0.1),
                                                 std::log(0.4)};
  const std::vector<Likely> three = likeliest(log_probabilities, 3);
  ASSERT_EQ(three.size(), 3U);
  EXPECT_EQ(three[0].token, 1);
  EXPECT_EQ(three[1].token, 3);
  EXPECT_EQ(three[2].token, 0);
  EXPECT_NEAR(three[0].probability, 0.4, 1e-12);
  EXPECT_EQ(likeliest(log_probabilities, 10).size(), 4U);
}

}  // namespace
}  // namespace riverrun::lm
