#include "riverrun/fixed/recurrent.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <span>
#include <type_traits>
#include <vector>

#include <gtest/gtest.h>

#include "riverrun/core/random.h"
#include "riverrun/nn/recurrent.h"

#include "tests/cell/odd_cells.h"

namespace riverrun::fixed {
namespace {

/// Weights of a layer, owned.
template <class Layer>
struct Owned;

template <class Cell, int kInput, int kHidden, class Target>
struct Owned<Recurrent<Cell, kInput, kHidden, Target>> {
  using Weights = RecurrentWeights<Cell, kInput, kHidden>;
  static constexpr std::size_t kRows = Weights::kRows;
  std::array<float, kRows * kInput> weight_ih;
  std::array<float, kRows * Weights::kRecurrent> weight_hh;
  std::array<float, kRows> bias_ih, bias_hh;
  std::array<std::array<float, kHidden>, kParamCount<Cell>> params;

  Owned() {
    Random random(1);
    const float bound = 1.0f / std::sqrt(static_cast<float>(kHidden));
    random.fill_uniform(weight_ih, -bound, bound);
    random.fill_uniform(weight_hh, -bound, bound);
    random.fill_uniform(bias_ih, -bound, bound);
    random.fill_uniform(bias_hh, -bound, bound);
    for (auto& param : params) random.fill_uniform(param, -bound, bound);
  }

  [[nodiscard]] Weights weights() const {
    return [&]<std::size_t... kP>(std::index_sequence<kP...>) {
      return Weights{.weight_ih = weight_ih,
                     .weight_hh = weight_hh,
                     .bias_ih = bias_ih,
                     .bias_hh = bias_hh,
                     .params = {std::span<const float, kHidden>(params[kP])...}};
    }
    (std::make_index_sequence<kParamCount<Cell>>());
  }

  /// One step in double precision, straight from the cell.
  void step(std::span<const float> x, std::vector<std::vector<double>>& states) const {
    constexpr GateLayout kLayout = kGateLayout<Cell>;
    const std::vector<double> h = states[0];
    for (int u = 0; u < kHidden; ++u) {
      Gates<Real, kGateValues<Cell>> gates{};
      for (int g = 0; g < kLayout.gates; ++g) {
        const auto row = static_cast<std::size_t>(g * kHidden + u);
        double input = bias_ih[row];
        for (int k = 0; k < kInput; ++k) input += x[k] * double{weight_ih[row * kInput + k]};
        double recurrent = 0.0;
        if (is_recurrent<Cell>()) {
          recurrent = bias_hh[row];
          for (int k = 0; k < kHidden; ++k) recurrent += h[k] * weight_hh[row * kHidden + k];
        }
        Real& a = gates[kLayout.input_slot[g]];
        a = a + input;
        Real& b = gates[kLayout.recurrent_slot[g]];
        b = b + recurrent;
      }
      States<Real, kStateCount<Cell>> before;
      for (std::size_t s = 0; s < before.size(); ++s) before[s] = s == 0 ? h[u] : states[s][u];
      Params<Real, kParamCount<Cell>> own;
      for (std::size_t p = 0; p < own.size(); ++p) own[p] = params[p][u];
      const auto after = cell_step<Cell, Real>(gates, before, own);
      for (std::size_t s = 0; s < after.size(); ++s) states[s][u] = after[s].value;
    }
  }
};

/// Some steps on noise, compared with double precision: the output and every state.
template <class Cell, int kInput, int kHidden, class Target = NativeTarget>
void expect_the_reference() {
  using Layer = Recurrent<Cell, kInput, kHidden, Target>;
  const Owned<Layer> owned;
  Layer layer;
  layer.set_weights(owned.weights());
  std::vector<std::vector<double>> states(kStateCount<Cell>, std::vector<double>(kHidden));
  Random random(2);
  std::array<float, kInput> x;
  std::array<float, kHidden> y;
  for (int t = 0; t < 20; ++t) {
    random.fill_normal(x, 0.0f, 1.0f);
    layer.step(x, y);
    owned.step(x, states);
    detail::unrolled<static_cast<int>(kStateCount<Cell>)>([&](auto s) {
      const std::span<const float> state = layer.template state<s>();
      for (std::size_t u = 0; u < kHidden; ++u) {
        const double expected = states[s][u];
        ASSERT_NEAR(state[u], expected, 2e-6 * std::max(1.0, std::abs(expected)))
            << Cell::name << " " << kInput << " -> " << kHidden << ", step " << t << ", state " << s
            << " of unit " << u;
        if (s == 0) {
          ASSERT_EQ(y[u], state[u]);
        }
      }
    });
  }
}

template <class Cell>
class FixedRecurrent : public testing::Test {};

using Cells = testing::Types<cells::LSTM, cells::GRU, cells::RNNTanh, cells::RNNRelu,
                             odd_cells::Everything, odd_cells::SLSTM, odd_cells::IndRNN,
                             odd_cells::AllSplit, odd_cells::Degenerate, odd_cells::CoupledLSTM>;
TYPED_TEST_SUITE(FixedRecurrent, Cells);

TYPED_TEST(FixedRecurrent, IsTheCell) {
  expect_the_reference<TypeParam, 1, 1>();
  expect_the_reference<TypeParam, 1, 8>();
  expect_the_reference<TypeParam, 3, 7>();
  expect_the_reference<TypeParam, 13, 32>();
  expect_the_reference<TypeParam, 1, 40>();
}

TEST(FixedRecurrentTargets, NarrowerVectorsGiveTheSame) {
  expect_the_reference<cells::LSTM, 3, 37, Target<4, false>>();
#if defined(__AVX__)
  expect_the_reference<cells::LSTM, 3, 37, Target<8, false>>();
#endif
}

template <std::size_t kSize>
std::span<const float, kSize> fixed_view(const Parameter& parameter) {
  EXPECT_EQ(parameter.value().elements(), static_cast<std::int64_t>(kSize));
  return std::span<const float, kSize>(parameter.value().data(), kSize);
}

/// Takes the weights of a network of one layer and runs beside its stream.
template <class Layer, class Network>
void expect_the_stream(float tolerance = 1e-6f) {
  constexpr int kInput = Layer::kInputSize, kHidden = Layer::kOutputSize;
  constexpr std::size_t kRows = Layer::Weights::kRows;
  Network network({.input_size = kInput, .hidden_size = kHidden});
  const ParameterList p = network.parameters();
  ASSERT_EQ(p.size(), 4u);
  Layer layer;
  layer.set_weights({.weight_ih = fixed_view<kRows * kInput>(*p[0].parameter),
                     .weight_hh = fixed_view<kRows * kHidden>(*p[1].parameter),
                     .bias_ih = fixed_view<kRows>(*p[2].parameter),
                     .bias_hh = fixed_view<kRows>(*p[3].parameter),
                     .params = {}});
  Stream stream = network.stream();
  Random random(3);
  std::array<float, kInput> x;
  std::array<float, kHidden> y, expected;
  for (int t = 0; t < 200; ++t) {
    random.fill_normal(x, 0.0f, 1.0f);
    layer.step(x, y);
    stream.step(x, expected);
    for (int u = 0; u < kHidden; ++u) ASSERT_NEAR(y[u], expected[u], tolerance) << t << ", " << u;
  }
}

TEST(FixedRecurrentStream, IsTheStreamOfTheNetwork) {
  expect_the_stream<fixed::LSTM<1, 40>, riverrun::LSTM>();
  expect_the_stream<fixed::LSTM<1, 8>, riverrun::LSTM>();
  expect_the_stream<fixed::LSTM<3, 7>, riverrun::LSTM>();
  expect_the_stream<fixed::GRU<1, 40>, riverrun::GRU>();
  expect_the_stream<fixed::GRU<13, 32>, riverrun::GRU>();
  expect_the_stream<fixed::RNN<3, 7>, riverrun::RNN>();
  expect_the_stream<fixed::RNN<13, 32>, riverrun::RNN>();
}

TEST(FixedRecurrentState, IsCarriedCopiedAndReset) {
  using Layer = fixed::LSTM<2, 5>;
  const Owned<Layer> owned;
  Layer layer;
  layer.set_weights(owned.weights());
  const std::array<float, 2> x = {0.5f, -1.0f};
  std::array<float, 5> first, second, y;
  layer.step(x, first);
  Layer copy = layer;
  layer.step(x, second);
  EXPECT_NE(first, second);
  copy.step(x, y);
  EXPECT_EQ(y, second);

  layer.reset();
  for (const float value : layer.state<0>()) EXPECT_EQ(value, 0.0f);
  for (const float value : layer.state<1>()) EXPECT_EQ(value, 0.0f);
  layer.step(x, y);
  EXPECT_EQ(y, first);

  Layer carried;
  carried.set_weights(owned.weights());
  std::ranges::copy(layer.state<0>(), carried.state<0>().begin());
  std::ranges::copy(layer.state<1>(), carried.state<1>().begin());
  carried.step(x, y);
  EXPECT_EQ(y, second);
}

/// Noise, then silence, in which states shrink by a tenth or more at each step: they must not stay
/// subnormal, with which arithmetic is slow.
template <class Cell, int kHidden>
void expect_no_subnormal_state() {
  using Layer = Recurrent<Cell, 3, kHidden>;
  Owned<Layer> owned;
  owned.bias_ih = {};
  owned.bias_hh = {};
  for (float& w : owned.weight_hh) w *= 0.3f;
  // What an LSTM and a GRU keep of their state: 0.88.
  if (kGateCount < Cell >> 1) std::fill_n(owned.bias_ih.begin() + kHidden, kHidden, 2.0f);
  // Where only W_hh keeps it, 0.9.
  if (owned.weight_hh.size() == kHidden * kHidden) {
    owned.weight_hh = {};
    for (std::size_t u = 0; u < kHidden; ++u) owned.weight_hh[u * kHidden + u] = 0.9f;
  }
  for (auto& param : owned.params) param.fill(0.9f);
  Layer layer;
  layer.set_weights(owned.weights());
  Random random(4);
  std::array<float, 3> x;
  std::array<float, kHidden> y;
  for (int t = 0; t < 50; ++t) {
    random.fill_normal(x, 0.0f, 1.0f);
    layer.step(x, y);
  }
  x.fill(0.0f);
  for (int t = 0; t < 3000; ++t) {
    layer.step(x, y);
    for (const float h : y) ASSERT_NE(std::fpclassify(h), FP_SUBNORMAL) << Cell::name;
  }
  detail::unrolled<static_cast<int>(kStateCount<Cell>)>([&](auto s) {
    for (const float value : layer.template state<s>()) {
      EXPECT_NE(std::fpclassify(value), FP_SUBNORMAL) << Cell::name << ", state " << s;
    }
  });
}

TEST(FixedRecurrentState, LeavesSubnormalNumbers) {
  expect_no_subnormal_state<cells::LSTM, 7>();
  expect_no_subnormal_state<cells::LSTM, 40>();
  expect_no_subnormal_state<cells::GRU, 7>();
  expect_no_subnormal_state<cells::GRU, 40>();
  expect_no_subnormal_state<cells::RNNTanh, 7>();
  expect_no_subnormal_state<cells::RNNTanh, 40>();
  expect_no_subnormal_state<cells::RNNRelu, 40>();
  expect_no_subnormal_state<odd_cells::IndRNN, 40>();
}

TEST(FixedRecurrentBias, MayBeLeftOut) {
  using Layer = fixed::GRU<2, 5>;
  Owned<Layer> owned;
  owned.bias_ih = {};
  owned.bias_hh = {};
  Layer with, without;
  with.set_weights(owned.weights());
  without.set_weights({.weight_ih = owned.weight_ih, .weight_hh = owned.weight_hh, .params = {}});
  const std::array<float, 2> x = {0.5f, -1.0f};
  std::array<float, 5> y, z;
  with.step(x, y);
  without.step(x, z);
  EXPECT_EQ(y, z);
}

// Sizes are the compiler's business.
template <class X, class Y>
concept Steps = requires(fixed::LSTM<2, 5>& layer, X& x, Y& y) {
  layer.step(x, y);
};
static_assert(Steps<std::array<float, 2>, std::array<float, 5>>);
static_assert(!Steps<std::array<float, 3>, std::array<float, 5>>);
static_assert(!Steps<std::array<float, 2>, std::array<float, 4>>);
static_assert(!Steps<std::vector<float>, std::array<float, 5>>);
static_assert(std::is_trivially_copyable_v<fixed::LSTM<2, 5>>);
static_assert(!std::is_same_v<Recurrent<cells::LSTM, 2, 5, Target<8, true>>,
                              Recurrent<cells::LSTM, 2, 5, Target<4, true>>>);

}  // namespace
}  // namespace riverrun::fixed
