#include "riverrun/lm/horizon_probe.h"

#include <cmath>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "riverrun/core/random.h"
#include "riverrun/core/threads.h"
#include "riverrun/nn/loss.h"

#include "tests/lm/small_run.h"
#include "tests/temporary_folder.h"

namespace riverrun::lm {
namespace {

using testing::ElementsAre;

constexpr std::int64_t kVocab = 7;

LanguageModelOptions small(const char* cell) {
  LanguageModelOptions options;
  options.cell = cell;
  options.vocab_size = kVocab;
  options.embedding_size = 5;
  options.hidden_size = 6;
  options.num_layers = 2;
  options.dropout = 0.5;  // which a measurement leaves out
  return options;
}

text::Batch random_chunk(std::int64_t seq_len, std::int64_t batch) {
  Random random(3);
  text::Batch chunk;
  chunk.seq_len = seq_len;
  chunk.batch = batch;
  for (std::int64_t i = 0; i < seq_len * batch; ++i) {
    chunk.inputs.push_back(static_cast<std::int32_t>(random.next() % kVocab));
    chunk.targets.push_back(static_cast<std::int32_t>(random.next() % kVocab));
  }
  return chunk;
}

State random_state(const LanguageModel& model, std::int64_t batch) {
  Random random(4);
  State state = model.zero_state(batch);
  for (Tensor& tensor : state.tensors) random.fill_uniform(tensor.values(), -1, 1);
  return state;
}

std::vector<std::int64_t> lags_of(const std::vector<StateGradient>& gradients) {
  std::vector<std::int64_t> lags;
  for (const StateGradient& gradient : gradients) lags.push_back(gradient.lag);
  return lags;
}

/// Another way to the same: read up to the state without gradients, then take the loss of the rest,
/// of which only the last token counts, in one piece.
double norm_at(LanguageModel& model, const text::Batch& chunk, State state, std::int64_t lag,
               std::size_t which) {
  const auto cut = static_cast<std::ptrdiff_t>((chunk.seq_len - lag) * chunk.batch);
  if (cut > 0) {
    const std::vector<std::int32_t> read(chunk.inputs.begin(), chunk.inputs.begin() + cut);
    (void)model.total_nats(read, read, chunk.batch, state);
  }
  const std::vector<std::int32_t> rest(chunk.inputs.begin() + cut, chunk.inputs.end());
  std::vector<std::int32_t> targets(rest.size(), text::kIgnoreIndex);
  std::copy(chunk.targets.end() - chunk.batch, chunk.targets.end(), targets.end() - chunk.batch);
  Tape tape(/*training=*/false);
  std::vector<Var> initial;
  for (const Tensor& tensor : state.tensors) initial.push_back(tape.input(tensor, true));
  const Var x = model.embedding().forward(tape, rest, {lag, chunk.batch});
  const Var output = model.rnn().forward(tape, x, initial).output;
  tape.backward(linear_cross_entropy(model.decoder(), tape, output, targets));
  double sum = 0;
  for (const float g : initial[which].grad().values()) sum += static_cast<double>(g) * g;
  return std::sqrt(static_cast<double>(chunk.batch) * sum);
}

TEST(HorizonProbe, MeasuresTheGradientOfEachState) {
  for (const char* cell : {"lstm", "gru", "rnn_tanh"}) {
    LanguageModel model(small(cell));
    const text::Batch chunk = random_chunk(13, 3);
    const State state = random_state(model, 3);
    const auto gradients = HorizonProbe(model, {}).measure(chunk, state);
    EXPECT_THAT(lags_of(gradients), ElementsAre(1, 2, 4, 8, 13));
    for (const StateGradient& gradient : gradients) {
      ASSERT_EQ(gradient.norms.size(), state.tensors.size());
      for (std::size_t s = 0; s < gradient.norms.size(); ++s) {
        const double expected = norm_at(model, chunk, state, gradient.lag, s);
        EXPECT_GT(expected, 0);
        EXPECT_NEAR(gradient.norms[s], expected, 1e-4 * expected) << cell << gradient.lag;
      }
    }
  }
}

TEST(HorizonProbe, ReadsTheFirstEightSequencesOfALargeBatch) {
  LanguageModel model(small("lstm"));
  const text::Batch chunk = random_chunk(5, 11);
  const State state = random_state(model, 11);
  text::Batch eight;
  eight.seq_len = 5;
  eight.batch = 8;
  for (std::size_t i = 0; i < chunk.inputs.size(); ++i) {
    if (i % 11 >= 8) continue;
    eight.inputs.push_back(chunk.inputs[i]);
    eight.targets.push_back(chunk.targets[i]);
  }
  State first = model.zero_state(8);
  for (std::size_t s = 0; s < first.tensors.size(); ++s) {
    const std::int64_t size = first.tensors[s].size(2);
    for (std::int64_t i = 0; i < first.tensors[s].elements(); ++i) {
      const std::int64_t layer = i / (8 * size);
      first.tensors[s].data()[i] = state.tensors[s].data()[i + layer * 3 * size];
    }
  }
  const HorizonProbe probe(model, {});
  EXPECT_EQ(probe.measure(chunk, state), probe.measure(eight, first));
}

TEST(HorizonProbe, NothingReachesBackWithoutMemory) {
  LanguageModel model(small("memoryless"));
  const HorizonProbe probe(model, {});
  for (const StateGradient& gradient : probe.measure(random_chunk(4, 2), {})) {
    EXPECT_THAT(gradient.norms, ElementsAre(0.0));
  }
  EXPECT_THAT(lags_of(probe.measure(random_chunk(1, 2), {})), ElementsAre(1));
}

TEST(HorizonProbe, TheDistanceFollowsFromTheCountOfOperations) {
  LanguageModel model(small("lstm"));
  // As many sequences as an update, and little else: 1 / 0.0025 updates, less what the decoder
  // adds.
  const std::int64_t same = HorizonProbe(model, {.batch_size = 8, .seq_len = 1000}).every();
  EXPECT_GT(same, 300);
  EXPECT_LE(same, 400);
  const std::int64_t fewer = HorizonProbe(model, {.batch_size = 12, .seq_len = 1000}).every();
  EXPECT_NEAR(static_cast<double>(fewer), static_cast<double>(same) * 8 / 12, 1);
  EXPECT_EQ(HorizonProbe(model, {.batch_size = 1000, .seq_len = 1000}).every(), 200);
}

/// A run of 32 updates with a measurement after every fourth.
struct WatchedRun : SmallRun {
  explicit WatchedRun(const std::filesystem::path& out) : SmallRun(out) {
    reach = [this](const Reach& r) { measured.push_back(r); };
    reach_every = 4;
  }
  std::vector<Reach> measured;
};

TEST(HorizonProbe, ARunThatIsWatchedHasTheSameBits) {
  const TemporaryFolder folder;
  SmallRun plain(folder / "plain");
  plain.train();
  WatchedRun watched(folder / "watched");
  watched.train();
  EXPECT_GT(watched.measured.size(), 5U);
  EXPECT_TRUE(watched.file(kCheckpointFile) == plain.file(kCheckpointFile));
  EXPECT_TRUE(watched.file(kWeightsFile) == plain.file(kWeightsFile));
}

TEST(HorizonProbe, WhatIsMeasuredDependsOnNeitherThreadsNorInterruptions) {
  const TemporaryFolder folder;
  WatchedRun whole(folder / "whole");
  whole.train();
  ASSERT_GT(whole.measured.size(), 3U);
  EXPECT_EQ(whole.measured[0].step, 0);

  const int before = num_threads();
  set_num_threads(3);
  WatchedRun threads(folder / "threads");
  threads.train();
  set_num_threads(before);
  WatchedRun resumed(folder / "resumed");
  const auto watch = std::exchange(resumed.reach, nullptr);
  resumed.train_and_stop_after(6);
  resumed.reach = watch;
  resumed.resume();

  ASSERT_EQ(threads.measured.size(), whole.measured.size());
  for (std::size_t i = 0; i < whole.measured.size(); ++i) {
    EXPECT_EQ(threads.measured[i].step, whole.measured[i].step);
    EXPECT_EQ(threads.measured[i].gradients, whole.measured[i].gradients);
  }
  ASSERT_FALSE(resumed.measured.empty());
  const std::size_t missed = whole.measured.size() - resumed.measured.size();
  EXPECT_GT(missed, 0U);
  for (std::size_t i = 0; i < resumed.measured.size(); ++i) {
    EXPECT_EQ(resumed.measured[i].step, whole.measured[missed + i].step);
    EXPECT_EQ(resumed.measured[i].gradients, whole.measured[missed + i].gradients);
  }
}

TEST(HorizonProbe, OnlyChunksOfFullLengthAreMeasured) {
  const TemporaryFolder folder;
  WatchedRun run(folder / "model");
  run.reach_every = 1;
  const std::int64_t updates = run.train().steps;
  // The last chunk of each of the three epochs is short.
  EXPECT_EQ(static_cast<std::int64_t>(run.measured.size()), updates - 3);
  for (const Reach& reach : run.measured) EXPECT_EQ(reach.gradients.back().lag, 16);
}

}  // namespace
}  // namespace riverrun::lm
