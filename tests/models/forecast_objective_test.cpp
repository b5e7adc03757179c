#include "riverrun/models/forecast_objective.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "riverrun/core/error.h"
#include "riverrun/core/file.h"
#include "riverrun/core/threads.h"
#include "riverrun/models/forecaster_folder.h"
#include "riverrun/train/trainer.h"

#include "tests/models/series.h"
#include "tests/temporary_folder.h"

namespace riverrun::models {
namespace {

using test::hourly;
using test::wave;
using testing::HasSubstr;
using testing::ThrowsMessage;

data::TimeSeriesTable two_waves() { return hourly({wave(120), wave(100, 3)}); }

/// A small model of time series, and what trains it: 10 updates of 16 windows in an epoch.
struct Training {
  explicit Training(std::int64_t epochs = 3, ForecastMethod method = ForecastMethod::kSegments,
                    data::TimeSeriesTable of = two_waves(), ForecastTraining how = {})
      : table(std::move(of)) {
    run.learning = how;
    run.model.horizon = 4;
    run.model.look_back = 8;
    run.model.season = 8;
    run.model.hidden_size = 12;
    run.model.dropout = 0;
    run.model.method = method;
    run.model.paths = 10;
    run.trainer.batch_size = 16;
    run.trainer.lr = 1e-2;
    run = suggested_run(table, {.target = table.targets}, run);
    run.trainer.epochs = epochs;
    model.emplace(run.model);
    data.emplace(table, run.model);
    objective.emplace(*model, learnt_windows(*data, run.model, run.learning),
                      how.valid_fraction == 0
                          ? ForecastPart()
                          : judged_windows(*data, run.model, run.learning, 1000),
                      run.trainer, run.learning);
  }

  data::TimeSeriesTable table;
  ForecastRun run;
  std::optional<Forecaster> model;
  std::optional<ForecastData> data;
  std::optional<ForecastObjective> objective;
};

class ForecastObjectiveOf : public testing::TestWithParam<ForecastMethod> {};
INSTANTIATE_TEST_SUITE_P(, ForecastObjectiveOf,
                         testing::Values(ForecastMethod::kSegments, ForecastMethod::kPaths),
                         [](const auto& method) {
                           return method.param == ForecastMethod::kSegments ? "Segments" : "Paths";
                         });

TEST_P(ForecastObjectiveOf, LearnsAWave) {
  Training training(40, GetParam());
  Trainer trainer(*training.objective, training.run.trainer);
  trainer.begin();
  (void)trainer.run({});
  trainer.take_best();
  const ForecasterOptions& options = training.model->options();
  ForecastCounter counter(options.quantiles);
  ForecastCounter naive(options.quantiles);
  const ForecastPart part = judged_windows(*training.data, options, training.run.learning, 1000);
  ASSERT_GT(part.windows.size(), 20u);
  training.model->forecast(*training.data, part.windows, 1, [&](const auto& window, auto said) {
    const SeriesScale& scale = options.lines[static_cast<std::size_t>(window.line)].scale;
    const std::vector<double> actual = training.data->actual(window, options.horizon);
    counter.add(said, actual, scale);
    naive.add_point(last_value(training.data->history(window), options.horizon), actual, scale);
  });
  EXPECT_LT(counter.score().mae, 0.25 * naive.score().mae);
  EXPECT_LT(counter.score().wql, 0.25 * naive.score().wql);
}

TEST_P(ForecastObjectiveOf, AnyNumberOfThreadsGivesTheSameBits) {
  const auto weights = [](int threads) {
    set_num_threads(threads);
    Training training(2, GetParam());
    Trainer trainer(*training.objective, training.run.trainer);
    trainer.begin();
    (void)trainer.run({});
    std::vector<double> all;
    for (const NamedParameter& named : training.model->parameters()) {
      const auto values = named.parameter->value().values();
      all.insert(all.end(), values.begin(), values.end());
    }
    training.model->forecast(
        *training.data, std::vector<ForecastWindow>{{0, 50}, {1, 60}}, 1,
        [&](const auto&, auto said) { all.insert(all.end(), said.begin(), said.end()); });
    return all;
  };
  const int before = num_threads();
  const std::vector<double> one = weights(1);
  const std::vector<double> three = weights(3);
  set_num_threads(before);
  EXPECT_EQ(one, three);
}

// Within an epoch, at its end, and where it is validated.
TEST_P(ForecastObjectiveOf, AResumedRunEndsWithTheSameBits) {
  const TemporaryFolder folder;
  const auto run_to = [&](const std::string& name, std::int64_t stop_at, bool resume) {
    Training training(4, GetParam());
    RunFolder run =
        resume ? RunFolder::resume(folder / name) : RunFolder::start(folder / name, false);
    if (resume) {
      const SavedRun<ForecastRun> saved = saved_forecast_run(Folder(run.path()));
      EXPECT_EQ(saved.run.model, training.run.model);
      EXPECT_EQ(saved.run.learning, training.run.learning);
      EXPECT_EQ(saved.train_examples, 85 + 69);
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
  for (const std::int64_t stop_at : {3, 10, 17, 30}) {
    const std::string name = std::to_string(stop_at);
    run_to(name, stop_at, false);
    run_to(name, -1, true);
    for (const char* file : {kWeightsFile, kCheckpointFile, kConfigFile}) {
      EXPECT_EQ(read_file(folder / "whole" / file), read_file(folder / name / file))
          << file << " after " << stop_at;
    }
  }
}

TEST(ForecastObjective, ARunGoesOnOnlyWithItsOwnDataAndOptions) {
  const Training began;
  const std::string description = began.objective->description();
  Training same;
  same.objective->settle_with(description, "checkpoint");
  for (const std::size_t row : {std::size_t{50}, std::size_t{110}}) {  // learnt, and validated on
    data::TimeSeriesTable changed = two_waves();
    changed.series[0].targets[row] += 0.01;
    Training other(3, ForecastMethod::kSegments, changed);
    EXPECT_THAT([&] { other.objective->settle_with(description, "checkpoint"); },
                ThrowsMessage<ConfigError>(HasSubstr("the series are not those")));
  }
  Training cut(3, ForecastMethod::kSegments, two_waves(), {.valid_fraction = 0.3});
  EXPECT_THAT([&] { cut.objective->settle_with(description, "checkpoint"); },
              ThrowsMessage<ConfigError>(HasSubstr("the series are not those")));
  Training paths(3, ForecastMethod::kPaths);
  EXPECT_THAT([&] { paths.objective->settle_with(description, "checkpoint"); },
              ThrowsMessage<ConfigError>(HasSubstr("the options of the model or of its training")));
  EXPECT_THAT([&] { same.objective->settle_with(R"({"model": 1})", "checkpoint"); },
              ThrowsMessage<FormatError>(HasSubstr("not a valid checkpoint")));
  EXPECT_THROW(same.objective->set_state("-1"), ConfigError);
}

TEST(ForecastObjective, AnEpochTakesEachWindowOnce) {
  Training training;
  ForecastObjective& objective = *training.objective;
  ASSERT_EQ(objective.updates_per_epoch(), 10);
  EXPECT_EQ(objective.targets_per_update(), 16);
  Tape tape;
  std::int64_t targets = 0;
  double sum = 0;
  for (std::int64_t step = 0; step < 10; ++step) {
    objective.take(step);
    EXPECT_EQ(objective.state(), std::to_string(step + 1));
    const Objective::Loss loss = objective.loss(tape);
    EXPECT_EQ(loss.targets, step == 9 ? 154 - 9 * 16 : 16);
    targets += loss.targets;
    sum += loss.mean.value().values()[0] * static_cast<double>(loss.targets);
    tape.clear();
  }
  EXPECT_EQ(targets, 154);
  const ForecastPart learnt =
      learnt_windows(*training.data, training.run.model, training.run.learning);
  const Forecaster::LossSum loss = training.model->loss_sum(*training.data, learnt.windows);
  EXPECT_NEAR(sum / 154, loss.sum / static_cast<double>(loss.targets), 1e-5);
}

TEST(ForecastObjective, IsJudgedByTheMeanLossOfAllRowsForValidation) {
  Training training;
  const ForecastPart judged =
      judged_windows(*training.data, training.run.model, training.run.learning, 1000);
  const Forecaster::LossSum loss = training.model->loss_sum(*training.data, judged.windows);
  EXPECT_EQ(training.objective->valid_targets(), std::ssize(judged.windows));
  const std::optional<Judgement> judgement = training.objective->validate([] { return true; });
  ASSERT_TRUE(judgement);
  EXPECT_NEAR(judgement->loss, loss.sum / static_cast<double>(loss.targets), 1e-6);
  EXPECT_FALSE(judgement->score);
  EXPECT_FALSE(training.objective->validate([] { return false; }));
}

TEST(ForecastObjective, AModelThatSaysNoNumbersIsTheWorst) {
  for (const ForecastMethod method : {ForecastMethod::kSegments, ForecastMethod::kPaths}) {
    Training training(1, method);
    for (const NamedParameter& named : training.model->parameters()) {
      if (named.name != "decoder.bias") continue;
      std::ranges::fill(named.parameter->mutable_value().values(),
                        std::numeric_limits<float>::quiet_NaN());
    }
    const std::optional<Judgement> judgement = training.objective->validate([] { return true; });
    ASSERT_TRUE(judgement);
    EXPECT_EQ(judgement->loss, std::numeric_limits<double>::infinity());
  }
}

TEST(ForecastObjective, WithNothingToValidateOnTheLastWeightsAreKept) {
  Training training(6, ForecastMethod::kSegments, two_waves(), {.valid_fraction = 0});
  Trainer trainer(*training.objective, training.run.trainer);
  trainer.begin();
  const TrainingResult result = trainer.run({});
  ASSERT_TRUE(result.best);
  EXPECT_EQ(result.best->step, result.steps);
  // Whatever they are like.
  const std::optional<Judgement> last = training.objective->validate([] { return true; });
  training.objective->take(result.steps);
  for (const NamedParameter& named : training.model->parameters()) {
    std::ranges::fill(named.parameter->mutable_value().values(), 1.0f);
  }
  const std::optional<Judgement> worse = training.objective->validate([] { return true; });
  ASSERT_TRUE(last && worse);
  EXPECT_GT(worse->loss, last->loss);
  EXPECT_TRUE(worse->better_than(*last));
}

TEST(ForecastObjective, RefusesWhatItCannotLearn) {
  Training training;
  const ForecastPart windows =
      learnt_windows(*training.data, training.run.model, training.run.learning);
  TrainerOptions options = training.run.trainer;
  const auto make = [&](const ForecastPart& learnt, const ForecastTraining& how) {
    return [&, learnt, how] { ForecastObjective(*training.model, learnt, {}, options, how); };
  };
  EXPECT_NO_THROW(make(windows, {})());
  EXPECT_THAT(make({.data = windows.data, .windows = {}}, {}),
              ThrowsMessage<ConfigError>(HasSubstr("there is no window to learn from")));
  EXPECT_THAT(make(windows, {.valid_fraction = 1}),
              ThrowsMessage<ConfigError>(HasSubstr("valid_fraction is 1")));
  options.batch_size = 0;
  EXPECT_THAT(make(windows, {}), ThrowsMessage<ConfigError>(HasSubstr("batch_size is 0")));
  options.batch_size = 4;
  options.epochs = 0;
  EXPECT_THAT(make(windows, {}), ThrowsMessage<ConfigError>(HasSubstr("epochs is 0")));
}

}  // namespace
}  // namespace riverrun::models
