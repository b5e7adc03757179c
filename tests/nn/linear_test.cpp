#include "riverrun/nn/linear.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "riverrun/core/error.h"
#include "riverrun/core/threads.h"
#include "riverrun/nn/embedding.h"
#include "riverrun/nn/ops.h"

#include "tests/nn/gradient_check.h"

namespace riverrun {
namespace {

using test::check_gradients;
using test::random_tensor;
using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::Not;

TEST(Linear, ComputesTheProductAndTheBias) {
  Linear linear({.in_features = 2, .out_features = 3});
  linear.weight().mutable_value() = Tensor({3, 2}, {1, 2, 3, 4, 5, 6});
  linear.bias().mutable_value() = Tensor({3}, {10, 20, 30});
  const Tensor y = linear.forward(Tensor({2, 1, 2}, {1, 1, 1, -1}));
  EXPECT_EQ(y.shape(), (Shape{2, 1, 3}));
  const std::vector<float> expected{13, 27, 41, 9, 19, 29};
  EXPECT_TRUE(std::ranges::equal(y.values(), expected));
  Tape tape;
  const Var recorded = linear.forward(tape, tape.input(Tensor({2}, {1, 1})));
  EXPECT_EQ(recorded.shape(), Shape{3});
  EXPECT_EQ(recorded.value().values()[2], 41.0f);
}

TEST(Linear, TakesNoRows) {
  const Linear linear({.in_features = 8, .out_features = 3});
  EXPECT_EQ(linear.forward(Tensor({0, 8})).shape(), Shape({0, 3}));
}

TEST(Linear, HasTheGradientsOfCentralDifferences) {
  for (const bool bias : {true, false}) {
    Linear linear({.in_features = 5, .out_features = 4, .bias = bias, .seed = 1});
    EXPECT_EQ(linear.parameters().size(), bias ? 2U : 1U);
    check_gradients([&](Tape& tape, const auto& in) { return linear.forward(tape, in[0]); },
                    {random_tensor({3, 2, 5}, 2)}, linear.parameters());
  }
}

TEST(Linear, ComposesWithoutABackwardBeingWritten) {
  Linear down({.in_features = 6, .out_features = 3, .seed = 1});
  Linear up({.in_features = 3, .out_features = 6, .seed = 2});
  const ParameterList parameters =
      prefixed("down", down.parameters()) + prefixed("up", up.parameters());
  EXPECT_EQ(parameters.back().name, "up.bias");
  check_gradients(
      [&](Tape& tape, const auto& in) {
        return add(in[0], up.forward(tape, tanh(down.forward(tape, in[0]))));
      },
      {random_tensor({4, 6}, 3)}, parameters);
}

TEST(Linear, AddsToTheGradientsUntilTheyAreZeroed) {
  Linear linear({.in_features = 2, .out_features = 1, .seed = 1});
  EXPECT_TRUE(linear.weight().grad().empty());
  const auto run = [&] {
    Tape tape;
    tape.backward(linear.forward(tape, tape.input(Tensor({2}, {3, 4}))));
  };
  run();
  run();
  EXPECT_EQ(linear.weight().grad().values()[0], 6.0f);
  EXPECT_EQ(linear.bias().grad().values()[0], 2.0f);
  zero_grad(linear.parameters());
  EXPECT_TRUE(linear.weight().grad().empty());
  run();
  EXPECT_EQ(linear.weight().grad().values()[0], 3.0f);
}

TEST(Linear, StartsUniformlyAsPyTorch) {
  const Linear linear({.in_features = 100, .out_features = 200, .seed = 7});
  const auto values = linear.weight().value().values();
  const auto [low, high] = std::ranges::minmax(values);
  double mean = 0.0;
  double square = 0.0;
  for (const float x : values) {
    mean += x / static_cast<double>(values.size());
    square += static_cast<double>(x) * x / static_cast<double>(values.size());
  }
  // Uniform in ±0.1: standard deviation 0.1/√3, of the mean of 20,000 values 0.0004.
  EXPECT_GE(low, -0.1f);
  EXPECT_LE(high, 0.1f);
  EXPECT_LT(low, -0.099f);
  EXPECT_GT(high, 0.099f);
  EXPECT_NEAR(mean, 0.0, 0.002);
  EXPECT_NEAR(std::sqrt(square), 0.1 / std::sqrt(3.0), 0.001);

  const Linear same({.in_features = 100, .out_features = 200, .seed = 7});
  const Linear other({.in_features = 100, .out_features = 200, .seed = 8});
  EXPECT_TRUE(std::ranges::equal(values, same.weight().value().values()));
  EXPECT_FALSE(std::ranges::equal(values, other.weight().value().values()));
}

TEST(Linear, ReadsSmallerWeightsOnlyWithoutGradients) {
  Linear linear({.in_features = 70, .out_features = 33});
  const Tensor x = random_tensor({5, 70}, 1);
  const Tensor exact = linear.forward(x);
  for (const WeightType type : {WeightType::kBFloat16, WeightType::kInt8}) {
    linear.set_inference_weights(type);
    const Tensor smaller = linear.forward(x);
    EXPECT_FALSE(std::ranges::equal(smaller.values(), exact.values()));
    for (std::int64_t i = 0; i < exact.elements(); ++i) {
      EXPECT_NEAR(smaller.data()[i], exact.data()[i], 0.05f);
    }
    Tape tape;
    EXPECT_TRUE(
        std::ranges::equal(linear.forward(tape, tape.input(x)).value().values(), exact.values()));
  }
  EXPECT_THROW(linear.set_inference_weights(static_cast<WeightType>(-1)), ConfigError);
}

TEST(Linear, SaysWhatIsWrong) {
  EXPECT_THROW(Linear({.in_features = 0, .out_features = 3}), ConfigError);
  EXPECT_THROW(Linear({.in_features = 3, .out_features = -1}), ConfigError);
  const Linear linear({.in_features = 2, .out_features = 3});
  try {
    static_cast<void>(linear.forward(Tensor({4, 5})));
    FAIL();
  } catch (const ShapeError& error) {
    EXPECT_STREQ(error.what(),
                 "Linear.forward: input is [4, 5]; the last dimension must be in_features = 2");
  }
  EXPECT_THROW(static_cast<void>(linear.forward(Tensor(Shape{}))), ShapeError);
}

TEST(Linear, HasTheSameBitsWithAnyNumberOfThreads) {
  const int before = num_threads();
  std::vector<std::vector<float>> results;
  for (const int threads : {1, 2, 3}) {
    set_num_threads(threads);
    Linear linear({.in_features = 150, .out_features = 333, .seed = 1});
    Tape tape;
    const Var x = tape.input(random_tensor({257, 150}, 2), true);
    const Var y = linear.forward(tape, x);
    std::vector<Tape::Upstream> upstream;
    upstream.push_back({y, random_tensor(y.shape(), 3)});
    tape.backward(std::move(upstream));
    std::vector<float> all(y.value().values().begin(), y.value().values().end());
    for (const Tensor* t : {&x.grad(), &linear.weight().grad(), &linear.bias().grad()}) {
      all.insert(all.end(), t->values().begin(), t->values().end());
    }
    results.push_back(std::move(all));
  }
  set_num_threads(before);
  EXPECT_EQ(results[0], results[1]);
  EXPECT_EQ(results[0], results[2]);
}

// As a language model whose decoder is its embedding.
TEST(Linear, SharesItsWeightWithAnEmbedding) {
  Embedding embedding({.num_embeddings = 5, .embedding_dim = 4, .seed = 1});
  Linear decoder({.in_features = 4, .out_features = 5, .seed = 2});
  EXPECT_THROW(decoder.share_weight(std::make_shared<Parameter>(Shape{4, 5})), ShapeError);
  EXPECT_THROW(embedding.share_weight(std::make_shared<Parameter>(Shape{5})), ShapeError);
  EXPECT_THROW(decoder.share_weight(nullptr), ConfigError);
  EXPECT_THROW(embedding.share_weight(nullptr), ConfigError);
  const Tensor x = random_tensor({2, 4}, 3);
  const Tensor before = decoder.forward(x);
  decoder.share_weight(embedding.shared_weight());
  EXPECT_THAT(decoder.forward(x).values(), Not(ElementsAreArray(before.values())))
      << "the packed weight is another one";
  const ParameterList list =
      prefixed("embedding", embedding.parameters()) + prefixed("decoder", decoder.parameters());
  EXPECT_EQ(list.size(), 3U);
  EXPECT_EQ(distinct(list).size(), 2U);
  check_gradients(
      [&](Tape& tape, const auto&) {
        return decoder.forward(tape, tanh(embedding.forward(tape, {0, 3, 3}, {3})));
      },
      {}, distinct(list));
  // Used without a decoder, its gradient names rows again.
  zero_grad(list);
  Tape tape;
  tape.backward(sum(embedding.forward(tape, {1}, {1})));
  EXPECT_THAT(embedding.weight().grad_rows(), ElementsAre(1));
}

}  // namespace
}  // namespace riverrun
