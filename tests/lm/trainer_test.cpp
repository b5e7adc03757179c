#include "riverrun/train/trainer.h"

#include <cmath>
#include <filesystem>
#include <optional>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "riverrun/core/error.h"
#include "riverrun/core/threads.h"

#include "tests/lm/small_run.h"
#include "tests/temporary_folder.h"

namespace riverrun::lm {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

TEST(Trainer, LearnsAndKeepsTheBestModel) {
  const TemporaryFolder folder;
  SmallRun run(folder / "model");
  run.trainer_options.epochs = 20;
  const TrainingResult result = run.train();
  EXPECT_EQ(result.reason, StopReason::kFinished);
  ASSERT_TRUE(result.best);
  EXPECT_TRUE(result.model_saved);
  // A model that only counts characters needs 2.7 nats; the grammar's choices cost 0.15.
  EXPECT_LT(result.best->valid.loss, 0.8);
  EXPECT_LT(result.best->valid.loss, result.validations.front().valid.loss);
  for (const Validation& validation : result.validations) {
    EXPECT_GE(validation.valid.loss, result.best->valid.loss);
  }

  const SavedModel saved = load_model(run.out_path);
  const text::Corpus valid = text::Corpus::from_text(saved.tokenizer, run.valid_text);
  EXPECT_NEAR(evaluate(saved.model, valid).nats_per_token(), result.best->valid.loss, 1e-5);
}

TEST(Trainer, LearnsATextByHeart) {
  const TemporaryFolder folder;
  SmallRun run(folder / "model");
  run.train_text.clear();
  for (int i = 0; i < 60; ++i) run.train_text += "abcabdabe\n";
  run.valid_text = "abcabdabe\nabcabdabe\nabcabdabe\n";
  run.tokenizer = tokenizer_for(run.train_text);
  run.model_options.vocab_size = run.tokenizer.size();
  run.model_options.dropout = 0;
  run.trainer_options.epochs = 30;
  EXPECT_LT(run.train().best->valid.loss, 0.1);
}

TEST(Trainer, EveryOptimizerAndScheduleLearns) {
  const TemporaryFolder folder;
  for (const auto& [optimizer, lr] :
       {std::pair{"sgd", 4.0}, {"adam", 0.01}, {"adamw", 0.01}, {"rmsprop", 0.003}}) {
    SmallRun run(folder / optimizer);
    run.trainer_options.optimizer = optimizer;
    run.trainer_options.lr = lr;
    run.trainer_options.epochs = 10;
    const TrainingResult result = run.train();
    EXPECT_LT(result.best->valid.loss, 2.3) << optimizer;
  }
  for (const char* schedule : {"constant", "step", "cosine", "plateau"}) {
    SmallRun run(folder / schedule);
    run.trainer_options.schedule = schedule;
    run.trainer_options.decay_after = 4;
    run.trainer_options.epochs = 10;
    const TrainingResult result = run.train();
    EXPECT_LT(result.best->valid.loss, 2.3) << schedule;
  }
}

TEST(Trainer, TheStepScheduleDecaysAfterTheGivenEpoch) {
  const TemporaryFolder folder;
  SmallRun run(folder / "model");
  run.trainer_options.schedule = "step";
  run.trainer_options.warmup = 0;
  run.trainer_options.decay_after = 2;
  run.trainer_options.valid_every = 1000;
  run.trainer_options.epochs = 4;
  const TrainingResult result = run.train();
  ASSERT_EQ(result.validations.size(), 4U);
  EXPECT_DOUBLE_EQ(result.validations[0].lr, 0.01);
  EXPECT_DOUBLE_EQ(result.validations[1].lr, 0.01);
  EXPECT_DOUBLE_EQ(result.validations[2].lr, 0.005);
  EXPECT_DOUBLE_EQ(result.validations[3].lr, 0.0025);
}

TEST(Trainer, TheNumberOfThreadsChangesNoBits) {
  const TemporaryFolder folder;
  const int before = num_threads();
  std::optional<std::string> first;
  for (const int threads : {1, 2, 3}) {
    set_num_threads(threads);
    SmallRun run(folder / ("threads" + std::to_string(threads)));
    run.model_options.hidden_size = 96;
    run.trainer_options.epochs = 1;
    run.train();
    if (!first) first = run.file(kCheckpointFile);
    EXPECT_TRUE(run.file(kCheckpointFile) == *first) << threads;
  }
  set_num_threads(before);
}

TEST(Trainer, TheSeedDecidesTheBits) {
  const TemporaryFolder folder;
  SmallRun one(folder / "one");
  one.trainer_options.epochs = 1;
  one.train();
  SmallRun same(folder / "same");
  same.trainer_options.epochs = 1;
  same.train();
  EXPECT_TRUE(same.file(kWeightsFile) == one.file(kWeightsFile));
  SmallRun other(folder / "other");
  other.trainer_options.epochs = 1;
  other.trainer_options.seed = 2;  // of dropout alone
  other.train();
  EXPECT_TRUE(other.file(kWeightsFile) != one.file(kWeightsFile));
}

TEST(Trainer, DivergenceStopsTheRunAndSaysWhere) {
  const TemporaryFolder folder;
  SmallRun run(folder / "model");
  run.train_and_stop_after(8);
  const std::string model = run.file(kWeightsFile);
  run.overwrites = true;
  run.trainer_options.optimizer = "sgd";
  run.trainer_options.schedule = "constant";
  run.trainer_options.lr = 1e38;
  run.trainer_options.clip = 0;
  try {
    run.train();
    FAIL();
  } catch (const NumericError& error) {
    EXPECT_THAT(error.what(), HasSubstr("at step "));
    EXPECT_THAT(error.what(), HasSubstr("lr is "));
    EXPECT_THAT(error.what(), HasSubstr("clip is "));
  }
  EXPECT_TRUE(run.file(kWeightsFile) == model);
  (void)load_model(run.out_path);
}

TEST(Trainer, AShortTextGetsASmallerBatch) {
  const TrainerOptions options{.seq_len = 128};
  EXPECT_EQ(chosen_batch_size(options, 1'000'000), 32);
  EXPECT_EQ(chosen_batch_size(options, std::int64_t{64} * 32 * 128), 32);
  EXPECT_EQ(chosen_batch_size(options, std::int64_t{64} * 32 * 128 - 1), 16);
  EXPECT_EQ(chosen_batch_size(options, 40'000), 4);
  EXPECT_EQ(chosen_batch_size(options, 4'000), 1);
  EXPECT_EQ(chosen_batch_size(options, 2), 1);
  EXPECT_EQ(chosen_batch_size({.seq_len = 128, .batch_size = 7}, 2), 7);

  const TemporaryFolder folder;
  SmallRun whole(folder / "whole");
  whole.trainer_options.batch_size = 0;
  whole.trainer_options.epochs = 1;
  EXPECT_GE(whole.train().steps, 64);
  SmallRun parts(folder / "parts");
  parts.trainer_options = whole.trainer_options;
  parts.train_and_stop_after(5);
  parts.resume();
  EXPECT_TRUE(parts.file(kCheckpointFile) == whole.file(kCheckpointFile));
}

TEST(Trainer, StoppingAtOnceStillLeavesAModel) {
  const TemporaryFolder folder;
  SmallRun run(folder / "model");
  run.train_and_stop_after(2);
  (void)load_model(run.out_path);
}

TEST(Trainer, ChecksOptionsAndTextsBeforeAnythingIsWritten) {
  const TemporaryFolder folder;
  const auto refused = [&](auto change) {
    SmallRun run(folder / "model");
    change(run);
    EXPECT_THROW(run.train(), ConfigError);
    EXPECT_FALSE(fs::exists(run.out_path));
  };
  refused([](SmallRun& run) { run.trainer_options.optimizer = "sdg"; });
  refused([](SmallRun& run) { run.trainer_options.schedule = "linear"; });
  refused([](SmallRun& run) { run.trainer_options.lr = -1; });
  refused([](SmallRun& run) { run.trainer_options.lr = std::nan(""); });
  refused([](SmallRun& run) { run.trainer_options.epochs = 0; });
  refused([](SmallRun& run) { run.trainer_options.seq_len = 0; });
  refused([](SmallRun& run) { run.trainer_options.batch_size = -1; });
  refused([](SmallRun& run) { run.trainer_options.batch_size = std::int64_t{1} << 40; });
  refused([](SmallRun& run) { run.trainer_options.clip = -1; });
  refused([](SmallRun& run) { run.trainer_options.decay = 1.5; });
  refused([](SmallRun& run) { run.trainer_options.momentum = 0.9; });
  refused([](SmallRun& run) {
    run.trainer_options.optimizer = "sgd";
    run.trainer_options.momentum = 1;
  });
  refused([](SmallRun& run) { run.train_text = "the cat"; });
  refused([](SmallRun& run) { run.valid_text = "t"; });
}

}  // namespace
}  // namespace riverrun::lm
