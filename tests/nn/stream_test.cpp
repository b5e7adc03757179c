// Steps do not allocate, and those that are large enough are shared by threads.
#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "riverrun/core/random.h"
#include "riverrun/core/threads.h"
#include "riverrun/nn/cells.h"
#include "riverrun/nn/recurrent.h"

#include "tests/nn/memory_count.h"

namespace riverrun {
namespace {

class StreamOfEachCell : public testing::TestWithParam<std::string> {};

INSTANTIATE_TEST_SUITE_P(Cells, StreamOfEachCell, testing::ValuesIn(cell_names()),
                         [](const auto& test) { return test.param; });

TEST_P(StreamOfEachCell, DoesNotAllocate) {
  for (const WeightType type : kWeightTypes) {
    for (const std::int64_t hidden : {7, 128}) {
      Recurrent net(find_cell(GetParam()),
                    {.input_size = 3, .hidden_size = hidden, .num_layers = 2});
      net.set_inference_weights(type);
      Stream stream = net.stream(2);
      const std::vector<float> x(6, 0.5f);
      std::vector<float> y(static_cast<std::size_t>(2 * hidden));
      stream.step(x, y);  // the first call may set up the choice of the SIMD target
      const auto before = test::allocations();
      for (int i = 0; i < 100; ++i) stream.step(x, y);
      EXPECT_EQ(test::allocations(), before);
    }
  }
}

TEST(StreamControl, TheCounterCounts) {
  const auto before = test::allocations();
  const Tensor tensor({3});
  EXPECT_GT(test::allocations(), before);
}

class LargeStream : public testing::TestWithParam<std::string> {
 protected:
  static constexpr std::int64_t kInput = 70;

  void SetUp() override { set_num_threads(1); }
  void TearDown() override { set_num_threads(before_); }

  /// The output of the last of some steps.
  std::vector<float> run(int threads, std::int64_t batch, int steps) {
    set_num_threads(threads);
    Stream stream = net_.stream(batch);
    std::vector<float> x(static_cast<std::size_t>(batch * kInput));
    std::vector<float> y(static_cast<std::size_t>(batch * net_.options().hidden_size));
    Random random(/*seed=*/3);
    for (int step = 0; step < steps; ++step) {
      random.fill_normal(x, 0.0f, 1.0f);
      const std::size_t before = test::allocations();
      stream.step(x, y);
      if (step > 0) {
        EXPECT_EQ(test::allocations(), before);  // the first chooses the SIMD target
      }
    }
    return y;
  }

 private:
  int before_ = num_threads();
  Recurrent net_{find_cell(GetParam()),
                 {.input_size = kInput, .hidden_size = 330, .num_layers = 2, .seed = 1}};
};

TEST_P(LargeStream, IsSharedByThreadsToTheBitAndDoesNotAllocate) {
  // 2·40·G·330·(70 + 330) operations, at least 10 million a step, whatever the cell.
  const std::vector<float> one = run(1, 40, 5);
  EXPECT_GT(*std::max_element(one.begin(), one.end()), 0.0f);
  EXPECT_EQ(run(2, 40, 5), one);
  EXPECT_EQ(run(3, 40, 5), one);
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
