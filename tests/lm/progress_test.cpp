#include "riverrun/lm/progress.h"

#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "tests/lm/small_run.h"
#include "tests/temporary_folder.h"

namespace riverrun::lm {
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
      const ValidationPlan plan{.steps_per_epoch = per_epoch, .valid_every = every};
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
  const ValidationPlan rare{.steps_per_epoch = (std::int64_t{1} << 62) - 1, .valid_every = 1 << 30};
  EXPECT_EQ(rare.due_within(1, std::int64_t{1} << 62), (std::int64_t{1} << 32) + 1);
}

TEST(Progress, ShowsTheMeanOfTheLossesSoFar) {
  const TemporaryFolder folder;
  SmallRun run(folder / "model");
  run.trainer_options.valid_every = 1;  // so that a validation's training loss is one update's
  RunningMean expected;
  std::vector<double> shown;
  std::vector<double> losses;
  Trainer::Watch watch;
  watch.progress = [&](const Progress& progress) { shown.push_back(progress.nats); };
  watch.validation = [&](const Validation& validation) { losses.push_back(validation.train_nats); };
  run.train(watch);
  ASSERT_EQ(shown.size(), losses.size());
  ASSERT_GT(shown.size(), 20U);
  for (std::size_t i = 0; i < shown.size(); ++i) {
    expected.add(losses[i]);
    EXPECT_NEAR(shown[i], expected.value(), 1e-9) << i;
  }
}

TEST(Progress, TheTimeLeftCountsTheValidationsToCome) {
  const TemporaryFolder folder;
  SmallRun run(folder / "model");
  run.trainer_options.epochs = 2;
  run.trainer_options.valid_every = 1'000'000;
  run.valid_text = sentences(1000, 99);  // many times as long as the training text
  std::vector<Progress> shown;
  Trainer::Watch watch;
  watch.progress = [&](const Progress& progress) { shown.push_back(progress); };
  run.train(watch);
  ASSERT_GT(shown.size(), 4U);
  // After the last update there is a validation left.
  EXPECT_EQ(shown.back().step, shown.back().total_steps);
  EXPECT_GT(shown.back().seconds_left, 0);
  // The time limit ends with one, too.
  SmallRun limited(folder / "limited");
  limited.valid_text = run.valid_text;
  watch.max_seconds = 1e-3;
  shown.clear();
  limited.trainer_options.valid_every = 1;
  limited.train(watch);
  ASSERT_FALSE(shown.empty());
  EXPECT_GT(shown.back().seconds_left, 0);
}

}  // namespace
}  // namespace riverrun::lm
