#include "riverrun/insight/exact_recurrent.h"

#include <algorithm>
#include <cmath>
#include <mutex>
#include <tuple>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "riverrun/core/error.h"
#include "riverrun/core/threads.h"

#include "tests/insight/networks.h"

namespace riverrun::insight {
namespace {

using test::all_cells;
using test::noise;

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

/// ln of the norms, [T+1]: of one state of one layer and one sequence, by lag.
std::vector<double> log_norms(const ExactRecurrent& net, const ExactRecurrent::Run& run,
                              std::span<const double> grad_output, std::size_t layer = 0,
                              std::size_t state = 0, std::int64_t sequence = 0) {
  std::vector<double> norms(static_cast<std::size_t>(run.steps + 1));
  net.backward(run, grad_output, [&](const ExactRecurrent::StateGradient& g) {
    if (g.layer != layer || g.state != state || g.sequence != sequence) return;
    norms[static_cast<std::size_t>(g.lag)] = g.log_norm();
  });
  return norms;
}

// 5 sequences are one more than are computed together, 37 units more than one stretch of them.
TEST(ExactRecurrent, ForwardIsTheNetworks) {
  for (const CellDescriptor* cell : all_cells()) {
    Recurrent net(*cell, {.input_size = 6, .hidden_size = 37, .num_layers = 2, .seed = 3});
    const Tensor x = noise({9, 5, 6});
    const Recurrent::Output expected = net.forward(x);
    const ExactRecurrent::Run run = ExactRecurrent(net).forward(x);
    for (std::int64_t b = 0; b < 5; ++b) {
      for (std::int64_t u = 0; u < 37; ++u) {
        const auto unit = static_cast<std::size_t>(u);
        for (std::int64_t t = 0; t < 9; ++t) {
          ASSERT_NEAR(run.state(1, t + 1, b, 0)[unit], expected.output.data()[(t * 5 + b) * 37 + u],
                      1e-5)
              << cell->name;
        }
        for (std::size_t l = 0; l < 2; ++l) {
          for (std::size_t s = 0; s < cell->states.size(); ++s) {
            const float value = expected.state.tensors[s].data()[(l * 5 + b) * 37 + u];
            ASSERT_NEAR(run.state(l, 9, b, s)[unit], value, 1e-5 * (1 + std::abs(value)))
                << cell->name << " " << cell->states[s];
          }
        }
      }
    }
  }
}

TEST(ExactRecurrent, KeepsTheGates) {
  LSTM net({.input_size = 3, .hidden_size = 40, .num_layers = 2, .seed = 3});
  const ExactRecurrent::Run run = ExactRecurrent(net).forward(noise({4, 6, 3}));
  for (std::size_t l = 0; l < 2; ++l) {
    for (std::int64_t t = 0; t < 4; ++t) {
      for (std::int64_t b = 0; b < 6; ++b) {
        for (std::size_t u = 0; u < 40; ++u) {
          const auto gate = [&](int value) { return run.gate(l, t, b, value)[u]; };
          const double c =
              sigmoid(gate(1)) * run.state(l, t, b, 1)[u] + sigmoid(gate(0)) * std::tanh(gate(2));
          ASSERT_NEAR(run.state(l, t + 1, b, 1)[u], c, 1e-14);
          ASSERT_NEAR(run.state(l, t + 1, b, 0)[u], sigmoid(gate(3)) * std::tanh(c), 1e-14);
        }
      }
    }
  }
}

TEST(ExactRecurrent, AMemorylessNetworksGradientReachesNoStepBack) {
  Recurrent net(find_cell("memoryless"), {.input_size = 3, .hidden_size = 8, .num_layers = 2});
  const ExactRecurrent exact(net);
  const ExactRecurrent::Run run = exact.forward(noise({5, 1, 3}));
  for (std::size_t l = 0; l < 2; ++l) {
    const std::vector<double> norms = log_norms(exact, run, std::vector<double>(8, 1.0), l);
    EXPECT_EQ(std::isfinite(norms[0]), l == 1);
    for (std::size_t lag = 1; lag < norms.size(); ++lag) EXPECT_TRUE(std::isinf(norms[lag]));
  }
}

// With h = w·x + u·h', the gradient at lag k is u^k: with u = 0.5 far below a double's exponents.
TEST(ExactRecurrent, GradientsBelowTheExponentsOfADouble) {
  constexpr std::int64_t kSteps = 20000;
  for (const double u : {0.5, 1.0, 1.5}) {
    const CellDescriptor* indrnn = nullptr;
    for (const CellDescriptor* cell : all_cells()) {
      if (cell->name == "indrnn") indrnn = cell;
    }
    ASSERT_NE(indrnn, nullptr);
    for (const std::int64_t layers : {1, 2}) {
      Recurrent net(*indrnn, {.input_size = 1, .hidden_size = 1, .num_layers = layers});
      // A small positive bias keeps the relu open.
      for (const NamedParameter& named : net.parameters()) {
        named.parameter->mutable_value().fill(named.name.starts_with("u_") ? static_cast<float>(u)
                                                                           : 0.0f);
        if (named.name.starts_with("bias")) named.parameter->mutable_value().fill(1e-30f);
      }
      const ExactRecurrent exact(net);
      if (u > 1) {
        EXPECT_THROW(static_cast<void>(exact.forward(Tensor({kSteps, 1, 1}))), NumericError);
        continue;
      }
      const ExactRecurrent::Run run = exact.forward(Tensor({kSteps, 1, 1}));
      const std::vector<double> norms =
          log_norms(exact, run, std::vector<double>(1, 1.0), static_cast<std::size_t>(layers - 1));
      for (std::int64_t lag = 0; lag <= kSteps; lag += 1000) {
        EXPECT_NEAR(norms[static_cast<std::size_t>(lag)], static_cast<double>(lag) * std::log(u),
                    1e-9 * static_cast<double>(kSteps));
      }
    }
  }
}

// Without input a tanh network stays at 0, where its slope is 1: so the gradient at lag k is u^k,
// and k·u^k in the layer below, from which k ways lead to the end.
TEST(ExactRecurrent, AGradientThatExplodesBeyondTheExponentsOfADouble) {
  constexpr std::int64_t kSteps = 20000;
  constexpr double kU = 1.5;
  RNN net({.input_size = 1, .hidden_size = 1, .num_layers = 2});
  for (const NamedParameter& named : net.parameters()) {
    const bool is_hh = named.name.starts_with("weight_hh");
    const bool is_ih = named.name.starts_with("weight_ih");
    named.parameter->mutable_value().fill(is_hh ? static_cast<float>(kU) : is_ih ? 1.0f : 0.0f);
  }
  const ExactRecurrent exact(net);
  const ExactRecurrent::Run run = exact.forward(Tensor({kSteps, 1, 1}));
  const std::vector<double> above = log_norms(exact, run, std::vector<double>(1, 1.0), 1);
  const std::vector<double> below = log_norms(exact, run, std::vector<double>(1, 1.0), 0);
  for (std::int64_t lag = 1000; lag <= kSteps; lag += 1000) {
    const auto k = static_cast<double>(lag);
    EXPECT_NEAR(above[static_cast<std::size_t>(lag)], k * std::log(kU), 1e-9 * k);
    EXPECT_NEAR(below[static_cast<std::size_t>(lag)], k * std::log(kU) + std::log(k), 1e-9 * k);
  }
}

TEST(ExactRecurrent, TheSameBitsForAnyNumberOfThreads) {
  GRU net({.input_size = 3, .hidden_size = 40, .num_layers = 2, .seed = 3});
  const ExactRecurrent exact(net);
  const Tensor x = noise({30, 11, 3});
  const std::vector<double> grad(11 * 40, 0.1);
  const auto gradients = [&] {
    const ExactRecurrent::Run run = exact.forward(x);
    std::vector<std::tuple<std::size_t, std::int64_t, std::int64_t, double>> all;
    std::mutex mutex;
    exact.backward(run, grad, [&](const ExactRecurrent::StateGradient& g) {
      const std::scoped_lock lock(mutex);
      all.emplace_back(g.layer, g.lag, g.sequence, g.log_norm());
    });
    std::sort(all.begin(), all.end());
    return all;
  };
  const int before = num_threads();
  set_num_threads(1);
  const auto one = gradients();
  set_num_threads(3);
  const auto three = gradients();
  set_num_threads(before);
  EXPECT_EQ(one.size(), 2u * 31 * 11);
  EXPECT_EQ(one, three);
}

TEST(ExactRecurrent, RefusesWhatItCannotLookInto) {
  LSTM both({.input_size = 3, .hidden_size = 8, .bidirectional = true});
  EXPECT_THROW(ExactRecurrent{both}, ConfigError);
  LSTM projected({.input_size = 3, .hidden_size = 8, .proj_size = 2});
  EXPECT_THROW(ExactRecurrent{projected}, ConfigError);
  LSTM net({.input_size = 3, .hidden_size = 8});
  const ExactRecurrent exact(net);
  EXPECT_THROW(static_cast<void>(exact.forward(Tensor({5, 2, 4}))), ShapeError);
  EXPECT_THROW(static_cast<void>(exact.forward(Tensor({0, 2, 3}))), ShapeError);
  const ExactRecurrent::Run run = exact.forward(noise({5, 2, 3}));
  EXPECT_THROW(exact.backward(run, std::vector<double>(8), [](const auto&) {}), ShapeError);
}

}  // namespace
}  // namespace riverrun::insight
