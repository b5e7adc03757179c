#include "riverrun/nn/init.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "riverrun/core/error.h"
#include "riverrun/core/threads.h"
#include "riverrun/nn/cells.h"

namespace riverrun {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

const Tensor& value(Recurrent& network, const std::string& name) {
  for (const auto& [known, parameter] : network.parameters()) {
    if (known == name) return parameter->value();
  }
  throw ConfigError("no parameter " + name);
}

/// Gate `gate` of a bias, of `hidden` units.
std::vector<float> gate_of(const Tensor& bias, std::int64_t gate, std::int64_t hidden) {
  const float* begin = bias.data() + gate * hidden;
  return {begin, begin + hidden};
}

/// The largest difference between AᵀA and the unit matrix, for A [rows, columns].
double non_orthogonality(const float* a, std::int64_t rows, std::int64_t columns) {
  double largest = 0.0;
  for (std::int64_t i = 0; i < columns; ++i) {
    for (std::int64_t j = 0; j < columns; ++j) {
      double sum = i == j ? -1.0 : 0.0;
      for (std::int64_t r = 0; r < rows; ++r) {
        sum += static_cast<double>(a[r * columns + i]) * a[r * columns + j];
      }
      largest = std::max(largest, std::fabs(sum));
    }
  }
  return largest;
}

TEST(Initialize, NothingSetChangesNothing) {
  LSTM as_made({.input_size = 3, .hidden_size = 5});
  LSTM same({.input_size = 3, .hidden_size = 5});
  initialize(same, {}, 7);
  for (const auto& [name, parameter] : as_made.parameters()) {
    EXPECT_TRUE(std::ranges::equal(parameter->value().values(), value(same, name).values()));
  }
}

TEST(Initialize, ForgetBiasIsThatOfTheOptions) {
  LSTM by_options({.input_size = 3, .hidden_size = 5, .num_layers = 2, .forget_bias = 1.5f});
  LSTM by_call({.input_size = 3, .hidden_size = 5, .num_layers = 2});
  initialize(by_call, {.forget_bias = 1.5f}, 0);
  for (const auto& [name, parameter] : by_options.parameters()) {
    EXPECT_TRUE(std::ranges::equal(parameter->value().values(), value(by_call, name).values()));
  }
}

TEST(Initialize, ChronoSpreadsTheTimesOfAnLstmEvenly) {
  constexpr std::int64_t kHidden = 4000;
  constexpr float kSteps = 1000;
  LSTM lstm({.input_size = 1, .hidden_size = kHidden});
  initialize(lstm, {.chrono_steps = 1000}, 3);
  const std::vector<float> input = gate_of(value(lstm, "bias_ih_l0"), 0, kHidden);
  const std::vector<float> forget = gate_of(value(lstm, "bias_ih_l0"), 1, kHidden);
  double mean = 0.0;
  for (std::size_t unit = 0; unit < forget.size(); ++unit) {
    EXPECT_EQ(input[unit], -forget[unit]);
    const double steps = std::exp(static_cast<double>(forget[unit]));
    EXPECT_GE(steps, 1.0 - 1e-3);
    EXPECT_LE(steps, kSteps - 1 + 1e-3);
    mean += steps / kHidden;
  }
  // The mean of 4,000 draws has a standard deviation of 288/√4000 = 4.6 steps.
  EXPECT_NEAR(mean, kSteps / 2, 20.0);
  for (const std::int64_t gate : {0, 1}) {
    EXPECT_THAT(gate_of(value(lstm, "bias_hh_l0"), gate, kHidden), testing::Each(0.0f));
  }
  EXPECT_THAT(gate_of(value(lstm, "bias_hh_l0"), 2, kHidden), testing::Contains(testing::Ne(0.0f)));
}

TEST(Initialize, ChronoSetsTheGateByWhichAGruKeepsItsState) {
  GRU plain({.input_size = 2, .hidden_size = 6});
  GRU gru({.input_size = 2, .hidden_size = 6});
  initialize(gru, {.chrono_steps = 100}, 3);
  EXPECT_THAT(gate_of(value(gru, "bias_ih_l0"), 1, 6),
              testing::Each(testing::AllOf(testing::Ge(0.0f), testing::Le(std::log(99.0f)))));
  EXPECT_THAT(gate_of(value(gru, "bias_hh_l0"), 1, 6), testing::Each(0.0f));
  for (const std::int64_t gate : {0, 2}) {
    EXPECT_EQ(gate_of(value(gru, "bias_ih_l0"), gate, 6),
              gate_of(value(plain, "bias_ih_l0"), gate, 6));
  }
}

TEST(Initialize, LayersAndDirectionsDiffer) {
  LSTM lstm({.input_size = 2, .hidden_size = 6, .num_layers = 2, .bidirectional = true});
  initialize(lstm, {.chrono_steps = 100, .orthogonal = true}, 3);
  for (const std::string name : {"bias_ih", "weight_hh"}) {
    const float first = value(lstm, name + "_l0").values()[0];
    for (const std::string suffix : {"_l0_reverse", "_l1", "_l1_reverse"}) {
      EXPECT_NE(first, value(lstm, name + suffix).values()[0]) << name << suffix;
    }
  }
}

TEST(Initialize, EachBlockIsOrthogonalForAnyNumberOfThreads) {
  constexpr std::int64_t kHidden = 70;
  LSTM lstm({.input_size = 3, .hidden_size = kHidden, .num_layers = 2});
  initialize(lstm, {.orthogonal = true}, 5);
  for (const std::string name : {"weight_hh_l0", "weight_hh_l1"}) {
    for (std::int64_t gate = 0; gate < 4; ++gate) {
      const float* block = value(lstm, name).data() + gate * kHidden * kHidden;
      EXPECT_LT(non_orthogonality(block, kHidden, kHidden), 1e-6);
    }
  }
  const int threads = num_threads();
  set_num_threads(threads == 1 ? 2 : 1);
  LSTM same({.input_size = 3, .hidden_size = kHidden, .num_layers = 2});
  initialize(same, {.orthogonal = true}, 5);
  set_num_threads(threads);
  EXPECT_TRUE(std::ranges::equal(value(lstm, "weight_hh_l1").values(),
                                 value(same, "weight_hh_l1").values()));
}

TEST(Initialize, WithAProjectionTheColumnsAreOrthonormal) {
  LSTM lstm({.input_size = 3, .hidden_size = 12, .proj_size = 5});
  initialize(lstm, {.orthogonal = true}, 5);
  for (std::int64_t gate = 0; gate < 4; ++gate) {
    EXPECT_LT(non_orthogonality(value(lstm, "weight_hh_l0").data() + gate * 60, 12, 5), 1e-6);
  }
}

TEST(Initialize, IdentityKeepsAnRnnsStateAsItIs) {
  RNN rnn({.input_size = 1, .hidden_size = 4}, Nonlinearity::kRelu);
  initialize(rnn, {.identity = 1.0f}, 0);
  Tensor input({100, 1});
  State state{.tensors = {Tensor({1, 4}, {0.5f, 1.0f, 2.0f, 0.0f})}};
  const auto [output, last] = rnn.forward(input, state);
  EXPECT_THAT(std::vector<float>(last.h().values().begin(), last.h().values().end()),
              testing::ElementsAre(0.5f, 1.0f, 2.0f, 0.0f));
}

TEST(Initialize, RefusesWhatTheNetworkDoesNotHave) {
  LSTM lstm({.input_size = 1, .hidden_size = 2});
  LSTM unbiased({.input_size = 1, .hidden_size = 2, .bias = false});
  GRU gru({.input_size = 1, .hidden_size = 2});
  RNN rnn({.input_size = 1, .hidden_size = 2});
  Recurrent memoryless(find_cell("memoryless"), {.input_size = 1, .hidden_size = 2});
  const auto expect = [](Recurrent& network, const Initialization& how, const char* message) {
    EXPECT_THAT([&] { initialize(network, how, 0); },
                ThrowsMessage<ConfigError>(HasSubstr(message)));
  };
  expect(gru, {.forget_bias = 1.0f}, "gru: forget_bias needs a gate \"f\"");
  expect(rnn, {.chrono_steps = 10}, "rnn_tanh: chrono needs a gate \"f\" or \"z\"");
  expect(unbiased, {.chrono_steps = 10}, "there are no biases");
  expect(lstm, {.chrono_steps = 2}, "over 2 steps; it must be over more than 2");
  expect(lstm, {.identity = 1.0f}, "a cell of one gate");
  expect(lstm, {.forget_bias = 1.0f, .chrono_steps = 10}, "decide the same bias");
  expect(rnn, {.orthogonal = true, .identity = 1.0f}, "at once");
  expect(memoryless, {.orthogonal = true}, "recurrent");
}

TEST(ParseInitialization, ReadsWordsJoinedByPlus) {
  EXPECT_EQ(parse_initialization("pytorch", 50), Initialization{});
  EXPECT_EQ(parse_initialization("forget=1", 50), Initialization{.forget_bias = 1.0f});
  EXPECT_EQ(parse_initialization("chrono", 50), Initialization{.chrono_steps = 50});
  EXPECT_EQ(parse_initialization("chrono=7+orthogonal", 50),
            (Initialization{.chrono_steps = 7, .orthogonal = true}));
  EXPECT_EQ(parse_initialization("identity", 50), Initialization{.identity = 1.0f});
  EXPECT_EQ(parse_initialization("identity=0.9", 50), Initialization{.identity = 0.9f});
}

TEST(ParseInitialization, RefusesWhatItDoesNotKnow) {
  for (const char* text : {"", "+", "chrono+", "xavier", "forget", "forget=", "forget=1x",
                           "forget=nan", "chrono=2", "chrono=1.5", "chrono=99999999999999999999",
                           "orthogonal=1", "orthogonal+orthogonal", "identity=inf"}) {
    EXPECT_THROW(static_cast<void>(parse_initialization(text, 50)), ConfigError) << text;
  }
}

}  // namespace
}  // namespace riverrun
