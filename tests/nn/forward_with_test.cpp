// A recurrent network with weights that were computed on the tape.

#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "riverrun/core/error.h"
#include "riverrun/nn/cells.h"
#include "riverrun/nn/ops.h"
#include "riverrun/nn/recurrent.h"

#include "tests/nn/expect_near.h"
#include "tests/nn/gradient_check.h"

namespace riverrun {
namespace {

using test::random_tensor;
using ::testing::HasSubstr;

std::vector<Var> leaves(Tape& tape, Recurrent& net) {
  std::vector<Var> weights;
  for (const NamedParameter& entry : net.parameters()) {
    weights.push_back(leaf(tape, entry.parameter));
  }
  return weights;
}

class ForwardWithOfEachCell : public ::testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Cells, ForwardWithOfEachCell, ::testing::ValuesIn(cell_names()),
                         [](const auto& test) { return test.param; });

TEST_P(ForwardWithOfEachCell, IsForwardIfTheWeightsAreTheParameters) {
  for (const std::int64_t recompute_steps : {0, 2}) {
    const RecurrentOptions options{.input_size = 3,
                                   .hidden_size = 5,
                                   .num_layers = 2,
                                   .bidirectional = true,
                                   .recompute_steps = recompute_steps};
    Recurrent direct(find_cell(GetParam()), options), derived(find_cell(GetParam()), options);
    const Tensor x = random_tensor({6, 2, 3});
    const std::array<std::int64_t, 2> lengths{4, 6};
    Tape tape;
    const Recurrent::VarOutput a = direct.forward(tape, tape.input(x), {}, lengths);
    const Recurrent::VarOutput b =
        derived.forward_with(tape, leaves(tape, derived), tape.input(x), {}, lengths);
    test::expect_near(a.output.value(), b.output.value(), 0.0f);
    test::expect_near(a.state[0].value(), b.state[0].value(), 0.0f);
    tape.backward({{a.output, random_tensor(a.output.shape())},
                   {a.state[0], random_tensor(a.state[0].shape())},
                   {b.output, random_tensor(b.output.shape())},
                   {b.state[0], random_tensor(b.state[0].shape())}});
    const ParameterList expected = direct.parameters(), found = derived.parameters();
    for (std::size_t i = 0; i < expected.size(); ++i) {
      SCOPED_TRACE(expected[i].name);
      test::expect_near(expected[i].parameter->grad(), found[i].parameter->grad(), 0.0f);
    }
  }
}

// A weight that is normalised row by row (Salimans and Kingma 2016).
Var normalised(Var v) {
  const Var norm = exp(multiply(log(sum(multiply(v, v), 1, /*keepdim=*/true)), 0.5f));
  return divide(v, norm);
}

TEST(ForwardWith, CarriesGradientsThroughWhatMadeTheWeights) {
  LSTM lstm({.input_size = 2, .hidden_size = 3});
  test::check_gradients(
      [&](Tape& tape, const std::vector<Var>& inputs) {
        std::vector<Var> weights = leaves(tape, lstm);
        weights[1] = normalised(weights[1]);
        return lstm.forward_with(tape, weights, inputs[0]).output;
      },
      {random_tensor({4, 2, 2})}, lstm.parameters());
}

TEST(ForwardWith, AddsUpTheGradientsOfAWeightThatIsUsedTwice) {
  RNN rnn({.input_size = 3, .hidden_size = 3, .num_layers = 2});
  ParameterList read = rnn.parameters();
  read.erase(read.begin() + 4);
  test::check_gradients(
      [&](Tape& tape, const std::vector<Var>& inputs) {
        std::vector<Var> weights = leaves(tape, rnn);
        weights[4] = weights[0];  // both layers read what they are given in the same way
        return rnn.forward_with(tape, weights, inputs[0]).output;
      },
      {random_tensor({4, 2, 3})}, read);
}

TEST(ForwardWith, NeitherReadsNorTrainsTheParameters) {
  GRU gru({.input_size = 2, .hidden_size = 3});
  Tape tape;
  std::vector<Var> weights;
  for (const NamedParameter& entry : gru.parameters()) {
    weights.push_back(tape.input(random_tensor(entry.parameter->value().shape()), true));
    entry.parameter->mutable_value().fill(0.0f);
  }
  const Var output =
      std::as_const(gru).forward_with(tape, weights, tape.input(random_tensor({3, 1, 2}))).output;
  EXPECT_NE(output.value().values()[8], 0.0f);
  tape.backward({{output, random_tensor(output.shape())}});
  for (const Var& weight : weights) EXPECT_FALSE(weight.grad().empty());
  for (const NamedParameter& entry : gru.parameters()) {
    EXPECT_TRUE(entry.parameter->grad().empty()) << entry.name;
  }
}

TEST(ForwardWith, AConstantWeightGetsNoGradient) {
  RNN rnn({.input_size = 2, .hidden_size = 2});
  Tape tape;
  std::vector<Var> weights = leaves(tape, rnn);
  weights[1] = tape.input(random_tensor({2, 2}));
  const Var output = rnn.forward_with(tape, weights, tape.input(random_tensor({3, 1, 2}))).output;
  tape.backward({{output, random_tensor(output.shape())}});
  EXPECT_TRUE(weights[1].grad().empty());
  EXPECT_FALSE(rnn.parameters()[0].parameter->grad().empty());
}

TEST(ForwardWith, RefusesOtherWeights) {
  RNN rnn({.input_size = 2, .hidden_size = 3});
  const auto message = [&](const auto& change) {
    Tape tape;
    std::vector<Var> weights = leaves(tape, rnn);
    change(tape, weights);
    try {
      rnn.forward_with(tape, weights, tape.input(Tensor({1, 1, 2})));
    } catch (const ShapeError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_THAT(message([](Tape&, std::vector<Var>& weights) { weights.pop_back(); }),
              HasSubstr("3 weights are given; the network has 4"));
  EXPECT_THAT(message([](Tape& tape, std::vector<Var>& weights) {
                weights[1] = tape.input(Tensor({3, 2}));
              }),
              HasSubstr("weight_hh_l0 is [3, 2]; it must be [3, 3]"));
}

}  // namespace
}  // namespace riverrun
