#include "riverrun/tasks/task.h"

#include <cmath>
#include <cstdint>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace riverrun::tasks {
namespace {

TEST(TaskBatch, SequencesOfDifferentLengthsLieSideBySide) {
  Sequence one;
  one.symbols = {1, 2, 3};
  one.asked = {0, 2};
  one.classes = {4, 5};
  Sequence other;
  other.symbols = {6};
  other.asked = {0};
  other.classes = {7};
  const TaskBatch batch(std::vector{one, other}, {.symbols = 10, .classes = 10});
  EXPECT_EQ(batch.seq_len, 3);
  EXPECT_THAT(batch.lengths, testing::ElementsAre(3, 1));
  EXPECT_THAT(batch.symbols, testing::ElementsAre(1, 6, 2, 0, 3, 0));
  EXPECT_THAT(batch.asked, testing::ElementsAre(0, 4, 1));
  EXPECT_THAT(batch.classes, testing::ElementsAre(4, 5, 7));
}

TEST(Judges, ByDistanceOfNumbersAndProbabilities) {
  Sequence number;
  number.asked = {7};
  number.values = {0.5f};
  const std::vector<float> close = {0.53f};
  Verdict verdict = judge_by_distance(number, close, 0.04);
  EXPECT_TRUE(verdict.right);
  EXPECT_NEAR(verdict.error, 0.03, 1e-6);
  EXPECT_NEAR(verdict.loss, 0.0009, 1e-6);
  EXPECT_FALSE(judge_by_distance(number, close, 0.02).right);

  Sequence classes;
  classes.asked = {0, 1};
  classes.classes = {1, 0};
  const float third = std::log(3.0f);
  const std::vector<float> logits = {0.0f, third, third, 0.0f};  // 3/4 on the right one, twice
  verdict = judge_by_distance(classes, logits, 0.3);
  EXPECT_TRUE(verdict.right);
  EXPECT_NEAR(verdict.error, 0.25, 1e-6);
  EXPECT_NEAR(verdict.loss, -std::log(0.75), 1e-6);
  classes.classes = {0, 0};
  EXPECT_FALSE(judge_by_distance(classes, logits, 0.3).right);
  EXPECT_TRUE(judge_by_distance(classes, logits, 0.3, 1).right) << "only the second one counts";
  EXPECT_FALSE(judge_by_largest(classes, logits).right);
  classes.classes = {1, 0};
  EXPECT_TRUE(judge_by_largest(classes, logits).right);
}

TEST(Judges, ANetworkThatAnswersNanIsWrong) {
  Sequence number;
  number.asked = {0};
  number.values = {0.5f};
  const std::vector<float> nan = {std::nanf("")};
  EXPECT_FALSE(judge_by_distance(number, nan, 0.04).right);
  Sequence classes;
  classes.asked = {0};
  classes.classes = {0};
  EXPECT_FALSE(judge_by_distance(classes, std::vector{nan[0], 0.0f}, 0.04).right);
  EXPECT_FALSE(judge_by_largest(classes, std::vector{nan[0], 0.0f}).right);
}

TEST(Criteria, AreMetByAllThatTheyAskFor) {
  const auto tally_of = [](std::int64_t sequences, double error, bool right) {
    Tally tally;
    for (std::int64_t i = 0; i < sequences; ++i) {
      tally.add({.loss = error * error, .error = error, .right = right || i > 0});
    }
    return tally;
  };
  const Criterion published{.window = 2000, .all_right = true, .error_below = 0.01};
  EXPECT_TRUE(published.met(tally_of(2000, 0.009, true)));
  EXPECT_FALSE(published.met(tally_of(1999, 0.009, true))) << "too few";
  EXPECT_FALSE(published.met(tally_of(2000, 0.009, false))) << "one wrong";
  EXPECT_FALSE(published.met(tally_of(2000, 0.011, true))) << "too far off";
  EXPECT_FALSE(published.met(tally_of(2000, std::nan(""), true)));
  EXPECT_FALSE(published.met({}));
  EXPECT_TRUE(Criterion{.loss_below = 0.005}.met(tally_of(10, 0.07, false)));
  EXPECT_FALSE(Criterion{.loss_below = 0.005}.met(tally_of(10, 0.08, true)));
  EXPECT_TRUE(Criterion{.right_share = 0.9}.met(tally_of(10, 1, false)));
  EXPECT_FALSE(Criterion{.right_share = 0.95}.met(tally_of(10, 1, false)));
}

TEST(Criteria, F1CountsTheRareSense) {
  Tally tally;
  const auto add = [&](bool rare, bool called, int times) {
    for (int i = 0; i < times; ++i) {
      tally.add({.right = rare == called, .rare = rare, .called_rare = called});
    }
  };
  add(false, false, 90);
  EXPECT_EQ(tally.f1(), 0.0);
  add(true, false, 4);
  EXPECT_EQ(tally.f1(), 0.0) << "always the common sense";
  add(true, true, 6);
  add(false, true, 2);
  EXPECT_DOUBLE_EQ(tally.f1(), 2 * (6.0 / 8) * (6.0 / 10) / (6.0 / 8 + 6.0 / 10));
}

}  // namespace
}  // namespace riverrun::tasks
