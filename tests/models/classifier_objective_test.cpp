#include "riverrun/models/classifier_objective.h"

#include <algorithm>
#include <atomic>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "riverrun/core/error.h"
#include "riverrun/core/file.h"
#include "riverrun/models/classification.h"
#include "riverrun/models/classifier_folder.h"
#include "riverrun/train/trainer.h"

#include "tests/models/waves.h"
#include "tests/temporary_folder.h"

namespace riverrun::models {
namespace {

using data::LabelledSequences;
using test::waves;
using testing::ElementsAreArray;
using testing::HasSubstr;
using testing::ThrowsMessage;

/// A small model of waves, and what trains it.
struct Training {
  explicit Training(std::int64_t epochs = 3, LabelledSequences learnt = waves(40, 1),
                    ClassifierTraining how = {}, bool validates = true)
      : data(std::move(learnt)), valid(waves(15, 2)), run(suggested_run(data, all_of(data))) {
    run.model.hidden_size = 8;
    run.model.conv_channels = 8;
    run.model.conv_kernel_size = 3;
    run.trainer.epochs = epochs;
    run.trainer.batch_size = 8;
    run.learning = std::move(how);
    model.emplace(run.model);
    objective.emplace(*model, LabelledPart{&data, all_of(data)},
                      validates ? LabelledPart{&valid, all_of(valid)} : LabelledPart{}, run.trainer,
                      run.learning);
  }

  LabelledSequences data;
  LabelledSequences valid;
  ClassifierRun run;
  std::optional<Classifier> model;
  std::optional<ClassifierObjective> objective;
};

TEST(ClassifierObjective, LearnsToTellClassesApart) {
  Training training(40, waves(120, 1));
  Trainer trainer(*training.objective, training.run.trainer);
  trainer.begin();
  const TrainingResult result = trainer.run({});
  trainer.take_best();
  ASSERT_TRUE(result.best);
  const LabelledSequences test = waves(60, 9);
  const std::vector<std::int64_t> all = all_of(test);
  const ClassificationScore score = score_classification(training.model->probabilities(test, all),
                                                         training.model->labels(test, all));
  EXPECT_GT(score.accuracy, 0.95);
}

TEST(ClassifierObjective, AResumedRunEndsWithTheSameBits) {
  const TemporaryFolder folder;
  const auto begin = [&](const char* name, Training& training) {
    RunFolder run = RunFolder::start(folder / name, false);
    save_config(run.path(), training.run.model);
    return run;
  };
  Training whole(6);
  RunFolder first = begin("whole", whole);
  Trainer trainer(*whole.objective, whole.run.trainer);
  trainer.begin(first);
  (void)trainer.run({});
  {
    Training stopped(6);
    RunFolder second = begin("stopped", stopped);
    Trainer part(*stopped.objective, stopped.run.trainer);
    part.begin(second);
    std::atomic<bool> stop = false;
    Trainer::Watch watch;
    watch.stop = &stop;
    watch.progress = [&stop](const Progress& progress) { stop = progress.step == 13; };
    EXPECT_EQ(part.run(watch).reason, StopReason::kInterrupted);
  }
  Training resumed(6);
  RunFolder again = RunFolder::resume(folder / "stopped");
  const SavedRun<ClassifierRun> saved = saved_classifier_run(Folder(again.path()));
  EXPECT_EQ(saved.step, 13);
  EXPECT_EQ(saved.run.model, resumed.run.model);
  EXPECT_EQ(saved.train_examples, 40);
  Trainer rest(*resumed.objective, resumed.run.trainer);
  rest.resume(again);
  (void)rest.run({});
  for (const char* file : {kWeightsFile, kCheckpointFile, kConfigFile}) {
    EXPECT_EQ(read_file(folder / "whole" / file), read_file(folder / "stopped" / file)) << file;
  }
}

// A validation that was due when the run stopped is made up for, and then judged as it would have
// been.
TEST(ClassifierObjective, WithoutValidationAnInterruptedRunKeepsItsLastWeightsToo) {
  const TemporaryFolder folder;
  const auto run_to = [&](const char* name, std::int64_t stop_at, bool resume) {
    Training training(4, waves(24, 1), {}, false);
    RunFolder run =
        resume ? RunFolder::resume(folder / name) : RunFolder::start(folder / name, false);
    if (!resume) save_config(run.path(), training.run.model);
    Trainer trainer(*training.objective, training.run.trainer);
    resume ? trainer.resume(run) : trainer.begin(run);
    std::atomic<bool> stop = false;
    Trainer::Watch watch;
    watch.stop = &stop;
    watch.progress = [&](const Progress& progress) { stop = progress.step == stop_at; };
    (void)trainer.run(watch);
  };
  run_to("whole", -1, false);
  // 4 epochs of 3 updates: the only validation is due after the last, 12th one.
  run_to("stopped", 12, false);
  run_to("stopped", -1, true);
  for (const char* file : {kWeightsFile, kCheckpointFile}) {
    EXPECT_EQ(read_file(folder / "whole" / file), read_file(folder / "stopped" / file)) << file;
  }
  Training again(4, waves(24, 1), {}, false);
  EXPECT_THROW(again.objective->set_state("-1"), ConfigError);
  EXPECT_THROW(again.objective->set_state("{}"), ConfigError);
}

TEST(ClassifierObjective, ARunGoesOnOnlyWithItsOwnDataAndOptions) {
  const Training began;
  const std::string description = began.objective->description();
  Training same;
  same.objective->settle_with(description, "checkpoint");
  LabelledSequences changed = waves(40, 1);
  changed.sequences[3].values[0] += 1;
  Training other(3, changed);
  EXPECT_THAT([&] { other.objective->settle_with(description, "checkpoint"); },
              ThrowsMessage<ConfigError>(HasSubstr("the sequences are not those")));
  LabelledSequences relabelled = waves(40, 1);
  std::swap(relabelled.sequences[0].label, relabelled.sequences[1].label);
  Training renamed(3, relabelled);
  EXPECT_THAT([&] { renamed.objective->settle_with(description, "checkpoint"); },
              ThrowsMessage<ConfigError>(HasSubstr("the sequences are not those")));
  Training quiet(3, waves(40, 1), {.jitter = 0});
  EXPECT_THAT([&] { quiet.objective->settle_with(description, "checkpoint"); },
              ThrowsMessage<ConfigError>(HasSubstr("the options of the model or of its training")));
  EXPECT_THAT([&] { same.objective->settle_with(R"({"model": 1})", "checkpoint"); },
              ThrowsMessage<FormatError>(HasSubstr("not a valid checkpoint")));
}

TEST(ClassifierObjective, AnEpochTakesEachSequenceOnce) {
  Training training(1, waves(20, 1), {.shift = 0, .scaling = 0, .jitter = 0});
  EXPECT_EQ(training.objective->updates_per_epoch(), 3) << "of 8, 8 and 4";
  std::int64_t taken = 0;
  Tape tape;
  for (std::int64_t step = 0; step < 3; ++step) {
    training.objective->take(step);
    taken += training.objective->loss(tape).targets;
    tape.clear();
  }
  EXPECT_EQ(taken, 20);
}

TEST(ClassifierObjective, WithNothingToValidateOnTheLastWeightsAreKept) {
  Training training(30, waves(24, 1), {}, false);
  Trainer trainer(*training.objective, training.run.trainer);
  trainer.begin();
  const TrainingResult result = trainer.run({});
  ASSERT_TRUE(result.best);
  EXPECT_EQ(result.best->step, result.steps);
  EXPECT_GE(result.validations.size(), 2u);
}

TEST(ClassifierObjective, BalancedWeightsMakeARareClassCount) {
  // Two classes that cannot be told apart, one three times as frequent: the best answer is their
  // shares, or with weights a half each.
  LabelledSequences same = waves(40, 1);
  same.classes = {"often", "rarely"};
  for (std::size_t i = 0; i < same.sequences.size(); ++i) {
    data::LabelledSequence& sequence = same.sequences[i];
    std::ranges::fill(sequence.values, 1.0f);
    sequence.label = i % 4 == 0 ? 1 : 0;
  }
  const auto share = [&](const char* weights) {
    Training training(30, same, {.class_weights = weights, .jitter = 0}, false);
    Trainer trainer(*training.objective, training.run.trainer);
    trainer.begin();
    (void)trainer.run({});
    return training.model->probabilities(same, std::vector<std::int64_t>{0}).data()[1];
  };
  EXPECT_NEAR(share("none"), 0.25, 0.06);
  EXPECT_NEAR(share("balanced"), 0.5, 0.06);
}

TEST(ClassifierObjective, SuggestsWhatSuitsTheData) {
  const ClassifierRun few = suggested_run(waves(40, 1), all_of(waves(40, 1)));
  EXPECT_EQ(few.model.conv_stride, 1);
  EXPECT_GE(few.trainer.epochs * 3, 1000);
  LabelledSequences many = waves(6000, 1);
  many.sequences[5].seq_len = 100000;
  many.sequences[5].values.resize(200000);
  const ClassifierRun large = suggested_run(many, all_of(many));
  EXPECT_EQ(large.trainer.epochs, 20);
  EXPECT_GT(large.trainer.batch_size, few.trainer.batch_size);
  EXPECT_EQ(large.model.conv_stride, 8);
  EXPECT_LE(large.model.conv_stride, large.model.conv_kernel_size) << "no step is left out";
  EXPECT_EQ(large.model.recompute_steps, kRecomputeAuto) << "100,000 steps of 32 sequences";
  EXPECT_EQ(few.model.recompute_steps, 0);
  ClassifierRun given;
  given.model.conv_kernel_size = 3;
  given.trainer.batch_size = 4;
  const ClassifierRun adapted = suggested_run(many, all_of(many), given);
  EXPECT_EQ(adapted.model.conv_stride, 3);
  EXPECT_EQ(adapted.trainer.batch_size, 4);
  given.model.conv_channels = 0;
  EXPECT_EQ(suggested_run(many, all_of(many), given).model.conv_stride, 1);
}

TEST(ClassifierObjective, RefusesWhatItCannotLearn) {
  const auto expect = [](LabelledSequences data, ClassifierTraining how, const char* message) {
    EXPECT_THAT([&] { Training training(1, std::move(data), std::move(how)); },
                ThrowsMessage<ConfigError>(HasSubstr(message)));
  };
  LabelledSequences nameless = waves(40, 1);
  nameless.sequences[4].label = data::LabelledSequence::kNoLabel;
  expect(nameless, {}, "waves.ts, line 14: the sequence has no label");

  expect(waves(40, 1), {.class_weights = "some"}, "class_weights is \"some\"");
  expect(waves(40, 1), {.shift = 2}, "shift is 2");
  expect(waves(40, 1), {.jitter = -1}, "jitter is -1");
}

}  // namespace
}  // namespace riverrun::models
