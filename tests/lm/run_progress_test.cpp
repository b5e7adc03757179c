#include <atomic>
#include <vector>

#include <gtest/gtest.h>

#include "tests/lm/small_run.h"
#include "tests/temporary_folder.h"

namespace riverrun::lm {
namespace {

TEST(Progress, ShowsTheMeanOfTheLossesSoFar) {
  const TemporaryFolder folder;
  SmallRun run(folder / "model");
  run.trainer_options.valid_every = 1;  // so that a validation's training loss is one update's
  RunningMean expected;
  std::vector<double> shown;
  std::vector<double> losses;
  Trainer::Watch watch;
  watch.progress = [&](const Progress& progress) { shown.push_back(progress.loss); };
  watch.validation = [&](const Validation& validation) { losses.push_back(validation.train_loss); };
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
  watch.max_seconds = 3600;
  std::atomic<bool> stop{false};
  watch.stop = &stop;
  watch.progress = [&](const Progress& progress) {
    shown.push_back(progress);
    stop = true;
  };
  shown.clear();
  limited.trainer_options.valid_every = 1;
  limited.train(watch);
  ASSERT_FALSE(shown.empty());
  EXPECT_GT(shown.back().seconds_left, 0);
}

}  // namespace
}  // namespace riverrun::lm
