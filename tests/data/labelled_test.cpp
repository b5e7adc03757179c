#include "riverrun/data/labelled.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <set>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "riverrun/core/error.h"

namespace riverrun::data {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

constexpr float kNone = std::numeric_limits<float>::quiet_NaN();

/// One sequence of `channels`, its values step by step.
LabelledSequences sequence(std::int64_t channels, std::vector<float> values) {
  LabelledSequences data{.path = "some.ts", .channels = channels, .classes = {}, .sequences = {}};
  const auto seq_len = static_cast<std::int64_t>(values.size()) / channels;
  data.sequences.push_back({.values = std::move(values), .seq_len = seq_len, .line = 7});
  return data;
}

std::vector<float> interpolated(std::int64_t channels, std::vector<float> values) {
  LabelledSequences data = sequence(channels, std::move(values));
  fill_missing(data, Missing::kInterpolate);
  return data.sequences.front().values;
}

TEST(FillMissing, AGapIsALine) {
  EXPECT_THAT(interpolated(1, {1, kNone, 3}), ElementsAre(1, 2, 3));
  EXPECT_THAT(interpolated(1, {4, kNone, kNone, kNone, 2, kNone, 0}),
              ElementsAre(4, 3.5f, 3, 2.5f, 2, 1, 0));
  EXPECT_THAT(interpolated(1, {1, 2, 3}), ElementsAre(1, 2, 3));
}

TEST(FillMissing, AtAnEndItIsTheValueNextToIt) {
  EXPECT_THAT(interpolated(1, {kNone, kNone, 5, 1, kNone}), ElementsAre(5, 5, 5, 1, 1));
  EXPECT_THAT(interpolated(1, {kNone, 5, kNone}), ElementsAre(5, 5, 5));
}

TEST(FillMissing, EachChannelIsItsOwn) {
  EXPECT_THAT(interpolated(2, {1, kNone, kNone, 20, 3, kNone}), ElementsAre(1, 20, 2, 20, 3, 20));
}

TEST(FillMissing, TheLargestNumbersDoNotOverflow) {
  constexpr float kMost = std::numeric_limits<float>::max();
  EXPECT_THAT(interpolated(1, {-kMost, kNone, kMost, kNone, kMost}),
              ElementsAre(-kMost, 0, kMost, kMost, kMost));
}

TEST(FillMissing, AChannelWithoutAnyValueIsRefusedBeforeAnythingIsChanged) {
  LabelledSequences data = sequence(2, {1, kNone, kNone, kNone, 3, kNone});
  EXPECT_THAT([&] { fill_missing(data, Missing::kInterpolate); },
              ThrowsMessage<FormatError>(AllOf(HasSubstr("some.ts"), HasSubstr("line 7, channel 2"),
                                               HasSubstr("all 3 values are missing"))));
  EXPECT_TRUE(std::isnan(data.sequences.front().values[2]));
}

TEST(FillMissing, AnErrorSaysHowManyAndWhereTheFirstIs) {
  LabelledSequences data = sequence(2, {1, kNone, 2, 5, kNone, kNone});
  EXPECT_THAT(
      [&] { fill_missing(data, Missing::kError); },
      ThrowsMessage<FormatError>(AllOf(HasSubstr("some.ts"), HasSubstr("line 7, channel 1, step 3"),
                                       HasSubstr("3 in all"))));
  LabelledSequences whole = sequence(2, {1, 2, 3, 4});
  EXPECT_NO_THROW(fill_missing(whole, Missing::kError));
}

TEST(FillMissing, AMaskLeavesThem) {
  LabelledSequences data = sequence(1, {1, kNone});
  fill_missing(data, Missing::kMask);
  EXPECT_EQ(data.sequences.front().values.front(), 1);
  EXPECT_TRUE(std::isnan(data.sequences.front().values.back()));
}

/// How many of each label there are among `chosen`.
std::map<std::int32_t, int> counts(const std::vector<std::int32_t>& labels,
                                   const std::vector<std::int64_t>& chosen) {
  std::map<std::int32_t, int> count;
  for (const std::int64_t i : chosen) ++count[labels[static_cast<std::size_t>(i)]];
  return count;
}

std::vector<std::int32_t> mixed_labels() {
  std::vector<std::int32_t> labels;
  for (int i = 0; i < 60; ++i) labels.push_back(i % 2);          // 30 of each
  for (int i = 0; i < 14; ++i) labels.push_back(2);              // 14
  for (int i = 0; i < 3; ++i) labels.insert(labels.begin(), 3);  // 3
  labels.push_back(4);                                           // one
  return labels;
}

TEST(StratifiedSplit, TakesTheFractionOfEachClass) {
  const std::vector<std::int32_t> labels = mixed_labels();
  const Split split = stratified_split(labels, 0.2, 1);
  using Counts = std::map<std::int32_t, int>;
  EXPECT_EQ(counts(labels, split.valid), (Counts{{0, 6}, {1, 6}, {2, 3}, {3, 1}}));
  EXPECT_EQ(counts(labels, split.train), (Counts{{0, 24}, {1, 24}, {2, 11}, {3, 2}, {4, 1}}));
}

TEST(StratifiedSplit, IsInRisingOrderAndHasEachSequenceOnce) {
  const std::vector<std::int32_t> labels = mixed_labels();
  const Split split = stratified_split(labels, 0.3, 2);
  EXPECT_TRUE(std::ranges::is_sorted(split.train));
  EXPECT_TRUE(std::ranges::is_sorted(split.valid));
  std::set<std::int64_t> all(split.train.begin(), split.train.end());
  all.insert(split.valid.begin(), split.valid.end());
  EXPECT_EQ(all.size(), labels.size());
  EXPECT_EQ(split.train.size() + split.valid.size(), labels.size());
  EXPECT_EQ(*all.begin(), 0);
  EXPECT_EQ(*all.rbegin(), std::ssize(labels) - 1);
}

TEST(StratifiedSplit, EveryClassIsLearntFrom) {
  const std::vector<std::int32_t> labels = mixed_labels();
  const Split split = stratified_split(labels, 0.999, 1);
  EXPECT_EQ(counts(labels, split.train),
            (std::map<std::int32_t, int>{{0, 1}, {1, 1}, {2, 1}, {3, 1}, {4, 1}}));
}

TEST(StratifiedSplit, TakesTheNearestWholeNumber) {
  const auto valid = [](std::size_t n, double fraction) {
    return stratified_split(std::vector<std::int32_t>(n, 0), fraction, 1).valid.size();
  };
  EXPECT_EQ(valid(10, 0.0), 0u);
  EXPECT_EQ(valid(1, 0.9), 0u) << "one is learnt from";
  EXPECT_EQ(valid(2, 0.5), 1u);
  EXPECT_EQ(valid(10, 0.24), 2u);
  EXPECT_EQ(valid(10, 0.25), 3u) << "halves go up";
  EXPECT_EQ(valid(4, 0.1), 0u);
  EXPECT_EQ(valid(5, 0.1), 1u);
  EXPECT_EQ(valid(0, 0.5), 0u);
}

TEST(StratifiedSplit, IsDrawnByTheSeedAlone) {
  const std::vector<std::int32_t> labels(100, 0);
  const Split split = stratified_split(labels, 0.5, 1);
  EXPECT_EQ(stratified_split(labels, 0.5, 1).valid, split.valid);
  EXPECT_NE(stratified_split(labels, 0.5, 2).valid, split.valid);
  // What it must be on every machine.
  const std::vector<std::int32_t> few = {0, 1, 0, 1, 0, 1, 0, 1, 0, 1};
  EXPECT_THAT(stratified_split(few, 0.4, 1).valid, ElementsAre(0, 5, 7, 8));
}

TEST(StratifiedSplit, EverySequenceIsAsLikely) {
  constexpr int kDraws = 2000;
  std::vector<int> chosen(10);
  for (std::uint64_t seed = 0; seed < kDraws; ++seed) {
    for (const std::int64_t i :
         stratified_split(std::vector<std::int32_t>(10, 0), 0.3, seed).valid) {
      ++chosen[static_cast<std::size_t>(i)];
    }
  }
  for (const int count : chosen) EXPECT_NEAR(count, 0.3 * kDraws, 100);  // 5 standard deviations
}

TEST(StratifiedSplit, SequencesWithoutLabelsAreAClass) {
  const std::vector<std::int32_t> labels(10, LabelledSequence::kNoLabel);
  EXPECT_EQ(stratified_split(labels, 0.2, 1).valid.size(), 2u);
}

TEST(StratifiedSplit, RefusesWhatIsNoFraction) {
  const std::vector<std::int32_t> labels(10, 0);
  for (const double fraction : {-0.1, 1.0, 2.0, std::nan("")}) {
    EXPECT_THAT([&] { (void)stratified_split(labels, fraction, 1); },
                ThrowsMessage<ConfigError>(HasSubstr("[0, 1)")))
        << fraction;
  }
}

}  // namespace
}  // namespace riverrun::data
