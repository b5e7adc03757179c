#include "riverrun/models/signal_objective.h"

#include <algorithm>
#include <atomic>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "riverrun/core/error.h"
#include "riverrun/core/file.h"
#include "riverrun/core/threads.h"
#include "riverrun/models/signal_folder.h"
#include "riverrun/train/trainer.h"

#include "tests/models/device.h"
#include "tests/temporary_folder.h"

namespace riverrun::models {
namespace {

using test::Device;
using testing::HasSubstr;
using testing::ThrowsMessage;

/// A small model of a device, and what trains it: 2 groups of 4 stretches of 5 chunks.
struct Training {
  explicit Training(std::int64_t epochs = 3, Device of = Device(8000), SignalTraining how = small())
      : device(std::move(of)) {
    run.learning = how;
    const SignalSplit parts = split(device.part(), how);
    run.model.hidden_size = 6;
    run.trainer.seq_len = 150;
    run.trainer.batch_size = 4;
    run = suggested_run(parts.train, 8000, run);
    run.trainer.epochs = epochs;
    model.emplace(run.model);
    objective.emplace(*model, parts.train, parts.valid, run.trainer, run.learning);
  }
  static SignalTraining small() { return {.valid_fraction = 0.2, .stretch = 750, .lead_in = 100}; }

  Device device;
  SignalRun run;
  std::optional<SignalModel> model;
  std::optional<SignalObjective> objective;
};

TEST(SignalObjective, LearnsADevice) {
  Training training(80);
  Trainer trainer(*training.objective, training.run.trainer);
  trainer.begin();
  (void)trainer.run({});
  trainer.take_best();
  const Device other(4000, 9);
  std::vector<float> said(other.dry.size());
  State state;
  training.model->process(other.dry, said, state);
  SignalCounter counter(training.run.model.pre_emphasis);
  counter.add(said, other.wet);
  EXPECT_LT(counter.score().esr, 0.01);
  EXPECT_LT(counter.score().esr_preemphasis, 0.05);
}

TEST(SignalObjective, AnyNumberOfThreadsGivesTheSameBits) {
  const auto weights = [](int threads) {
    set_num_threads(threads);
    Training training(2);
    Trainer trainer(*training.objective, training.run.trainer);
    trainer.begin();
    (void)trainer.run({});
    std::vector<float> all;
    for (const NamedParameter& named : training.model->parameters()) {
      const auto values = named.parameter->value().values();
      all.insert(all.end(), values.begin(), values.end());
    }
    return all;
  };
  const int before = num_threads();
  const std::vector<float> one = weights(1);
  const std::vector<float> three = weights(3);
  set_num_threads(before);
  EXPECT_EQ(one, three);
}

// At each of the places where the carried state is begun, carried on, or drawn anew.
TEST(SignalObjective, AResumedRunEndsWithTheSameBits) {
  const TemporaryFolder folder;
  const auto run_to = [&](const std::string& name, std::int64_t stop_at, bool resume) {
    Training training(3);
    RunFolder run =
        resume ? RunFolder::resume(folder / name) : RunFolder::start(folder / name, false);
    if (resume) {
      const SavedRun<SignalRun> saved = saved_signal_run(Folder(run.path()));
      EXPECT_EQ(saved.run.model, training.run.model);
      EXPECT_EQ(saved.train_examples, 6400);
    } else {
      save_config(run.path(), training.run.model);
    }
    Trainer trainer(*training.objective, training.run.trainer);
    resume ? trainer.resume(run) : trainer.begin(run);
    std::atomic<bool> stop = false;
    Trainer::Watch watch;
    watch.stop = &stop;
    watch.progress = [&](const Progress& progress) { stop = progress.step == stop_at; };
    (void)trainer.run(watch);
  };
  run_to("whole", -1, false);
  for (const std::int64_t stop_at : {3, 5, 10, 23}) {
    const std::string name = std::to_string(stop_at);
    run_to(name, stop_at, false);
    run_to(name, -1, true);
    for (const char* file : {kWeightsFile, kCheckpointFile, kConfigFile}) {
      EXPECT_EQ(read_file(folder / "whole" / file), read_file(folder / name / file))
          << file << " after " << stop_at;
    }
  }
}

TEST(SignalObjective, ARunGoesOnOnlyWithItsOwnDataAndOptions) {
  const Training began;
  const std::string description = began.objective->description();
  Training same;
  same.objective->settle_with(description, "checkpoint");
  Device changed(8000);
  changed.wet[7000] += 0.01f;
  Training other(3, changed);
  EXPECT_THAT([&] { other.objective->settle_with(description, "checkpoint"); },
              ThrowsMessage<ConfigError>(HasSubstr("the signals are not those")));
  SignalTraining longer = Training::small();
  longer.stretch = 760;
  Training cut(3, Device(8000), longer);
  EXPECT_THAT([&] { cut.objective->settle_with(description, "checkpoint"); },
              ThrowsMessage<ConfigError>(HasSubstr("the options of the model or of its training")));
  EXPECT_THAT([&] { same.objective->settle_with(R"({"model": 1})", "checkpoint"); },
              ThrowsMessage<FormatError>(HasSubstr("not a valid checkpoint")));
  EXPECT_THROW(same.objective->set_state("-1"), ConfigError);
}

TEST(SignalObjective, TheStateIsCarriedOverAStretchAndBegunAnewForTheNext) {
  Training training;
  SignalObjective& objective = *training.objective;
  ASSERT_EQ(objective.updates_per_epoch(), 10);
  Tape tape;
  for (std::int64_t step = 0; step < 10; ++step) {
    objective.take(step);
    EXPECT_EQ(objective.carried().empty(), step % 5 == 0) << step;
    EXPECT_EQ(objective.loss(tape).targets, 600);
    tape.clear();
    EXPECT_EQ(objective.carried().h().shape(), objective.zero_state().h().shape());
  }
}

// The mean over the batches of an epoch is the measure of the signal, but for the first sample of
// each chunk, and the offset, which batches have for themselves.
TEST(SignalObjective, TheLossIsThatOfTheMeasure) {
  SignalTraining how = Training::small();
  how.valid_fraction = 0;
  Training training(1, Device(6000), how);
  double sum = 0;
  Tape tape;
  for (std::int64_t step = 0; step < training.objective->updates_per_epoch(); ++step) {
    training.objective->take(step);
    sum += training.objective->loss(tape).mean.value().data()[0];
    tape.clear();
  }
  const double loss = sum / static_cast<double>(training.objective->updates_per_epoch());
  const std::optional<Judgement> judged = training.objective->validate([] { return true; });
  ASSERT_TRUE(judged);
  EXPECT_NEAR(loss / judged->loss, 1, 0.05);
}

TEST(SignalObjective, WithNothingToValidateOnTheLastWeightsAreKept) {
  SignalTraining how = Training::small();
  how.valid_fraction = 0;
  Training training(6, Device(6000), how);
  Trainer trainer(*training.objective, training.run.trainer);
  trainer.begin();
  const TrainingResult result = trainer.run({});
  ASSERT_TRUE(result.best);
  EXPECT_EQ(result.best->step, result.steps);
}

TEST(SignalObjective, TheEndOfTheSignalIsForValidationAfterALeadIn) {
  const Device device(1000);
  const SignalSplit parts = split(device.part(), {.valid_fraction = 0.25, .lead_in = 100});
  EXPECT_EQ(parts.train.dry.size(), 750u);
  EXPECT_EQ(parts.valid.dry.data(), device.dry.data() + 650);
  EXPECT_EQ(parts.valid.wet.size(), 350u);
  EXPECT_TRUE(split(device.part(), {.valid_fraction = 0}).valid.dry.empty());
}

TEST(SignalObjective, WhatIsLearntIsNotJudged) {
  const Device device(2000);
  SignalRun run;
  run.trainer.seq_len = 50;
  run = suggested_run(device.part(), 48000, run);
  const SignalSplit parts = split(device.part(), run.learning);  // whose lead_in is 1024
  ASSERT_LT(std::ssize(device.dry) / 5, run.learning.lead_in);
  SignalModel model(run.model);
  const SignalObjective objective(model, parts.train, parts.valid, run.trainer, run.learning);
  EXPECT_EQ(objective.valid_targets(), 400);
  // Of a signal of its own, at most half is read without counting.
  const Device other(1000, 2);
  const SignalObjective own(model, parts.train, other.part(), run.trainer, run.learning);
  EXPECT_EQ(own.valid_targets(), 500);
}

TEST(SignalObjective, SuggestsWhatSuitsTheSignal) {
  const Device device(200'000);
  SignalRun given;
  const SignalRun few = suggested_run(device.part(), 48000, given);
  EXPECT_EQ(few.model.sample_rate, 48000);
  EXPECT_NEAR(few.model.gain, best_gain(device.dry, device.wet), 1e-12);
  const SignalBatches batches = signal_batches(std::ssize(device.dry), few.trainer, few.learning);
  EXPECT_GE(batches.groups * batches.chunks, 16);
  EXPECT_LT(batches.spare, few.trainer.batch_size * few.trainer.seq_len * batches.groups);
  EXPECT_EQ(few.learning.lead_in, 1024);
  EXPECT_EQ(suggested_run(Device(700).part(), 48000, given).learning.lead_in, 700);
  given.trainer.batch_size = 3;
  EXPECT_EQ(suggested_run(device.part(), 48000, given).trainer.batch_size, 3);
}

TEST(SignalObjective, RefusesWhatItCannotLearn) {
  EXPECT_THAT([] { Training training(1, Device(500)); },
              ThrowsMessage<ConfigError>(
                  HasSubstr("has 400 samples; it must have at least batch_size · seq_len = 4 · ")));
  Device silent(8000);
  std::ranges::fill(silent.wet, 0.0f);
  silent.wet.back() = 1;
  EXPECT_THAT([&] { Training training(1, silent); },
              ThrowsMessage<ConfigError>(HasSubstr("the wet signal to learn from is silent")));
  std::ranges::fill(silent.wet, 0.0f);
  silent.wet.front() = 1;
  EXPECT_THAT([&] { Training training(1, silent); },
              ThrowsMessage<ConfigError>(HasSubstr("to validate on is silent")));
  Device quiet(8000);
  for (float& sample : quiet.wet) sample *= 1e-19f;
  EXPECT_THAT([&] { Training training(1, quiet); },
              ThrowsMessage<ConfigError>(HasSubstr("both must be from 1e-20 to 1e20")));
}

}  // namespace
}  // namespace riverrun::models
