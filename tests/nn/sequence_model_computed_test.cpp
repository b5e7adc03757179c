#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "riverrun/core/error.h"
#include "riverrun/nn/ops.h"
#include "riverrun/nn/sequence_model.h"

#include "tests/nn/gradient_check.h"

namespace riverrun {
namespace {

using test::random_tensor;

constexpr std::int64_t kSteps = 5;
constexpr std::int64_t kBatch = 3;
const std::vector<std::int64_t> kLengths = {5, 2, 4};

std::vector<float> values_of(const Tensor& tensor) {
  return {tensor.values().begin(), tensor.values().end()};
}

SequenceInput lengths_alone() { return {.seq_len = kSteps, .batch = kBatch, .lengths = kLengths}; }

TEST(SequenceModelOfComputedInput, HasGradientsThatReachWhatComputedIt) {
  for (const std::int64_t channels : {0, 3}) {
    SequenceModel model(
        {.input_size = 2, .conv_channels = channels, .hidden_size = 4, .output_size = 2});
    test::check_gradients(
        [&](Tape& tape, const std::vector<Var>& inputs) {
          SequenceInput input = lengths_alone();
          input.computed = multiply(inputs[0], inputs[0]);
          return model.forward(tape, input).output;
        },
        {random_tensor({kSteps, kBatch, 2}, 2)}, model.parameters());
  }
}

TEST(SequenceModelOfComputedInput, AnswersAsItDoesToNumbers) {
  SequenceModel model({.input_size = 2, .hidden_size = 4, .output_size = 2});
  const Tensor x = random_tensor({kSteps, kBatch, 2}, 1);
  Tape tape;
  SequenceInput computed = lengths_alone();
  computed.computed = tape.input(x);
  SequenceInput numbers = lengths_alone();
  numbers.numbers = &x;
  EXPECT_EQ(values_of(model.forward(tape, computed).output.value()),
            values_of(std::as_const(model).forward(numbers).output));
}

TEST(SequenceModelOfComputedInput, RefusesWhatDoesNotFit) {
  SequenceModel model({.input_size = 2, .hidden_size = 4, .output_size = 2});
  const Tensor x = random_tensor({kSteps, kBatch, 2}, 1);
  Tape tape;
  EXPECT_THROW((void)model.forward(tape, lengths_alone()), ShapeError) << "nothing is given";
  SequenceInput input = lengths_alone();
  input.computed = tape.input(x);
  EXPECT_THROW((void)std::as_const(model).forward(input), Error) << "there is no tape";
  Tape other;
  EXPECT_THROW((void)model.forward(other, input), Error) << "the tape is another one";
  input.numbers = &x;
  EXPECT_THROW((void)model.forward(tape, input), ShapeError) << "both are given";
  input.numbers = nullptr;
  input.computed = tape.input(Tensor({kSteps, kBatch, 3}));
  EXPECT_THROW((void)model.forward(tape, input), ShapeError);
}

TEST(SequenceModelOfComputedInput, MayTakeThePlaceOfTheVectorsOfSymbols) {
  SequenceModel model({.num_embeddings = 4, .input_size = 2, .hidden_size = 4, .output_size = 2});
  std::vector<std::int32_t> symbols;
  for (std::int64_t i = 0; i < kSteps * kBatch; ++i) {
    symbols.push_back(static_cast<std::int32_t>(i % 4));
  }
  SequenceInput of_symbols = lengths_alone();
  of_symbols.symbols = symbols;
  Tape tape;
  SequenceInput computed = lengths_alone();
  computed.computed = tape.input(model.embedding().forward(symbols, {kSteps, kBatch}));
  const SequenceModel::VarOutput said = model.forward(tape, computed);
  EXPECT_EQ(values_of(said.output.value()),
            values_of(model.forward(tape, of_symbols).output.value()));
  EXPECT_EQ(values_of(said.read.value()), values_of(computed.computed->value()));
  EXPECT_EQ(said.hidden.shape(), (Shape{kSteps, kBatch, 4}));
}

}  // namespace
}  // namespace riverrun
