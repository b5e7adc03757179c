#include "riverrun/insight/gate_trace.h"

#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "riverrun/core/error.h"

#include "tests/insight/networks.h"

namespace riverrun::insight {
namespace {

constexpr std::int64_t kSteps = 7;

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

Tensor piece(const Tensor& x, std::int64_t begin, std::int64_t end) {
  const auto size = static_cast<std::size_t>(x.size(2));
  return {Shape{end - begin, 1, x.size(2)},
          x.values().subspan(static_cast<std::size_t>(begin) * size,
                             static_cast<std::size_t>(end - begin) * size)};
}

TEST(GateTrace, ShowsTheGatesOfAnLSTM) {
  LSTM net({.input_size = 3, .hidden_size = 5, .num_layers = 2, .seed = 2});
  const Tensor x = test::noise({kSteps, 1, 3});
  const ExactRecurrent exact(net);
  const ExactRecurrent::Run run = exact.forward(x);
  GateTrace trace(net);
  std::int64_t t = 0;
  trace.read(x, [&](std::span<const LayerStep> layers) {
    ASSERT_EQ(layers.size(), 2U);
    for (std::size_t l = 0; l < 2; ++l) {
      for (std::size_t unit = 0; unit < 5; ++unit) {
        const auto gate = [&](int g) { return sigmoid(run.gate(l, t, 0, g)[unit]); };
        EXPECT_NEAR(layers[l].opening(0)[unit], gate(0), 1e-14);  // i
        EXPECT_NEAR(layers[l].opening(1)[unit], gate(1), 1e-14);  // f
        EXPECT_NEAR(layers[l].opening(2)[unit], gate(3), 1e-14);  // o, behind g
        EXPECT_NEAR(layers[l].retention[unit], gate(1), 1e-14);
        EXPECT_EQ(layers[l].states[0][unit], run.state(l, t + 1, 0, 0)[unit]);
        EXPECT_EQ(layers[l].memory()[unit], run.state(l, t + 1, 0, 1)[unit]);
      }
    }
    ++t;
  });
  EXPECT_EQ(t, kSteps);
}

TEST(GateTrace, AGRUKeepsByItsUpdateGateAndAPlainNetworkNothing) {
  GRU gru({.input_size = 2, .hidden_size = 4});
  std::int64_t seen = 0;
  GateTrace(gru).read(test::noise({kSteps, 1, 2}), [&](std::span<const LayerStep> layers) {
    ++seen;
    for (std::size_t unit = 0; unit < 4; ++unit) {
      EXPECT_NEAR(layers[0].retention[unit], layers[0].opening(1)[unit], 1e-14);  // z
    }
  });
  RNN rnn({.input_size = 2, .hidden_size = 4});
  GateTrace(rnn).read(test::noise({kSteps, 1, 2}), [&](std::span<const LayerStep> layers) {
    ++seen;
    EXPECT_TRUE(layers[0].openings.empty());
    for (const double kept : layers[0].retention) EXPECT_EQ(kept, 0);
  });
  EXPECT_EQ(seen, 2 * kSteps);
}

TEST(GateTrace, PiecesGiveTheSameAsTheWhole) {
  for (const CellDescriptor* cell : test::all_cells()) {
    Recurrent net(*cell, {.input_size = 3, .hidden_size = 4, .num_layers = 2, .seed = 5});
    const Tensor x = test::noise({kSteps, 1, 3}, 9);
    using Seen = std::vector<std::vector<double>>;
    const auto look = [](Seen& seen) {
      return [&seen](std::span<const LayerStep> layers) {
        for (const LayerStep& layer : layers) {
          seen.emplace_back(layer.openings.begin(), layer.openings.end());
          seen.emplace_back(layer.retention.begin(), layer.retention.end());
          for (const auto state : layer.states) seen.emplace_back(state.begin(), state.end());
        }
      };
    };
    Seen whole;
    GateTrace(net).read(x, look(whole));
    Seen pieces;
    GateTrace trace(net);
    trace.read(piece(x, 0, 3), look(pieces));
    trace.read(piece(x, 3, 4), look(pieces));
    trace.read(piece(x, 4, kSteps), look(pieces));
    EXPECT_EQ(pieces, whole) << cell->name;
  }
}

TEST(GateTrace, RefusesWhatDoesNotFit) {
  LSTM net({.input_size = 3, .hidden_size = 5});
  GateTrace trace(net);
  EXPECT_THROW(trace.read(Tensor({2, 1, 4}), [](auto) {}), ShapeError);
  trace.read(Tensor({2, 1, 3}), [](auto) {});
  EXPECT_THROW(trace.read(Tensor({2, 2, 3}), [](auto) {}), ShapeError);
  LSTM both({.input_size = 3, .hidden_size = 5, .bidirectional = true});
  EXPECT_THROW(GateTrace{both}, ConfigError);
}

}  // namespace
}  // namespace riverrun::insight
