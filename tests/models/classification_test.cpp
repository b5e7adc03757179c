#include "riverrun/models/classification.h"

#include <cmath>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "riverrun/core/error.h"

namespace riverrun::models {
namespace {

using testing::ElementsAre;

Tensor rows(std::vector<float> values, std::int64_t classes) {
  Tensor tensor({static_cast<std::int64_t>(values.size()) / classes, classes});
  std::copy(values.begin(), values.end(), tensor.data());
  return tensor;
}

// Expected values from scikit-learn 1.5: accuracy_score, balanced_accuracy_score, f1_score with
// average="macro", log_loss, confusion_matrix.
TEST(ScoreClassification, AsScikitLearn) {
  const Tensor p = rows({0.7f, 0.2f, 0.1f,    //
                         0.3f, 0.6f, 0.1f,    //
                         0.2f, 0.7f, 0.1f,    //
                         0.1f, 0.8f, 0.1f,    //
                         0.25f, 0.35f, 0.4f,  //
                         0.9f, 0.05f, 0.05f},
                        3);
  const ClassificationScore score =
      score_classification(p, std::vector<std::int32_t>{0, 0, 0, 1, 2, 2});
  EXPECT_EQ(score.examples, 6);
  EXPECT_DOUBLE_EQ(score.accuracy, 3.0 / 6);
  EXPECT_DOUBLE_EQ(score.balanced_accuracy, (1.0 / 3 + 1 + 0.5) / 3);
  EXPECT_NEAR(score.macro_f1, (0.4 + 0.5 + 2.0 / 3) / 3, 1e-12);
  EXPECT_NEAR(score.nats,
              -(std::log(0.7) + std::log(0.3) + std::log(0.2) + std::log(0.8) + std::log(0.4) +
                std::log(0.05)) /
                  6,
              1e-6);
  EXPECT_THAT(score.confusion, ElementsAre(1, 2, 0, 0, 1, 0, 1, 0, 1));
  EXPECT_DOUBLE_EQ(score.classes[1].precision, 1.0 / 3);
  EXPECT_DOUBLE_EQ(score.classes[1].recall, 1.0);
  EXPECT_EQ(score.classes[1].predicted, 3);
}

TEST(ScoreClassification, CalibrationComparesConfidenceWithAccuracy) {
  // Four of 0.75, three of which are right; two of 0.95, both wrong.
  std::vector<float> values;
  for (int i = 0; i < 4; ++i) values.insert(values.end(), {0.75f, 0.25f});
  for (int i = 0; i < 2; ++i) values.insert(values.end(), {0.95f, 0.05f});
  const ClassificationScore score =
      score_classification(rows(values, 2), std::vector<std::int32_t>{0, 0, 0, 1, 1, 1});
  ASSERT_EQ(score.calibration.size(), 10u);
  EXPECT_EQ(score.calibration[7].predictions, 4);
  EXPECT_NEAR(score.calibration[7].accuracy, 0.75, 1e-6);
  EXPECT_EQ(score.calibration[9].predictions, 2);
  EXPECT_NEAR(score.calibration[9].confidence, 0.95, 1e-6);
  EXPECT_NEAR(score.calibration_error, 2.0 / 6 * 0.95, 1e-6);
}

TEST(ScoreClassification, AProbabilityOfOneIsInTheLastBin) {
  const ClassificationScore score =
      score_classification(rows({1, 0}, 2), std::vector<std::int32_t>{1});
  EXPECT_EQ(score.calibration.back().predictions, 1);
  EXPECT_TRUE(std::isfinite(score.nats));
  EXPECT_GT(score.nats, 80);
}

TEST(ScoreClassification, AClassWithoutExamplesCountsOnlyIfItIsNamed) {
  const Tensor p = rows({0.8f, 0.2f, 0, 0.8f, 0.2f, 0}, 3);
  const ClassificationScore score = score_classification(p, std::vector<std::int32_t>{0, 1});
  EXPECT_DOUBLE_EQ(score.balanced_accuracy, 0.5);
  EXPECT_NEAR(score.macro_f1, (2.0 / 3 + 0) / 2, 1e-12) << "the third is neither there nor named";
}

TEST(ScoreClassification, TheNaiveAnswerIsTheMostFrequentClass) {
  const std::vector<std::int64_t> counts = {1, 3};
  const ClassificationScore naive =
      score_naive_classification(counts, std::vector<std::int32_t>{0, 1, 1, 1});
  EXPECT_DOUBLE_EQ(naive.accuracy, 0.75);
  EXPECT_DOUBLE_EQ(naive.balanced_accuracy, 0.5);
  EXPECT_NEAR(naive.nats, -(std::log(0.25) + 3 * std::log(0.75)) / 4, 1e-6);
}

TEST(ClassificationCounter, TheClassThatIsNamedNeedNotBeTheMostProbable) {
  ClassificationCounter counter(2);
  EXPECT_THROW((void)counter.score(), ConfigError) << "there is no example";
  const std::vector<float> probabilities = {0.75f, 0.25f};
  counter.add(probabilities, 1, 1);
  counter.add(probabilities, 1);
  counter.add(std::vector<float>{0.5f, 0.5f}, 0);
  EXPECT_THROW(counter.add(probabilities, 0, 2), ConfigError);
  EXPECT_THROW(counter.add(probabilities, 0, -1), ConfigError);
  EXPECT_THROW(counter.add(std::vector<float>{1}, 0), ShapeError);
  const ClassificationScore score = counter.score();
  EXPECT_EQ(score.examples, 3) << "what is refused does not count";
  EXPECT_THAT(score.confusion, ElementsAre(1, 0, 1, 1)) << "of equal ones the first is named";
  EXPECT_DOUBLE_EQ(score.accuracy, 2.0 / 3);
  EXPECT_NEAR(score.nats, (2 * std::log(4) + std::log(2)) / 3, 1e-12);
  EXPECT_EQ(score.calibration[2].predictions, 1) << "the probability is that of the one named";
  EXPECT_DOUBLE_EQ(score.calibration[2].accuracy, 1);
  EXPECT_THROW(ClassificationCounter(0), ConfigError);
}

TEST(Softmax, OfAnyLogitsIsWhatTheyAreToTheLargest) {
  std::vector<float> values = {1000, 1000 + std::log(3.0f), -1000};
  softmax(values, values);
  EXPECT_NEAR(values[0], 0.25, 1e-4);
  EXPECT_NEAR(values[1], 0.75, 1e-4);
  EXPECT_EQ(values[2], 0);
}

TEST(ScoreClassification, RefusesWhatDoesNotFit) {
  const Tensor p = rows({0.5f, 0.5f}, 2);
  EXPECT_THROW((void)score_classification(p, std::vector<std::int32_t>{0, 1}), ShapeError);
  EXPECT_THROW((void)score_classification(p, std::vector<std::int32_t>{}), ShapeError);
  EXPECT_THROW((void)score_classification(p, std::vector<std::int32_t>{2}), ConfigError);
  EXPECT_THROW((void)score_classification(p, std::vector<std::int32_t>{-1}), ConfigError);
  const float nan = std::nanf("");
  EXPECT_THROW((void)score_classification(rows({nan, nan}, 2), std::vector<std::int32_t>{0}),
               NumericError);
  EXPECT_THROW((void)score_naive_classification(std::vector<std::int64_t>{0, 0},
                                                std::vector<std::int32_t>{0}),
               ConfigError);
}

}  // namespace
}  // namespace riverrun::models
