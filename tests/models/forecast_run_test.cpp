#include "riverrun/models/forecast_run.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "riverrun/core/error.h"

#include "tests/models/series.h"

namespace riverrun::models {
namespace {

using test::add_covariate;
using test::hourly;
using test::kMissing;
using test::wave;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

ForecastRun suggested(const data::TimeSeriesTable& table, ForecastRun given) {
  ForecastRun run = suggested_run(table, {.target = table.targets}, std::move(given));
  check(run.model);
  check(run.trainer);
  EXPECT_EQ(run.model.look_back % run.model.segment, 0);
  return run;
}
ForecastRun of_horizon(std::int64_t horizon, ForecastMethod method = ForecastMethod::kSegments) {
  ForecastRun run;
  run.model.horizon = horizon;
  run.model.method = method;
  return run;
}

TEST(ForecastRun, TheEndOfASeriesIsForValidation) {
  EXPECT_EQ(learnt_rows(100, 5, {.valid_fraction = 0.2}), 80);
  EXPECT_EQ(learnt_rows(101, 5, {.valid_fraction = 0.2}), 80);
  EXPECT_EQ(learnt_rows(100, 30, {.valid_fraction = 0.2}), 70);  // at least a horizon
  EXPECT_EQ(learnt_rows(100, 5, {.valid_fraction = 0}), 100);
  EXPECT_EQ(learnt_rows(101, 50, {.valid_fraction = 0.2}), 51);
  EXPECT_EQ(learnt_rows(100, 50, {.valid_fraction = 0.2}), 100);  // too few would be left
  EXPECT_EQ(learnt_rows(100, 5, {.valid_fraction = 0.99}), 100);
  EXPECT_EQ(learnt_rows(0, 5, {.valid_fraction = 0.2}), 0);
}

TEST(ForecastRun, TheModelKeepsTheLastTimeThatItKnowsOf) {
  data::TimeSeriesTable table = hourly({wave(100), wave(110)}, 5);
  const std::string last = suggested(table, of_horizon(3)).model.learnt_until;
  EXPECT_EQ(data::parse_time(last), table.time_of(table.series[1], 109));
  for (data::TimeSeries& series : table.series) {
    series.start.kind = data::TimeStamp::Kind::kZoned;
  }
  table.format = data::TimeFormat("%Y-%m-%d %H:%M%z");
  table.offset = 3600;
  EXPECT_EQ(data::parse_time(learnt_until(table)), table.time_of(table.series[1], 109));
  table.frequency = {};
  EXPECT_EQ(learnt_until(table), "");
}

TEST(ForecastRun, WhatIsLearntIsNotJudged) {
  for (const double fraction : {0.1, 0.2, 0.5, 0.9}) {
    for (const std::int64_t horizon : {1, 7, 30}) {
      const data::TimeSeriesTable table = hourly({wave(100), wave(67), wave(40), wave(9)});
      ForecastRun run = of_horizon(horizon);
      run.learning.valid_fraction = fraction;
      run = suggested(table, run);
      const ForecastData data(table, run.model);
      const ForecastPart learnt = learnt_windows(data, run.model, run.learning);
      const ForecastPart judged = judged_windows(data, run.model, run.learning, 1'000'000);
      EXPECT_EQ(learnt.data, &data);
      EXPECT_EQ(judged.data, &data);
      for (std::int64_t line = 0; line < 4; ++line) {
        std::int64_t end = 0;  // of what is learnt
        for (const ForecastWindow& window : learnt.windows) {
          if (window.line == line) end = std::max(end, window.origin + horizon);
        }
        const std::int64_t rows = std::ssize(data.lines()[static_cast<std::size_t>(line)].values);
        std::int64_t last = 0;
        for (const ForecastWindow& window : judged.windows) {
          if (window.line != line) continue;
          EXPECT_GE(window.origin, end);
          last = std::max(last, window.origin + horizon);
        }
        // All rows are one or the other, and none is both.
        EXPECT_TRUE(end == rows ? last == 0 : last == rows || end == 0) << line;
      }
    }
  }
}

TEST(ForecastRun, OfASeriesOfItsOwnAllWindowsAreJudged) {
  const data::TimeSeriesTable table = hourly({wave(60)});
  ForecastRun run = of_horizon(6);
  run.learning.valid_fraction = 0;
  run.model.look_back = 10;
  run.model.segment = 5;
  run = suggested(table, run);
  const ForecastData data(table, run.model);
  EXPECT_EQ(learnt_windows(data, run.model, run.learning).windows.size(), 45u);
  EXPECT_EQ(judged_windows(data, run.model, run.learning, 1000).windows.size(), 45u);
  const std::size_t some = judged_windows(data, run.model, run.learning, 15).windows.size();
  EXPECT_GE(some, 10u);
  EXPECT_LE(some, 20u);
}

TEST(ForecastRun, WindowsOfWhichNothingIsKnownAreOmitted) {
  std::vector<double> values = wave(60);
  std::fill(values.begin() + 20, values.begin() + 30, kMissing);
  const data::TimeSeriesTable table = hourly({values});
  ForecastRun run = of_horizon(4);
  run.model.look_back = run.model.segment = 4;
  run.model.missing = data::Missing::kMask;
  run.learning.valid_fraction = 0;
  run = suggested(table, run);
  const ForecastData data(table, run.model);
  const ForecastPart part = learnt_windows(data, run.model, run.learning);
  EXPECT_EQ(part.windows.size(), 53u - 7);
  for (const ForecastWindow& window : part.windows) {
    EXPECT_TRUE(window.origin < 20 || window.origin > 26) << window.origin;
  }
}

TEST(ForecastRun, SaysWhatTheRowsThatAreLearntFromAre) {
  std::vector<double> values = {1, 3, 1, 3, 1, 3, 1, 3, 100, 200};
  data::TimeSeriesTable table = hourly({values, {2, 2, 2, 2, 2, 2, 2, 2, 2, 5}}, 1);
  add_covariate(table, {.name = "k", .known = true},
                [](auto row) { return row < 8 ? 10. + row % 2 : 1000.; });
  ForecastRun run = of_horizon(2);
  run.model.season = 1;
  run = suggested(table, run);
  EXPECT_EQ(run.model.columns.target, table.targets);
  EXPECT_EQ(run.model.covariates, table.covariates);
  EXPECT_EQ(run.model.frequency, "hour");
  const ForecastLine a{
      .series = "a", .target = "y", .scale = {.mean = 2, .deviation = 1, .naive_error = 2}};
  const ForecastLine b{
      .series = "b", .target = "y", .scale = {.mean = 2, .deviation = 1, .naive_error = 0}};
  EXPECT_THAT(run.model.lines, ElementsAre(a, b));
  EXPECT_THAT(run.model.covariate_scales,
              ElementsAre(CovariateScale{.mean = 10.5, .deviation = 0.5}));
}

TEST(ForecastRun, WhatIsGivenStays) {
  const data::TimeSeriesTable table = hourly({wave(300)});
  ForecastRun given = of_horizon(7);
  given.model.look_back = 36;
  given.model.segment = 9;
  given.model.season = 12;
  given.model.hidden_size = 17;
  given.model.quantiles = {0.5};
  given.trainer.batch_size = 13;
  given.trainer.lr = 0.5;
  given.learning.valid_fraction = 0.3;
  const ForecastRun run = suggested(table, given);
  EXPECT_EQ(run.model.horizon, 7);
  EXPECT_EQ(run.model.look_back, 36);
  EXPECT_EQ(run.model.segment, 9);
  EXPECT_EQ(run.model.season, 12);
  EXPECT_EQ(run.model.hidden_size, 17);
  EXPECT_EQ(run.model.quantiles, given.model.quantiles);
  EXPECT_EQ(run.trainer.batch_size, 13);
  EXPECT_EQ(run.trainer.lr, 0.5);
  EXPECT_EQ(run.learning, given.learning);
}

TEST(ForecastRun, TheSeasonIsThatOfTheFrequencyIfItIsLearntTwice) {
  EXPECT_EQ(suggested(hourly({wave(300)}), of_horizon(7)).model.season, 24);
  ForecastRun run = of_horizon(7);
  run.learning.valid_fraction = 0;
  EXPECT_EQ(suggested(hourly({wave(48)}), run).model.season, 24);
  EXPECT_EQ(suggested(hourly({wave(47)}), run).model.season, 1);
}

TEST(ForecastRun, CyclesThatAreNotLearntTwiceAreNotRead) {
  ForecastRun run = of_horizon(7);
  run.learning.valid_fraction = 0.5;
  EXPECT_EQ(suggested(hourly({wave(2 * 14 * 24 - 2)}), run).model.calendar_cycles, 1);  // days
  EXPECT_EQ(suggested(hourly({wave(2 * 14 * 24)}), run).model.calendar_cycles, 2);      // weeks
}

TEST(ForecastRun, ALookBackIsInSegments) {
  for (const std::int64_t rows : {9, 40, 120, 1000, 3000}) {
    const data::TimeSeriesTable table = hourly({wave(rows)});
    for (const ForecastMethod method : {ForecastMethod::kSegments, ForecastMethod::kPaths}) {
      const ForecastRun run = suggested(table, of_horizon(3, method));
      EXPECT_GE(run.model.look_back, 1);
      EXPECT_LE(run.model.look_back, rows / 3);
      EXPECT_LE(run.model.look_back, 30 * 24);
    }
    ForecastRun of_look_back = of_horizon(3);
    of_look_back.model.look_back = 96;
    EXPECT_EQ(suggested(table, of_look_back).model.look_back, 96);
    EXPECT_EQ(suggested(table, of_look_back).model.segment, 6);
    of_look_back.model.look_back = 97;  // a prime
    EXPECT_EQ(suggested(table, of_look_back).model.segment, 1);
    ForecastRun of_segment = of_horizon(3);
    of_segment.model.segment = 5;
    EXPECT_EQ(suggested(table, of_segment).model.segment, 5);
  }
}

TEST(ForecastRun, BatchAndUnitsGrowWithTheWindows) {
  std::int64_t batch_before = 0;
  std::int64_t units_before = 0;
  for (const std::int64_t rows : {20, 500, 20'000}) {
    const ForecastRun run = suggested(hourly({wave(rows)}), of_horizon(3));
    EXPECT_GT(run.trainer.batch_size, batch_before);
    EXPECT_GE(run.model.hidden_size, units_before);
    EXPECT_GE(run.trainer.epochs, 5);
    batch_before = run.trainer.batch_size;
    units_before = run.model.hidden_size;
  }
  EXPECT_GT(units_before, 32);
}

TEST(ForecastRun, ASeriesThatIsTooShortIsRefused) {
  const data::TimeSeriesTable table = hourly({wave(5), wave(8)});
  EXPECT_THAT([&] { (void)suggested(table, of_horizon(8)); },
              ThrowsMessage<ConfigError>(
                  HasSubstr("hours.csv: the longest series has 8 rows to learn from; with a "
                            "horizon of 8 there must be at least 9")));
  EXPECT_THROW((void)suggested(table, of_horizon(1 << 20)), ConfigError);
  // One row more is enough, and so is one series that is long enough.
  const ForecastRun run = suggested(table, of_horizon(7));
  const ForecastData data(table, run.model);
  EXPECT_THAT(learnt_windows(data, run.model, run.learning).windows,
              ElementsAre(ForecastWindow{1, 1}));
}

}  // namespace
}  // namespace riverrun::models
