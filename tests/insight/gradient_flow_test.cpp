#include "riverrun/insight/gradient_flow.h"

#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include "riverrun/core/error.h"
#include "riverrun/nn/init.h"
#include "riverrun/nn/loss.h"

#include "tests/insight/networks.h"

namespace riverrun::insight {
namespace {

using test::noise;

TEST(GradientFlow, IsTheMeanOfTheSequencesNorms) {
  LSTM net({.input_size = 3, .hidden_size = 8, .num_layers = 2, .seed = 3});
  const ExactRecurrent exact(net);
  const Tensor x = noise({20, 11, 3});  // more sequences than are taken at once
  const std::vector<GradientCurve> curves = gradient_flow(exact, x, random_direction(5));
  ASSERT_EQ(curves.size(), 4u);
  std::vector<std::vector<double>> sums(4, std::vector<double>(21));
  for (std::int64_t b = 0; b < 11; ++b) {
    const ExactRecurrent::Run run = exact.forward(sequences(x, b, 1));
    exact.backward(run, random_direction(5)(run, b), [&](const ExactRecurrent::StateGradient& g) {
      sums[g.layer * 2 + g.state][static_cast<std::size_t>(g.lag)] += std::exp(g.log_norm()) / 11;
    });
  }
  for (std::size_t c = 0; c < 4; ++c) {
    EXPECT_EQ(curves[c].layer, c / 2);
    EXPECT_EQ(curves[c].state, c % 2);
    for (std::size_t lag = 0; lag <= 20; ++lag) {
      EXPECT_NEAR(std::exp(curves[c].log_norms[lag]), sums[c][lag], 1e-12);
    }
  }
  EXPECT_NEAR(curves[2].log_norms[0], 0, 1e-12);  // the norm of a unit vector
}

TEST(GradientFlow, OfTheLastTokenIsTheTapes) {
  constexpr std::int64_t kBatch = 3;
  LSTM net({.input_size = 3, .hidden_size = 8, .seed = 3});
  Linear decoder({.in_features = 8, .out_features = 5, .seed = 4});
  const std::vector<std::int32_t> targets = {4, 0, 2};
  const Tensor x = noise({6, kBatch, 3});

  Tape tape;
  Tensor last({kBatch, 8});
  const Tensor output = net.forward(x).output;
  std::copy_n(output.data() + 5 * kBatch * 8, kBatch * 8, last.data());
  const Var h = tape.input(last, true);
  tape.backward(cross_entropy(decoder.forward(tape, h), targets));

  const ExactRecurrent::Run run = ExactRecurrent(net).forward(x);
  const std::vector<double> grad = last_token_loss(decoder, targets)(run, 0);
  ASSERT_EQ(grad.size(), static_cast<std::size_t>(kBatch) * 8);
  for (std::size_t i = 0; i < grad.size(); ++i) {
    // The tape's loss is the mean over the batch.
    EXPECT_NEAR(grad[i], kBatch * static_cast<double>(h.grad().data()[i]), 1e-5);
  }
  // A part of the batch has its own targets.
  const ExactRecurrent::Run second = ExactRecurrent(net).forward(sequences(x, 1, 1));
  const std::vector<double> alone = last_token_loss(decoder, targets)(second, 1);
  for (std::size_t i = 0; i < 8; ++i) EXPECT_NEAR(alone[i], grad[8 + i], 1e-12);

  EXPECT_THROW(static_cast<void>(last_token_loss(decoder, {0, 5, 0})), ConfigError);
  EXPECT_THROW(static_cast<void>(last_token_loss(decoder, {0, -1, 0})), ConfigError);
}

// A damaged decoder must not look like a cell without memory.
TEST(GradientFlow, RefusesALossThatIsNoNumber) {
  LSTM net({.input_size = 3, .hidden_size = 8});
  Linear decoder({.in_features = 8, .out_features = 5});
  const Tensor x = noise({6, 2, 3});
  for (const float damaged :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    decoder.parameters().back().parameter->mutable_value().data()[3] = damaged;
    EXPECT_THROW(
        static_cast<void>(gradient_flow(ExactRecurrent(net), x, last_token_loss(decoder, {0, 1}))),
        NumericError);
  }
  // Finite weights, whose logits only a double can hold.
  decoder.parameters().back().parameter->mutable_value().fill(3.4e38f);
  decoder.parameters().front().parameter->mutable_value().fill(3.4e38f);
  EXPECT_THROW(
      static_cast<void>(gradient_flow(ExactRecurrent(net), x, last_token_loss(decoder, {0, 1}))),
      NumericError);
}

TEST(GradientFlow, RefusesStatesAndGatesThatFloat32CannotHold) {
  for (const char* huge : {"weight_ih_l0", "weight_hh_l0"}) {
    LSTM net({.input_size = 3, .hidden_size = 4});
    for (const NamedParameter& named : net.parameters()) {
      named.parameter->mutable_value().fill(named.name == huge ? 3e38f : 1.0f);
    }
    Tensor x(Shape{6, 2, 3});
    x.fill(1.0f);
    EXPECT_THROW(static_cast<void>(ExactRecurrent(net).forward(x)), NumericError) << huge;
  }
}

// What the whole is about: without memory nothing, with tanh a few steps, with a road all of them.
TEST(GradientFlow, CellsDifferInHowFarItReaches) {
  constexpr std::int64_t kSteps = 500;
  const Tensor x = noise({kSteps, 4, 8});
  const auto horizon = [&](const char* cell, const Initialization& how, std::size_t state) {
    Recurrent net(find_cell(cell), {.input_size = 8, .hidden_size = 32, .seed = 1});
    initialize(net, how, 1);
    return gradient_flow(ExactRecurrent(net), x, random_direction(1))[state].horizon();
  };
  EXPECT_EQ(horizon("memoryless", {}, 0).fate, Fate::kNone);
  const MemoryHorizon plain = horizon("rnn_tanh", {}, 0);
  EXPECT_EQ(plain.fate, Fate::kVanishes);
  EXPECT_LT(plain.lag.value(), 30);
  EXPECT_LT(plain.log_growth.value(), std::log(0.9));
  const MemoryHorizon forgets = horizon("lstm", {}, 1);
  const MemoryHorizon keeps = horizon("lstm", {.forget_bias = 1.0f}, 1);
  EXPECT_GT(keeps.lag.value(), forgets.lag.value());
  EXPECT_EQ(horizon("lstm", {.chrono_steps = kSteps}, 1).fate, Fate::kCarries);
}

TEST(GradientFlow, RoundLags) {
  EXPECT_EQ(round_lags(1), (std::vector<std::int64_t>{1}));
  EXPECT_EQ(round_lags(50), (std::vector<std::int64_t>{1, 2, 5, 10, 20, 50}));
  EXPECT_EQ(round_lags(123), (std::vector<std::int64_t>{1, 2, 5, 10, 20, 50, 100, 123}));
  EXPECT_TRUE(round_lags(0).empty());
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  const std::vector<std::int64_t> most = round_lags(kMost);
  EXPECT_EQ(most.size(), 3u * 19 + 1);  // up to 5e18
  EXPECT_EQ(most.back(), kMost);
}

TEST(GradientFlow, RefusesWhatCannotBe) {
  RNN net({.input_size = 3, .hidden_size = 4});
  const ExactRecurrent exact(net);
  EXPECT_THROW(static_cast<void>(gradient_flow(exact, Tensor({5, 3}), random_direction(1))),
               ShapeError);
  EXPECT_THROW(static_cast<void>(gradient_flow(exact, Tensor({5, 2, 4}), random_direction(1))),
               ShapeError);
  EXPECT_THROW(static_cast<void>(gradient_flow(exact, Tensor({5, 0, 3}), random_direction(1))),
               ShapeError);
}

}  // namespace
}  // namespace riverrun::insight
