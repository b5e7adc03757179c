#include "riverrun/lm/trainer.h"

#include <atomic>
#include <filesystem>
#include <optional>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "riverrun/core/error.h"
#include "riverrun/core/file.h"
#include "riverrun/core/threads.h"
#include "riverrun/lm/model_folder.h"

#include "tests/temporary_folder.h"

namespace riverrun::lm {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

/// Sentences from a small grammar: something to learn, and not all of it by heart.
std::string sentences(int count, std::uint32_t random = 1) {
  const char* subjects[] = {"the cat", "a dog", "my bird"};
  const char* verbs[] = {"sees", "likes", "chases"};
  std::string text;
  for (int i = 0; i < count; ++i) {
    random = random * 1664525 + 1013904223;
    text += std::string(subjects[(random >> 8) % 3]) + " " + verbs[(random >> 16) % 3] + " " +
            subjects[(random >> 24) % 3] + ".\n";
  }
  return text;
}

text::Tokenizer tokenizer_of(const std::string& text) {
  text::TokenizerBuilder builder(text::TokenKind::kChar);
  builder.feed(text);
  builder.finish();
  return builder.build();
}

/// A small training run in a folder of its own.
struct SmallRun {
  explicit SmallRun(const fs::path& out, bool overwrite = false)
      : tokenizer(tokenizer_of(train_text)), out_path(out), overwrites(overwrite) {
    model_options.vocab_size = tokenizer.size();
    model_options.embedding_size = 8;
    model_options.hidden_size = 24;
    model_options.num_layers = 2;
    model_options.dropout = 0.1f;
    trainer_options.seq_len = 16;
    trainer_options.batch_size = 8;
    trainer_options.epochs = 3;
    trainer_options.lr = 0.01;
    trainer_options.valid_every = 7;
  }

  TrainingResult train(const Trainer::Watch& watch = {}) { return go(false, watch); }
  TrainingResult resume(const Trainer::Watch& watch = {}) { return go(true, watch); }

  /// As a run that is killed right after `steps` updates: what it had in memory is lost.
  void train_and_stop_after(std::int64_t steps, bool resumed = false) {
    std::atomic<bool> stop{false};
    Trainer::Watch watch;
    watch.stop = &stop;
    watch.progress = [&](const Progress& progress) { stop = progress.step >= steps; };
    EXPECT_EQ(go(resumed, watch).reason, StopReason::kInterrupted);
  }

  TrainingResult go(bool resumed, const Trainer::Watch& watch) {
    const text::Corpus train = text::Corpus::from_text(tokenizer, train_text);
    const text::Corpus valid = text::Corpus::from_text(tokenizer, valid_text);
    LanguageModel model(model_options);
    Trainer trainer(model, train, valid, trainer_options);
    RunFolder folder =
        resumed ? RunFolder::resume(out_path) : RunFolder::start(out_path, overwrites);
    if (resumed) {
      trainer.resume(folder);
    } else {
      save_config(folder.path(), model_options, tokenizer);
      trainer.begin(folder);
    }
    return trainer.run(watch);
  }

  /// Replaces text in the checkpoint's metadata by text of the same length.
  void forge_checkpoint(const std::string& from, const std::string& to) const {
    std::string bytes = file(kCheckpointFile);
    const std::size_t place = bytes.find(from);
    ASSERT_NE(place, std::string::npos) << from;
    ASSERT_EQ(from.size(), to.size());
    bytes.replace(place, from.size(), to);
    replace_file(out_path / kCheckpointFile, bytes);
  }

  std::string file(const char* name) const { return read_file(out_path / name); }

  std::string train_text = sentences(60);
  std::string valid_text = sentences(10, 99);
  text::Tokenizer tokenizer;
  LanguageModelOptions model_options;
  TrainerOptions trainer_options;
  fs::path out_path;
  bool overwrites;
};

TEST(Trainer, LearnsAndKeepsTheBestModel) {
  const TemporaryFolder folder;
  SmallRun run(folder / "model");
  run.trainer_options.epochs = 20;
  const TrainingResult result = run.train();
  EXPECT_EQ(result.reason, StopReason::kFinished);
  ASSERT_TRUE(result.best);
  EXPECT_TRUE(result.model_saved);
  // A model that only counts characters needs 2.7 nats; the grammar's choices cost 0.15.
  EXPECT_LT(result.best->valid_nats, 0.8);
  EXPECT_LT(result.best->valid_nats, result.validations.front().valid_nats);
  for (const Validation& validation : result.validations) {
    EXPECT_GE(validation.valid_nats, result.best->valid_nats);
  }

  const SavedModel saved = load_model(run.out_path);
  const text::Corpus valid = text::Corpus::from_text(saved.tokenizer, run.valid_text);
  EXPECT_NEAR(evaluate(saved.model, valid).nats_per_token(), result.best->valid_nats, 1e-5);
}

TEST(Trainer, LearnsATextByHeart) {
  const TemporaryFolder folder;
  SmallRun run(folder / "model");
  run.train_text.clear();
  for (int i = 0; i < 60; ++i) run.train_text += "abcabdabe\n";
  run.valid_text = "abcabdabe\nabcabdabe\nabcabdabe\n";
  run.tokenizer = tokenizer_of(run.train_text);
  run.model_options.vocab_size = run.tokenizer.size();
  run.model_options.dropout = 0;
  run.trainer_options.epochs = 30;
  EXPECT_LT(run.train().best->valid_nats, 0.1);
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
    EXPECT_LT(result.best->valid_nats, 2.3) << optimizer;
  }
  for (const char* schedule : {"constant", "step", "cosine", "plateau"}) {
    SmallRun run(folder / schedule);
    run.trainer_options.schedule = schedule;
    run.trainer_options.decay_after = 4;
    run.trainer_options.epochs = 10;
    const TrainingResult result = run.train();
    EXPECT_LT(result.best->valid_nats, 2.3) << schedule;
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

TEST(Trainer, AResumedRunEndsWithTheSameBits) {
  const TemporaryFolder folder;
  SmallRun whole(folder / "whole");
  whole.train();
  // Within an epoch, at a validation, at an epoch's end, and several times over.
  for (const std::int64_t step : {1, 7, 12, 16, 20}) {
    SmallRun parts(folder / ("parts" + std::to_string(step)));
    parts.train_and_stop_after(step);
    parts.train_and_stop_after(step + 3, true);
    EXPECT_EQ(parts.resume().reason, StopReason::kFinished);
    EXPECT_TRUE(parts.file(kWeightsFile) == whole.file(kWeightsFile)) << step;
    EXPECT_TRUE(parts.file(kCheckpointFile) == whole.file(kCheckpointFile)) << step;
  }
}

TEST(Trainer, APlateauIsResumedToo) {
  const TemporaryFolder folder;
  SmallRun whole(folder / "whole");
  whole.trainer_options.schedule = "plateau";
  whole.trainer_options.lr = 0.3;  // so large that some validations are no improvement
  whole.trainer_options.optimizer = "rmsprop";
  const TrainingResult result = whole.train();
  EXPECT_LT(result.validations.back().lr, 0.3);
  SmallRun parts(folder / "parts");
  parts.trainer_options = whole.trainer_options;
  parts.train_and_stop_after(15);
  parts.resume();
  EXPECT_TRUE(parts.file(kCheckpointFile) == whole.file(kCheckpointFile));
}

TEST(Trainer, AValidationThatWasInterruptedIsMadeUpFor) {
  const TemporaryFolder folder;
  SmallRun whole(folder / "whole");
  whole.train();
  SmallRun parts(folder / "parts");
  parts.train_and_stop_after(whole.trainer_options.valid_every);
  parts.resume();
  EXPECT_TRUE(parts.file(kCheckpointFile) == whole.file(kCheckpointFile));
}

TEST(Trainer, TheTimeLimitLeavesAModelAndChangesNoBits) {
  const TemporaryFolder folder;
  SmallRun whole(folder / "whole");
  whole.train();
  SmallRun parts(folder / "parts");
  Trainer::Watch watch;
  watch.max_seconds = 1e-9;
  const TrainingResult nothing = parts.train(watch);
  EXPECT_EQ(nothing.reason, StopReason::kTimeLimit);
  EXPECT_TRUE(nothing.model_saved);
  (void)load_model(parts.out_path);
  parts.resume();
  EXPECT_TRUE(parts.file(kWeightsFile) == whole.file(kWeightsFile));
  EXPECT_TRUE(parts.file(kCheckpointFile) == whole.file(kCheckpointFile));
}

TEST(Trainer, AModelIsNeverReplacedByAWorseOne) {
  const TemporaryFolder folder;
  SmallRun run(folder / "model");
  run.trainer_options.schedule = "constant";
  run.trainer_options.warmup = 0;
  run.trainer_options.lr = 1e-30;  // nothing is learnt, so that all models are equally good
  run.train_and_stop_after(10);
  ASSERT_TRUE(saved_measure(run.out_path));
  EXPECT_EQ(saved_measure(run.out_path)->step, 7);

  // As if the time had been up at a better moment than any validation.
  LanguageModel lucky(run.model_options);
  save_weights(run.out_path, lucky, Measured{9, 1e-3});
  const std::string weights = run.file(kWeightsFile);
  const TrainingResult result = run.resume();
  EXPECT_TRUE(run.file(kWeightsFile) == weights);
  ASSERT_TRUE(result.saved && result.best);
  EXPECT_EQ(result.saved->step, 9);
  EXPECT_NE(result.best->step, 9);
}

TEST(Trainer, TheTimeLimitKeepsWhatItLeftUntilThereIsBetter) {
  const TemporaryFolder folder;
  SmallRun run(folder / "model");
  run.trainer_options.valid_every = 1000;
  run.trainer_options.epochs = 1;
  run.trainer_options.schedule = "constant";
  run.trainer_options.lr = 3;  // makes everything worse than it was at first
  Trainer::Watch watch;
  watch.max_seconds = 1e-9;
  const TrainingResult early = run.train(watch);
  ASSERT_TRUE(early.saved);
  EXPECT_EQ(early.saved->step, 0);
  const std::string weights = run.file(kWeightsFile);
  const TrainingResult late = run.resume();
  ASSERT_TRUE(late.best && late.saved);
  ASSERT_GT(late.best->valid_nats, early.saved->valid_nats);
  EXPECT_EQ(late.saved->step, 0);
  EXPECT_EQ(late.saved->valid_nats, early.saved->valid_nats);
  EXPECT_TRUE(run.file(kWeightsFile) == weights);
}

TEST(Trainer, ARemovedModelIsMadeUpFor) {
  const TemporaryFolder folder;
  SmallRun run(folder / "model");
  run.train();
  fs::remove(run.out_path / kWeightsFile);
  const TrainingResult result = run.resume();
  EXPECT_TRUE(result.model_saved);
  ASSERT_TRUE(result.saved);
  EXPECT_EQ(result.saved->step, result.steps);
  (void)load_model(run.out_path);
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
    EXPECT_THAT(error.what(), HasSubstr("--lr"));
    EXPECT_THAT(error.what(), HasSubstr("--clip"));
  }
  EXPECT_TRUE(run.file(kWeightsFile) == model);
  (void)load_model(run.out_path);
}

TEST(Trainer, StoppingAtOnceStillLeavesAModel) {
  const TemporaryFolder folder;
  SmallRun run(folder / "model");
  run.train_and_stop_after(2);
  (void)load_model(run.out_path);
}

TEST(Trainer, OverwritingStoppedBeforeAModelKeepsTheOldOneAndCanBeResumed) {
  const TemporaryFolder folder;
  SmallRun old(folder / "model");
  old.trainer_options.epochs = 1;
  old.train();
  const std::string old_weights = old.file(kWeightsFile);

  SmallRun fresh(folder / "fresh");
  fresh.model_options.hidden_size = 16;
  fresh.train();
  SmallRun over(folder / "model", true);
  over.model_options.hidden_size = 16;
  over.train_and_stop_after(3);
  EXPECT_TRUE(over.file(kWeightsFile) == old_weights);
  EXPECT_TRUE(over.resume().model_saved);
  EXPECT_TRUE(over.file(kWeightsFile) == fresh.file(kWeightsFile));
  EXPECT_TRUE(over.file(kConfigFile) == fresh.file(kConfigFile));
  EXPECT_TRUE(over.file(kCheckpointFile) == fresh.file(kCheckpointFile));
}

TEST(Trainer, AFinishedRunCanBeGivenMoreEpochs) {
  const TemporaryFolder folder;
  SmallRun run(folder / "model");
  const TrainingResult first = run.train();
  EXPECT_EQ(run.resume().steps, first.steps);
  run.trainer_options.epochs = 4;
  EXPECT_EQ(run.resume().steps, first.steps / 3 * 4);
}

TEST(Trainer, RefusesToResumeWithAnotherText) {
  const TemporaryFolder folder;
  SmallRun run(folder / "model");
  run.train_and_stop_after(2);
  run.train_text[5] = run.train_text[5] == 'a' ? 'e' : 'a';
  EXPECT_THROW(run.resume(), ConfigError);
}

TEST(Trainer, ADamagedCheckpointIsAFormatError) {
  const TemporaryFolder folder;
  SmallRun run(folder / "model");
  run.train_and_stop_after(2);
  const std::string checkpoint = run.file(kCheckpointFile);
  replace_file(run.out_path / kCheckpointFile, checkpoint.substr(0, checkpoint.size() / 2));
  EXPECT_THROW(run.resume(), FormatError);
  fs::copy_file(run.out_path / kWeightsFile, run.out_path / kCheckpointFile,
                fs::copy_options::overwrite_existing);
  EXPECT_THROW(run.resume(), FormatError);
}

TEST(Trainer, ALyingCheckpointIsAFormatErrorThatNamesTheFile) {
  const TemporaryFolder folder;
  const auto refused = [&](const std::string& from, const std::string& to) {
    SmallRun run(folder / "model");
    run.overwrites = true;
    run.train_and_stop_after(16);
    run.forge_checkpoint(from, to);
    try {
      run.resume();
      FAIL() << to;
    } catch (const FormatError& error) {
      EXPECT_THAT(error.what(), HasSubstr(kCheckpointFile)) << to;
    }
  };
  // The metadata is JSON in a JSON string.
  refused(R"(\"step\":16)", R"(\"step\":-6)");
  refused(R"(\"step\":16)", R"(\"step\":17)");
  refused(R"(\"chunk\":5)", R"(\"chunk\":6)");
  refused(R"(\"epoch\":1})", R"(\"epoch\":2})");
  refused(R"(\"nats_tokens\":2)", R"(\"nats_tokens\":-)");
  refused(R"(\"valid_nats\":2)", R"(\"valid_nats\":-)");
  refused(R"(\"step\":7)", R"(\"step\":0)");
  refused(R"(\"hidden_size\":24)", R"(\"hidden_size\":-4)");
}

TEST(Trainer, AFailedResumeLeavesTheModelAsItWas) {
  const TemporaryFolder folder;
  SmallRun run(folder / "model");
  run.train_and_stop_after(3);
  run.forge_checkpoint("state.1", "state.9");
  const text::Corpus train = text::Corpus::from_text(run.tokenizer, run.train_text);
  const text::Corpus valid = text::Corpus::from_text(run.tokenizer, run.valid_text);
  LanguageModel model(run.model_options);
  const LanguageModel same(run.model_options);
  Trainer trainer(model, train, valid, run.trainer_options);
  RunFolder out = RunFolder::resume(run.out_path);
  EXPECT_THROW(trainer.resume(out), FormatError);
  EXPECT_EQ(evaluate(model, valid).nats, evaluate(same, valid).nats);
}

TEST(Trainer, RefusesToResumeWithOtherOptions) {
  const TemporaryFolder folder;
  SmallRun run(folder / "model");
  run.train_and_stop_after(2);
  const auto refused = [&](auto change) {
    SmallRun other(run.out_path);
    change(other);
    EXPECT_THROW(other.resume(), ConfigError);
  };
  refused([](SmallRun& other) { other.trainer_options.lr = 0.02; });
  refused([](SmallRun& other) { other.trainer_options.batch_size = 4; });
  refused([](SmallRun& other) { other.trainer_options.seed = 9; });
  refused([](SmallRun& other) { other.model_options.dropout = 0.3f; });
  refused([](SmallRun& other) { other.model_options.hidden_size = 16; });
  run.trainer_options.epochs = 4;
  run.resume();
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
  refused([](SmallRun& run) { run.trainer_options.batch_size = 0; });
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
