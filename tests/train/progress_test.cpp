#include "riverrun/train/progress.h"

#include <cmath>
#include <cstdint>

#include <gtest/gtest.h>

namespace riverrun {
namespace {

TEST(RunningMean, IsCorrectedForItsBeginning) {
  RunningMean mean;
  EXPECT_TRUE(std::isnan(mean.value()));
  mean.add(4);
  EXPECT_DOUBLE_EQ(mean.value(), 4);
  mean.add(2);
  EXPECT_DOUBLE_EQ(mean.value(), (0.95 * 4 + 2) / 1.95);
  mean.add(2);
  EXPECT_DOUBLE_EQ(mean.value(), (0.95 * 0.95 * 4 + 0.95 * 2 + 2) / (0.95 * 0.95 + 0.95 + 1));
  for (int i = 0; i < 1000; ++i) mean.add(3);
  EXPECT_NEAR(mean.value(), 3, 1e-12);
}

TEST(ValidationPlan, CountsWhatIsDue) {
  for (const std::int64_t per_epoch : {1, 2, 6, 7, 100}) {
    for (const std::int64_t every : {1, 3, 4, 7, 1000}) {
      const ValidationPlan plan{.steps_of_epochs = per_epoch, .valid_every = every};
      for (std::int64_t first = 1; first < 30; ++first) {
        std::int64_t due = 0;
        for (std::int64_t last = first; last < 60; ++last) {
          due += plan.due_after(last) ? 1 : 0;
          ASSERT_EQ(plan.due_within(first, last), due)
              << per_epoch << " " << every << " " << first << " " << last;
        }
      }
      EXPECT_EQ(plan.due_within(5, 4), 0);
    }
  }
  const ValidationPlan rare{.steps_of_epochs = (std::int64_t{1} << 62) - 1, .valid_every = 1 << 30};
  EXPECT_EQ(rare.due_within(1, std::int64_t{1} << 62), (std::int64_t{1} << 32) + 1);
}

}  // namespace
}  // namespace riverrun
