#include "riverrun/models/classifier.h"

#include <cmath>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "riverrun/core/error.h"

#include "tests/models/waves.h"

namespace riverrun::models {
namespace {

using data::LabelledSequences;
using data::Missing;
using test::waves;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

constexpr float kNone = std::numeric_limits<float>::quiet_NaN();

ClassifierOptions options_for(const LabelledSequences& data) {
  ClassifierOptions options;
  describe(data, all_of(data), options);
  options.hidden_size = 6;
  options.conv_channels = 4;
  options.conv_kernel_size = 3;
  return options;
}

LabelledSequences small() {
  return {.path = "small.ts",
          .channels = 2,
          .classes = {"a", "b"},
          .sequences = {{.values = {1, 7, 3, 7}, .seq_len = 2, .label = 0, .line = 4},
                        {.values = {5, 7}, .seq_len = 1, .label = 1, .line = 5},
                        {.values = {7, 7}, .seq_len = 1, .label = 0, .line = 6}}};
}

TEST(Classifier, IsDescribedByWhatItLearns) {
  ClassifierOptions options;
  const std::vector<std::int64_t> learnt = {0, 1};
  describe(small(), learnt, options);
  EXPECT_EQ(options.channels, 2);
  EXPECT_THAT(options.classes, ElementsAre("a", "b"));
  EXPECT_THAT(options.examples, ElementsAre(1, 1));
  EXPECT_THAT(options.mean, ElementsAre(3, 7));
  EXPECT_THAT(options.scale, ElementsAre(std::sqrt(8.0f / 3), 1)) << "the second is constant";
  EXPECT_THAT(constant_channels(small(), learnt), ElementsAre(1));
}

TEST(Classifier, MissingValuesDoNotCount) {
  LabelledSequences data = small();
  data.sequences[0].values = {1, kNone, kNone, kNone};
  ClassifierOptions options;
  describe(data, all_of(data), options);
  EXPECT_FLOAT_EQ(options.mean[0], 13.0f / 3);
  EXPECT_FLOAT_EQ(options.mean[1], 7);
}

TEST(Classifier, ReadsStandardisedNumbersSideBySide) {
  const LabelledSequences data = small();
  ClassifierOptions options = options_for(data);
  options.mean = {1, 7};
  options.scale = {2, 1};
  const Classifier model(options);
  const ClassifierBatch batch = model.batch(data, std::vector<std::int64_t>{1, 0});
  EXPECT_EQ(batch.numbers.shape(), Shape({2, 2, 2}));
  EXPECT_THAT(batch.numbers.values(), ElementsAre(2, 0, 0, 0, 0, 0, 1, 0));
  EXPECT_THAT(batch.lengths, ElementsAre(1, 2));
}

TEST(Classifier, IsToldWhatIsMissingWithAMask) {
  LabelledSequences data = small();
  data.sequences[0].values[2] = kNone;
  ClassifierOptions options = options_for(data);
  options.mean = {1, 6};
  options.scale = {2, 1};
  EXPECT_THAT(
      [&] { (void)Classifier(options).batch(data, all_of(data)); },
      ThrowsMessage<FormatError>(HasSubstr("line 4, channel 1, step 2: a value is missing")));
  options.missing = Missing::kMask;
  const Classifier model(options);
  const ClassifierBatch batch = model.batch(data, std::vector<std::int64_t>{0});
  EXPECT_THAT(batch.numbers.values(), ElementsAre(0, 1, 1, 1, 0, 1, 0, 1));
}

TEST(Classifier, RefusesNumbersThatLeaveTheRange) {
  LabelledSequences data = small();
  data.sequences[1].values[0] = 3e38f;
  ClassifierOptions options = options_for(small());
  options.scale = {0.1f, 1};
  EXPECT_THAT([&] { (void)Classifier(options).probabilities(data, all_of(data)); },
              ThrowsMessage<FormatError>(
                  HasSubstr("small.ts: line 5, channel 1, step 1: 3e+38 is too large")));
  Classifier model(options_for(small()));
  for (const NamedParameter& named : model.parameters()) {
    named.parameter->mutable_value().fill(1e38f);
  }
  EXPECT_THAT([&] { (void)model.probabilities(small(), all_of(small())); },
              ThrowsMessage<NumericError>(HasSubstr("the logits are not finite")));
}

TEST(Classifier, LabelsThatNobodyAsksForDoNotMatter) {
  LabelledSequences data = small();
  const Classifier model(options_for(data));
  data.classes = {"c", "d"};
  EXPECT_EQ(model.probabilities(data, all_of(data)).shape(), Shape({3, 2}));
}

TEST(Classifier, ProbabilitiesAreThoseOfEachSequenceAlone) {
  const LabelledSequences data = waves(150, 3);  // more than are read side by side
  const Classifier model(options_for(data));
  const std::vector<std::int64_t> all = all_of(data);
  const Tensor together = model.probabilities(data, all);
  ASSERT_EQ(together.shape(), Shape({150, 3}));
  for (std::int64_t i = 0; i < 150; ++i) {
    const Tensor alone = model.probabilities(data, std::vector<std::int64_t>{i});
    float sum = 0;
    for (std::int64_t c = 0; c < 3; ++c) {
      EXPECT_NEAR(together.data()[i * 3 + c], alone.data()[c], 1e-6);
      sum += alone.data()[c];
    }
    EXPECT_NEAR(sum, 1, 1e-6);
  }
}

TEST(Classifier, LabelsAreFoundByTheirNames) {
  const LabelledSequences data = small();
  const Classifier model(options_for(data));
  LabelledSequences other = small();
  other.classes = {"c", "b", "a"};
  other.sequences[0].label = 2;
  other.sequences[2].label = data::LabelledSequence::kNoLabel;
  EXPECT_THAT(model.labels(other, all_of(other)),
              ElementsAre(0, 1, data::LabelledSequence::kNoLabel));
  other.sequences[1].label = 0;
  EXPECT_THAT([&] { (void)model.labels(other, all_of(other)); },
              ThrowsMessage<FormatError>(
                  HasSubstr("line 5: the label is \"c\"; the model knows no such class")));
  other.channels = 1;
  EXPECT_THAT([&] { (void)model.batch(other, std::vector<std::int64_t>{0}); },
              ThrowsMessage<FormatError>(HasSubstr("it has 1 channel; the model reads 2")));
}

TEST(Classifier, RefusesInvalidOptions) {
  const auto expect = [](auto change, const char* message) {
    ClassifierOptions options = options_for(small());
    change(options);
    EXPECT_THAT([&] { Classifier model(options); }, ThrowsMessage<ConfigError>(HasSubstr(message)));
  };
  expect([](auto& o) { o.classes = {"a"}; }, "the number of classes is 1; it must be at least 2");
  expect([](auto& o) { o.classes = {"a", "a"}; }, "the class \"a\" is there twice");
  expect([](auto& o) { o.examples = {1}; }, "examples has 1 elements");
  expect([](auto& o) { o.mean.push_back(0); }, "mean has 3 elements");
  expect([](auto& o) { o.scale[1] = 0; }, "scale is 0");
  expect([](auto& o) { o.scale.pop_back(); }, "scale has 1 elements");
  expect([](auto& o) { o.readout = Readout::kEveryStep; }, "readout is every_step");
  expect([](auto& o) { o.conv_kernel_size = 2; }, "conv_kernel_size is 2");
  expect([](auto& o) { o.conv_stride = 4; }, "the steps between would not be read");
  expect([](auto& o) { o.conv_channels = 0; }, "with conv_channels = 0 there is no convolution");
  expect([](auto& o) { o.examples = {0, 0}; }, "examples are all 0");
  expect([](auto& o) { o.examples[0] = INT64_MAX; }, "examples is 9223372036854775807");
  expect([](auto& o) { o.columns.channels = {"x"}; }, "columns.channels has 1 elements");
  expect([](auto& o) { o.hidden_size = 0; }, "hidden_size is 0");
}

}  // namespace
}  // namespace riverrun::models
