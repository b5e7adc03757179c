#include "riverrun/cell/runtime_cell.h"

#include <cmath>
#include <functional>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "riverrun/cell/explain.h"
#include "riverrun/cell/lstm.h"
#include "riverrun/core/random.h"
#include "riverrun/kernels/cell_kernels.h"
#include "riverrun/nn/cells.h"
#include "riverrun/nn/recurrent.h"
#include "riverrun/nn/tape.h"

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
  EXPECT_THROW(make({.name = "x", .gates = {"a"}, .states = {"a"}}, one_state),
               std::invalid_argument);
  EXPECT_THROW(
      make({.name = "x", .gates = {"a"}, .states = {"h"}, .params = {"p", "p"}}, one_state),
      std::invalid_argument);

  const auto with_param = [&](const char* param) {
    make({.name = "x", .gates = {"a"}, .states = {"h"}, .params = {"p", param}}, one_state);
  };
  for (const char* taken :
       {"bias_ih", "bias_hh_gain", "weight_ih", "weight_hh_gain", "weight_hr"}) {
    EXPECT_THAT([&] { with_param(taken); }, testing::ThrowsMessage<std::invalid_argument>(HasSubstr(
                                                std::string("a param called \"") + taken)));
  }
  EXPECT_NO_THROW(with_param("bias_z"));
  EXPECT_NO_THROW(with_param("p_weight_ih"));

  Program backwards = trace<cells::LSTM>();
  backwards.nodes[static_cast<std::size_t>(backwards.size - 1)].a =
      200;  // a node that is not there
  EXPECT_THROW(static_cast<void>(make_cell(kLSTM, backwards, kernels::interpreter_kernels())),
               std::invalid_argument);
}

// In a file, the fields that a node does not use may hold anything: the same value twice would be
// two nodes, and of the gradients of an input that is there twice one would be lost.
TEST(RuntimeCell, BringsProgramsFromOutsideIntoForm) {
  Program program;
  program.nodes[0] = {.op = Op::kInput, .input = Input::kGate, .a = 0};
  program.nodes[1] = {
      .op = Op::kInput, .input = Input::kGate, .a = 0, .b = 0, .c = 9, .constant = 7};
  program.nodes[2] = {.op = Op::kTanh, .input = Input::kParam, .a = 0, .b = 1};
  program.nodes[3] = {.op = Op::kTanh, .a = 1};
  program.nodes[4] = {.op = Op::kAdd, .a = 2, .b = 3, .c = 3};
  program.size = 5;
  program.add_output(4);
  const CellDescriptor cell =
      make_cell({.name = "twice", .gates = {"g"}, .states = {"h"}, .recurrent = false}, program,
                kernels::interpreter_kernels());
  EXPECT_EQ(cell.programs.forward.size, 3);  // g, tanh(g), their sum
  Recurrent net(cell, {.input_size = 1, .hidden_size = 1});
  for (const NamedParameter& p : net.parameters()) {
    p.parameter->mutable_value().fill(p.name == "weight_ih_l0" ? 1.0f : 0.0f);
  }
  Tape tape;
  const Var x = tape.input(Tensor({1, 1, 1}, {0.5f}), true);
  const Var y = net.forward(tape, x).output;
  std::vector<Tape::Upstream> upstream;
  upstream.push_back({y, Tensor({1, 1, 1}, {1.0f})});
  tape.backward(std::move(upstream));
  EXPECT_NEAR(x.grad().data()[0], 2.0f * (1.0f - std::tanh(0.5f) * std::tanh(0.5f)), 1e-6f);
}

TEST(RuntimeCell, RefusesConstantsThatAreNoNumbersOfFloat32) {
  for (const double constant : {std::nan(""), 1e39, -1e300}) {
    Program program;
    program.add_output(
        program.binary(Op::kMul, program.input(Input::kGate, 0), program.constant(constant)));
    EXPECT_THROW(static_cast<void>(make_cell({.name = "x", .gates = {"a"}, .states = {"h"}},
                                             program, kernels::interpreter_kernels())),
                 std::invalid_argument)
        << constant;
  }
}

TEST(RuntimeCell, RefusesNumbersOfAnotherTrace) {
  const CellDefinition definition = {.name = "x", .gates = {"a"}, .states = {"h"}};
  const auto make = [&](const RuntimeStep& step) {
    static_cast<void>(make_cell(definition, step, kernels::interpreter_kernels()));
  };
  Sym kept;
  make([&](std::span<const Sym> a, std::span<const Sym>, std::span<const Sym>) {
    kept = tanh(a[0]);
    return std::vector<Sym>{kept};
  });
  using Use = std::function<Sym(Sym)>;
  // Alone, with a number of this trace, with a constant; as the result.
  for (const Use& use :
       {Use([&](Sym a) { return a + kept; }), Use([&](Sym) { return kept + kept; }),
        Use([&](Sym) { return 2.0 * kept; }), Use([&](Sym) { return exp(kept); }),
        Use([&](Sym a) { return select(a, kept, 1.0); }), Use([&](Sym) { return kept; })}) {
    EXPECT_THROW(make([&](std::span<const Sym> a, std::span<const Sym>, std::span<const Sym>) {
                   return std::vector<Sym>{use(a[0])};
                 }),
                 std::logic_error);
  }
  EXPECT_THROW(static_cast<void>(exp(kept)), std::logic_error);  // outside of any

  // A cell may be made while another is; each has its own numbers.
  make([&](std::span<const Sym> outer, std::span<const Sym>, std::span<const Sym>) {
    make([](std::span<const Sym> a, std::span<const Sym>, std::span<const Sym>) {
      return std::vector<Sym>{tanh(a[0])};
    });
    EXPECT_THROW(make([&](std::span<const Sym> a, std::span<const Sym>, std::span<const Sym>) {
                   return std::vector<Sym>{a[0] + outer[0]};
                 }),
                 std::logic_error);
    return std::vector<Sym>{exp(outer[0])};
  });
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
