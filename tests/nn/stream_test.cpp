// Steps neither allocate nor lock, and those that are large enough are shared by threads.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "riverrun/core/error.h"
#include "riverrun/core/random.h"
#include "riverrun/core/threads.h"
#include "riverrun/nn/cells.h"
#include "riverrun/nn/linear.h"
#include "riverrun/nn/recurrent.h"

#include "tests/nn/lock_count.h"
#include "tests/nn/memory_count.h"

namespace riverrun {
namespace {

class StreamOfEachCell : public testing::TestWithParam<std::string> {};

INSTANTIATE_TEST_SUITE_P(Cells, StreamOfEachCell, testing::ValuesIn(cell_names()),
                         [](const auto& test) { return test.param; });

TEST_P(StreamOfEachCell, NeitherAllocatesNorLocks) {
  for (const WeightType type : kWeightTypes) {
    for (const std::int64_t hidden : {7, 128}) {
      Recurrent net(find_cell(GetParam()),
                    {.input_size = 3, .hidden_size = hidden, .num_layers = 2});
      net.set_inference_weights(type);
      Stream stream = net.stream(2);
      const std::vector<float> x(6, 0.5f);
      std::vector<float> y(static_cast<std::size_t>(2 * hidden));
      const auto before = test::allocations();
      const auto locks_before = test::locks();
      for (int i = 0; i < 100; ++i) stream.step(x, y);
      EXPECT_EQ(test::allocations(), before);
      EXPECT_EQ(test::locks(), locks_before);
    }
  }
}

TEST_P(StreamOfEachCell, BeginsWithZeros) {
  // stream() has taken steps to warm up.
  Recurrent net(find_cell(GetParam()), {.input_size = 3, .hidden_size = 17, .num_layers = 2});
  Stream stream = net.stream(2);
  for (const Tensor& state : stream.state().tensors) {
    for (const float value : state.values()) EXPECT_EQ(value, 0.0f);
  }
}

/// A block of noise, then silence.
std::vector<float> noise_then_silence(std::int64_t noisy, std::int64_t steps, std::int64_t size) {
  std::vector<float> x(static_cast<std::size_t>(steps * size));
  Random(/*seed=*/2)
      .fill_normal(std::span(x).first(static_cast<std::size_t>(noisy * size)), 0.0f, 1.0f);
  return x;
}

// Without most biases, states decay in silence. They must not stay subnormal, with which arithmetic
// is slow: the smallest such number, times 0.9 and rounded, is itself.
TEST_P(StreamOfEachCell, LeavesSubnormalNumbers) {
  constexpr std::int64_t kSteps = 3000, kInput = 3;
  for (const std::int64_t hidden : {7, 40}) {
    Recurrent net(find_cell(GetParam()), {.input_size = kInput, .hidden_size = hidden, .seed = 3});
    for (const NamedParameter& p : net.parameters()) {
      Tensor& value = p.parameter->mutable_value();
      for (float& w : value.values()) w *= value.shape().rank() == 2 ? 0.3f : 0.0f;
      const std::int64_t gates = value.elements() / (hidden * value.shape()[-1]);
      // The second gate is what an LSTM and a GRU keep of their state: 0.88 of it.
      if (p.name == "bias_ih_l0" && value.elements() > hidden) {
        std::fill_n(value.data() + hidden, hidden, 2.0f);
      }
      // Where only W_hh keeps it, 0.9 of it.
      if (p.name == "weight_hh_l0" && gates == 1) {
        value.fill(0.0f);
        for (std::int64_t u = 0; u < hidden; ++u) value.data()[u * hidden + u] = 0.9f;
      }
    }
    const std::vector<float> x = noise_then_silence(50, kSteps, kInput);
    Stream stream = net.stream();
    std::vector<float> steps(static_cast<std::size_t>(kSteps * hidden));
    for (std::int64_t t = 0; t < kSteps; ++t) {
      stream.step(std::span(x).subspan(static_cast<std::size_t>(t * kInput), kInput),
                  std::span(steps).subspan(static_cast<std::size_t>(t * hidden),
                                           static_cast<std::size_t>(hidden)));
    }
    for (const Tensor& state : stream.state().tensors) {
      for (const float value : state.values()) {
        EXPECT_NE(std::fpclassify(value), FP_SUBNORMAL) << value;
      }
    }
    // Nor does a step give such a number, to layers above or a head.
    EXPECT_TRUE(
        std::ranges::none_of(steps, [](float h) { return std::fpclassify(h) == FP_SUBNORMAL; }));
    // The whole sequence at once does the same.
    const Tensor whole = net.forward(Tensor({kSteps, 1, kInput}, x)).output;
    EXPECT_TRUE(std::ranges::equal(whole.values(), steps));
  }
}

class LinearStreams : public testing::TestWithParam<WeightType> {};

INSTANTIATE_TEST_SUITE_P(Types, LinearStreams, testing::ValuesIn(kWeightTypes),
                         [](const auto& test) { return std::string(name(test.param)); });

TEST_P(LinearStreams, AreTheLayerAndNeitherAllocateNorLock) {
  const int threads = num_threads();
  for (const std::int64_t out : {1, 30, 4000}) {
    for (const std::int64_t batch : {1, 3, 12}) {
      Linear linear({.in_features = 700, .out_features = out, .bias = batch != 3, .seed = 4});
      linear.set_inference_weights(GetParam());
      Tensor x({batch, 700});
      Random(/*seed=*/5).fill_normal(x.values(), 0.0f, 1.0f);
      const Tensor expected = linear.forward(x);
      for (const int at_first : {1, 2}) {
        set_num_threads(at_first);
        const LinearStream stream = linear.stream(batch);
        Tensor y({batch, out});
        for (const int now : {at_first, 3}) {
          set_num_threads(now);
          const auto before = test::allocations();
          const auto locks_before = test::locks();
          for (int i = 0; i < 20; ++i) stream.step(x.values(), y.values());
          EXPECT_EQ(test::allocations(), before);
          EXPECT_EQ(test::locks(), locks_before);
          EXPECT_TRUE(std::ranges::equal(y.values(), expected.values()));
        }
      }
    }
  }
  set_num_threads(threads);
}

TEST(LinearStream, KeepsTheWeightsThatItWasMadeOf) {
  Linear linear({.in_features = 5, .out_features = 9});
  const LinearStream stream = linear.stream();
  const Tensor x({1, 5}, {1.0f, -2.0f, 3.0f, 0.5f, 0.25f});
  const Tensor before = linear.forward(x);
  linear.weight().mutable_value().fill(0.0f);
  linear.bias().mutable_value().fill(0.0f);
  EXPECT_EQ(linear.forward(x).values()[0], 0.0f);
  Tensor y({1, 9});
  stream.step(x.values(), y.values());
  EXPECT_TRUE(std::ranges::equal(y.values(), before.values()));
  EXPECT_THROW(static_cast<void>(linear.stream(0)), ConfigError);
}

TEST(StreamControl, TheCountersCount) {
  const auto before = test::allocations();
  const Tensor tensor({3});
  EXPECT_GT(test::allocations(), before);
  if (!test::counts_locks()) GTEST_SKIP() << "a sanitizer watches the locks of this build";
  // A Linear locks in order that several threads may find that its weight has changed.
  const Linear linear({.in_features = 3, .out_features = 1});
  float y = 0.0f;
  const auto locks_before = test::locks();
  linear.multiply(1, tensor.data(), &y);
  EXPECT_GT(test::locks(), locks_before);
}

class LargeStream : public testing::TestWithParam<std::string> {
 protected:
  static constexpr std::int64_t kInput = 70;

  void SetUp() override { set_num_threads(1); }
  void TearDown() override { set_num_threads(before_); }

  /// The output of the last of some steps; from the middle on with `later` threads, if not 0.
  std::vector<float> run(int threads, std::int64_t batch, int steps, int later = 0) {
    set_num_threads(threads);
    Stream stream = net_.stream(batch);
    std::vector<float> x(static_cast<std::size_t>(batch * kInput));
    std::vector<float> y(static_cast<std::size_t>(batch * net_.options().hidden_size));
    Random random(/*seed=*/3);
    for (int step = 0; step < steps; ++step) {
      random.fill_normal(x, 0.0f, 1.0f);
      if (later != 0 && step == steps / 2) set_num_threads(later);
      const std::size_t before = test::allocations();
      const std::size_t locks_before = test::locks();
      stream.step(x, y);
      EXPECT_EQ(test::allocations(), before);
      EXPECT_EQ(test::locks(), locks_before);
    }
    return y;
  }

 private:
  int before_ = num_threads();
  Recurrent net_{find_cell(GetParam()),
                 {.input_size = kInput, .hidden_size = 330, .num_layers = 2, .seed = 1}};
};

TEST_P(LargeStream, IsSharedByThreadsToTheBitAndNeitherAllocatesNorLocks) {
  // 2·40·G·330·(70 + 330) operations, at least 10 million a step, whatever the cell.
  const std::vector<float> one = run(1, 40, 5);
  EXPECT_GT(*std::max_element(one.begin(), one.end()), 0.0f);
  EXPECT_EQ(run(2, 40, 5), one);
  EXPECT_EQ(run(3, 40, 5), one);
}

// Threads are not made in a step.
TEST_P(LargeStream, DoesNotAllocateIfTheNumberOfThreadsChanges) {
  const std::vector<float> one = run(1, 40, 6);
  EXPECT_EQ(run(2, 40, 6, 3), one);
  EXPECT_EQ(run(3, 40, 6, 2), one);
  EXPECT_EQ(run(2, 40, 6, 1), one);
  EXPECT_EQ(run(1, 40, 6, 2), one);
}

// Steps that are worth sharing only while the threads are awake.
TEST_P(LargeStream, IsSharedWhereStepsFollowEachOther) {
  const std::vector<float> one = run(1, 1, 500);
  EXPECT_GT(*std::max_element(one.begin(), one.end()), 0.0f);
  EXPECT_EQ(run(2, 1, 500), one);
  EXPECT_EQ(run(3, 1, 500), one);
}

INSTANTIATE_TEST_SUITE_P(Cells, LargeStream, testing::ValuesIn(cell_names()),
                         [](const auto& test) { return test.param; });

}  // namespace
}  // namespace riverrun
