#include "riverrun/data/text/batches.h"

#include <algorithm>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "riverrun/core/error.h"

namespace riverrun::text {
namespace {

using ::testing::ElementsAre;

/// Token i has id i, so that an id says where it was read.
Corpus numbered(std::int64_t size) {
  std::string text;
  for (std::int64_t i = 0; i < size; ++i) text += static_cast<char>(i);
  return Corpus::from_text(Tokenizer::bytes(), text);
}

/// The inputs and targets of each stream of the next epoch, chunks joined.
struct Epoch {
  std::vector<std::vector<std::int32_t>> inputs;
  std::vector<std::vector<std::int32_t>> targets;
  std::int64_t chunks = 0;
};

Epoch next_epoch(Batches& batches, std::int64_t seq_len) {
  Epoch epoch;
  epoch.inputs.resize(static_cast<std::size_t>(batches.batch_size()));
  epoch.targets.resize(epoch.inputs.size());
  std::int64_t predicted = 0;
  Batch batch;
  while (batches.next(batch)) {
    EXPECT_EQ(batch.first, epoch.chunks == 0);
    EXPECT_EQ(batch.batch, batches.batch_size());
    EXPECT_LE(batch.seq_len, seq_len);
    EXPECT_EQ(batch.inputs.size(), static_cast<std::size_t>(batch.seq_len * batch.batch));
    EXPECT_EQ(batch.targets.size(), batch.inputs.size());
    if (++epoch.chunks < batches.size()) {
      EXPECT_EQ(batch.seq_len, seq_len);
    }
    for (std::size_t i = 0; i < batch.inputs.size(); ++i) {
      const std::size_t stream = i % static_cast<std::size_t>(batch.batch);
      epoch.inputs[stream].push_back(batch.inputs[i]);
      epoch.targets[stream].push_back(batch.targets[i]);
    }
    predicted += batch.predicted;
  }
  EXPECT_EQ(epoch.chunks, batches.size());
  EXPECT_EQ(predicted, batches.predicted_per_epoch());
  return epoch;
}

TEST(Batches, TrainingIsAsPyTorchWouldCutIt) {
  const Corpus corpus = numbered(12);
  Batches batches = Batches::for_training(corpus, {.batch_size = 2, .seq_len = 3});
  Batch batch;
  ASSERT_TRUE(batches.next(batch));
  EXPECT_EQ(batch.seq_len, 3);
  EXPECT_THAT(batch.inputs, ElementsAre(0, 5, 1, 6, 2, 7));
  EXPECT_THAT(batch.targets, ElementsAre(1, 6, 2, 7, 3, 8));
  EXPECT_TRUE(batch.first);
  ASSERT_TRUE(batches.next(batch));
  EXPECT_EQ(batch.seq_len, 2);
  EXPECT_THAT(batch.inputs, ElementsAre(3, 8, 4, 9));
  EXPECT_THAT(batch.targets, ElementsAre(4, 9, 5, 10));
  EXPECT_FALSE(batch.first);
  EXPECT_EQ(batch.predicted, 4);
  EXPECT_FALSE(batches.next(batch));
  // Of 11 predictions one is left over; the second epoch leaves out the first instead.
  ASSERT_TRUE(batches.next(batch));
  EXPECT_THAT(batch.inputs, ElementsAre(1, 6, 2, 7, 3, 8));
}

TEST(Batches, TrainingStreamsAreContiguousAndUseEveryTokenInTheEnd) {
  for (std::int64_t size = 2; size < 40; ++size) {
    const Corpus corpus = numbered(size);
    for (std::int64_t streams = 1; streams < std::min<std::int64_t>(size, 6); ++streams) {
      for (const std::int64_t seq_len : {1, 2, 3, 7, 100}) {
        Batches batches = Batches::for_training(corpus, {streams, seq_len});
        const std::int64_t length = (size - 1) / streams;
        const std::int64_t remainder = (size - 1) % streams;
        std::set<std::int32_t> used;
        for (std::int64_t epoch = 0; epoch <= remainder; ++epoch) {
          ASSERT_EQ(batches.position().epoch, epoch);
          const Epoch e = next_epoch(batches, seq_len);
          for (std::size_t s = 0; s < e.inputs.size(); ++s) {
            ASSERT_EQ(e.inputs[s].size(), static_cast<std::size_t>(length));
            for (std::size_t t = 0; t < e.inputs[s].size(); ++t) {
              const auto place = static_cast<std::int64_t>(s) * length + epoch;
              ASSERT_EQ(e.inputs[s][t], place + static_cast<std::int64_t>(t));
              ASSERT_EQ(e.targets[s][t], e.inputs[s][t] + 1);
              used.insert(e.targets[s][t]);
            }
          }
        }
        ASSERT_EQ(static_cast<std::int64_t>(used.size()), size - 1);
      }
    }
  }
}

TEST(Batches, EvaluationPredictsEveryTokenButTheFirstOnce) {
  for (std::int64_t size = 2; size < 40; ++size) {
    const Corpus corpus = numbered(size);
    for (std::int64_t streams = 1; streams < 8; ++streams) {
      for (const std::int64_t seq_len : {1, 2, 3, 7, 100}) {
        Batches batches = Batches::for_evaluation(corpus, {streams, seq_len});
        ASSERT_EQ(batches.predicted_per_epoch(), size - 1);
        for (int epoch = 0; epoch < 2; ++epoch) {
          const Epoch e = next_epoch(batches, seq_len);
          std::vector<std::int32_t> predicted;
          for (std::size_t s = 0; s < e.inputs.size(); ++s) {
            for (std::size_t t = 0; t < e.inputs[s].size(); ++t) {
              ASSERT_GE(e.inputs[s][t], 0);
              ASSERT_LT(e.inputs[s][t], size);
              if (t > 0) {
                ASSERT_EQ(e.inputs[s][t], e.inputs[s][t - 1] + 1);
              }
              if (e.targets[s][t] == kIgnoreIndex) {
                ASSERT_EQ(t + 1, e.inputs[s].size()) << "only the last step is filled up";
                continue;
              }
              ASSERT_EQ(e.targets[s][t], e.inputs[s][t] + 1);
              predicted.push_back(e.targets[s][t]);
            }
          }
          ASSERT_EQ(static_cast<std::int64_t>(predicted.size()), size - 1);
          for (std::int32_t i = 0; i + 1 < size; ++i) {
            ASSERT_EQ(predicted[static_cast<std::size_t>(i)], i + 1);
          }
        }
      }
    }
  }
}

TEST(Batches, EvaluationWithOneStreamIsTheTextInOrder) {
  const Corpus corpus = numbered(6);
  Batches batches = Batches::for_evaluation(corpus, {.batch_size = 1, .seq_len = 4});
  Batch batch;
  ASSERT_TRUE(batches.next(batch));
  EXPECT_THAT(batch.inputs, ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(batch.targets, ElementsAre(1, 2, 3, 4));
  ASSERT_TRUE(batches.next(batch));
  EXPECT_THAT(batch.inputs, ElementsAre(4));
  EXPECT_THAT(batch.targets, ElementsAre(5));
}

TEST(Batches, GoOnFromASavedPosition) {
  const Corpus corpus = numbered(30);
  const BatchOptions options{.batch_size = 4, .seq_len = 2};
  Batches whole = Batches::for_training(corpus, options);
  Batch expected;
  Batch resumed;
  for (int step = 0; step < 15; ++step) {
    Batches copy = Batches::for_training(corpus, options);
    copy.seek(whole.position());
    EXPECT_EQ(copy.position(), whole.position());
    const bool more = whole.next(expected);
    ASSERT_EQ(copy.next(resumed), more);
    EXPECT_EQ(copy.position(), whole.position());
    if (!more) continue;
    EXPECT_EQ(resumed.inputs, expected.inputs);
    EXPECT_EQ(resumed.targets, expected.targets);
    EXPECT_EQ(resumed.first, expected.first);
  }
  EXPECT_GE(whole.position().epoch, 2);
}

TEST(Batches, RefuseAPositionOutsideTheCorpus) {
  const Corpus corpus = numbered(10);
  Batches batches = Batches::for_training(corpus, {.batch_size = 3, .seq_len = 2});
  EXPECT_EQ(batches.size(), 2);
  EXPECT_NO_THROW(batches.seek({5, 2}));
  EXPECT_THROW(batches.seek({0, 3}), ConfigError);
  EXPECT_THROW(batches.seek({0, -1}), ConfigError);
  EXPECT_THROW(batches.seek({-1, 0}), ConfigError);
  EXPECT_EQ(batches.position(), (Batches::Position{5, 2}));
}

TEST(Batches, RefuseATextThatIsTooShort) {
  const Corpus one = numbered(1);
  EXPECT_THROW((void)Batches::for_training(one, {.batch_size = 1}), ConfigError);
  EXPECT_THROW((void)Batches::for_evaluation(one, {.batch_size = 1}), ConfigError);
  const Corpus four = numbered(4);
  EXPECT_NO_THROW((void)Batches::for_training(four, {.batch_size = 3}));
  try {
    (void)Batches::for_training(four, {.batch_size = 4});
    FAIL() << "three predictions for four streams";
  } catch (const ConfigError& error) {
    EXPECT_STREQ(error.what(),
                 "Batches: the text has 4 tokens; 4 streams need at least 5: give more text or a "
                 "smaller batch_size");
  }
  EXPECT_EQ(Batches::for_evaluation(four, {.batch_size = 100}).batch_size(), 3);
}

TEST(Batches, RefuseOptionsThatAreNotPositive) {
  const Corpus corpus = numbered(10);
  EXPECT_THROW((void)Batches::for_training(corpus, {.batch_size = 0}), ConfigError);
  EXPECT_THROW((void)Batches::for_training(corpus, {.batch_size = 1, .seq_len = 0}), ConfigError);
  EXPECT_THROW((void)Batches::for_evaluation(corpus, {.batch_size = -1}), ConfigError);
  // A chunk is never longer than a stream, whatever is asked for.
  Batches batches = Batches::for_evaluation(corpus, {.batch_size = 1, .seq_len = INT64_MAX});
  EXPECT_EQ(batches.size(), 1);
}

}  // namespace
}  // namespace riverrun::text
