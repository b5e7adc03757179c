#include "riverrun/nn/activations.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "riverrun/core/error.h"

#include "tests/nn/gradient_check.h"

namespace riverrun {
namespace {

using test::check_gradients;
using test::random_tensor;

TEST(Activations, HaveTheirValues) {
  Tape tape;
  const Var x = tape.input(Tensor({4}, {-1.0f, 0.0f, 0.5f, 3.0f}));
  for (std::size_t i = 0; i < 4; ++i) {
    const float v = x.value().values()[i];
    EXPECT_FLOAT_EQ(tanh(x).value().values()[i], std::tanh(v));
    EXPECT_FLOAT_EQ(sigmoid(x).value().values()[i], 1.0f / (1.0f + std::exp(-v)));
    EXPECT_EQ(relu(x).value().values()[i], std::max(v, 0.0f));
  }
}

TEST(Activations, LetNaNThrough) {
  Tape tape;
  const Var x = tape.input(Tensor({1}, {std::numeric_limits<float>::quiet_NaN()}));
  EXPECT_TRUE(std::isnan(relu(x).value().values()[0]));
  EXPECT_TRUE(std::isnan(tanh(x).value().values()[0]));
  EXPECT_TRUE(std::isnan(sigmoid(x).value().values()[0]));
}

// As in PyTorch: of NaN it is what comes from above, and where the output is 0 it is 0 even if that
// is NaN or infinite.
TEST(Activations, TheGradientOfReluPassesNaNOnlyWhereItIs) {
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

TEST(Activations, HaveTheGradientsOfCentralDifferences) {
  const Tensor x = random_tensor({3, 5}, 1);
  const Tensor y = random_tensor({3, 5}, 2);
  check_gradients([](Tape&, const auto& in) { return tanh(in[0]); }, {x});
  check_gradients([](Tape&, const auto& in) { return sigmoid(in[0]); }, {x});
  check_gradients([](Tape&, const auto& in) { return relu(in[0]); }, {x}, {}, 2e-3, 1e-3f);
  check_gradients([](Tape&, const auto& in) { return add(in[0], in[1]); }, {x, y});
  check_gradients([](Tape&, const auto& in) { return multiply(in[0], in[1]); }, {x, y});
  check_gradients([](Tape&, const auto& in) { return multiply(in[0], in[0]); }, {x});
}

TEST(Activations, RefuseTwoShapes) {
  Tape tape;
  const Var a = tape.input(Tensor({2, 3}));
  const Var b = tape.input(Tensor({3, 2}));
  EXPECT_THROW(add(a, b), ShapeError);
  EXPECT_THROW(multiply(a, b), ShapeError);
}

}  // namespace
}  // namespace riverrun
