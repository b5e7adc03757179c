#include "riverrun/train/trainer.h"

#include <atomic>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "riverrun/core/error.h"
#include "riverrun/core/file.h"
#include "riverrun/core/random.h"
#include "riverrun/io/parameters.h"
#include "riverrun/nn/loss.h"
#include "riverrun/nn/sequence_model.h"

#include "tests/temporary_folder.h"

namespace riverrun {
namespace {

constexpr std::int64_t kSteps = 6;
constexpr std::int64_t kBatch = 4;
constexpr std::int64_t kUpdates = 5;

/// Numbers and, as what is to be learnt of each sequence, their mean: another kind of model than
/// those of texts, of independent sequences, without a carried state.
class MeanObjective final : public Objective {
 public:
  MeanObjective()
      : model_({.cell = "gru",
                .input_size = 1,
                .hidden_size = 8,
                .readout = Readout::kLast,
                .output_size = 1,
                .dropout = 0.1f}) {}

  ParameterList parameters() override { return model_.parameters(); }
  [[nodiscard]] std::int64_t updates_per_epoch() const override { return empty ? 0 : kUpdates; }
  [[nodiscard]] std::int64_t epochs_between_validations() const override { return epochs_between; }
  void take(std::int64_t step) override { draw(static_cast<std::uint64_t>(step % kUpdates)); }
  Loss loss(Tape& tape) override {
    const SequenceInput input{.seq_len = kSteps, .batch = kBatch, .numbers = &x_};
    const Var answers = model_.forward(tape, input).output;
    return {.mean = mse_loss(answers, means_.values()), .targets = kBatch};
  }
  [[nodiscard]] std::optional<Judgement> validate(const std::function<bool()>& go_on) override {
    if (!go_on()) return std::nullopt;
    MeanObjective held_out;
    held_out.draw(1000);
    const SequenceInput input{.seq_len = kSteps, .batch = kBatch, .numbers = &held_out.x_};
    const Tensor answers = std::as_const(model_).forward(input).output;
    double sum = 0;
    for (std::int64_t i = 0; i < kBatch; ++i) {
      sum += std::pow(answers.data()[i] - held_out.means_.data()[i], 2);
    }
    return Judgement{.loss = spoilt ? std::numeric_limits<double>::infinity()
                                    : sum / kBatch - below_zero};
  }
  [[nodiscard]] const char* unit() const override { return "squared error"; }
  [[nodiscard]] std::string description() const override { return R"({"task":"mean"})"; }
  void settle_with(const std::string& description, const std::string& /*path*/) override {
    if (description != this->description()) throw ConfigError("MeanObjective: " + description);
  }

  bool empty = false;
  std::int64_t epochs_between = 1;
  bool spoilt = false;
  double below_zero = 0;  // what is subtracted from the loss

 private:
  void draw(std::uint64_t stream) {
    Random random(7, stream);
    random.fill_uniform(x_.values(), -1.0f, 1.0f);
    means_.fill(0);
    for (std::int64_t i = 0; i < kSteps * kBatch; ++i) {
      means_.data()[i % kBatch] += x_.data()[i] / static_cast<float>(kSteps);
    }
  }

  SequenceModel model_;
  Tensor x_{Shape{kSteps, kBatch, 1}};
  Tensor means_{Shape{kBatch, 1}};
};

struct MeanRun {
  explicit MeanRun(const std::filesystem::path& out) : path(out) {}

  TrainingResult go(bool resumed, std::int64_t stop_after = 0) {
    RunFolder folder = resumed ? RunFolder::resume(path) : RunFolder::start(path, false);
    if (!resumed && !config.empty()) replace_file(folder.path() / kConfigFile, config);
    Trainer trainer(objective, options);
    if (resumed) {
      trainer.resume(folder);
    } else {
      trainer.begin(folder);
    }
    std::atomic<bool> stop{false};
    Trainer::Watch watch;
    watch.stop = &stop;
    watch.progress = [&](const Progress& progress) { stop = progress.step == stop_after; };
    return trainer.run(watch);
  }
  [[nodiscard]] std::string file(const char* name) const { return read_file(path / name); }

  std::filesystem::path path;
  std::string config = R"({"model_type":"riverrun_mean"})";
  MeanObjective objective;
  TrainerOptions options{.epochs = 60, .optimizer = "adam", .lr = 0.01, .warmup = 0};
};

TEST(Trainer, TrainsAModelOfAnyKind) {
  const TemporaryFolder folder;
  MeanRun run(folder / "model");
  const TrainingResult result = run.go(/*resumed=*/false);
  EXPECT_EQ(result.reason, StopReason::kFinished);
  EXPECT_EQ(result.steps, 60 * kUpdates);
  EXPECT_EQ(result.targets, 60 * kUpdates * kBatch);
  ASSERT_EQ(result.validations.size(), 60U);
  EXPECT_LT(result.best->valid.loss, 0.2 * result.validations.front().valid.loss);
  // The file holds the best weights, not the last.
  MeanObjective saved;
  io::load_parameters(io::SafetensorsFile(run.path / kWeightsFile), saved.parameters());
  EXPECT_EQ(saved.validate([] { return true; })->loss, result.best->valid.loss);
  EXPECT_EQ(saved_measure(run.path)->valid.loss, result.best->valid.loss);
}

TEST(Trainer, ARunOfAnyKindIsResumedToTheBit) {
  const TemporaryFolder folder;
  MeanRun whole(folder / "whole");
  whole.go(/*resumed=*/false);
  for (const std::int64_t stop_after : {1, 5, 12}) {
    const std::filesystem::path path = folder / std::to_string(stop_after);
    EXPECT_EQ(MeanRun(path).go(/*resumed=*/false, stop_after).reason, StopReason::kInterrupted);
    EXPECT_EQ(MeanRun(path).go(/*resumed=*/true).reason, StopReason::kFinished);
    EXPECT_TRUE(MeanRun(path).file(kCheckpointFile) == whole.file(kCheckpointFile)) << stop_after;
    EXPECT_TRUE(MeanRun(path).file(kWeightsFile) == whole.file(kWeightsFile)) << stop_after;
  }
}

TEST(Trainer, PatienceEndsARunThatNoLongerImproves) {
  const TemporaryFolder folder;
  const auto run = [&](const char* name, std::int64_t stop_after, bool resumed = false) {
    MeanRun it(folder / name);
    it.options.epochs = 1000;
    it.options.patience = 3;
    it.options.schedule = "constant";
    return it.go(resumed, stop_after);
  };
  const TrainingResult result = run("whole", 0);
  EXPECT_EQ(result.reason, StopReason::kNoImprovement);
  ASSERT_GT(result.validations.size(), 4U);
  EXPECT_EQ(result.best->step, result.steps - 3 * kUpdates);
  for (const Validation& v : result.validations) {
    EXPECT_GE(v.valid.loss, result.best->valid.loss);
  }
  // What was counted before an interruption counts.
  run("resumed", result.steps - kUpdates - 1);
  EXPECT_EQ(run("resumed", 0, /*resumed=*/true).steps, result.steps);
  EXPECT_EQ(run("resumed", 0, /*resumed=*/true).reason, StopReason::kNoImprovement);
}

TEST(Trainer, WithoutAFolderTheBestWeightsAreInMemory) {
  MeanObjective objective;
  TrainerOptions options{.epochs = 30, .optimizer = "adam", .lr = 0.05, .warmup = 0};
  options.schedule = "constant";
  Trainer trainer(objective, options);
  EXPECT_THROW(trainer.take_best(), Error);
  trainer.begin();
  const TrainingResult result = trainer.run({});
  EXPECT_FALSE(result.model_saved);
  ASSERT_FALSE(result.validations.back().best) << "choose other options";
  const auto judged = [&] { return objective.validate([] { return true; })->loss; };
  EXPECT_EQ(judged(), result.validations.back().valid.loss);
  trainer.take_best();
  EXPECT_EQ(judged(), result.best->valid.loss);
}

TEST(Trainer, ValidatesAfterAFewEpochsAndAfterTheLast) {
  MeanObjective objective;
  objective.epochs_between = 3;
  TrainerOptions options;
  options.epochs = 7;
  Trainer trainer(objective, options);
  trainer.begin();
  std::vector<std::int64_t> steps;
  for (const Validation& v : trainer.run({}).validations) steps.push_back(v.step);
  EXPECT_THAT(steps, testing::ElementsAre(3 * kUpdates, 6 * kUpdates, 7 * kUpdates));
}

TEST(Judgement, AScoreDecidesBeforeTheLoss) {
  EXPECT_TRUE((Judgement{.loss = 1}.better_than({.loss = 2})));
  EXPECT_FALSE((Judgement{.loss = 1}.better_than({.loss = 1})));
  EXPECT_TRUE((Judgement{.loss = 2, .score = 0.9}.better_than({.loss = 1, .score = 0.8})));
  EXPECT_FALSE((Judgement{.loss = 1, .score = 0.8}.better_than({.loss = 2, .score = 0.9})));
  EXPECT_TRUE((Judgement{.loss = 1, .score = 0.8}.better_than({.loss = 2, .score = 0.8})));
}

TEST(Trainer, RefusesDataWithoutABatch) {
  MeanObjective objective;
  objective.empty = true;
  EXPECT_THAT([&] { const Trainer trainer(objective, {}); },
              testing::ThrowsMessage<ConfigError>(testing::HasSubstr("an epoch has 0 updates")));
}

TEST(Trainer, ALossMayBeNegative) {
  const TemporaryFolder folder;
  const auto run = [&](bool resumed, std::int64_t stop_after) {
    MeanRun it(folder / "model");
    it.objective.below_zero = 10;
    return it.go(resumed, stop_after);
  };
  run(/*resumed=*/false, 12);
  EXPECT_LT(saved_measure(folder / "model")->valid.loss, 0);
  EXPECT_LT(run(/*resumed=*/true, 0).best->valid.loss, -9);
}

TEST(Trainer, WeightsOfAnotherModelAreRefused) {
  const TemporaryFolder folder;
  MeanRun run(folder / "model");
  run.config = R"({"model_type":"riverrun_mean","riverrun_digest":"one"})";
  run.go(/*resumed=*/false, 12);
  MeanRun other(folder / "other");
  other.config = R"({"model_type":"riverrun_mean","riverrun_digest":"two"})";
  other.go(/*resumed=*/false, 12);
  replace_file(run.path / kWeightsFile, other.file(kWeightsFile));
  EXPECT_THAT([&] { run.go(/*resumed=*/true); },
              testing::ThrowsMessage<FormatError>(testing::HasSubstr("belong together")));
}

TEST(Trainer, AFolderWithoutAConfigGetsOneAndCanBeOverwritten) {
  const TemporaryFolder folder;
  MeanRun run(folder / "model");
  run.config.clear();
  run.go(/*resumed=*/false, 12);
  EXPECT_TRUE(has_own_config(run.path));
  EXPECT_THROW(RunFolder::check_start(run.path, /*overwrite=*/false), OccupiedFolder);
  RunFolder::check_start(run.path, /*overwrite=*/true);
}

TEST(Trainer, DivergenceIsNamedInTheUnitOfTheLoss) {
  const TemporaryFolder folder;
  MeanRun run(folder / "model");
  run.go(/*resumed=*/false, 12);
  MeanRun spoilt(folder / "model");
  spoilt.objective.spoilt = true;
  EXPECT_THAT([&] { spoilt.go(/*resumed=*/true); },
              testing::ThrowsMessage<NumericError>(
                  testing::AllOf(testing::HasSubstr("the validation loss is inf at step 15"),
                                 testing::HasSubstr("squared error after step"))));
}

}  // namespace
}  // namespace riverrun
