#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "riverrun/core/error.h"
#include "riverrun/nn/ops.h"
#include "riverrun/nn/recurrent.h"

#include "tests/nn/gradient_check.h"

namespace riverrun {
namespace {

using test::random_tensor;
using ::testing::ElementsAre;
using ::testing::ElementsAreArray;

TEST(Select, TakesAPlaceOfAnyDimension) {
  const Tensor x({2, 3, 2}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11});
  EXPECT_EQ(select(x, 0, 1).shape(), (Shape{3, 2}));
  EXPECT_THAT(select(x, 0, 1).values(), ElementsAre(6, 7, 8, 9, 10, 11));
  EXPECT_THAT(select(x, 1, -1).values(), ElementsAre(4, 5, 10, 11));
  EXPECT_THAT(select(x, -1, 0).values(), ElementsAre(0, 2, 4, 6, 8, 10));
  EXPECT_EQ(select(Tensor({1}, {7}), 0, 0).shape(), Shape{});
}

TEST(Select, HasAGradient) {
  for (const int dimension : {0, 1, 2}) {
    test::check_gradients(
        [&](Tape&, const auto& in) {
          return add(select(in[0], dimension, 0), tanh(select(in[0], dimension, -1)));
        },
        {random_tensor({2, 3, 4}, 1)});
  }
  Tape tape;
  EXPECT_FALSE(select(tape.input(Tensor(Shape{2})), 0, 0).requires_grad());
}

TEST(Select, RefusesWhatIsNotThere) {
  const Tensor x(Shape{2, 3});
  EXPECT_THROW((void)select(x, 2, 0), ShapeError);
  EXPECT_THROW((void)select(x, -3, 0), ShapeError);
  EXPECT_THROW((void)select(x, 1, 3), ShapeError);
  EXPECT_THROW((void)select(x, 0, -3), ShapeError);
  EXPECT_THROW((void)select(Tensor(Shape{}), 0, 0), ShapeError);
  EXPECT_THROW((void)select(Var(), 0, 0), Error);
}

TEST(Select, NarrowsAStateToTheLastLayer) {
  LSTM lstm({.input_size = 2, .hidden_size = 3, .num_layers = 2});
  const Tensor x = random_tensor({4, 1, 2}, 1);
  const Recurrent::Output result = lstm.forward(x);
  const Tensor last_step = select(result.output, 0, -1);
  EXPECT_THAT(select(result.state.h(), 0, -1).values(), ElementsAreArray(last_step.values()));
  Tape tape;
  const Recurrent::VarOutput recorded = lstm.forward(tape, tape.input(x));
  EXPECT_THAT(select(recorded.state[0], 0, -1).value().values(),
              ElementsAreArray(last_step.values()));
}

TEST(Reshape, KeepsTheElementsAndTheirGradients) {
  Tape tape;
  const Var x = tape.input(Tensor({2, 3}, {1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(reshape(x, {3, 2}).shape(), (Shape{3, 2}));
  EXPECT_THAT(reshape(x, {1, 6}).value().values(), ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_THROW(reshape(x, {4}), ShapeError);
  test::check_gradients(
      [](Tape&, const auto& in) {
        return tanh(reshape(in[0], {3, 4}));
      },
      {random_tensor({2, 3, 2}, 1)});
}

TEST(Transpose, ExchangesAnyTwoDimensions) {
  Tape tape;
  const Tensor values = random_tensor({2, 3, 4, 5}, 1);
  const Var x = tape.input(values);
  for (int first = 0; first < 4; ++first) {
    for (int second = 0; second < 4; ++second) {
      const Tensor& y = transpose(x, first, second - 4).value();
      std::array<std::int64_t, 4> at{};
      for (at[0] = 0; at[0] < 2; ++at[0]) {
        for (at[1] = 0; at[1] < 3; ++at[1]) {
          for (at[2] = 0; at[2] < 4; ++at[2]) {
            for (at[3] = 0; at[3] < 5; ++at[3]) {
              std::array<std::int64_t, 4> to = at;
              std::swap(to[static_cast<std::size_t>(first)], to[static_cast<std::size_t>(second)]);
              const auto place = [](const Shape& s, const std::array<std::int64_t, 4>& i) {
                return static_cast<std::size_t>(((i[0] * s[1] + i[1]) * s[2] + i[2]) * s[3] + i[3]);
              };
              ASSERT_EQ(y.values()[place(y.shape(), to)],
                        values.values()[place(values.shape(), at)]);
            }
          }
        }
      }
      test::check_gradients(
          [&](Tape&, const auto& in) { return tanh(transpose(in[0], first, second)); }, {values});
    }
  }
  EXPECT_THROW(transpose(x, 0, 4), ShapeError);
  EXPECT_EQ(transpose(tape.input(Tensor(Shape{2, 0})), 0, 1).shape(), (Shape{0, 2}));
}

TEST(Narrow, TakesASliceOfAnyDimension) {
  Tape tape;
  const Var x = tape.input(Tensor({2, 3, 2}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}));
  EXPECT_THAT(narrow(x, 1, 1, 2).value().values(), ElementsAre(2, 3, 4, 5, 8, 9, 10, 11));
  EXPECT_THAT(narrow(x, 0, -1, 1).value().values(), ElementsAre(6, 7, 8, 9, 10, 11));
  EXPECT_EQ(narrow(x, 2, 0, 1).shape(), (Shape{2, 3, 1}));
  EXPECT_EQ(narrow(x, 2, 2, 0).shape(), (Shape{2, 3, 0}));
  for (const int dimension : {0, 1, 2}) {
    test::check_gradients(
        [&](Tape&, const auto& in) { return tanh(narrow(in[0], dimension, 1, 1)); },
        {random_tensor({2, 3, 4}, 1)});
  }
  EXPECT_THROW(narrow(x, 1, 2, 2), ShapeError);
  EXPECT_THROW(narrow(x, 1, -4, 1), ShapeError);
  EXPECT_THROW(narrow(x, 1, 0, -1), ShapeError);
  EXPECT_THROW(narrow(x, 1, 1, std::numeric_limits<std::int64_t>::max()), ShapeError);
  EXPECT_THROW(narrow(x, 3, 0, 1), ShapeError);
}

TEST(Cat, UndoesNarrow) {
  Tape tape;
  const Var x = tape.input(random_tensor({3, 4, 5}, 1));
  for (const int dimension : {0, 1, -1}) {
    const std::int64_t extent = x.shape()[dimension];
    const Var again = cat({narrow(x, dimension, 0, 1), narrow(x, dimension, 1, extent - 2),
                           narrow(x, dimension, -1, 1)},
                          dimension);
    EXPECT_EQ(again.shape(), x.shape());
    EXPECT_THAT(again.value().values(), ElementsAreArray(x.value().values()));
    test::check_gradients(
        [&](Tape& t, const auto& in) {
          const Var constant = t.input(random_tensor(in[0].shape(), 3));
          return tanh(cat({in[0], constant, in[1], in[0]}, dimension));
        },
        {random_tensor({2, 3, 2}, 1), random_tensor({2, 3, 2}, 2)});
  }
}

TEST(Cat, RefusesWhatDoesNotFit) {
  Tape tape;
  Tape other;
  const Var x = tape.input(Tensor(Shape{2, 3}));
  EXPECT_THROW(cat({}), ShapeError);
  EXPECT_THROW(cat({x, tape.input(Tensor(Shape{2, 4}))}, 0), ShapeError);
  EXPECT_THROW(cat({x, tape.input(Tensor(Shape{2}))}, 0), ShapeError);
  EXPECT_THROW(cat({x, x}, 2), ShapeError);
  EXPECT_THROW(cat({x, other.input(Tensor(Shape{2, 3}))}, 0), Error);
}

TEST(IndexSelect, TakesPlacesInAnyOrder) {
  Tape tape;
  const Var x = tape.input(Tensor({3, 2}, {0, 1, 2, 3, 4, 5}));
  EXPECT_THAT(index_select(x, 0, {2, 0, 2}).value().values(), ElementsAre(4, 5, 0, 1, 4, 5));
  EXPECT_THAT(index_select(x, 1, {1}).value().values(), ElementsAre(1, 3, 5));
  EXPECT_EQ(index_select(x, 0, {}).shape(), (Shape{0, 2}));
  for (const int dimension : {0, 1, 2}) {
    test::check_gradients(
        [&](Tape&, const auto& in) {
          return tanh(index_select(in[0], dimension, {1, 0, 1}));
        },
        {random_tensor({2, 3, 4}, 1)});
  }
  EXPECT_THROW(index_select(x, 0, {3}), ShapeError);
  EXPECT_THROW(index_select(x, 0, {-1}), ShapeError);
}

TEST(Gather, TakesAnElementForEachPosition) {
  Tape tape;
  const Var x = tape.input(Tensor({3, 2}, {0, 1, 2, 3, 4, 5}));
  const Var picked = gather(x, 1, {1, 0, 1});
  EXPECT_EQ(picked.shape(), (Shape{3, 1}));
  EXPECT_THAT(picked.value().values(), ElementsAre(1, 2, 5));
  EXPECT_THAT(gather(x, 0, {2, 0, 1, 1}).value().values(), ElementsAre(4, 1, 2, 3));
  test::check_gradients(
      [&](Tape&, const auto& in) {
        return tanh(gather(in[0], 1, {2, 0, 1, 2, 2, 0, 0, 1}));
      },
      {random_tensor({2, 3, 2}, 1)});
  EXPECT_THROW(gather(x, 1, {0, 1}), ShapeError);
  EXPECT_THROW(gather(x, 1, {0, 1, 2}), ShapeError);
}

}  // namespace
}  // namespace riverrun
