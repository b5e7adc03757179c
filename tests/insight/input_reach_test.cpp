#include "riverrun/insight/input_reach.h"

#include <cmath>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "riverrun/core/error.h"
#include "riverrun/nn/cells.h"
#include "riverrun/nn/init.h"

#include "tests/insight/networks.h"

namespace riverrun::insight {
namespace {

using test::noise;

constexpr double kNone = -std::numeric_limits<double>::infinity();

/// Weights ih and hh that are the identity, times `factor` the latter, and no biases.
void make_identity(Recurrent& net, float factor) {
  for (const NamedParameter& named : net.parameters()) {
    Tensor& value = named.parameter->mutable_value();
    const bool is_matrix = value.rank() == 2;
    for (std::int64_t i = 0; i < value.elements(); ++i) {
      const bool diagonal = is_matrix && i / value.size(1) == i % value.size(1);
      value.data()[i] = diagonal ? named.name.starts_with("weight_hh") ? factor : 1.0f : 0.0f;
    }
  }
}

/// ∂loss/∂h of the last step of each sequence alone.
StackGradient of_last(Tensor x, std::int64_t features) {
  const std::int64_t steps = x.size(0);
  const std::int64_t batch = x.size(1);
  return {.x = std::move(x),
          .answered = std::vector<std::int64_t>(static_cast<std::size_t>(batch), steps - 1),
          .output = noise({steps, batch, features}, 3)};
}

/// The norm of row (t, b).
double norm(const Tensor& tensor, std::int64_t t, std::int64_t b) {
  double sum = 0;
  for (std::int64_t i = 0; i < tensor.size(2); ++i) {
    const float v = tensor.data()[(t * tensor.size(1) + b) * tensor.size(2) + i];
    sum += static_cast<double>(v) * static_cast<double>(v);
  }
  return std::sqrt(sum);
}

TEST(InputReach, OfAnIdentityHalvesWithEachStep) {
  RNN net({.input_size = 4, .hidden_size = 4}, Nonlinearity::kRelu);
  make_identity(net, 0.5f);
  Tensor x({10, 2, 4});
  for (float& value : x.values()) value = 1;  // relu lets all pass
  const StackGradient given = of_last(x, 4);
  const InputReach reach = input_reach(net, given);
  ASSERT_EQ(reach.back.log_norms.size(), 10u);
  EXPECT_TRUE(reach.ahead.log_norms.empty());
  const double first = norm(given.output, 9, 0);
  const double second = norm(given.output, 9, 1);
  const double at_zero = 0.5 * std::log((first * first + second * second) / 2);
  for (std::size_t lag = 0; lag < 10; ++lag) {
    EXPECT_NEAR(reach.back.log_norms[lag], at_zero - static_cast<double>(lag) * std::log(2.0),
                1e-5);
  }
  // A hundredth after log2(100) steps more.
  ASSERT_TRUE(reach.back.horizon().has_value());
  EXPECT_NEAR(*reach.back.horizon()->lag, 1 + std::log2(100.0), 1e-3);
}

TEST(InputReach, OfACellWithoutMemoryIsNoneBeyondTheStepItself) {
  for (const bool bidirectional : {false, true}) {
    Recurrent net(find_cell("memoryless"), {.input_size = 3,
                                            .hidden_size = 5,
                                            .num_layers = 2,
                                            .bidirectional = bidirectional,
                                            .seed = 2});
    StackGradient given = of_last(noise({6, 2, 3}), bidirectional ? 10 : 5);
    given.answered = {3, 2};
    const InputReach reach = input_reach(net, given);
    EXPECT_TRUE(std::isfinite(reach.back.log_norms[0]));
    for (std::size_t lag = 1; lag < reach.back.log_norms.size(); ++lag) {
      EXPECT_EQ(reach.back.log_norms[lag], kNone) << lag;
    }
    EXPECT_EQ(reach.back.horizon()->fate, Fate::kNone);
    if (!bidirectional) continue;
    EXPECT_NEAR(reach.ahead.log_norms[0], reach.back.log_norms[0], 1e-6);
    for (std::size_t lag = 1; lag < reach.ahead.log_norms.size(); ++lag) {
      EXPECT_EQ(reach.ahead.log_norms[lag], kNone) << lag;
    }
  }
}

TEST(InputReach, IsTheDerivativeByFiniteDifferences) {
  LSTM net({.input_size = 2, .hidden_size = 6, .num_layers = 2, .bidirectional = true, .seed = 9});
  const Tensor x = noise({7, 1, 2}, 5);
  const StackGradient given{.x = x, .answered = {2}, .output = noise({7, 1, 12}, 6)};
  const InputReach reach = input_reach(net, given);
  const auto loss = [&](const Tensor& read) {
    const Tensor output = net.forward(read).output;
    double sum = 0;
    for (std::int64_t i = 0; i < 12; ++i) {
      sum += static_cast<double>(output.data()[2 * 12 + i]) *
             static_cast<double>(given.output.data()[2 * 12 + i]);
    }
    return sum;
  };
  for (std::int64_t t = 0; t < 7; ++t) {
    double squares = 0;
    for (std::int64_t i = 0; i < 2; ++i) {
      constexpr float kStep = 1e-2f;
      Tensor above = x;
      Tensor below = x;
      above.data()[t * 2 + i] += kStep;
      below.data()[t * 2 + i] -= kStep;
      const double slope = (loss(above) - loss(below)) / (2 * static_cast<double>(kStep));
      squares += slope * slope;
    }
    const std::vector<double>& curve = t <= 2 ? reach.back.log_norms : reach.ahead.log_norms;
    const auto lag = static_cast<std::size_t>(std::abs(t - 2));
    EXPECT_NEAR(std::exp(curve[lag]), std::sqrt(squares), 1e-3 + 0.01 * std::sqrt(squares)) << t;
  }
  EXPECT_EQ(reach.back.log_norms.size(), 3u);
  EXPECT_EQ(reach.ahead.log_norms.size(), 5u);
}

TEST(InputReach, AheadIsBackOfTheMirroredNetwork) {
  GRU net({.input_size = 3, .hidden_size = 4, .bidirectional = true, .seed = 4});
  GRU mirrored = net.clone();
  ParameterList to = mirrored.parameters();
  for (const NamedParameter& from : net.parameters()) {
    const std::size_t suffix = from.name.find("_reverse");
    const std::string other =
        suffix == std::string::npos ? from.name + "_reverse" : from.name.substr(0, suffix);
    for (const NamedParameter& named : to) {
      if (named.name == other) named.parameter->set_value(from.parameter->value());
    }
  }
  const Tensor x = noise({5, 1, 3}, 8);
  const Tensor g = noise({5, 1, 8}, 9);
  Tensor x_mirrored(x.shape());
  Tensor g_mirrored(g.shape());
  for (std::int64_t t = 0; t < 5; ++t) {
    std::copy_n(x.data() + t * 3, 3, x_mirrored.data() + (4 - t) * 3);
    std::copy_n(g.data() + t * 8, 4, g_mirrored.data() + (4 - t) * 8 + 4);
    std::copy_n(g.data() + t * 8 + 4, 4, g_mirrored.data() + (4 - t) * 8);
  }
  const InputReach reach = input_reach(net, {.x = x, .answered = {1}, .output = g});
  const InputReach other =
      input_reach(mirrored, {.x = x_mirrored, .answered = {3}, .output = g_mirrored});
  ASSERT_EQ(reach.ahead.log_norms.size(), 4u);
  ASSERT_EQ(other.back.log_norms.size(), 4u);
  for (std::size_t lag = 0; lag < 4; ++lag) {
    EXPECT_NEAR(reach.ahead.log_norms[lag], other.back.log_norms[lag], 1e-4);
  }
}

TEST(InputReach, OfLastStatesIsThatOfTheOutputThere) {
  // Of sequences of different lengths: the last h is the output at each one's last step.
  GRU net({.input_size = 3, .hidden_size = 4, .seed = 4});
  const Tensor x = noise({6, 2, 3}, 8);
  Tensor h = noise({1, 2, 4}, 9);
  Tensor output({6, 2, 4});
  std::copy_n(h.data(), 4, output.data() + (5 * 2 + 0) * 4);
  std::copy_n(h.data() + 4, 4, output.data() + (2 * 2 + 1) * 4);
  const InputReach by_output =
      input_reach(net, {.x = x, .lengths = {6, 3}, .answered = {5, 2}, .output = output});
  const InputReach by_state = input_reach(net, {.x = x, .lengths = {6, 3}, .state = {h}});
  ASSERT_EQ(by_state.back.log_norms.size(), 6u);
  for (std::size_t lag = 0; lag < 6; ++lag) {
    EXPECT_NEAR(by_state.back.log_norms[lag], by_output.back.log_norms[lag], 1e-5);
  }
}

TEST(InputReach, OfBothEndsIsCountedFromEach) {
  // The forward half of the last states is at the end, the reverse half at the beginning.
  RNN net({.input_size = 2, .hidden_size = 2, .bidirectional = true}, Nonlinearity::kRelu);
  make_identity(net, 0.5f);
  Tensor x({4, 1, 2});
  for (float& value : x.values()) value = 1;
  Tensor h({2, 1, 2}, {1.0f, 0.0f, 3.0f, 0.0f});
  const InputReach reach = input_reach(net, {.x = x, .state = {h}});
  for (std::size_t lag = 0; lag < 4; ++lag) {
    EXPECT_NEAR(std::exp(reach.back.log_norms[lag]), std::pow(0.5, lag), 1e-6);
    EXPECT_NEAR(std::exp(reach.ahead.log_norms[lag]), 3 * std::pow(0.5, lag), 1e-6);
  }
}

TEST(InputReach, LeavesNoGradientsInTheNetwork) {
  GRU net({.input_size = 3, .hidden_size = 4});
  (void)input_reach(net, of_last(noise({6, 2, 3}), 4));
  for (const NamedParameter& named : net.parameters()) EXPECT_TRUE(named.parameter->grad().empty());
}

TEST(InputReach, RefusesWhatDoesNotFit) {
  GRU net({.input_size = 3, .hidden_size = 4});
  StackGradient given = of_last(noise({6, 2, 3}), 4);
  given.answered = {5};
  EXPECT_THROW((void)input_reach(net, given), ShapeError);
  given.answered = {5, 6};
  EXPECT_THROW((void)input_reach(net, given), ConfigError);
  given.answered = {5, 4};
  given.lengths = {6, 4};
  EXPECT_THROW((void)input_reach(net, given), ConfigError);
  EXPECT_THROW((void)input_reach(net, {.x = noise({6, 2, 3})}), ShapeError);
}

}  // namespace
}  // namespace riverrun::insight
