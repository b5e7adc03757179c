#include "riverrun/nn/recurrent.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "riverrun/core/memory.h"
#include "riverrun/core/threads.h"
#include "riverrun/nn/cells.h"
#include "riverrun/nn/linear.h"
#include "riverrun/nn/recurrent_cell.h"

#include "tests/nn/expect_near.h"
#include "tests/nn/gradient_check.h"
#include "tests/nn/memory_count.h"

namespace riverrun {
namespace {

using test::expect_equal;
using test::expect_near;
using test::random_tensor;

TEST(Recurrent, BatchFirstAndUnbatchedAreTheSameNumbers) {
  const LSTM net({.input_size = 3, .hidden_size = 4});
  const LSTM first({.input_size = 3, .hidden_size = 4, .batch_first = true});
  const Tensor x = random_tensor({5, 1, 3});
  Tensor swapped = x;
  swapped.reshape({1, 5, 3});
  Tensor unbatched = x;
  unbatched.reshape({5, 3});
  const auto expected = net.forward(x);
  const auto a = first.forward(swapped);
  EXPECT_EQ(a.output.shape(), Shape({1, 5, 4}));
  EXPECT_EQ(a.state.c().shape(), Shape({1, 1, 4}));
  const auto b = net.forward(unbatched);
  EXPECT_EQ(b.output.shape(), Shape({5, 4}));
  EXPECT_EQ(b.state.h().shape(), Shape({1, 4}));
  EXPECT_TRUE(std::ranges::equal(a.output.values(), expected.output.values()));
  EXPECT_TRUE(std::ranges::equal(b.output.values(), expected.output.values()));
}

TEST(Recurrent, DropoutActsBetweenLayersAndOnlyInTraining) {
  LSTM net({.input_size = 3, .hidden_size = 64, .num_layers = 2, .dropout = 0.5f});
  LSTM single({.input_size = 3, .hidden_size = 64, .num_layers = 1, .dropout = 0.5f});
  const Tensor x = random_tensor({4, 2, 3});
  const auto differs = [&](Recurrent& r) {
    Tape tape(/*training=*/true, /*seed=*/4);
    const Tensor trained = r.forward(tape, tape.input(x)).output.value();
    return !std::ranges::equal(trained.values(), r.forward(x).output.values());
  };
  EXPECT_TRUE(differs(net));
  EXPECT_FALSE(differs(single));
}

TEST(Recurrent, InitialisationIsPyTorchs) {
  LSTM net({.input_size = 30, .hidden_size = 100, .forget_bias = 1.5f});
  std::vector<std::string> names;
  for (const NamedParameter& p : net.parameters()) {
    names.push_back(p.name);
    const auto values = p.parameter->value().values();
    float largest = 0.0f;
    for (std::size_t i = 0; i < values.size(); ++i) {
      const bool forget = p.name.starts_with("bias") && i >= 100 && i < 200;
      if (forget) {
        EXPECT_EQ(values[i], p.name == "bias_ih_l0" ? 1.5f : 0.0f);
      } else {
        largest = std::max(largest, std::abs(values[i]));
      }
    }
    EXPECT_LE(largest, 0.1f);
    EXPECT_GT(largest, 0.095f);
  }
  EXPECT_EQ(names,
            std::vector<std::string>({"weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"}));
}

TEST(Recurrent, ChangedParametersAreUsed) {
  GRU net({.input_size = 2, .hidden_size = 3});
  const Tensor x = random_tensor({4, 1, 2});
  const Tensor before = net.forward(x).output;
  for (const NamedParameter& p : net.parameters()) p.parameter->mutable_value().fill(0.0f);
  const Tensor after = net.forward(x).output;
  EXPECT_FALSE(std::ranges::equal(before.values(), after.values()));
  for (const float h : after.values()) EXPECT_EQ(h, 0.0f);
}

TEST(Recurrent, ChangedParametersAreUsedInSmallerTypes) {
  for (const WeightType type : kWeightTypes) {
    LSTM net({.input_size = 2, .hidden_size = 5, .proj_size = 3});
    net.set_inference_weights(type);
    const Tensor x = random_tensor({4, 1, 2});
    const Tensor before = net.forward(x).output;
    Stream stream = net.stream();
    std::vector<float> y(3);
    for (std::int64_t t = 0; t < 4; ++t) stream.step({x.data() + t * 2, 2}, y);
    for (std::size_t i = 0; i < 3; ++i) EXPECT_NEAR(y[i], before.data()[9 + i], 2e-6f);
    for (const NamedParameter& p : net.parameters()) p.parameter->mutable_value().fill(0.0f);
    const Tensor after = net.forward(x).output;
    for (const float h : after.values()) EXPECT_EQ(h, 0.0f);
  }
}

// Few and many sequences read weights in two orders.
TEST(Recurrent, AnOrderOfWeightsThatHaveChangedIsNotKept) {
  const auto touch = [](Parameter& p) { static_cast<void>(p.mutable_value()); };
  const auto bytes = [&](std::int64_t first_batch) {
    LSTM net({.input_size = 3, .hidden_size = 40});
    Linear linear({.in_features = 40, .out_features = 30});
    const std::size_t before = test::tensor_bytes();
    for (const std::int64_t batch : {first_batch, std::int64_t{1}}) {
      for (const NamedParameter& p : net.parameters()) touch(*p.parameter);
      for (const NamedParameter& p : linear.parameters()) touch(*p.parameter);
      const Tensor h = net.forward(random_tensor({2, batch, 3})).output;
      EXPECT_EQ(linear.forward(h).size(1), batch);
    }
    return test::tensor_bytes() - before;
  };
  set_kept_memory(0);       // what is measured is what tensors hold
  EXPECT_GT(bytes(40), 0);  // and the threads are made
  EXPECT_EQ(bytes(40), bytes(1));
  set_kept_memory(kDefaultKeptMemory);
}

TEST(Recurrent, SeveralThreadsMayUseOneModel) {
  const LSTM net({.input_size = 8, .hidden_size = 24, .num_layers = 2});
  const Tensor x = random_tensor({20, 4, 8});
  const Tensor expected = net.forward(x).output;
  std::vector<std::thread> threads;
  std::vector<Tensor> outputs(4);
  for (Tensor& output : outputs) {
    threads.emplace_back([&] { output = net.forward(x).output; });
  }
  for (std::thread& thread : threads) thread.join();
  for (const Tensor& output : outputs) expect_near(output, expected, 0.0f);
}

TEST(Recurrent, HasTheSameBitsWhenThreadsDivideALargeInputOrLayer) {
  struct Case {
    Shape input;
    std::int64_t hidden;
  };
  // So many numbers for each thread that their product is done in several parts and pieces; and
  // weights beyond the second-level cache, where two threads take rows, but three share the units.
  const std::vector<Case> cases = {{{120, 16, 500}, 20}, {{6, 16, 20}, 270}};
  const int before = num_threads();
  for (const Case& c : cases) {
    const Tensor x = random_tensor(c.input);
    for (const char* cell : {"lstm", "gru"}) {
      const Recurrent net(
          find_cell(cell),
          {.input_size = x.size(2), .hidden_size = c.hidden, .bidirectional = true});
      set_num_threads(1);
      const Tensor expected = net.forward(x).output;
      for (const int threads : {2, 3}) {
        set_num_threads(threads);
        expect_near(net.forward(x).output, expected, 0.0f);
      }
    }
  }
  set_num_threads(before);
}

TEST(Recurrent, TakesABatchFirstWhoseStepsAreLarge) {
  const auto swapped = [](const Tensor& from) {
    const std::int64_t rows = from.size(0), columns = from.size(1), features = from.size(2);
    Tensor to({columns, rows, features});
    for (std::int64_t i = 0; i < rows * columns; ++i) {
      std::copy_n(from.data() + i * features, features,
                  to.data() + (i % columns * rows + i / columns) * features);
    }
    return to;
  };
  const Tensor x = random_tensor({3, 64, 300});
  const LSTM net({.input_size = 300, .hidden_size = 4});
  const LSTM first({.input_size = 300, .hidden_size = 4, .batch_first = true});
  expect_near(swapped(first.forward(swapped(x)).output), net.forward(x).output, 0.0f);
}

// Of a temporary, a reference to a state would dangle.
static_assert(std::is_same_v<decltype(std::declval<State>().h()), Tensor>);
static_assert(std::is_same_v<decltype(std::declval<const State>().c()), Tensor>);
static_assert(std::is_same_v<decltype(std::declval<State&>().h()), Tensor&>);
static_assert(std::is_same_v<decltype(std::declval<const State&>().h()), const Tensor&>);

// A cell that is about to go cannot be registered.
template <class Cell>
constexpr bool kCanBeRegistered = requires(Cell cell) {
  register_cell(static_cast<Cell>(cell));
};
static_assert(kCanBeRegistered<const CellDescriptor&> && !kCanBeRegistered<CellDescriptor>);

TEST(Recurrent, AStateOfATemporaryLasts) {
  const LSTM net({.input_size = 3, .hidden_size = 4});
  const Tensor x = random_tensor({5, 2, 3});
  const State state = net.forward(x).state;
  const Tensor& h = net.forward(x).state.h();
  const Tensor& c = net.forward(x).state.c();
  expect_near(h, state.h(), 0.0f);
  expect_near(c, state.c(), 0.0f);
}

TEST(Recurrent, OwnsItsCell) {
  const auto temporary = [] {
    CellDescriptor cell = find_cell("lstm");
    cell.name = "a cell whose name does not fit into the string itself";
    return cell;
  };
  auto net =
      std::make_unique<Recurrent>(temporary(), RecurrentOptions{.input_size = 3, .hidden_size = 4});
  EXPECT_EQ(net->cell().name, temporary().name);
  const Tensor x = random_tensor({1, 1, 3});
  const Tensor expected = net->forward(x).output;
  expect_near(LSTM({.input_size = 3, .hidden_size = 4}).forward(x).output, expected, 0.0f);
  const Recurrent clone = net->clone();
  Stream stream = net->stream();
  net = nullptr;
  std::vector<float> y(4);
  stream.step(x.values(), y);
  for (std::size_t i = 0; i < y.size(); ++i) EXPECT_NEAR(y[i], expected.values()[i], 1e-6f);
  expect_near(clone.forward(x).output, expected, 0.0f);
}

TEST(Recurrent, TakesLengthsAndStatesAsTheyCome) {
  GRU net({.input_size = 3, .hidden_size = 4});
  const Tensor x = random_tensor({5, 2, 3});
  const std::vector<std::int64_t> lengths{3, 5};
  const Tensor expected = net.forward(x, {}, lengths).output;
  expect_near(net.forward(x, {}, {3, 5}).output, expected, 0.0f);
  expect_near(net.forward(x, {}, std::vector<std::int32_t>{3, 5}).output, expected, 0.0f);
  expect_near(net.forward(x, {}, std::array<int, 2>{3, 5}).output, expected, 0.0f);
  Tape tape;
  const Var zeros = tape.input(net.zero_state(2).h());
  const std::vector<Var> state{zeros};
  const std::span<const Var> span = state;
  expect_near(net.forward(tape, tape.input(x), {zeros}, {3, 5}).output.value(), expected, 0.0f);
  expect_near(net.forward(tape, tape.input(x), state, lengths).output.value(), expected, 0.0f);
  expect_near(net.forward(tape, tape.input(x), span, lengths).output.value(), expected, 0.0f);
}

TEST(Recurrent, ACellModuleIsOneStep) {
  LSTM net({.input_size = 3, .hidden_size = 5, .seed = 9});
  const LSTMCell one({.input_size = 3, .hidden_size = 5, .seed = 9});
  const Tensor x = random_tensor({2, 4, 3});
  Tensor step({4, 3});
  State state;
  for (std::int64_t t = 0; t < 2; ++t) {
    std::copy_n(x.data() + t * 12, 12, step.data());
    state = one.forward(step, state);
  }
  const State expected = net.forward(x).state;
  for (Tensor& tensor : state.tensors) tensor.reshape({1, 4, 5});
  expect_equal(state, expected);
}

}  // namespace
}  // namespace riverrun
