#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "riverrun/core/error.h"
#include "riverrun/core/threads.h"
#include "riverrun/nn/ops.h"

#include "tests/nn/gradient_check.h"

namespace riverrun {
namespace {

using test::check_gradients;
using test::random_tensor;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::FloatNear;

constexpr float kInfinity = std::numeric_limits<float>::infinity();

TEST(OpsReduce, SumAndMeanGoAlongOneDimensionOrAll) {
  Tape tape;
  const Var x = tape.input(Tensor({2, 3}, {1, 2, 3, 4, 5, 6}));
  EXPECT_THAT(sum(x, 0).value().values(), ElementsAre(5, 7, 9));
  EXPECT_THAT(sum(x, -1).value().values(), ElementsAre(6, 15));
  EXPECT_THAT(mean(x, 1).value().values(), ElementsAre(2, 5));
  EXPECT_EQ(sum(x, 1).shape(), Shape{2});
  EXPECT_EQ(sum(x, 1, true).shape(), (Shape{2, 1}));
  EXPECT_EQ(sum(x).shape(), Shape{});
  EXPECT_EQ(sum(x).value().values()[0], 21);
  EXPECT_EQ(mean(x).value().values()[0], 3.5);
  EXPECT_THAT(sum(tape.input(Tensor(Shape{0, 3})), 0).value().values(), Each(0.0f));
  EXPECT_THROW(sum(x, 2), ShapeError);
}

// In float32 a million times 0.1 is 0.1 % off.
TEST(OpsReduce, ASumOfManyIsExact) {
  Tape tape;
  Tensor x(Shape{1000000});
  x.fill(0.1f);
  EXPECT_FLOAT_EQ(sum(tape.input(x)).value().values()[0], 100000.0f);
}

TEST(OpsReduce, SoftmaxAndItsLogarithmAgree) {
  Tape tape;
  const Var x = tape.input(random_tensor({3, 40, 2}, 1));
  for (const int dimension : {0, 1, 2}) {
    const Var weights = softmax(x, dimension);
    EXPECT_THAT(sum(weights, dimension).value().values(), Each(FloatNear(1.0f, 1e-6f)));
    const Var logs = log_softmax(x, dimension);
    const Var by_hand = subtract(x, logsumexp(x, dimension, true));
    for (std::size_t i = 0; i < 240; ++i) {
      EXPECT_NEAR(std::exp(logs.value().values()[i]), weights.value().values()[i], 1e-6);
      EXPECT_NEAR(by_hand.value().values()[i], logs.value().values()[i], 2e-6);
    }
  }
}

TEST(OpsReduce, LargeNumbersDoNotOverflow) {
  Tape tape;
  const Var x = tape.input(Tensor({2, 2}, {1e30f, 1e30f, -1000, -1001}), true);
  EXPECT_THAT(softmax(x, 1).value().values(),
              ElementsAre(0.5f, 0.5f, FloatNear(0.7310586f, 1e-6f), FloatNear(0.2689414f, 1e-6f)));
  EXPECT_EQ(logsumexp(x, 1).value().values()[0], 1e30f);
  EXPECT_NEAR(logsumexp(x, 1).value().values()[1], -999.68674, 1e-4);
}

// A linear-chain CRF counts on these.
TEST(OpsReduce, LogSumExpOfInfinities) {
  Tape tape;
  const Var x =
      tape.input(Tensor({3, 2}, {-kInfinity, -kInfinity, -kInfinity, 1, kInfinity, 0}), true);
  const Var y = logsumexp(x, 1);
  EXPECT_THAT(y.value().values(), ElementsAre(-kInfinity, 1, kInfinity));
  tape.backward(sum(y));
  EXPECT_EQ(x.grad().values()[0], 0.0f);
  EXPECT_EQ(x.grad().values()[2], 0.0f);
  EXPECT_EQ(x.grad().values()[3], 1.0f);
  const float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_TRUE(std::isnan(logsumexp(tape.input(Tensor({3}, {0, nan, 1})), 0).value().data()[0]));
}

TEST(OpsReduce, HaveTheGradientsOfCentralDifferences) {
  const Tensor x = random_tensor({3, 5, 2}, 1);
  for (const int dimension : {0, 1, 2}) {
    check_gradients([&](Tape&, const auto& in) { return sum(in[0], dimension); }, {x});
    check_gradients([&](Tape&, const auto& in) { return mean(in[0], dimension, true); }, {x});
    check_gradients([&](Tape&, const auto& in) { return logsumexp(in[0], dimension); }, {x});
    check_gradients([&](Tape&, const auto& in) { return softmax(in[0], dimension); }, {x});
    check_gradients([&](Tape&, const auto& in) { return log_softmax(in[0], dimension); }, {x});
  }
  check_gradients([](Tape&, const auto& in) { return mean(in[0]); }, {x});
}

TEST(OpsReduce, LayerNormHasMeanZeroAndVarianceOne) {
  Tape tape;
  const Var y = layer_norm(tape.input(random_tensor({4, 50}, 1)));
  EXPECT_THAT(mean(y, 1).value().values(), Each(FloatNear(0.0f, 1e-6f)));
  EXPECT_THAT(mean(multiply(y, y), 1).value().values(), Each(FloatNear(1.0f, 1e-4f)));
}

TEST(OpsReduce, LayerNormHasGradients) {
  const Tensor x = random_tensor({2, 3, 5}, 1);
  check_gradients([](Tape&, const auto& in) { return layer_norm(in[0]); }, {x}, {}, 5e-3);
  check_gradients([](Tape&, const auto& in) { return layer_norm(in[0], in[1], in[2]); },
                  {x, random_tensor({5}, 2), random_tensor({5}, 3)}, {}, 5e-3);
  check_gradients([&](Tape& t, const auto& in) { return layer_norm(t.input(x), in[0]); },
                  {random_tensor({5}, 2)});
  Tape tape;
  EXPECT_THROW(layer_norm(tape.input(x), tape.input(Tensor(Shape{3}))), ShapeError);
}

TEST(OpsReduce, TheNumberOfThreadsChangesNoBits) {
  const int threads = num_threads();
  const Tensor x = random_tensor({300, 7, 50}, 1);
  const auto results = [&] {
    std::vector<float> all;
    for (const int dimension : {0, 1, 2}) {
      Tape tape;
      const Var in = tape.input(x, true);
      const Var y = add(softmax(in, dimension), sum(layer_norm(in), dimension, true));
      tape.backward(sum(multiply(y, y)));
      all.insert(all.end(), in.grad().values().begin(), in.grad().values().end());
    }
    return all;
  };
  set_num_threads(1);
  const std::vector<float> alone = results();
  set_num_threads(3);
  EXPECT_THAT(results(), ElementsAreArray(alone));
  set_num_threads(threads);
}

}  // namespace
}  // namespace riverrun
