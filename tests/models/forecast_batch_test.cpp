// What the networks of a Forecaster read.

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "riverrun/models/forecast_network.h"

#include "tests/models/series.h"

namespace riverrun::models {
namespace {

using test::add_covariate;
using test::hourly;
using test::kMissing;
using test::small_forecaster;
using test::wave;
using testing::Each;
using testing::ElementsAre;
using testing::FloatNear;
using testing::IsNan;
using testing::Pointwise;

constexpr float kTolerance = 1e-4f;  // the least variance of a window is 1e-5

/// Of a tensor [rows, windows, numbers], those of one row and window.
std::vector<float> numbers_of(const Tensor& tensor, std::int64_t row, std::int64_t window) {
  const float* from = tensor.data() + (row * tensor.size(1) + window) * tensor.size(2);
  return {from, from + tensor.size(2)};
}

/// Of a tensor [rows, windows], one window.
std::vector<float> column(const Tensor& tensor, std::int64_t window) {
  std::vector<float> values;
  for (std::int64_t row = 0; row < tensor.size(0); ++row) {
    values.push_back(tensor.data()[row * tensor.size(1) + window]);
  }
  return values;
}

/// The numbers, and behind them the calendar of a row.
std::vector<float> with_calendar(const data::TimeSeriesTable& table, std::vector<float> numbers,
                                 std::int64_t row) {
  const std::vector<float> calendar =
      data::calendar(table.frequency, table.time_of(table.series[0], row));
  numbers.insert(numbers.end(), calendar.begin(), calendar.end());
  return numbers;
}

void expect_near(const std::vector<float>& numbers, const std::vector<float>& expected) {
  EXPECT_THAT(numbers, Pointwise(FloatNear(kTolerance), expected));
}

/// Three rows of the horizon and four before it, in segments of two, as they stand in the file.
ForecasterOptions plain(const data::TimeSeriesTable& table) {
  ForecasterOptions options = small_forecaster(table);
  for (ForecastLine& line : options.lines) line.scale = {};
  options.horizon = 3;
  options.look_back = 4;
  options.calendar = false;
  return options;
}

ForecastBatch batch_of(const ForecasterOptions& options, const data::TimeSeriesTable& table,
                       const std::vector<ForecastWindow>& windows) {
  const ForecastData data(table, options);
  return forecast_batch(options, data, windows);
}

TEST(ForecastBatch, HasSegmentsOfRowsWithTheCalendarOfTheFirst) {
  data::TimeSeriesTable table = hourly({{7, 7, 1, 3, 1, 3, 5, 2, 4, 9}});
  add_covariate(table, {.name = "p"}, [](auto row) { return 100. + row; });
  add_covariate(table, {.name = "k", .known = true}, [](auto row) { return 20. - row; });
  ForecasterOptions options = plain(table);
  options.calendar = true;
  options.covariate_scales = {{.mean = 100, .deviation = 2}, {.mean = 20, .deviation = 1}};
  const ForecastBatch batch = batch_of(options, table, {{0, 6}, {0, 7}});
  // Of the rows 1, 3, 1, 3 the standard deviation is 1.
  ASSERT_EQ(batch.past.shape(), (Shape{2, 2, 2 * 3 + 8}));
  expect_near(numbers_of(batch.past, 0, 0), with_calendar(table, {-2, 1, -2, 0, 1.5f, -3}, 2));
  expect_near(numbers_of(batch.past, 1, 0), with_calendar(table, {-2, 2, -4, 0, 2.5f, -5}, 4));
  // The last segment reaches beyond the horizon, whose last row stands there again.
  ASSERT_EQ(batch.future.shape(), (Shape{2, 2, 2 * 1 + 8}));
  expect_near(numbers_of(batch.future, 0, 0), with_calendar(table, {-6, -7}, 6));
  expect_near(numbers_of(batch.future, 1, 0), with_calendar(table, {-8, -8}, 8));
  expect_near(numbers_of(batch.future, 1, 1), with_calendar(table, {-9, -9}, 9));
  expect_near(column(batch.history, 0), {-2, 0, -2, 0});
  expect_near(column(batch.target, 0), {2, -1, 1});
  EXPECT_THAT(batch.lines, ElementsAre(0, 0));
}

TEST(ForecastBatch, IsSetAgainstTheLastValueAndTheDeviationOfTheLookBack) {
  const data::TimeSeriesTable table = hourly({{1, 3, 1, 3, 8, 0, 0}, {10, 30, 10, 30, 80, 0, 0}});
  ForecasterOptions options = plain(table);
  options.lines[1].scale = {.mean = 10, .deviation = 2};
  const ForecastBatch batch = batch_of(options, table, {{0, 4}, {1, 4}});
  EXPECT_THAT(batch.lines, ElementsAre(0, 1));
  expect_near(batch.level, {3, 10});  // 30 is 10 deviations above the mean of its line
  expect_near(batch.scale, {1, 5});
  expect_near(column(batch.history, 0), {-2, 0, -2, 0});
  expect_near(column(batch.history, 1), {-2, 0, -2, 0});
  expect_near(column(batch.target, 1), {5, -3, -3});
}

TEST(ForecastBatch, OfAConstantWindowIsNotBlownUp) {
  const data::TimeSeriesTable table = hourly({{2, 2, 2, 2, 3, 2, 2}});
  const ForecastBatch batch = batch_of(plain(table), table, {{0, 4}});
  EXPECT_THAT(column(batch.history, 0), Each(0));
  EXPECT_FLOAT_EQ(batch.scale[0], std::sqrt(1e-5f));
}

TEST(ForecastBatch, OfOneValueHasTheScaleOfTheLine) {
  const data::TimeSeriesTable table = hourly({{2, 3, 2, 2}});
  const ForecastBatch batch = batch_of(plain(table), table, {{0, 1}});
  EXPECT_EQ(batch.scale[0], 1);
}

TEST(ForecastBatch, InterpolatesOnlyBetweenValuesBeforeTheOrigin) {
  const data::TimeSeriesTable table = hourly({{1, kMissing, 3, kMissing, 9, 9, 9}});
  ForecasterOptions options = plain(table);
  options.missing = data::Missing::kInterpolate;
  const ForecastBatch batch = batch_of(options, table, {{0, 4}});
  const float scale = batch.scale[0];
  std::vector<float> read;
  for (std::int64_t segment = 0; segment < batch.past.size(0); ++segment) {
    const std::vector<float> of_segment = numbers_of(batch.past, segment, 0);
    read.insert(read.end(), of_segment.begin(), of_segment.begin() + 2);
  }
  expect_near(read, {-2 / scale, -1 / scale, 0, 0});  // the last one is carried on, whatever comes
}

TEST(ForecastBatch, TellsWhatIsMissingAndReadsTheValueBefore) {
  const data::TimeSeriesTable table =
      hourly({{5, 5, kMissing, 1, kMissing, 3, kMissing, kMissing, 4}});
  ForecasterOptions options = plain(table);
  options.missing = data::Missing::kMask;
  const ForecastBatch batch = batch_of(options, table, {{0, 6}, {0, 7}});
  ASSERT_EQ(batch.past.shape(), (Shape{2, 2, 4}));
  // The first is missing: it is the first that is there. The mean of 1 and 3 is 2.
  expect_near(numbers_of(batch.past, 0, 0), {-2, 1, -2, 0});
  expect_near(numbers_of(batch.past, 1, 0), {-2, 1, 0, 0});
  expect_near({batch.level[0], batch.scale[0]}, {3, 1});
  EXPECT_THAT(column(batch.history, 0),
              ElementsAre(IsNan(), FloatNear(-2, kTolerance), IsNan(), 0));
  EXPECT_THAT(column(batch.target, 0), ElementsAre(IsNan(), IsNan(), FloatNear(1, kTolerance)));
  // Where the last is missing, the level is the last that is there.
  expect_near(numbers_of(batch.past, 1, 1), {0, 0, 0, 1});
  EXPECT_FLOAT_EQ(batch.level[1], 3);
}

TEST(ForecastBatch, OfNothingKnownIsAtTheMeanOfTheLine) {
  const data::TimeSeriesTable table =
      hourly({{5, kMissing, kMissing, kMissing, kMissing, 7, 9, 8}});
  ForecasterOptions options = plain(table);
  options.missing = data::Missing::kMask;
  const ForecastBatch batch = batch_of(options, table, {{0, 5}});
  EXPECT_THAT(numbers_of(batch.past, 0, 0), ElementsAre(0, 1, 0, 1));
  EXPECT_EQ(batch.level[0], 0);
  EXPECT_EQ(batch.scale[0], 1);
  EXPECT_THAT(column(batch.target, 0), ElementsAre(7, 9, 8));
}

TEST(ForecastBatch, BeforeTheFirstRowNothingIsKnownButTheCalendar) {
  data::TimeSeriesTable table = hourly({{1, 3, 2, 2, 2}});
  add_covariate(table, {.name = "k", .known = true}, [](auto row) { return 10. + row; });
  ForecasterOptions options = plain(table);
  options.calendar = true;
  for (const bool mask : {false, true}) {
    options.missing = mask ? data::Missing::kMask : data::Missing::kError;
    const ForecastBatch batch = batch_of(options, table, {{0, 2}});
    const std::vector<float> first =
        mask ? std::vector<float>{-2, 1, 10, -2, 1, 10} : std::vector<float>{-2, 10, -2, 10};
    const std::vector<float> second =
        mask ? std::vector<float>{-2, 0, 10, 0, 0, 11} : std::vector<float>{-2, 10, 0, 11};
    expect_near(numbers_of(batch.past, 0, 0), with_calendar(table, first, -2));
    expect_near(numbers_of(batch.past, 1, 0), with_calendar(table, second, 0));
    EXPECT_THAT(column(batch.history, 0),
                ElementsAre(IsNan(), IsNan(), FloatNear(-2, kTolerance), 0));
  }
}

TEST(ForecastBatch, BeforeTheYearZeroTheCalendarStandsStill) {
  data::TimeSeriesTable table = hourly({{1, 3, 2, 2, 2}});
  table.series[0].start = data::parse_time("0000-01-01 01:00").value();
  ForecasterOptions options = plain(table);
  options.calendar = true;
  const ForecastBatch batch = batch_of(options, table, {{0, 2}});
  expect_near(numbers_of(batch.past, 0, 0), with_calendar(table, {-2, -2}, -1));
}

TEST(LineVectors, OfANewLineAreTheMeanOfAll) {
  const Tensor embedding({2, 3}, std::vector<float>{1, 2, 3, 3, 6, 9});
  std::vector<float> to = {10, 10, 10};
  LineVectors(embedding, std::vector<std::int32_t>{1, 2}).add_to(to, 1);
  EXPECT_THAT(to, ElementsAre(13, 16, 19));
  LineVectors(embedding, std::vector<std::int32_t>{1, 2}).add_to(to, 2);
  EXPECT_THAT(to, ElementsAre(15, 20, 25));
}

TEST(ForecastBatch, BehindTheLastRowTheTargetsAreNotKnown) {
  data::TimeSeriesTable table = hourly({{1, 3, 1, 3, 5}}, 2);
  add_covariate(table, {.name = "k", .known = true}, [](auto row) { return 10. + row; });
  const ForecastBatch batch = batch_of(plain(table), table, {{0, 4}, {0, 5}});
  EXPECT_THAT(column(batch.target, 0), ElementsAre(FloatNear(2, kTolerance), IsNan(), IsNan()));
  EXPECT_THAT(column(batch.target, 1), Each(IsNan()));
  // Of the third row beyond, of which nothing is known, it reads what it knows of the second.
  EXPECT_THAT(numbers_of(batch.future, 0, 1), ElementsAre(15, 16));
  EXPECT_THAT(numbers_of(batch.future, 1, 1), ElementsAre(16, 16));
}

TEST(ForecastBatch, OfNothingKnownOfTheFutureHasNoFuture) {
  data::TimeSeriesTable table = hourly({wave(20)});
  add_covariate(table, {.name = "p"}, [](auto row) { return row; });
  const ForecastBatch batch = batch_of(plain(table), table, {{0, 8}});
  EXPECT_TRUE(batch.future.empty());
  EXPECT_EQ(batch.past.shape(), (Shape{2, 1, 4}));
}

TEST(ForecastSizes, CountWhatARowAndASegmentHave) {
  data::TimeSeriesTable table = hourly({wave(20)});
  add_covariate(table, {.name = "p", .levels = {"a", "b", "c"}}, [](auto) { return 0; });
  add_covariate(table, {.name = "k", .known = true}, [](auto) { return 0; });
  ForecasterOptions options = small_forecaster(table);
  options.missing = data::Missing::kMask;
  const ForecastSizes sizes = forecast_sizes(options);
  EXPECT_EQ(sizes.past_segments, 4);
  EXPECT_EQ(sizes.future_segments, 3);
  EXPECT_EQ(sizes.value, 2);
  EXPECT_EQ(sizes.past, 3);
  EXPECT_EQ(sizes.known, 1);
  EXPECT_EQ(sizes.calendar, data::calendar_size(table.frequency));
  EXPECT_EQ(sizes.of_past(2), 2 * (2 + 3 + 1) + sizes.calendar);
  EXPECT_EQ(sizes.of_future(2), 2 + sizes.calendar);
  options.horizon = 6;
  EXPECT_EQ(forecast_sizes(options).future_segments, 3);
}

}  // namespace
}  // namespace riverrun::models
