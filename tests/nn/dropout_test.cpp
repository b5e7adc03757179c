#include "riverrun/nn/dropout.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include "riverrun/core/error.h"
#include "riverrun/core/threads.h"

#include "tests/nn/gradient_check.h"

namespace riverrun {
namespace {

Tensor ones(const Shape& shape) {
  Tensor tensor(shape);
  tensor.fill(1.0f);
  return tensor;
}

TEST(Dropout, DropsItsShareAndScalesTheRest) {
  constexpr float p = 0.3f;
  Tape tape(true, 5);
  const Var y = dropout(tape, tape.input(ones({1000, 1000})), p);
  std::int64_t dropped = 0;
  std::int64_t dropped_pairs = 0;
  const auto values = y.value().values();
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i] == 0.0f) {
      ++dropped;
      dropped_pairs += i > 0 && values[i - 1] == 0.0f;
    } else {
      ASSERT_EQ(values[i], 1.0f / (1.0f - p));
    }
  }
  // Standard deviations: √(10⁶·0.3·0.7) = 458, and for neighbours (0.09 expected) about 350.
  EXPECT_NEAR(static_cast<double>(dropped), 300000.0, 2500.0);
  EXPECT_NEAR(static_cast<double>(dropped_pairs), 90000.0, 2000.0);
}

TEST(Dropout, IsTheInputItselfWhenNotTrainingOrWithoutProbability) {
  Tape evaluation(false);
  const Var x = evaluation.input(ones({10}));
  EXPECT_EQ(&dropout(evaluation, x, 0.5f).value(), &x.value());
  Tape training;
  const Var y = training.input(ones({10}));
  EXPECT_EQ(&dropout(training, y, 0.0f).value(), &y.value());
  EXPECT_EQ(training.random().state().drawn, 0U);
}

TEST(Dropout, PassesTheGradientWhereItPassesTheValue) {
  Tape tape(true, 1);
  const Var x = tape.input(ones({50000}), true);
  const Var y = dropout(tape, dropout(tape, x, 0.5f), 0.2f);
  std::vector<Tape::Upstream> upstream;
  upstream.push_back({y, ones({50000})});
  tape.backward(std::move(upstream));
  EXPECT_TRUE(std::ranges::equal(x.grad().values(), y.value().values()));
}

TEST(Dropout, RepeatsFromTheStateOfTheGenerator) {
  Tape tape(true, 9);
  dropout(tape, tape.input(ones({7})), 0.5f);  // a position within a block
  const Random::State state = tape.random().state();
  EXPECT_EQ(state.drawn, 7U);
  const Tensor first = dropout(tape, tape.input(ones({40000})), 0.5f).value();
  const Tensor second = dropout(tape, tape.input(ones({40000})), 0.5f).value();
  EXPECT_FALSE(std::ranges::equal(first.values(), second.values()));

  Tape resumed(true, 1234);
  resumed.random() = Random(state);
  const Var again = dropout(resumed, resumed.input(ones({40000})), 0.5f);
  EXPECT_TRUE(std::ranges::equal(first.values(), again.value().values()));
}

TEST(Dropout, HasTheSameBitsWithAnyNumberOfThreads) {
  const int before = num_threads();
  std::vector<Tensor> results;
  for (const int threads : {1, 2, 3}) {
    set_num_threads(threads);
    Tape tape(true, 4);
    dropout(tape, tape.input(ones({3})), 0.5f);
    results.push_back(dropout(tape, tape.input(ones({100001})), 0.4f).value());
  }
  set_num_threads(before);
  EXPECT_TRUE(std::ranges::equal(results[0].values(), results[1].values()));
  EXPECT_TRUE(std::ranges::equal(results[0].values(), results[2].values()));
}

TEST(Dropout, RefusesAnImpossibleProbability) {
  Tape tape;
  const Var x = tape.input(ones({1}));
  EXPECT_THROW(dropout(tape, x, -0.1f), ConfigError);
  EXPECT_THROW(dropout(tape, x, 1.0f), ConfigError);
  EXPECT_THROW(dropout(tape, x, std::numeric_limits<float>::quiet_NaN()), ConfigError);
}

}  // namespace
}  // namespace riverrun
