// Gradients by the derived backward programs against Jacobians that know nothing of them: forward
// mode (Dual), which is itself compared with central differences.
#include "riverrun/insight/jacobian.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include <gtest/gtest.h>

#include "riverrun/core/error.h"

#include "tests/insight/networks.h"

namespace riverrun::insight {
namespace {

using test::all_cells;
using test::noise;

/// The parameters of a network of one layer.
reference::Weights weights_of(Recurrent& net) {
  const CellDescriptor& cell = net.cell();
  const std::int64_t hidden = net.options().hidden_size;
  reference::Weights weights(cell, net.options().input_size, hidden);
  for (const NamedParameter& p : net.parameters()) {
    const std::vector<double> v(p.parameter->value().values().begin(),
                                p.parameter->value().values().end());
    if (p.name == "weight_ih_l0") weights.weight_ih.data = v;
    if (p.name == "weight_hh_l0") weights.weight_hh.data = v;
    if (p.name == "bias_ih_l0") weights.bias_ih = v;
    if (p.name == "bias_hh_l0") weights.bias_hh = v;
    for (std::size_t i = 0; i < cell.params.size(); ++i) {
      if (p.name != cell.params[i] + "_l0") continue;
      std::copy(v.begin(), v.end(),
                weights.params.data.begin() + static_cast<std::ptrdiff_t>(i) * hidden);
    }
  }
  return weights;
}

TEST(Jacobian, OfAStepIsThatOfCentralDifferences) {
  constexpr double kWidth = 1e-5;
  constexpr std::int64_t kHidden = 6;
  for (const CellDescriptor* cell : all_cells()) {
    Recurrent net(*cell, {.input_size = 3, .hidden_size = kHidden, .seed = 3});
    const Tensor x = noise({3, 1, 3});
    const ExactRecurrent exact(net);
    const ExactRecurrent::Run run = exact.forward(x);
    const auto states = static_cast<std::int64_t>(cell->states.size());
    const reference::Layer layer(*cell, weights_of(net));
    const std::int64_t t = 2;
    reference::Matrix input(1, 3);
    for (std::int64_t i = 0; i < 3; ++i) input(0, i) = x.data()[t * 3 + i];
    const auto after = [&](std::int64_t s, std::int64_t unit, double shift) {
      reference::Matrix before(states, kHidden);
      for (std::int64_t i = 0; i < states; ++i) {
        for (std::int64_t u = 0; u < kHidden; ++u) {
          before(i, u) =
              run.state(0, t, 0, static_cast<std::size_t>(i))[static_cast<std::size_t>(u)];
        }
      }
      before(s, unit) += shift;
      return layer.forward(input, before).states.back().data;
    };
    const reference::Matrix jacobian = step_jacobian(exact, run, t, 0);
    for (std::int64_t s = 0; s < states; ++s) {
      for (std::int64_t u = 0; u < kHidden; ++u) {
        const std::vector<double> above = after(s, u, kWidth);
        const std::vector<double> below = after(s, u, -kWidth);
        for (std::int64_t row = 0; row < states * kHidden; ++row) {
          const auto r = static_cast<std::size_t>(row);
          ASSERT_NEAR(jacobian(row, s * kHidden + u), (above[r] - below[r]) / (2 * kWidth), 1e-8)
              << cell->name << " " << cell->states[static_cast<std::size_t>(s)];
        }
      }
    }
  }
}

/// The largest difference between the gradients of all layers, states and lags and the products of
/// Jacobians, relative to the largest gradient of that lag.
double difference(const CellDescriptor& cell, std::int64_t layers, std::int64_t steps) {
  constexpr std::int64_t kHidden = 5;
  constexpr std::int64_t kBatch = 6;
  Recurrent net(cell, {.input_size = 3, .hidden_size = kHidden, .num_layers = layers, .seed = 3});
  const ExactRecurrent exact(net);
  const ExactRecurrent::Run run = exact.forward(noise({steps, kBatch, 3}));
  const Tensor upstream = noise({kBatch, kHidden}, 7);
  const std::vector<double> grad_output(upstream.values().begin(), upstream.values().end());
  const std::int64_t states = std::ssize(cell.states);
  const std::int64_t size = layers * states * kHidden;

  std::vector<std::int64_t> lags(static_cast<std::size_t>(steps));
  std::iota(lags.begin(), lags.end(), 1);
  double worst = 0;
  std::int64_t seen = 0;
  for (const std::int64_t sequence : {std::int64_t{0}, kBatch - 1}) {
    const std::vector<ScaledMatrix> products = jacobian_products(exact, run, sequence, lags);
    exact.backward(run, grad_output, [&](const ExactRecurrent::StateGradient& g) {
      if (g.sequence != sequence || g.lag == 0) return;
      const ScaledMatrix& product = products[static_cast<std::size_t>(g.lag - 1)];
      // grad_output is of the last layer's h: the rows of the product that are multiplied.
      const std::int64_t first = (layers - 1) * states * kHidden;
      const auto expected = [&](std::int64_t column) {
        double sum = 0;
        for (std::int64_t u = 0; u < kHidden; ++u) {
          sum += grad_output[static_cast<std::size_t>(sequence * kHidden + u)] *
                 product.values(first + u, column);
        }
        return sum;
      };
      double scale = 0;
      for (std::int64_t c = 0; c < size; ++c) scale = std::max(scale, std::abs(expected(c)));
      if (scale == 0) scale = 1;
      for (std::int64_t u = 0; u < kHidden; ++u) {
        const auto block =
            static_cast<std::int64_t>(g.layer) * states + static_cast<std::int64_t>(g.state);
        const double got =
            std::ldexp(g.values[static_cast<std::size_t>(u)], g.exponent - product.exponent);
        const double apart = std::abs(got - expected(block * kHidden + u)) / scale;
        worst = apart <= worst ? worst : apart;  // NaN is kept
      }
      ++seen;
    });
  }
  EXPECT_EQ(seen, 2 * layers * states * steps);
  return worst;
}

TEST(Jacobian, GradientsAreTheProducts) {
  for (const CellDescriptor* cell : all_cells()) {
    for (const std::int64_t layers : {1, 2}) {
      EXPECT_LE(difference(*cell, layers, 12), 1e-12) << cell->name << ", " << layers << " layers";
    }
  }
}

// After 3,000 steps a plain network's gradient is far below the smallest double.
TEST(Jacobian, GradientsAreTheProductsOverManySteps) {
  for (const char* cell : {"rnn_tanh", "lstm", "gru"}) {
    EXPECT_LE(difference(find_cell(cell), 1, 3000), 1e-9) << cell;
  }
  EXPECT_LE(difference(find_cell("rnn_tanh"), 2, 1000), 1e-9);
}

TEST(Jacobian, LargestSingularValue) {
  reference::Matrix matrix(3, 2);
  matrix.data = {1, 2, 3, 4, 5, 6};
  // The square root of the larger root of λ² - 91 λ + 24 (the characteristic polynomial of MᵀM).
  EXPECT_NEAR(largest_singular_value(matrix), std::sqrt((91 + std::sqrt(91.0 * 91 - 96)) / 2),
              1e-12);
  EXPECT_EQ(largest_singular_value(reference::Matrix(4, 4)), 0.0);
  // A rotation, scaled.
  matrix = reference::Matrix(2, 2);
  matrix.data = {3 * std::cos(0.3), -3 * std::sin(0.3), 3 * std::sin(0.3), 3 * std::cos(0.3)};
  EXPECT_NEAR(largest_singular_value(matrix), 3, 1e-12);
  for (const double scale : {1e-200, 1e200}) {  // whose squares no double holds
    reference::Matrix far = matrix;
    for (double& value : far.data) value *= scale;
    EXPECT_NEAR(largest_singular_value(far) / scale, 3, 1e-12);
  }
}

TEST(Jacobian, RefusesInvalidLags) {
  RNN net({.input_size = 3, .hidden_size = 4});
  const ExactRecurrent exact(net);
  const ExactRecurrent::Run run = exact.forward(noise({5, 1, 3}));
  for (const std::vector<std::int64_t>& lags :
       {std::vector<std::int64_t>{0}, {2, 2}, {3, 1}, {6}}) {
    EXPECT_THROW(static_cast<void>(jacobian_products(exact, run, 0, lags)), ConfigError);
  }
}

}  // namespace
}  // namespace riverrun::insight
