// Training runs that were stopped and go on.

#include <filesystem>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "riverrun/core/error.h"

#include "tests/lm/small_run.h"
#include "tests/temporary_folder.h"

namespace riverrun::lm {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

TEST(Resume, AResumedRunEndsWithTheSameBits) {
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

TEST(Resume, APlateauIsResumedToo) {
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

TEST(Resume, AValidationThatWasInterruptedIsMadeUpFor) {
  const TemporaryFolder folder;
  SmallRun whole(folder / "whole");
  whole.train();
  SmallRun parts(folder / "parts");
  parts.train_and_stop_after(whole.trainer_options.valid_every);
  parts.resume();
  EXPECT_TRUE(parts.file(kCheckpointFile) == whole.file(kCheckpointFile));
}

TEST(Resume, TheTimeLimitLeavesAModelAndChangesNoBits) {
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

TEST(Resume, AModelIsNeverReplacedByAWorseOne) {
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
  save_weights(run.out_path, lucky.parameters(), Measured{9, {.loss = 1e-3}});
  const std::string weights = run.file(kWeightsFile);
  const TrainingResult result = run.resume();
  EXPECT_TRUE(run.file(kWeightsFile) == weights);
  ASSERT_TRUE(result.saved && result.best);
  EXPECT_EQ(result.saved->step, 9);
  EXPECT_NE(result.best->step, 9);
}

TEST(Resume, TheTimeLimitKeepsWhatItLeftUntilThereIsBetter) {
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
  ASSERT_GT(late.best->valid.loss, early.saved->valid.loss);
  EXPECT_EQ(late.saved->step, 0);
  EXPECT_EQ(late.saved->valid.loss, early.saved->valid.loss);
  EXPECT_TRUE(run.file(kWeightsFile) == weights);
}

TEST(Resume, ARemovedModelIsMadeUpFor) {
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

TEST(Resume, OverwritingStoppedBeforeAModelKeepsTheOldOneAndCanBeResumed) {
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

TEST(Resume, AFinishedRunCanBeGivenMoreEpochs) {
  const TemporaryFolder folder;
  SmallRun run(folder / "model");
  const TrainingResult first = run.train();
  EXPECT_EQ(run.resume().steps, first.steps);
  run.trainer_options.epochs = 4;
  EXPECT_EQ(run.resume().steps, first.steps / 3 * 4);
}

TEST(Resume, RefusesToResumeWithAnotherText) {
  const TemporaryFolder folder;
  SmallRun run(folder / "model");
  run.train_and_stop_after(2);
  run.train_text[5] = run.train_text[5] == 'a' ? 'e' : 'a';
  EXPECT_THROW(run.resume(), ConfigError);
}

TEST(Resume, ADamagedCheckpointIsAFormatError) {
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

TEST(Resume, ALyingCheckpointIsAFormatErrorThatNamesTheFile) {
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
  refused(R"(\"targets\":2)", R"(\"targets\":-)");
  refused(R"(\"valid\":{\"loss\":2)", R"(\"valid\":{\"loss\":-)");
  refused(R"(\"step\":14)", R"(\"step\":17)");  // of the best validation
  refused(R"(\"hidden_size\":24)", R"(\"hidden_size\":-4)");
}

TEST(Resume, AFailedResumeLeavesTheModelAsItWas) {
  const TemporaryFolder folder;
  SmallRun run(folder / "model");
  run.train_and_stop_after(3);
  run.forge_checkpoint("state.1", "state.9");
  const text::Corpus train = text::Corpus::from_text(run.tokenizer, run.train_text);
  const text::Corpus valid = text::Corpus::from_text(run.tokenizer, run.valid_text);
  LanguageModel model(run.model_options);
  const LanguageModel same(run.model_options);
  LanguageObjective objective(model, train, valid, run.trainer_options);
  Trainer trainer(objective, run.trainer_options);
  RunFolder out = RunFolder::resume(run.out_path);
  EXPECT_THROW(trainer.resume(out), FormatError);
  EXPECT_EQ(evaluate(model, valid).nats, evaluate(same, valid).nats);
}

TEST(Resume, RefusesToResumeWithOtherOptions) {
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

}  // namespace
}  // namespace riverrun::lm
