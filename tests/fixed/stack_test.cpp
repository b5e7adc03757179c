#include "riverrun/fixed/stack.h"

#include <array>
#include <vector>

#include <gtest/gtest.h>

#include "riverrun/core/random.h"
#include "riverrun/core/tensor.h"
#include "riverrun/fixed/linear.h"
#include "riverrun/fixed/recurrent.h"

#include "tests/nn/memory_count.h"

namespace riverrun::fixed {
namespace {

template <int kInput, int kOutput>
void expect_linear() {
  std::array<float, kInput * kOutput> weight;
  std::array<float, kOutput> bias, y;
  std::array<float, kInput> x;
  Random random(1);
  random.fill_normal(weight, 0.0f, 1.0f);
  random.fill_normal(bias, 0.0f, 1.0f);
  random.fill_normal(x, 0.0f, 1.0f);
  Linear<kInput, kOutput> linear;
  for (const bool has_bias : {true, false}) {
    if (has_bias) {
      linear.set_weights({.weight = weight, .bias = bias});
    } else {
      linear.set_weights({.weight = weight});
    }
    linear.step(x, y);
    for (std::size_t o = 0; o < kOutput; ++o) {
      double expected = has_bias ? bias[o] : 0.0;
      for (std::size_t k = 0; k < kInput; ++k) expected += double{x[k]} * weight[o * kInput + k];
      ASSERT_NEAR(y[o], expected, 1e-5) << kInput << " -> " << kOutput << ", " << o;
    }
  }
}

TEST(FixedLinear, IsTheProduct) {
  expect_linear<1, 1>();
  expect_linear<32, 1>();
  expect_linear<7, 3>();
  expect_linear<40, 17>();
  expect_linear<5, 400>();  // more than one tile on every target
}

template <class Layer>
void set_random_weights(Layer& layer, std::uint64_t seed) {
  using Weights = typename Layer::Weights;
  Random random(seed);
  std::array<float, Weights::kRows * Layer::kInputSize> weight_ih;
  std::array<float, Weights::kRows * Layer::kOutputSize> weight_hh;
  random.fill_normal(weight_ih, 0.0f, 0.5f);
  random.fill_normal(weight_hh, 0.0f, 0.5f);
  layer.set_weights({.weight_ih = weight_ih, .weight_hh = weight_hh, .params = {}});
}

using Net = Stack<LSTM<1, 8>, GRU<8, 5>, Linear<5, 1>>;
static_assert(Net::kInputSize == 1 && Net::kOutputSize == 1 && Net::kLayers == 3);

Net random_net() {
  Net net;
  set_random_weights(net.layer<0>(), 1);
  set_random_weights(net.layer<1>(), 2);
  net.layer<2>().set_weights({.weight = std::array{1.0f, -1.0f, 0.5f, 2.0f, 0.25f}});
  return net;
}

TEST(FixedStack, IsItsLayersInOrder) {
  Net net = random_net();
  Net parts = net;
  std::vector<float> first;
  for (int t = 0; t < 20; ++t) {
    const std::array<float, 1> x = {0.1f * static_cast<float>(t)};
    std::array<float, 8> a;
    std::array<float, 5> b;
    std::array<float, 1> c;
    parts.layer<0>().step(x, a);
    parts.layer<1>().step(a, b);
    parts.layer<2>().step(b, c);
    first.push_back(net.step(x[0]));
    ASSERT_EQ(first.back(), c[0]);
  }
  EXPECT_NE(first[0], first[1]);
  net.reset();
  for (int t = 0; t < 20; ++t) {
    ASSERT_EQ(net.step(0.1f * static_cast<float>(t)), first[static_cast<std::size_t>(t)]);
  }
}

TEST(FixedStack, NeverAllocates) {
  const auto before = test::allocations();
  Net net = random_net();
  float y = 0.0f;
  for (int t = 0; t < 100; ++t) y = net.step(y);
  net.reset();
  EXPECT_EQ(test::allocations(), before);
  const Tensor control({1});
  EXPECT_GT(test::allocations(), before) << "the counter does not count";
}

}  // namespace
}  // namespace riverrun::fixed
