#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "riverrun/core/error.h"
#include "riverrun/nn/ops.h"

#include "tests/nn/gradient_check.h"

namespace riverrun {
namespace {

using test::check_gradients;
using test::random_tensor;
using ::testing::ElementsAre;

TEST(OpsElementwise, HaveTheirValues) {
  Tape tape;
  const Var x = tape.input(Tensor({4}, {-1.0f, 0.0f, 0.5f, 3.0f}));
  for (std::size_t i = 0; i < 4; ++i) {
    const float v = x.value().values()[i];
    EXPECT_FLOAT_EQ(tanh(x).value().values()[i], std::tanh(v));
    EXPECT_FLOAT_EQ(sigmoid(x).value().values()[i], 1.0f / (1.0f + std::exp(-v)));
    EXPECT_EQ(relu(x).value().values()[i], std::max(v, 0.0f));
    EXPECT_FLOAT_EQ(exp(x).value().values()[i], std::exp(v));
    EXPECT_FLOAT_EQ(log(exp(x)).value().values()[i], v);
  }
}

TEST(OpsElementwise, LetNaNThrough) {
  Tape tape;
  const Var x = tape.input(Tensor({1}, {std::numeric_limits<float>::quiet_NaN()}));
  EXPECT_TRUE(std::isnan(relu(x).value().values()[0]));
  EXPECT_TRUE(std::isnan(tanh(x).value().values()[0]));
  EXPECT_TRUE(std::isnan(sigmoid(x).value().values()[0]));
}

// As in PyTorch: of NaN it is what comes from above, and where the output is 0 it is 0 even if that
// is NaN or infinite.
TEST(OpsElementwise, TheGradientOfReluPassesNaNOnlyWhereItIs) {
  constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  Tape tape;
  const Var x = tape.input(Tensor({6}, {kNaN, kNaN, -1.0f, -1.0f, 0.0f, 2.0f}), true);
  std::vector<Tape::Upstream> upstream;
  upstream.push_back({relu(x), Tensor({6}, {3.0f, kNaN, kNaN, kInfinity, kNaN, kNaN})});
  tape.backward(std::move(upstream));
  EXPECT_EQ(x.grad().values()[0], 3.0f);
  EXPECT_TRUE(std::isnan(x.grad().values()[1]));
  for (const std::size_t i : {2U, 3U, 4U}) EXPECT_EQ(x.grad().values()[i], 0.0f) << i;
  EXPECT_TRUE(std::isnan(x.grad().values()[5]));
}

TEST(OpsElementwise, HaveTheGradientsOfCentralDifferences) {
  const Tensor x = random_tensor({3, 5}, 1);
  check_gradients([](Tape&, const auto& in) { return tanh(in[0]); }, {x});
  check_gradients([](Tape&, const auto& in) { return sigmoid(in[0]); }, {x});
  check_gradients([](Tape&, const auto& in) { return relu(in[0]); }, {x}, {}, 2e-3, 1e-3f);
  check_gradients([](Tape&, const auto& in) { return exp(in[0]); }, {x});
  check_gradients([](Tape&, const auto& in) { return log(exp(in[0])); }, {x});
  check_gradients([](Tape&, const auto& in) { return add(in[0], 2.0f); }, {x});
  check_gradients([](Tape&, const auto& in) { return multiply(in[0], -2.0f); }, {x});
  check_gradients([](Tape&, const auto& in) { return multiply(in[0], in[0]); }, {x});
}

TEST(OpsElementwise, BroadcastAsNumPy) {
  Tape tape;
  const Var matrix = tape.input(Tensor({2, 3}, {1, 2, 3, 4, 5, 6}));
  const Var row = tape.input(Tensor({3}, {10, 20, 30}));
  const Var column = tape.input(Tensor({2, 1}, {100, 200}));
  EXPECT_THAT(add(matrix, row).value().values(), ElementsAre(11, 22, 33, 14, 25, 36));
  EXPECT_THAT(subtract(column, matrix).value().values(), ElementsAre(99, 98, 97, 196, 195, 194));
  EXPECT_THAT(multiply(column, row).value().values(),
              ElementsAre(1000, 2000, 3000, 2000, 4000, 6000));
  EXPECT_EQ(multiply(column, row).shape(), (Shape{2, 3}));
  EXPECT_THAT(divide(row, tape.input(Tensor(Shape{}, {10}))).value().values(),
              ElementsAre(1, 2, 3));
  EXPECT_THAT(add(row, 1.0f).value().values(), ElementsAre(11, 21, 31));
  EXPECT_THAT(multiply(row, 0.5f).value().values(), ElementsAre(5, 10, 15));
  EXPECT_EQ(add(tape.input(Tensor(Shape{0, 3})), row).shape(), (Shape{0, 3}));
}

TEST(OpsElementwise, SumTheGradientsOfWhatWasRepeated) {
  const std::vector<Shape> shapes = {{4},          {3, 1},      {2, 1, 4}, {1},
                                     {},           {2, 3, 4},   {1, 3, 4}, {2, 2, 3, 4},
                                     {2, 1, 3, 1}, {2, 2, 1, 1}};
  const Tensor x = random_tensor({2, 3, 4}, 1);
  for (const Shape& shape : shapes) {
    SCOPED_TRACE(shape.to_string());
    Tensor y = random_tensor(shape, 2);
    for (float& v : y.values()) v = v < 0 ? v - 1.0f : v + 1.0f;  // is divided by
    check_gradients([](Tape&, const auto& in) { return add(in[0], in[1]); }, {x, y});
    check_gradients([](Tape&, const auto& in) { return subtract(in[0], in[1]); }, {y, x});
    check_gradients([](Tape&, const auto& in) { return multiply(in[0], in[1]); }, {x, y});
    check_gradients([](Tape&, const auto& in) { return divide(in[0], in[1]); }, {x, y}, {}, 5e-3);
  }
}

TEST(OpsElementwise, OneOperandMayBeAConstant) {
  Tape tape;
  const Var constant = tape.input(random_tensor({2, 3}, 1));
  const Var x = tape.input(random_tensor({3}, 2), true);
  EXPECT_FALSE(add(constant, constant).requires_grad());
  tape.backward(sum(multiply(constant, x)));
  EXPECT_TRUE(constant.grad().empty());
  EXPECT_FLOAT_EQ(x.grad().values()[0],
                  constant.value().values()[0] + constant.value().values()[3]);
}

TEST(OpsElementwise, MaskedFillLetsNoGradientThrough) {
  Tape tape;
  const Var x = tape.input(Tensor({2, 3}, {1, 2, 3, 4, 5, 6}), true);
  const float infinity = std::numeric_limits<float>::infinity();
  const Var y = masked_fill(x, Tensor({1, 3}, {0, 1, 0}), -infinity);
  EXPECT_THAT(y.value().values(), ElementsAre(1, -infinity, 3, 4, -infinity, 6));
  const Var weights = softmax(y, 1);
  EXPECT_EQ(weights.value().values()[1], 0.0f);
  tape.backward(sum(multiply(weights, weights)));
  EXPECT_EQ(x.grad().values()[1], 0.0f);
  EXPECT_NE(x.grad().values()[0], 0.0f);
  EXPECT_THROW(masked_fill(x, Tensor(Shape{2}), 0.0f), ShapeError);
  EXPECT_THROW(masked_fill(x, Tensor(Shape{4, 2, 3}), 0.0f), ShapeError);
}

TEST(OpsElementwise, ALeafAddsToItsParameter) {
  const auto parameter = std::make_shared<Parameter>(Shape{2});
  parameter->set_value(Tensor({2}, {3, 4}));
  Tape tape;
  const Var w = leaf(tape, parameter);
  tape.backward(sum(multiply(w, w)));
  EXPECT_THAT(parameter->grad().values(), ElementsAre(6, 8));
  tape.clear();
  tape.backward(sum(leaf(tape, parameter)));
  EXPECT_THAT(parameter->grad().values(), ElementsAre(7, 9));
}

TEST(OpsElementwise, RefuseWhatDoesNotFit) {
  Tape tape;
  Tape other;
  const Var a = tape.input(Tensor({2, 3}));
  const Var b = tape.input(Tensor({3, 2}));
  EXPECT_THROW(add(a, b), ShapeError);
  EXPECT_THROW(multiply(a, b), ShapeError);
  EXPECT_THROW(divide(a, tape.input(Tensor(Shape{2}))), ShapeError);
  EXPECT_THROW(add(a, other.input(Tensor({2, 3}))), Error);
  EXPECT_THROW(subtract(a, Var()), Error);
  EXPECT_THROW(leaf(tape, nullptr), ConfigError);
}

}  // namespace
}  // namespace riverrun
