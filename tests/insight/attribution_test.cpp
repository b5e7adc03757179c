#include "riverrun/insight/attribution.h"

#include <cmath>
#include <cstdint>
#include <numeric>
#include <vector>

#include <gtest/gtest.h>

#include "riverrun/core/error.h"
#include "riverrun/nn/linear.h"
#include "riverrun/nn/ops.h"
#include "riverrun/nn/recurrent.h"
#include "riverrun/nn/sequence_model.h"

#include "tests/insight/networks.h"

namespace riverrun::insight {
namespace {

using test::noise;

double sum_of(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0);
}

/// Logit 1 of a sequence.
Answer logit(SequenceModel& model) {
  return [&model](Tape& tape, Var x) {
    SequenceInput input{.seq_len = x.shape()[0], .batch = x.shape()[1]};
    input.computed = x;
    return select(model.forward(tape, input).output, 1, 1);
  };
}

SequenceModelOptions options_of(const char* cell) {
  SequenceModelOptions options;
  options.cell = cell;
  options.input_size = 3;
  options.hidden_size = 8;
  options.readout = Readout::kMean;
  options.output_size = 4;
  options.seed = 5;
  return options;
}

TEST(Attribution, OfALinearModelIsWeightTimesDifference) {
  Linear linear({.in_features = 3, .out_features = 1, .seed = 2});
  const Answer answer = [&](Tape& tape, Var x) {
    return sum(linear.forward(tape, x), 0);  // [N, 1], of all steps
  };
  const Tensor x = noise({5, 1, 3}, 1);
  const Tensor baseline = noise({5, 1, 3}, 2);
  // A single point is enough where the gradient is the same everywhere.
  const Attribution found =
      integrated_gradients(answer, x, baseline, {.points = 1, .most_points = 1});
  for (std::size_t i = 0; i < 15; ++i) {
    const auto weight = static_cast<double>(linear.weight().value().data()[i % 3]);
    const double difference =
        static_cast<double>(x.data()[i]) - static_cast<double>(baseline.data()[i]);
    EXPECT_NEAR(found.inputs[i], weight * difference, 1e-6) << i;
  }
  EXPECT_NEAR(found.remainder(), 0, 1e-5);
  EXPECT_EQ(found.points, 1);
}

TEST(Attribution, OfACubeIsExactFromTwoPointsOn) {
  const Answer cube = [](Tape&, Var x) { return sum(multiply(multiply(x, x), x), 0); };
  const Tensor x({1, 1, 1}, {2.0f});
  const Tensor zero({1, 1, 1});
  // The cube of 2; one point, in the middle, sees 3·1² · 2 = 6 of 8.
  EXPECT_NEAR(integrated_gradients(cube, x, zero, {.points = 1, .most_points = 1}).inputs[0], 6,
              1e-6);
  EXPECT_NEAR(integrated_gradients(cube, x, zero, {.points = 2, .most_points = 2}).inputs[0], 8,
              1e-5);
}

TEST(Attribution, AddsUpInNetworksOfEachKind) {
  for (const char* cell : {"lstm", "gru", "rnn_tanh", "rnn_relu", "memoryless"}) {
    for (const bool bidirectional : {false, true}) {
      for (const std::int64_t convolution : {0, 6}) {
        SequenceModelOptions options = options_of(cell);
        options.bidirectional = bidirectional;
        options.num_layers = 2;
        options.conv_channels = convolution;
        options.conv_kernel_size = convolution > 0 ? 3 : 1;
        SequenceModel model(options);
        Tensor x = noise({12, 1, 3}, 7);
        for (float& value : x.values()) value *= 3;
        const Attribution found =
            integrated_gradients(logit(model), x, Tensor(x.shape()), {.tolerance = 0.002});
        EXPECT_NE(found.answer, found.baseline);
        EXPECT_LE(std::abs(found.remainder()), 0.002 * found.size())
            << cell << bidirectional << convolution;
        EXPECT_NEAR(sum_of(found.inputs) + found.remainder(), found.answer - found.baseline, 1e-9);
        EXPECT_NEAR(found.answer,
                    static_cast<double>(
                        model.forward({.seq_len = 12, .batch = 1, .numbers = &x}).output.data()[1]),
                    1e-5);
      }
    }
  }
}

TEST(Attribution, OfASmallStepIsTheDerivative) {
  SequenceModel model(options_of("gru"));
  const Tensor x = noise({6, 1, 3}, 3);
  Tensor moved = x;
  const float step = 1e-2f;
  moved.values()[7] += step;
  const Attribution found = integrated_gradients(logit(model), moved, x, {.points = 4});
  Tensor below = x;
  below.values()[7] -= step;
  const auto answer = [&](const Tensor& read) {
    const SequenceInput input{.seq_len = 6, .batch = 1, .numbers = &read};
    return static_cast<double>(model.forward(input).output.data()[1]);
  };
  const double derivative = (answer(moved) - answer(below)) / (2 * static_cast<double>(step));
  EXPECT_NEAR(found.inputs[7] / static_cast<double>(step), derivative, 2e-3);
  for (std::size_t i = 0; i < found.inputs.size(); ++i) {
    if (i == 7) continue;
    EXPECT_EQ(found.inputs[i], 0) << i;  // what has not moved contributes nothing
  }
}

TEST(Attribution, IsTheSameInSymmetricPlaces) {
  // Both directions with the same weights, and a mean: a palindrome's halves count alike.
  SequenceModelOptions options = options_of("lstm");
  options.bidirectional = true;
  SequenceModel model(options);
  ParameterList all = model.parameters();
  for (const NamedParameter& to : all) {
    const std::size_t suffix = to.name.find("_reverse");
    for (const NamedParameter& from : all) {
      if (suffix != std::string::npos && from.name == to.name.substr(0, suffix)) {
        to.parameter->set_value(from.parameter->value());
      }
    }
    if (to.name != "decoder.weight") continue;
    Tensor weight = to.parameter->value();
    for (std::int64_t row = 0; row < weight.size(0); ++row) {
      std::copy_n(weight.data() + row * 16, 8, weight.data() + row * 16 + 8);
    }
    to.parameter->set_value(weight);
  }
  Tensor x = noise({9, 1, 3}, 4);
  for (std::int64_t t = 0; t < 4; ++t) {
    std::copy_n(x.data() + t * 3, 3, x.data() + (8 - t) * 3);
  }
  const Attribution found = integrated_gradients(logit(model), x, Tensor(x.shape()));
  for (std::size_t t = 0; t < 9; ++t) {
    for (std::size_t i = 0; i < 3; ++i) {
      EXPECT_NEAR(found.inputs[t * 3 + i], found.inputs[(8 - t) * 3 + i], 1e-5);
    }
  }
}

TEST(Attribution, RefusesWhatItCannotUse) {
  const Answer first = [](Tape&, Var x) { return select(select(x, 0, 0), 1, 0); };
  const Tensor x = noise({4, 1, 2});
  EXPECT_THROW((void)integrated_gradients(first, x, noise({4, 1, 3})), ShapeError);
  EXPECT_THROW((void)integrated_gradients(first, noise({4, 2, 2}), noise({4, 2, 2})), ShapeError);
  EXPECT_THROW((void)integrated_gradients(first, x, x, {.points = 0}), ConfigError);
  const Answer whole = [](Tape&, Var input) { return input; };
  EXPECT_THROW((void)integrated_gradients(whole, x, Tensor(x.shape())), ShapeError);
  const Answer infinite = [](Tape&, Var input) {
    return exp(multiply(select(select(input, 0, 0), 1, 0), 1e30f));
  };
  Tensor ones(x.shape());
  for (float& value : ones.values()) value = 1;
  EXPECT_THROW((void)integrated_gradients(infinite, ones, Tensor(x.shape())), NumericError);
}

TEST(Attribution, OfAnAnswerThatDependsOnNothingIsZero) {
  const Answer constant = [](Tape& tape, Var x) { return tape.input(Tensor({x.shape()[1]})); };
  const Tensor x = noise({4, 1, 2});
  const Attribution found = integrated_gradients(constant, x, Tensor(x.shape()));
  EXPECT_EQ(found.size(), 0);
  EXPECT_EQ(found.remainder(), 0);
}

}  // namespace
}  // namespace riverrun::insight
