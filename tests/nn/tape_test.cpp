#include "riverrun/nn/tape.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "riverrun/core/error.h"
#include "riverrun/core/memory.h"
#include "riverrun/nn/dropout.h"
#include "riverrun/nn/linear.h"
#include "riverrun/nn/loss.h"
#include "riverrun/nn/ops.h"
#include "riverrun/nn/recurrent.h"
#include "riverrun/nn/recurrent_cell.h"

#include "tests/nn/gradient_check.h"
#include "tests/nn/memory_count.h"

namespace riverrun {
namespace {

using test::random_tensor;

Var twice(Tape& tape, Var x) {
  Tensor y = tape.allocate(x.shape());
  for (std::size_t i = 0; i < y.values().size(); ++i) y.values()[i] = 2.0f * x.value().values()[i];
  return tape.record(std::move(y), [&tape, x](const Tensor& grad) {
    Tensor& sum = tape.grad(x);
    for (std::size_t i = 0; i < grad.values().size(); ++i) {
      sum.values()[i] += 2.0f * grad.values()[i];
    }
  });
}

TEST(Tape, AddsTheGradientsOfAValueUsedTwice) {
  Tape tape;
  const Var x = tape.input(Tensor({1}, {3.0f}), true);
  const Var y = add(twice(tape, x), multiply(x, x));  // 2x + x²
  tape.backward(y);
  EXPECT_EQ(y.value().values()[0], 15.0f);
  EXPECT_EQ(x.grad().values()[0], 8.0f);  // 2 + 2x
}

TEST(Tape, GivesNoGradientToWhatDoesNotRequireIt) {
  Tape tape;
  const Var constant = tape.input(Tensor({1}, {3.0f}));
  const Var x = tape.input(Tensor({1}, {5.0f}), true);
  const Var square = multiply(constant, constant);
  EXPECT_FALSE(square.requires_grad());
  tape.backward(multiply(square, x));
  EXPECT_EQ(x.grad().values()[0], 9.0f);
  EXPECT_TRUE(constant.grad().empty());
}

TEST(Tape, DoesNotRunTheBackwardOfWhatTheLossDoesNotNeed) {
  Tape tape;
  const Var x = tape.input(Tensor({1}, {3.0f}), true);
  bool ran = false;
  tape.record(Tensor({1}), [&ran](const Tensor&) { ran = true; });
  tape.backward(twice(tape, x));
  EXPECT_FALSE(ran);
}

TEST(Tape, StartsFromSeveralValuesWithTheirOwnGradients) {
  Tape tape;
  const Var x = tape.input(Tensor({2}, {1.0f, 2.0f}), true);
  const Var y = twice(tape, x);
  const Var z = multiply(y, y);
  std::vector<Tape::Upstream> upstream;
  upstream.push_back({y, Tensor({2}, {1.0f, 10.0f})});
  upstream.push_back({z, Tensor({2}, {1.0f, 0.5f})});
  tape.backward(std::move(upstream));
  // d/dx (y·u + z·v) = 2u + 8x·v
  EXPECT_EQ(x.grad().values()[0], 10.0f);
  EXPECT_EQ(x.grad().values()[1], 28.0f);
}

TEST(Tape, RefusesALossThatIsNotOneNumber) {
  Tape tape;
  const Var x = tape.input(Tensor({2}), true);
  EXPECT_THROW(tape.backward(x), ShapeError);
}

TEST(Tape, RefusesASecondBackwardBeforeClear) {
  Tape tape;
  const Var x = tape.input(Tensor({1}), true);
  tape.backward(twice(tape, x));
  EXPECT_THROW(tape.backward(x), Error);
  tape.clear();
  EXPECT_NO_THROW(tape.backward(tape.input(Tensor({1}), true)));
}

TEST(Tape, RefusesAGradientOfAnotherShape) {
  Tape tape;
  const Var x = tape.input(Tensor({2}), true);
  EXPECT_THROW(tape.add_grad(x, Tensor({3})), ShapeError);
}

TEST(Tape, RefusesAValueOfNoTapeOrAnother) {
  EXPECT_THROW((void)Var().value(), Error);
  EXPECT_THROW((void)Var().grad(), Error);
  EXPECT_THROW((void)Var().requires_grad(), Error);
  Tape tape;
  Tape other;
  const Var v = other.input(Tensor({1}), true);
  EXPECT_THROW(tape.backward(Var()), Error);
  EXPECT_THROW(tape.backward(v), Error);
  EXPECT_THROW((void)tape.grad(v), Error);
  EXPECT_THROW(tape.add_grad(Var(), Tensor({1})), Error);
}

TEST(Tape, RefusesAValueOfATapeThatStoodInItsPlace) {
  std::optional<Tape> tape(std::in_place);
  const Var old = tape->input(Tensor({1}, {3.0f}), true);
  tape.emplace();  // as a tape in the body of a loop
  const Var now = tape->input(Tensor({1}, {5.0f}), true);
  EXPECT_THROW((void)old.value(), Error);
  EXPECT_THROW((void)add(now, old), Error);
  EXPECT_EQ(now.value().data()[0], 5.0f);
}

TEST(Tape, RefusesAValueFromBeforeItWasCleared) {
  Tape tape;
  const Var old = tape.input(Tensor({1}, {3.0f}), true);
  tape.clear();
  const Var now = tape.input(Tensor({1}, {5.0f}), true);  // in the place of the old one
  EXPECT_THROW((void)old.value(), Error);
  EXPECT_THROW((void)old.shape(), Error);
  EXPECT_THROW((void)old.grad(), Error);
  EXPECT_THROW((void)old.requires_grad(), Error);
  EXPECT_THROW((void)tape.grad(old), Error);
  EXPECT_THROW(tape.add_grad(old, Tensor({1})), Error);
  EXPECT_THROW(tape.backward(old), Error);
  EXPECT_THROW((void)add(now, old), Error);
  EXPECT_THROW((void)tanh(old), Error);
  Linear linear({.in_features = 1, .out_features = 1});
  EXPECT_THROW((void)linear.forward(tape, old), Error);
  try {
    (void)old.value();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("cleared"));
  }
  EXPECT_EQ(now.value().values()[0], 5.0f);
}

// Truncated back-propagation as one writes it after PyTorch, but without detaching.
TEST(Tape, RefusesAStateFromBeforeItWasCleared) {
  GRU gru({.input_size = 2, .hidden_size = 2});
  Tape tape;
  std::vector<Var> state = gru.forward(tape, tape.input(random_tensor({1, 3, 2}, 1))).state;
  const Tensor kept = state[0].value();
  tape.clear();
  const Var x = tape.input(random_tensor({1, 3, 2}, 2));
  EXPECT_THROW((void)gru.forward(tape, x, state), Error);
  EXPECT_NO_THROW((void)gru.forward(tape, x, {tape.input(kept)}));
}

TEST(Tape, RefusesAValueOfAnotherTapeInEveryFunction) {
  Tape tape;
  Tape other;
  const Var here = tape.input(random_tensor({2, 1, 3}, 1));
  const Var there = other.input(random_tensor({2, 1, 3}, 1));
  Linear linear({.in_features = 3, .out_features = 3});
  LSTM lstm({.input_size = 3, .hidden_size = 3});
  GRUCell cell({.input_size = 3, .hidden_size = 3});
  const Var row = tape.input(random_tensor({1, 3}, 1));
  const Var other_row = other.input(random_tensor({1, 3}, 1));
  const std::vector<std::int32_t> targets{0, 1};
  EXPECT_THROW((void)add(here, there), Error);
  EXPECT_THROW((void)multiply(here, there), Error);
  EXPECT_THROW((void)dropout(tape, there, 0.0f), Error);
  EXPECT_THROW((void)linear.forward(tape, there), Error);
  EXPECT_THROW((void)lstm.forward(tape, there), Error);
  EXPECT_THROW((void)lstm.forward(tape, here, {there, there}), Error);
  EXPECT_THROW((void)cell.forward(tape, other_row), Error);
  EXPECT_THROW((void)cell.forward(tape, row, {other_row}), Error);
  EXPECT_THROW((void)linear_cross_entropy(linear, tape, there, targets), Error);
}

TEST(Tape, RefusesABackwardOfAConstant) {
  Tape tape;
  const Var x = tape.input(Tensor({1}, {3.0f}));
  EXPECT_THROW(tape.backward(x), Error);
  EXPECT_THROW(tape.backward(multiply(x, x)), Error);
  const Var y = tape.input(Tensor({1}, {3.0f}), true);
  std::vector<Tape::Upstream> upstream;
  upstream.push_back({y, Tensor({1}, {1.0f})});
  upstream.push_back({x, Tensor({1}, {1.0f})});
  EXPECT_THROW(tape.backward(std::move(upstream)), Error);
  EXPECT_TRUE(y.grad().empty());  // as it was
  tape.backward(multiply(x, y));
  EXPECT_EQ(y.grad().values()[0], 3.0f);
}

TEST(Tape, RefusesAGradientOfAConstant) {
  Tape tape;
  const Var constant = tape.input(Tensor({1}, {3.0f}));
  EXPECT_THROW(static_cast<void>(tape.grad(constant)), Error);
  EXPECT_THROW(tape.add_grad(constant, Tensor({1}, {1.0f})), Error);
  EXPECT_THROW(static_cast<void>(tape.grad(tape.record(Tensor(Shape{1}), nullptr))), Error);
  EXPECT_TRUE(constant.grad().empty());
  // So is one that an operation of one's own passes its gradient to without asking.
  EXPECT_THROW(tape.backward(twice(tape, constant)), Error);
}

TEST(Tape, ReferencesToValuesSurviveRecording) {
  Tape tape;
  const Var x = tape.input(Tensor({1}, {3.0f}), true);
  const Tensor& value = x.value();
  for (int i = 0; i < 1000; ++i) twice(tape, x);
  EXPECT_EQ(&value, &x.value());
  EXPECT_EQ(value.values()[0], 3.0f);
}

TEST(Tape, ATrainingStepAllocatesOnlyOnce) {
  Linear first({.in_features = 50, .out_features = 70, .seed = 1});
  Linear second({.in_features = 70, .out_features = 30, .seed = 2});
  const std::vector<std::int32_t> targets(20, 7);
  const Tensor x = random_tensor({20, 50}, 3);
  Tape tape;
  const auto step = [&] {
    Tensor copy = tape.allocate(x.shape());
    std::copy(x.values().begin(), x.values().end(), copy.values().begin());
    const Var hidden = tanh(first.forward(tape, tape.input(std::move(copy), true)));
    tape.backward(linear_cross_entropy(second, tape, hidden, targets));
    tape.clear();
  };
  const std::size_t before = test::tensor_allocations();
  step();
  const std::size_t warm = test::tensor_allocations();
  EXPECT_GT(warm, before);  // the counter counts
  for (int i = 0; i < 5; ++i) step();
  EXPECT_EQ(test::tensor_allocations(), warm);
}

TEST(Tape, WhatItKeepsDoesNotGrow) {
  Tape tape;
  const auto step = [&] {
    tape.input(Tensor({1000}));  // memory that does not come from the tape
    tape.clear();
  };
  for (int i = 0; i < 3; ++i) step();
  const std::size_t before = test::tensor_bytes();
  for (int i = 0; i < 100; ++i) step();
  EXPECT_EQ(test::tensor_bytes(), before);
}

TEST(Tape, DoesNotSpendLargeMemoryOnASmallTensor) {
  set_kept_memory(0);  // what is measured is what tensors hold
  Tape tape;
  tape.recycle(Tensor({100000}));
  EXPECT_LT(tape.allocate({10}).capacity(), 1000U);
  EXPECT_EQ(tape.allocate({90000}).capacity(), 100000U);
}

}  // namespace
}  // namespace riverrun
