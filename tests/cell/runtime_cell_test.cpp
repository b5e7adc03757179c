#include "riverrun/cell/runtime_cell.h"

#include <span>
#include <stdexcept>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "riverrun/cell/explain.h"
#include "riverrun/cell/lstm.h"
#include "riverrun/core/random.h"
#include "riverrun/kernels/cell_kernels.h"
#include "riverrun/nn/cells.h"
#include "riverrun/nn/recurrent.h"

namespace riverrun {
namespace {

using testing::HasSubstr;

std::vector<Sym> lstm_step(std::span<const Sym> a, std::span<const Sym> s, std::span<const Sym>) {
  const Sym c_next = sigmoid(a[1]) * s[1] + sigmoid(a[0]) * tanh(a[2]);
  return {sigmoid(a[3]) * tanh(c_next), c_next};
}

const CellDefinition kLSTM = {
    .name = "traced", .gates = {"i", "f", "g", "o"}, .states = {"h", "c"}};

Tensor output_of(const CellDescriptor& cell) {
  const Recurrent net(cell, {.input_size = 3, .hidden_size = 10, .num_layers = 2, .seed = 5});
  Tensor x({6, 2, 3});
  Random random(1);
  random.fill_normal(x.values(), 0.0f, 1.0f);
  return net.forward(x).output;
}

TEST(RuntimeCell, IsTheCompiledOne) {
  const CellDescriptor traced = make_cell(kLSTM, lstm_step, kernels::interpreter_kernels());
  const CellDescriptor from_program =
      make_cell(kLSTM, trace<cells::LSTM>(), kernels::interpreter_kernels());
  const CellDescriptor& compiled = find_cell("lstm");
  EXPECT_EQ(traced.gates, compiled.gates);
  EXPECT_TRUE(traced.allows_projection());
  // The order of operations that do not depend on each other is the compiler's choice.
  EXPECT_EQ(traced.programs.forward.size, compiled.programs.forward.size);
  EXPECT_EQ(traced.programs.backward.size, compiled.programs.backward.size);
  const Tensor expected = output_of(compiled);
  for (const CellDescriptor* cell : {&traced, &from_program}) {
    const Tensor output = output_of(*cell);
    for (std::int64_t i = 0; i < expected.elements(); ++i) {
      ASSERT_NEAR(output.data()[i], expected.data()[i], 1e-6f);
    }
  }
}

TEST(RuntimeCell, RefusesWhatCannotBe) {
  const auto make = [](const CellDefinition& definition, const RuntimeStep& step) {
    return make_cell(definition, step, kernels::interpreter_kernels());
  };
  const auto one_state = [](std::span<const Sym> a, std::span<const Sym>, std::span<const Sym>) {
    return std::vector<Sym>{tanh(a[0])};
  };
  EXPECT_THROW(make(kLSTM, one_state), std::invalid_argument);
  EXPECT_THROW(make({.name = "", .gates = {"a"}, .states = {"h"}}, one_state),
               std::invalid_argument);
  EXPECT_THROW(make({.name = "x", .gates = {"a", "a"}, .states = {"h"}}, one_state),
               std::invalid_argument);
  EXPECT_THROW(make({.name = "x", .gates = {"a"}, .states = {}}, one_state), std::invalid_argument);

  Program backwards = trace<cells::LSTM>();
  backwards.nodes[static_cast<std::size_t>(backwards.size - 1)].a =
      200;  // a node that is not there
  EXPECT_THROW(static_cast<void>(make_cell(kLSTM, backwards, kernels::interpreter_kernels())),
               std::invalid_argument);
}

TEST(Explain, SaysWhatTheProgramsAre) {
  const std::string lstm = explain(find_cell("lstm"));
  EXPECT_THAT(lstm, HasSubstr("c' = σ(f)·c + σ(i)·tanh(g)"));
  EXPECT_THAT(lstm, HasSubstr("h' = σ(o)·tanh(c')"));
  EXPECT_THAT(lstm, HasSubstr("∂c = d6·σ(f)"));
  EXPECT_THAT(lstm, HasSubstr("v8 = tanh(c')"));
  EXPECT_THAT(lstm, HasSubstr("bytes saved                             20·H"));
  const std::string gru = explain(find_cell("gru"));
  EXPECT_THAT(gru, HasSubstr("n_h"));
  for (const std::string& name : cell_names()) {
    EXPECT_THAT(explain(find_cell(name)), testing::StartsWith(name));
  }
}

// What saving costs: a change here is a change of every training run's memory.
TEST(Explain, EachCellSavesWhatItMust) {
  EXPECT_EQ(find_cell("lstm").programs.saved, 5);
  EXPECT_EQ(find_cell("gru").programs.saved, 4);
  EXPECT_EQ(find_cell("rnn_tanh").programs.saved, 0);
  EXPECT_EQ(find_cell("rnn_relu").programs.saved, 0);
  EXPECT_EQ(find_cell("memoryless").programs.saved, 0);
}

}  // namespace
}  // namespace riverrun
