#include "riverrun/tasks/train_task.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "riverrun/core/error.h"
#include "riverrun/core/file.h"
#include "riverrun/core/threads.h"
#include "riverrun/tasks/catalogue.h"
#include "riverrun/train/trainer.h"

#include "tests/temporary_folder.h"

namespace riverrun::tasks {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

std::unique_ptr<Task> make(const char* name, std::int64_t length) {
  return make_task(find_task(name), {.length = length, .seed = 1});
}

SequenceModelOptions small(const std::string& cell = "lstm") {
  SequenceModelOptions options;
  options.cell = cell;
  options.hidden_size = 12;
  options.input_size = 8;
  return options;
}

const TaskTrainerOptions kTrainer{
    .batch_size = 16, .lr = 0.01, .clip = 1, .max_sequences = 60'000, .evaluate_every = 2000};

TEST(TrainTask, SolvesTemporalOrderOfTwentySteps) {
  const auto task = make("temporal-order-2", 20);
  SequenceModelOptions options = small();
  options.init = parse_initialization("chrono", 20);
  SequenceModel network = make_network(*task, options);
  const TaskResult result = train_task(*task, network, kTrainer);
  EXPECT_TRUE(result.solved);
  EXPECT_GE(result.sequences, 2000);
  EXPECT_LT(result.sequences, kTrainer.max_sequences);
  EXPECT_EQ(result.test.sequences, 2560);
  EXPECT_GT(result.test.right_share(), 0.99);
}

TEST(TrainTask, WithoutMemoryStaysAtTheScoreWithoutMemory) {
  const auto task = make("temporal-order-2", 20);
  SequenceModel network = make_network(*task, small("memoryless"));
  TaskTrainerOptions trainer = kTrainer;
  trainer.max_sequences = 8000;
  const TaskResult result = train_task(*task, network, trainer);
  EXPECT_FALSE(result.solved);
  EXPECT_EQ(result.sequences, 8000);
  EXPECT_NEAR(result.test.loss(), task->traits().memoryless_score, 0.05);
  EXPECT_EQ(result.test.right, 0);
}

TEST(TrainTask, HeldOutSequencesDecideWhereThereIsNoWindow) {
  const auto task = make("adding", 6);
  SequenceModelOptions options = small();
  options.hidden_size = 24;
  SequenceModel network = make_network(*task, options);
  const TaskResult result = train_task(*task, network, kTrainer);
  EXPECT_TRUE(result.solved);
  ASSERT_FALSE(result.curve.empty());
  ASSERT_TRUE(result.curve.back().held_out.has_value());
  EXPECT_LT(result.curve.back().held_out->loss(), 0.005);
  for (std::size_t i = 0; i + 1 < result.curve.size(); ++i) {
    EXPECT_GE(result.curve[i].held_out->loss(), 0.005) << "it stops as soon as it is solved";
  }
}

TEST(TrainTask, SameBitsForAnyNumberOfThreadsAlsoWithRecomputation) {
  const auto task = make("copy", 10);
  const int threads = num_threads();
  for (const std::int64_t recompute_steps : {0, 7}) {
    std::vector<double> losses;
    std::vector<std::vector<float>> weights;
    for (const int count : {1, 2, 3}) {
      set_num_threads(count);
      SequenceModelOptions options = small();
      options.recompute_steps = recompute_steps;
      SequenceModel network = make_network(*task, options);
      TaskTrainerOptions trainer = kTrainer;
      trainer.max_sequences = 160;
      losses.push_back(train_task(*task, network, trainer).test.losses);
      const auto values = network.parameters().back().parameter->value().values();
      weights.emplace_back(values.begin(), values.end());
    }
    set_num_threads(threads);
    EXPECT_THAT(losses, testing::Each(losses[0])) << recompute_steps;
    EXPECT_THAT(weights, testing::Each(weights[0])) << recompute_steps;
  }
}

TEST(TrainTask, TheRateFallsAlongHalfACosine) {
  const auto task = make("adding", 6);
  const auto bias_after = [&](std::int64_t updates, std::int64_t max_updates,
                              const char* schedule) {
    SequenceModel network = make_network(*task, small());
    TaskTrainerOptions trainer = kTrainer;
    trainer.schedule = schedule;
    trainer.max_sequences = max_updates * trainer.batch_size;
    trainer.evaluate_every = trainer.batch_size;
    std::atomic<bool> stop{false};
    TaskWatch watch;
    watch.stop = &stop;
    watch.point = [&](const TaskPoint& point) {
      stop = point.sequences == updates * trainer.batch_size;
    };
    train_task(*task, network, trainer, watch);
    return network.parameters().back().parameter->value().values()[0];
  };
  const float first = bias_after(1, 2, "cosine");
  EXPECT_EQ(first, bias_after(1, 2, "constant"));
  const float constant = bias_after(2, 2, "constant");
  // Adam's second update is of the same gradients, at half the rate.
  EXPECT_NEAR(bias_after(2, 2, "cosine") - first, (constant - first) / 2, 1e-6);
  EXPECT_GT(std::abs(constant - first), 1e-3);
}

TEST(TrainTask, StopsWhenAsked) {
  const auto task = make("adding", 6);
  SequenceModel network = make_network(*task, small());
  std::atomic<bool> stop{false};
  int points = 0;
  TaskWatch watch;
  watch.stop = &stop;
  watch.point = [&](const TaskPoint&) { stop = ++points == 2; };
  TaskTrainerOptions trainer = kTrainer;
  trainer.evaluate_every = 32;
  const TaskResult result = train_task(*task, network, trainer, watch);
  EXPECT_TRUE(result.interrupted);
  EXPECT_EQ(result.sequences, 64);
  EXPECT_EQ(result.curve.size(), 2u);
}

TEST(TrainTask, SaysWhenTheLossIsNoNumber) {
  const auto task = make("adding", 6);
  SequenceModel network = make_network(*task, small());
  network.parameters().back().parameter->mutable_value().fill(
      std::numeric_limits<float>::quiet_NaN());
  EXPECT_THAT(
      [&] { static_cast<void>(train_task(*task, network, kTrainer)); },
      ThrowsMessage<NumericError>(HasSubstr("the loss is nan at step 1 (epoch 1); try a lower")));
}

TEST(TrainTask, SaysWhenTheLastUpdateWasOneTooMany) {
  const auto expect = [](const char* name, const char* message) {
    const auto task = make(name, 20);
    SequenceModel network = make_network(*task, small());
    TaskTrainerOptions trainer = kTrainer;
    trainer.lr = 1e38;
    trainer.max_sequences = trainer.batch_size;  // one update
    EXPECT_THAT([&] { static_cast<void>(train_task(*task, network, trainer)); },
                ThrowsMessage<NumericError>(HasSubstr(message)));
  };
  expect("adding", "the validation loss is");
  expect("temporal-order-2", "the loss of the test is");  // nothing is held out
}

TEST(TrainTask, ARunInAFolderIsResumedToTheBit) {
  const auto run = [](const char* name, const std::filesystem::path& path, bool resumed,
                      std::int64_t stop_after, std::int64_t length = 12) {
    const auto task = make(name, length);
    SequenceModel network = make_network(*task, small());
    TaskObjective objective(*task, network, 16, 400);
    Trainer trainer(objective,
                    {.epochs = 1, .optimizer = "adam", .lr = 0.01, .warmup = 0, .valid_every = 4});
    RunFolder folder = resumed ? RunFolder::resume(path) : RunFolder::start(path, false);
    if (resumed) {
      trainer.resume(folder);
    } else {
      replace_file(folder.path() / kConfigFile, R"({"model_type":"riverrun_task"})");
      trainer.begin(folder);
    }
    std::atomic<bool> stop{false};
    Trainer::Watch watch;
    watch.stop = &stop;
    watch.progress = [&](const Progress& p) { stop = p.step == stop_after; };
    trainer.run(watch);
    return objective.curve().size();
  };
  for (const char* const name : {"adding", "temporal-order-2"}) {
    const TemporaryFolder folder;
    const std::size_t points = run(name, folder / "whole", false, 0);
    EXPECT_EQ(points, 7U);
    for (const std::int64_t stop_after : {6, 8}) {  // 8: instead of a validation
      const std::filesystem::path path = folder / std::to_string(stop_after);
      run(name, path, false, stop_after);
      EXPECT_EQ(run(name, path, true, 0), points);
      for (const char* const file : {kCheckpointFile, kWeightsFile}) {
        EXPECT_TRUE(read_file(folder / "whole" / file) == read_file(path / file))
            << name << " " << stop_after << " " << file;
      }
    }
    EXPECT_THAT([&] { run(name, folder / "whole", true, 0, 13); },
                ThrowsMessage<ConfigError>(HasSubstr("the task, the network")));
  }
}

TEST(TaskObjective, ASecondEpochDrawsOtherSequences) {
  const auto task = make("adding", 6);
  SequenceModel network = make_network(*task, small());
  TaskObjective objective(*task, network, 16,
                          40);  // three updates, the last one of eight sequences
  Trainer trainer(objective, {.epochs = 3, .optimizer = "adam", .lr = 0, .warmup = 0});
  trainer.begin();
  const TrainingResult result = trainer.run({});
  EXPECT_EQ(objective.sequences(), 120);
  EXPECT_EQ(result.targets, 120);
  ASSERT_EQ(result.validations.size(), 3U);
  EXPECT_EQ(result.validations[0].valid.loss, result.validations[1].valid.loss);
  EXPECT_NE(result.validations[0].train_loss, result.validations[1].train_loss);
}

TEST(TrainTask, RefusesInvalidOptions) {
  const auto task = make("adding", 6);
  SequenceModel network = make_network(*task, small());
  const auto expect = [&](auto change, const char* message) {
    TaskTrainerOptions trainer = kTrainer;
    change(trainer);
    EXPECT_THAT([&] { static_cast<void>(train_task(*task, network, trainer)); },
                ThrowsMessage<ConfigError>(HasSubstr(message)));
  };
  expect([](auto& o) { o.batch_size = 0; }, "batch_size is 0");
  expect([](auto& o) { o.max_sequences = -1; }, "max_sequences is -1");
  expect([](auto& o) { o.evaluate_every = 0; }, "evaluate_every is 0");
  expect([](auto& o) { o.clip = -1; }, "clip is -1");
  expect([](auto& o) { o.lr = -1; }, "lr");
  expect([](auto& o) { o.schedule = "step"; }, "schedule is \"step\"");
}

}  // namespace
}  // namespace riverrun::tasks
