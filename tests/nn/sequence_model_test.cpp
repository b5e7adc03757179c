#include "riverrun/nn/sequence_model.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "riverrun/core/error.h"
#include "riverrun/nn/cells.h"
#include "riverrun/nn/ops.h"

#include "tests/nn/gradient_check.h"

namespace riverrun {
namespace {

using test::random_tensor;
using ::testing::ElementsAreArray;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

constexpr std::int64_t kSteps = 5;
constexpr std::int64_t kBatch = 3;
const std::vector<std::int64_t> kLengths = {5, 2, 4};
const std::vector<std::int32_t> kSymbols = {0, 1, 2, 3, 3, 3, 2, 0, 1, 1, 0, 2, 3, 0, 0};

SequenceModelOptions of_symbols() {
  return {.num_embeddings = 4, .input_size = 3, .hidden_size = 4, .output_size = 2};
}
SequenceInput symbols() {
  return {.seq_len = kSteps, .batch = kBatch, .symbols = kSymbols, .lengths = kLengths};
}

std::vector<float> values_of(const Tensor& tensor) {
  return {tensor.values().begin(), tensor.values().end()};
}

// The readouts as they are defined, from the recurrent layers' output and lengths alone.
Tensor expected_features(const SequenceModel& model, const SequenceInput& input) {
  const SequenceModelOptions& options = model.options();
  const Tensor x = model.embedding().forward(input.symbols, {kSteps, kBatch});
  const Tensor y = model.rnn().forward(x, {}, input.lengths).output;
  const std::int64_t features = y.size(-1);
  const auto at = [&](std::int64_t step, std::int64_t sequence, std::int64_t f) {
    return y.data()[(step * kBatch + sequence) * features + f];
  };
  if (options.readout == Readout::kEveryStep) return y;
  if (options.readout == Readout::kAsked) {
    Tensor rows({static_cast<std::int64_t>(input.asked.size()), features});
    for (std::int64_t r = 0; r < rows.size(0); ++r) {
      const std::int64_t row = input.asked[static_cast<std::size_t>(r)];
      for (std::int64_t f = 0; f < features; ++f) {
        rows.data()[r * features + f] = at(row / kBatch, row % kBatch, f);
      }
    }
    return rows;
  }
  Tensor rows({kBatch, features});
  for (std::int64_t b = 0; b < kBatch; ++b) {
    const std::int64_t length =
        input.lengths.empty() ? kSteps : input.lengths[static_cast<std::size_t>(b)];
    for (std::int64_t f = 0; f < features; ++f) {
      float& to = rows.data()[b * features + f];
      if (options.readout == Readout::kLast) {
        to = at(f < options.hidden_size ? length - 1 : 0, b, f);
      } else {
        for (std::int64_t t = 0; t < length; ++t) to += at(t, b, f) / static_cast<float>(length);
      }
    }
  }
  return rows;
}

TEST(SequenceModel, ReadsOutWhatItsOptionsSay) {
  const std::vector<std::int64_t> asked = {0, 12, 4, 11};
  for (const Readout readout :
       {Readout::kEveryStep, Readout::kLast, Readout::kMean, Readout::kAsked}) {
    for (const bool bidirectional : {false, true}) {
      for (const bool ragged : {false, true}) {
        SCOPED_TRACE(testing::Message() << static_cast<int>(readout) << bidirectional << ragged);
        SequenceModelOptions options = of_symbols();
        options.readout = readout;
        options.bidirectional = bidirectional;
        options.num_layers = 2;
        SequenceModel model(options);
        SequenceInput input = symbols();
        if (!ragged) input.lengths = {};
        if (readout == Readout::kAsked) input.asked = asked;
        const Tensor expected = expected_features(model, input);
        const Tensor features = std::as_const(model).features(input).output;
        ASSERT_EQ(features.shape(), expected.shape());
        for (std::size_t i = 0; i < expected.values().size(); ++i) {
          EXPECT_NEAR(features.values()[i], expected.values()[i], 1e-6);
        }
        const Tensor answers = std::as_const(model).forward(input).output;
        EXPECT_THAT(answers.values(), ElementsAreArray(model.decoder().forward(features).values()));
        Tape tape(/*training=*/false);
        EXPECT_THAT(model.forward(tape, input).output.value().values(),
                    ElementsAreArray(answers.values()));
      }
    }
  }
}

TEST(SequenceModel, HasGradients) {
  const std::vector<std::int64_t> asked = {0, 12, 4, 12};
  for (const Readout readout :
       {Readout::kEveryStep, Readout::kLast, Readout::kMean, Readout::kAsked}) {
    SequenceModelOptions options = of_symbols();
    options.readout = readout;
    options.bidirectional = true;
    SequenceModel model(options);
    SequenceInput input = symbols();
    if (readout == Readout::kAsked) input.asked = asked;
    test::check_gradients(
        [&](Tape& tape, const auto&) { return model.forward(tape, input).output; }, {},
        model.parameters());
  }
}

// The convolution as it is defined: one of features for every stride steps, each of the steps
// around one, of which those beyond an end are zeros.
std::vector<float> convolved(const SequenceModel& model, const std::vector<float>& x,
                             std::int64_t length) {
  const SequenceModelOptions& o = model.options();
  const ConstParameterList list = model.parameters();
  EXPECT_EQ(list[0].name, "conv.weight");
  EXPECT_EQ(list[1].name, "conv.bias");
  const float* weight = list[0].parameter->value().data();
  std::vector<float> features;
  for (std::int64_t t = 0; t < length; t += o.conv_stride) {
    for (std::int64_t f = 0; f < o.conv_channels; ++f) {
      float sum = list[1].parameter->value().data()[f];
      for (std::int64_t c = 0; c < o.input_size; ++c) {
        for (std::int64_t k = 0; k < o.conv_kernel_size; ++k) {
          const std::int64_t from = t + k - o.conv_kernel_size / 2;
          if (from < 0 || from >= length) continue;
          sum += weight[(f * o.input_size + c) * o.conv_kernel_size + k] *
                 x[static_cast<std::size_t>(from * o.input_size + c)];
        }
      }
      features.push_back(std::max(sum, 0.0f));
    }
  }
  return features;
}

TEST(SequenceModel, ConvolvesEachSequenceAsIfItWereAlone) {
  constexpr std::int64_t kLong = 11;
  const std::vector<std::int64_t> lengths = {11, 1, 8};
  for (const std::int64_t stride : {1, 2, 3}) {
    for (const Readout readout : {Readout::kLast, Readout::kMean}) {
      const SequenceModel model({.input_size = 2,
                                 .conv_channels = 3,
                                 .conv_kernel_size = 5,
                                 .conv_stride = stride,
                                 .hidden_size = 4,
                                 .bidirectional = true,
                                 .readout = readout,
                                 .output_size = 2});
      // What stands beyond a sequence's end must not count.
      const Tensor x = random_tensor({kLong, kBatch, 2}, 5);
      const Tensor together =
          model.features({.seq_len = kLong, .batch = kBatch, .numbers = &x, .lengths = lengths})
              .output;
      for (std::int64_t b = 0; b < kBatch; ++b) {
        const std::int64_t length = lengths[static_cast<std::size_t>(b)];
        std::vector<float> alone;
        for (std::int64_t t = 0; t < length; ++t) {
          alone.insert(alone.end(), x.data() + (t * kBatch + b) * 2,
                       x.data() + (t * kBatch + b) * 2 + 2);
        }
        const std::vector<float> read = convolved(model, alone, length);
        const std::int64_t steps = model.steps_of(length);
        ASSERT_EQ(read.size(), static_cast<std::size_t>(steps * 3));
        Tensor input({steps, 1, 3});
        std::ranges::copy(read, input.data());
        const Recurrent::Output expected = model.rnn().forward(input);
        for (std::int64_t f = 0; f < 8; ++f) {
          float wanted = 0;
          if (readout == Readout::kLast) {
            wanted = expected.output.data()[(f < 4 ? steps - 1 : 0) * 8 + f];
          } else {
            for (std::int64_t t = 0; t < steps; ++t) {
              wanted += expected.output.data()[t * 8 + f] / static_cast<float>(steps);
            }
          }
          EXPECT_NEAR(together.data()[b * 8 + f], wanted, 1e-6) << stride << " " << b << " " << f;
        }
      }
    }
  }
}

TEST(SequenceModel, HasGradientsThroughTheConvolution) {
  for (const std::int64_t stride : {1, 2}) {
    SequenceModelOptions options = of_symbols();
    options.conv_channels = 3;
    options.conv_kernel_size = 3;
    options.conv_stride = stride;
    options.readout = Readout::kMean;
    SequenceModel model(options);
    test::check_gradients(
        [&](Tape& tape, const auto&) { return model.forward(tape, symbols()).output; }, {},
        model.parameters());
  }
}

TEST(SequenceModel, ReadsNumbersToo) {
  SequenceModel model({.cell = "gru", .input_size = 2, .hidden_size = 4, .output_size = 3});
  EXPECT_THROW((void)model.embedding(), Error);
  EXPECT_EQ(model.parameters().front().name, "rnn.weight_ih_l0");
  const Tensor x = random_tensor({kSteps, kBatch, 2}, 1);
  const SequenceInput input{.seq_len = kSteps, .batch = kBatch, .numbers = &x};
  EXPECT_THAT(std::as_const(model).forward(input).output.values(),
              ElementsAreArray(model.decoder().forward(model.rnn().forward(x).output).values()));
}

TEST(SequenceModel, WithoutADecoderAnswersWithItsFeatures) {
  SequenceModelOptions options = of_symbols();
  options.output_size = 0;
  SequenceModel model(options);
  const std::vector<float> expected = values_of(expected_features(model, symbols()));
  ASSERT_EQ(expected.size(), 60u);
  EXPECT_EQ(values_of(std::as_const(model).forward(symbols()).output), expected);
  EXPECT_THROW((void)model.decoder(), Error);
  EXPECT_THROW((void)std::as_const(model).decoder(), Error);
  model.set_inference_weights(WeightType::kFloat32);
  SequenceModel copy = model.clone();
  const std::vector<NamedShape> shapes = parameter_shapes(options);
  ASSERT_EQ(copy.parameters().size(), 5u) << "the embedding's and those of the recurrent layer";
  ASSERT_EQ(shapes.size(), 5u);
  EXPECT_EQ(shapes.back().name, copy.parameters().back().name);
  for (const NamedParameter& named : model.parameters()) {
    named.parameter->mutable_value().fill(0.0f);
  }
  Tape tape(/*training=*/false);
  EXPECT_EQ(values_of(copy.forward(tape, symbols()).output.value()), expected);
  test::check_gradients([&](Tape& on, const auto&) { return copy.forward(on, symbols()).output; },
                        {}, copy.parameters());
}

TEST(SequenceModel, CarriesItsState) {
  const SequenceModel model(of_symbols());
  SequenceInput whole = symbols();
  whole.lengths = {};
  const Tensor expected = model.forward(whole).output;
  State state;
  std::vector<float> pieces;
  for (std::int64_t t = 0; t < kSteps; ++t) {
    SequenceInput step{.seq_len = 1, .batch = kBatch};
    step.symbols = std::span(kSymbols).subspan(static_cast<std::size_t>(t * kBatch), kBatch);
    SequenceModel::Output result = model.forward(step, state);
    pieces.insert(pieces.end(), result.output.values().begin(), result.output.values().end());
    state = std::move(result.state);
  }
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    EXPECT_NEAR(pieces[i], expected.values()[i], 1e-6);
  }
}

TEST(SequenceModel, DropsOutOnlyWhileTraining) {
  SequenceModelOptions options = of_symbols();
  options.dropout = 0.5f;
  SequenceModel model(options);
  Tape training(/*training=*/true, 1);
  Tape not_training(/*training=*/false, 1);
  const Tensor expected = std::as_const(model).forward(symbols()).output;
  EXPECT_THAT(model.forward(not_training, symbols()).output.value().values(),
              ElementsAreArray(expected.values()));
  EXPECT_THAT(model.forward(training, symbols()).output.value().values(),
              testing::Not(ElementsAreArray(expected.values())));
}

TEST(SequenceModel, ACloneHasParametersOfItsOwn) {
  SequenceModelOptions options = of_symbols();
  options.conv_channels = 3;
  SequenceModel model(options);
  SequenceModel copy = model.clone();
  for (const NamedParameter& named : model.parameters()) {
    named.parameter->mutable_value().fill(0.0f);
  }
  SequenceModel moved = std::move(copy);
  const SequenceModel same(options);
  EXPECT_THAT(std::as_const(moved).forward(symbols()).output.values(),
              ElementsAreArray(same.forward(symbols()).output.values()));
}

TEST(SequenceModel, ACloneSharesWhatItsModelShares) {
  SequenceModelOptions options = of_symbols();
  options.input_size = options.hidden_size;
  options.output_size = options.num_embeddings;
  SequenceModel model(options);
  model.decoder().share_weight(model.embedding().shared_weight());
  SequenceModel copy = model.clone();
  EXPECT_EQ(&copy.decoder().weight(), &copy.embedding().weight());
  EXPECT_NE(&copy.decoder().weight(), &model.decoder().weight());
  EXPECT_EQ(distinct(copy.parameters()).size(), copy.parameters().size() - 1);
}

TEST(SequenceModel, ShapesAreKnownBeforeTheModelIsMade) {
  for (const std::string& cell : cell_names()) {
    for (const bool bidirectional : {false, true}) {
      for (const std::int64_t symbols : {0, 4}) {
        SequenceModelOptions options = of_symbols();
        options.conv_channels = symbols;
        options.cell = cell;
        options.num_embeddings = symbols;
        options.num_layers = 2;
        options.bidirectional = bidirectional;
        const std::vector<NamedShape> shapes = parameter_shapes(options);
        const SequenceModel model(options);
        const ConstParameterList made = model.parameters();
        ASSERT_EQ(shapes.size(), made.size()) << cell;
        for (std::size_t i = 0; i < made.size(); ++i) {
          EXPECT_EQ(shapes[i].name, made[i].name);
          EXPECT_EQ(shapes[i].shape, made[i].parameter->value().shape()) << made[i].name;
        }
      }
    }
  }
}

TEST(SequenceModel, RefusesInvalidOptions) {
  const auto expect = [](auto change, const char* message) {
    SequenceModelOptions options = of_symbols();
    change(options);
    EXPECT_THAT([&] { SequenceModel model(options); },
                ThrowsMessage<ConfigError>(HasSubstr(message)));
  };
  expect([](auto& o) { o.num_embeddings = -1; }, "num_embeddings is -1");
  expect([](auto& o) { o.input_size = 0; }, "input_size is 0");
  expect([](auto& o) { o.hidden_size = 0; }, "hidden_size is 0");
  expect([](auto& o) { o.num_layers = 0; }, "num_layers is 0");
  expect([](auto& o) { o.output_size = -2; }, "output_size is -2");
  expect([](auto& o) { o.dropout = 1.0f; }, "dropout is 1");
  expect([](auto& o) { o.cell = "none"; }, "no cell is called \"none\"");
  expect([](auto& o) { o.init.chrono_steps = 1; }, "chrono");
  expect([](auto& o) { o.conv_channels = -1; }, "conv_channels is -1");
  expect([](auto& o) { o.conv_kernel_size = 4; }, "conv_kernel_size is 4; it must be odd");
  expect([](auto& o) { o.conv_kernel_size = 3; }, "with conv_channels = 0 there is no convolution");
  expect([](auto& o) { o.conv_stride = 0; }, "conv_stride is 0");
  expect(
      [](auto& o) {
        o.conv_channels = 2;
        o.conv_stride = 2;
        o.readout = Readout::kAsked;
      },
      "conv_stride is 2; where single steps are asked for it must be 1");
}

TEST(SequenceModel, RefusesInputThatDoesNotFit) {
  const SequenceModel model(of_symbols());
  const SequenceModel of_numbers({.input_size = 2, .hidden_size = 4, .output_size = 3});
  const Tensor numbers({kSteps, kBatch, 3});
  const SequenceInput wrong{.seq_len = kSteps, .batch = kBatch, .numbers = &numbers};
  EXPECT_THROW((void)model.forward(wrong), ShapeError);
  EXPECT_THROW((void)of_numbers.forward(wrong), ShapeError);
  EXPECT_THROW((void)of_numbers.forward(symbols()), ShapeError);
  SequenceInput input = symbols();
  const std::vector<std::int64_t> asked = {15};
  input.asked = asked;
  EXPECT_THROW((void)model.forward(input), ShapeError) << "every step answers";
  SequenceModelOptions options = of_symbols();
  options.readout = Readout::kAsked;
  EXPECT_THROW((void)SequenceModel(options).forward(input), ShapeError) << "there is no row 15";
  input = symbols();
  input.symbols = input.symbols.first(14);
  EXPECT_THROW((void)model.forward(input), ShapeError);
  for (const std::vector<std::int64_t>& lengths :
       {std::vector<std::int64_t>{5, 2}, {5, 2, 0}, {5, 2, 6}}) {
    input = symbols();
    input.lengths = lengths;
    EXPECT_THROW((void)model.forward(input), ShapeError);
  }
}

}  // namespace
}  // namespace riverrun
