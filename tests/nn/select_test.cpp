#include "riverrun/nn/select.h"

#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "riverrun/core/error.h"
#include "riverrun/nn/activations.h"
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

}  // namespace
}  // namespace riverrun
