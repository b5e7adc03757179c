#include "riverrun/lm/language_model.h"

#include <cmath>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "riverrun/core/error.h"

#include "tests/lm/untrained.h"

namespace riverrun::lm {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

LanguageModelOptions small() {
  LanguageModelOptions options;
  options.vocab_size = 7;
  options.embedding_size = 5;
  options.hidden_size = 6;
  options.num_layers = 2;
  options.dropout = 0;
  return options;
}

std::string message_of(const LanguageModelOptions& options) {
  try {
    LanguageModel model(options);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "nothing was thrown";
}

TEST(LanguageModel, ParametersHaveTheirNamesAndShapes) {
  LanguageModel model(small());
  std::vector<std::string> names;
  for (const NamedParameter& named : model.parameters()) {
    names.push_back(named.name + " " + named.parameter->value().shape().to_string());
  }
  EXPECT_THAT(
      names,
      ElementsAre("embedding.weight [7, 5]", "rnn.weight_ih_l0 [24, 5]", "rnn.weight_hh_l0 [24, 6]",
                  "rnn.bias_ih_l0 [24]", "rnn.bias_hh_l0 [24]", "rnn.weight_ih_l1 [24, 6]",
                  "rnn.weight_hh_l1 [24, 6]", "rnn.bias_ih_l1 [24]", "rnn.bias_hh_l1 [24]",
                  "decoder.weight [7, 6]", "decoder.bias [7]"));
  EXPECT_EQ(model.parameter_count(), 35 + 24 * 5 + 24 * 6 + 48 + 24 * 6 + 24 * 6 + 48 + 42 + 7);
}

TEST(LanguageModel, InitUniformReachesEveryParameterAndItsBounds) {
  LanguageModelOptions options = small();
  options.init_uniform = 0.25f;
  LanguageModel model(options);
  float largest = 0;
  for (const NamedParameter& named : model.parameters()) {
    float largest_here = 0;
    for (const float x : named.parameter->value().values()) {
      largest_here = std::max(largest_here, std::abs(x));
    }
    EXPECT_GT(largest_here, 0) << named.name;
    largest = std::max(largest, largest_here);
  }
  EXPECT_LE(largest, 0.25f);
  EXPECT_GT(largest, 0.24f);
}

TEST(LanguageModel, TheSeedDecidesTheParameters) {
  LanguageModelOptions options = small();
  const auto first = [](LanguageModel&& model) {
    std::vector<float> values;
    for (const NamedParameter& named : model.parameters()) {
      values.push_back(named.parameter->value().values()[0]);
    }
    return values;
  };
  const std::vector<float> one = first(LanguageModel(options));
  EXPECT_EQ(first(LanguageModel(options)), one);
  options.seed = 2;
  EXPECT_NE(first(LanguageModel(options)), one);
}

TEST(LanguageModel, LossIsTheMeanOfWhatTotalNatsSums) {
  LanguageModel model(small());
  const std::vector<std::int32_t> inputs = {0, 1, 2, 3, 4, 5};
  const std::vector<std::int32_t> targets = {2, 3, 4, 5, 6, 0};
  Tape tape;
  const LanguageModel::Loss loss = model.loss(tape, inputs, targets, 2);
  State state;
  const double total = model.total_nats(inputs, targets, 2, state);
  EXPECT_NEAR(loss.loss.value().values()[0], total / 6, 1e-6);
  ASSERT_EQ(loss.state.size(), state.tensors.size());
  for (std::size_t i = 0; i < state.tensors.size(); ++i) {
    EXPECT_EQ(loss.state[i].shape(), state.tensors[i].shape());
    for (std::int64_t j = 0; j < state.tensors[i].elements(); ++j) {
      EXPECT_NEAR(loss.state[i].value().data()[j], state.tensors[i].data()[j], 1e-6);
    }
  }
}

TEST(LanguageModel, GradientsReachEveryParameter) {
  LanguageModel model(small());
  Tape tape;
  const std::vector<std::int32_t> inputs = {0, 1, 2, 3};
  const std::vector<std::int32_t> targets = {1, 2, 3, 4};
  tape.backward(model.loss(tape, inputs, targets, 1).loss);
  for (const NamedParameter& named : model.parameters()) {
    float largest = 0;
    for (const float x : named.parameter->grad().values()) largest = std::max(largest, std::abs(x));
    EXPECT_GT(largest, 0) << named.name;
  }
}

TEST(LanguageModel, CarriedStateMakesTwoHalvesTheWhole) {
  const LanguageModel model(small());
  const std::vector<std::int32_t> inputs = {0, 1, 2, 3, 4, 5, 6, 0};
  const std::vector<std::int32_t> targets = {1, 2, 3, 4, 5, 6, 0, 1};
  State whole;
  const double expected = model.total_nats(inputs, targets, 2, whole);
  const std::span<const std::int32_t> x(inputs);
  const std::span<const std::int32_t> y(targets);
  State state;
  double total = model.total_nats(x.first(4), y.first(4), 2, state);
  total += model.total_nats(x.last(4), y.last(4), 2, state);
  EXPECT_NEAR(total, expected, 1e-5);
  EXPECT_NEAR(state.h().values()[0], whole.h().values()[0], 1e-6);
}

TEST(LanguageModel, ReadingTokenByTokenGivesTheSameProbabilities) {
  LanguageModel model(small());
  const std::vector<std::int32_t> tokens = {3, 1, 4, 1, 5, 2, 6};
  std::set<double> of_types;
  for (const WeightType type : kWeightTypes) {
    model.set_inference_weights(type);
    State state;
    const double expected =
        model.total_nats(std::span(tokens).first(6), std::span(tokens).last(6), 1, state);
    of_types.insert(expected);
    LanguageModel::Reader reader(model);
    for (int pass = 0; pass < 2; ++pass) {
      double total = 0;
      for (std::size_t i = 0; i + 1 < tokens.size(); ++i) {
        total += surprise(reader.read(tokens[i]), tokens[i + 1]);
      }
      EXPECT_NEAR(total, expected, 1e-5) << name(type) << ", pass " << pass;
      reader.reset();
    }
  }
  EXPECT_EQ(of_types.size(), kWeightTypes.size());  // the type was heeded
  EXPECT_LT(*of_types.rbegin() - *of_types.begin(), 0.1);
}

TEST(LanguageModel, RefusesWhatDoesNotFit) {
  LanguageModel model(small());
  State state;
  const std::vector<std::int32_t> three = {0, 1, 2};
  const std::vector<std::int32_t> two = {0, 1};
  EXPECT_THROW((void)model.total_nats(three, two, 1, state), ShapeError);
  EXPECT_THROW((void)model.total_nats(three, three, 2, state), ShapeError);
  EXPECT_THROW((void)model.total_nats({}, {}, 1, state), ShapeError);
  LanguageModel::Reader reader(model);
  EXPECT_THROW((void)reader.read(7), ConfigError);
  EXPECT_THROW((void)reader.read(-1), ConfigError);
}

TEST(LanguageModel, RefusesInvalidOptionsAndNamesThem) {
  const auto with = [](auto change) {
    LanguageModelOptions options = small();
    change(options);
    return message_of(options);
  };
  EXPECT_THAT(with([](auto& o) { o.vocab_size = 0; }), HasSubstr("vocab_size is 0"));
  EXPECT_THAT(with([](auto& o) { o.embedding_size = -1; }), HasSubstr("embedding_size is -1"));
  EXPECT_THAT(with([](auto& o) { o.hidden_size = 0; }), HasSubstr("hidden_size is 0"));
  EXPECT_THAT(with([](auto& o) { o.num_layers = 0; }), HasSubstr("num_layers is 0"));
  EXPECT_THAT(with([](auto& o) { o.dropout = 1; }), HasSubstr("dropout is 1"));
  EXPECT_THAT(with([](auto& o) { o.init_uniform = -1.0f; }), HasSubstr("init_uniform is -1"));
  EXPECT_THAT(with([](auto& o) { o.cell = "lstn"; }), HasSubstr("lstn"));
  EXPECT_THAT(with([](auto& o) { o.hidden_size = std::int64_t{1} << 40; }),
              HasSubstr("hidden_size is 1099511627776; it must be at most 268435456"));
  EXPECT_THAT(with([](auto& o) { o.hidden_size = std::int64_t{1} << 20; }),
              HasSubstr("hidden_size = 1048576"));
}

}  // namespace
}  // namespace riverrun::lm
