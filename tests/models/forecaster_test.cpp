#include "riverrun/models/forecaster.h"

#include <cmath>
#include <cstddef>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "riverrun/core/error.h"

#include "tests/models/series.h"
#include "tests/nn/memory_count.h"

namespace riverrun::models {
namespace {

using test::add_covariate;
using test::hourly;
using test::kMissing;
using test::small_forecaster;
using test::wave;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsNan;
using testing::ThrowsMessage;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

template <class Change>
void expect_refused(ForecastMethod method, Change change, const std::string& message) {
  ForecasterOptions options = small_forecaster(hourly({wave(30), wave(30)}), method);
  check(options);
  change(options);
  EXPECT_THAT([&] { check(options); }, ThrowsMessage<ConfigError>(HasSubstr(message)));
  EXPECT_THAT([&] { Forecaster model(options); }, ThrowsMessage<ConfigError>(HasSubstr(message)));
}
template <class Change>
void expect_refused(Change change, const std::string& message) {
  expect_refused(ForecastMethod::kSegments, change, message);
}

TEST(Forecaster, ANumberOutOfRangeIsNamed) {
  using O = ForecasterOptions;
  expect_refused([](O& o) { o.horizon = 0; }, "horizon is 0");
  expect_refused([](O& o) { o.horizon = (1 << 20) + 1; }, "horizon is 1048577");
  expect_refused([](O& o) { o.look_back = 0; }, "look_back is 0");
  expect_refused([](O& o) { o.season = 0; }, "season is 0");
  expect_refused([](O& o) { o.segment = 0; }, "segment is 0");
  expect_refused([](O& o) { o.paths = 1; }, "paths is 1");
  expect_refused([](O& o) { o.calendar_cycles = 6; }, "calendar_cycles is 6");
  expect_refused([](O& o) { o.hidden_size = 0; }, "hidden_size is 0");
  expect_refused([](O& o) { o.num_layers = 0; }, "num_layers is 0");
  expect_refused([](O& o) { o.dropout = 1; }, "dropout is 1");
  expect_refused([](O& o) { o.cell = "none"; }, "no cell is called \"none\"");
  expect_refused([](O& o) { o.lines[1].scale.deviation = 0; }, "deviation is 0");
  expect_refused([](O& o) { o.lines[0].scale.naive_error = -1; }, "naive_error is -1");
  expect_refused([](O& o) { o.lines[0].scale.mean = kInfinity; }, "mean is inf");
}

TEST(Forecaster, QuantilesThatDoNotRiseOrLackTheMedianAreRefused) {
  using O = ForecasterOptions;
  expect_refused([](O& o) { o.quantiles = {0.5, 0.1}; }, "quantiles are 0.5, 0.1; they must rise");
  expect_refused([](O& o) { o.quantiles = {0.5, 0.5}; }, "they must rise");
  expect_refused([](O& o) { o.quantiles = {0.1, 0.9}; }, "0.5 must be among them");
  expect_refused([](O& o) { o.quantiles = {}; }, "0.5 must be among them");
  expect_refused([](O& o) { o.quantiles = {0, 0.5}; }, "quantiles is 0");
  expect_refused([](O& o) { o.quantiles = {0.5, 1}; }, "quantiles is 1");
  expect_refused([](O& o) { o.quantiles = {0.5, kMissing}; }, "quantiles is nan");
}

TEST(Forecaster, WhatDoesNotGoTogetherIsRefused) {
  using O = ForecasterOptions;
  expect_refused([](O& o) { o.frequency = "fortnightly"; }, "frequency is \"fortnightly\"");
  expect_refused([](O& o) { o.lines.clear(); }, "there are no lines");
  expect_refused([](O& o) { o.lines[1].series = "a"; }, "\"y\" of the series \"a\" is twice");
  expect_refused([](O& o) { o.lines[1].target = "z"; }, "the line \"z\" is of no target");
  expect_refused([](O& o) { o.covariate_scales.resize(1); },
                 "there are 1 covariate_scales for covariates of 0 numbers");
  expect_refused(
      [](O& o) {
        o.covariates = {{.name = "w", .levels = {"dry", "wet"}}};
      },
      "there are 0 covariate_scales for covariates of 2 numbers");
  expect_refused(
      [](O& o) {
        o.covariates = {{.name = "w"}};
        o.covariate_scales = {{.mean = 0, .deviation = 0}};
      },
      "deviation is 0");
  expect_refused([](O& o) { o.segment = 3; },
                 "look_back is 8; it must be a multiple of segment, 3");
}

TEST(Forecaster, PathsAreOfRowsWithoutCovariatesOfThePastAlone) {
  const auto with = [](bool known) {
    return [known](ForecasterOptions& o) {
      o.covariates = {{.name = "w", .known = known}};
      o.covariate_scales.resize(1);
    };
  };
  expect_refused(ForecastMethod::kPaths, with(false), "paths cannot read covariates of the past");
  expect_refused(
      ForecastMethod::kPaths, [](ForecasterOptions& o) { o.segment = 2; }, "segment is 2");
  for (const auto& [method, known] :
       {std::pair{ForecastMethod::kPaths, true}, std::pair{ForecastMethod::kSegments, false}}) {
    ForecasterOptions options = small_forecaster(hourly({wave(30)}), method);
    with(known)(options);
    EXPECT_NO_THROW(check(options));
  }
}

TEST(Forecaster, TheShapesAreThoseOfTheParameters) {
  data::TimeSeriesTable table = hourly({wave(30), wave(30)});
  for (const bool covariates : {false, true}) {
    if (covariates) {
      add_covariate(table, {.name = "k", .levels = {"dry", "wet"}, .known = true},
                    [](auto) { return 0; });
    }
    for (const ForecastMethod method : {ForecastMethod::kSegments, ForecastMethod::kPaths}) {
      for (const bool calendar : {false, true}) {
        ForecasterOptions options = small_forecaster(table, method);
        options.calendar = calendar;
        options.missing = calendar ? data::Missing::kMask : data::Missing::kError;
        options.num_layers = 2;
        const Forecaster model(options);
        const std::vector<NamedShape> shapes = parameter_shapes(options);
        const ConstParameterList parameters = model.parameters();
        ASSERT_EQ(shapes.size(), parameters.size());
        for (std::size_t i = 0; i < shapes.size(); ++i) {
          EXPECT_EQ(shapes[i].name, parameters[i].name);
          EXPECT_EQ(shapes[i].shape, parameters[i].parameter->value().shape()) << shapes[i].name;
        }
      }
    }
  }
}

TEST(Forecaster, CheckingAllocatesNothingOfTheSizesAskedFor) {
  ForecasterOptions options = small_forecaster(hourly({wave(30)}));
  options.horizon = options.look_back = options.season = 1 << 20;
  options.segment = 1;
  options.hidden_size = 1 << 16;
  const std::size_t before = test::tensor_bytes();
  test::reset_peak_tensor_bytes();
  check(options);
  EXPECT_LT(test::peak_tensor_bytes() - before, std::size_t{1} << 16);
}

std::vector<std::int64_t> origins(const std::vector<ForecastWindow>& windows) {
  std::vector<std::int64_t> of;
  for (const ForecastWindow& window : windows) of.push_back(window.origin);
  return of;
}

TEST(ForecastWindows, AreAllWhoseRowsAreThere) {
  const data::TimeSeriesTable table = hourly({wave(30), wave(16)}, 4);
  const ForecasterOptions options = small_forecaster(table);  // 8 rows, of which 5 follow
  const ForecastData data(table, options);
  EXPECT_THAT(origins(windows_of(data, 1, options, 0, 16)), ElementsAre(8, 9, 10, 11));
  EXPECT_EQ(windows_of(data, 1, options, 0, 16).front().line, 1);
  EXPECT_THAT(origins(windows_of(data, 1, options, 0, 1000)), ElementsAre(8, 9, 10, 11));
  EXPECT_EQ(windows_of(data, 0, options, 0, 30).size(), 18u);
}

TEST(ForecastWindows, AreOfTheRowsAskedForAlone) {
  const data::TimeSeriesTable table = hourly({wave(30)});
  const ForecasterOptions options = small_forecaster(table);
  const ForecastData data(table, options);
  EXPECT_THAT(origins(windows_of(data, 0, options, 20, 27)), ElementsAre(20, 21, 22));
  EXPECT_THAT(origins(windows_of(data, 0, options, 3, 14)), ElementsAre(8, 9));
  EXPECT_THAT(origins(windows_of(data, 0, options, 0, 30, 7)), ElementsAre(8, 15, 22));
  EXPECT_THAT(origins(windows_of(data, 0, options, 23, 27)), ElementsAre());
  EXPECT_THAT(origins(windows_of(data, 0, options, 30, 30)), ElementsAre());
}

TEST(ForecastWindows, OfAShortLineReadLessThanALookBack) {
  const data::TimeSeriesTable table = hourly({wave(10), wave(6), wave(5)});
  const ForecasterOptions options = small_forecaster(table);
  const ForecastData data(table, options);
  EXPECT_THAT(origins(windows_of(data, 0, options, 0, 10)), ElementsAre(5));
  EXPECT_THAT(origins(windows_of(data, 1, options, 0, 6)), ElementsAre(1));
  EXPECT_THAT(origins(windows_of(data, 2, options, 0, 5)), ElementsAre());
}

TEST(ForecastData, KnownLinesHaveTheScaleThatWasLearntAndNewOnesTheirOwn) {
  data::TimeSeriesTable table = hourly({{12, 14}, {1, 3}, {8, 6}});
  ForecasterOptions options = small_forecaster(table);
  options.lines.erase(options.lines.begin() + 1);
  options.lines[1].scale = {.mean = 4, .deviation = 4, .naive_error = 7};
  const ForecastData data(table, options);
  ASSERT_EQ(data.lines().size(), 3u);
  EXPECT_EQ(data.lines()[0].number, 0);
  EXPECT_EQ(data.lines()[1].number, 2);
  EXPECT_EQ(data.lines()[2].number, 1);
  EXPECT_THAT(data.lines()[0].values, ElementsAre(1, 2));
  EXPECT_EQ(data.lines()[1].scale, (SeriesScale{.mean = 2, .deviation = 1, .naive_error = 2}));
  EXPECT_THAT(data.lines()[1].values, ElementsAre(-1, 1));
  EXPECT_EQ(data.lines()[2].scale, options.lines[1].scale);
  EXPECT_THAT(data.lines()[2].values, ElementsAre(1, 0.5f));
}

TEST(ForecastData, EachTargetOfEachSeriesIsALine) {
  data::TimeSeriesTable table = hourly({{1, 2, 3}, {4, 5, 6}}, 2);
  table.targets.push_back("z");
  for (data::TimeSeries& series : table.series) {
    std::vector<double> both;
    for (const double value : series.targets) both.insert(both.end(), {value, 10 * value});
    series.targets = both;
  }
  const ForecasterOptions options = small_forecaster(table);
  const ForecastData data(table, options);
  ASSERT_EQ(data.lines().size(), 4u);
  const ForecastData::Line& line = data.lines()[3];
  EXPECT_EQ(line.series, 1);
  EXPECT_EQ(line.target, 1);
  EXPECT_EQ(line.number, 3);
  EXPECT_THAT(line.values, ElementsAre(15, 20, 25));
  EXPECT_EQ(&data.series_of(line), &table.series[1]);
  EXPECT_THAT(data.history({.line = 3, .origin = 2}), ElementsAre(40, 50));
  EXPECT_THAT(data.actual({.line = 3, .origin = 2}, 2), ElementsAre(60, IsNan()));
  EXPECT_THAT(data.actual({.line = 2, .origin = 0}, 2), ElementsAre(4, 5));
  EXPECT_THAT(data.actual({.line = 2, .origin = 99}, 2), ElementsAre(IsNan(), IsNan()));
  EXPECT_THAT(data.actual({.line = 2, .origin = 3}, 1), ElementsAre(IsNan()));
}

TEST(ForecastData, TheCalendarIsThatOfTheClocks) {
  if (!data::has_time_zones()) GTEST_SKIP() << "this build knows no time zones";
  data::TimeSeriesTable table = hourly({wave(40)});
  table.series[0].start = data::parse_time("2024-10-26T22:00Z").value();
  table.zone.emplace("Europe/Berlin");
  const ForecastData data(table, small_forecaster(table));
  EXPECT_EQ(data.series()[0].earlier, 0);
  const auto of_row = [&](std::ptrdiff_t row) {
    const auto first = data.series()[0].calendar.begin() + 8 * row;
    return std::vector<float>(first, first + 8);
  };
  const auto of_clock = [&](const char* time) {
    return data::calendar(table.frequency, data::parse_time(time).value());
  };
  EXPECT_EQ(of_row(0), of_clock("2024-10-27 00:00"));
  EXPECT_EQ(of_row(2), of_clock("2024-10-27 02:00"));
  EXPECT_EQ(of_row(3), of_clock("2024-10-27 02:00"));
  EXPECT_EQ(of_row(30), of_clock("2024-10-28 05:00"));
}

TEST(ForecastData, CovariatesAreSetAgainstTheirScales) {
  data::TimeSeriesTable table = hourly({{1, 2}}, 1);
  add_covariate(table, {.name = "p"}, [](auto row) { return row == 2 ? kMissing : 10. + row; });
  add_covariate(table, {.name = "k", .levels = {"dry", "wet"}, .known = true},
                [](auto row) { return row % 2; });
  ForecasterOptions options = small_forecaster(table);
  options.covariate_scales = {{.mean = 8, .deviation = 2}, {}, {.mean = 0.5, .deviation = 0.5}};
  EXPECT_THROW(ForecastData(table, options), FormatError);
  options.missing = data::Missing::kMask;
  const ForecastData data(table, options);
  ASSERT_EQ(data.series().size(), 1u);
  // What is not known is as the mean.
  EXPECT_THAT(data.series()[0].covariates, ElementsAre(1, 1, -1, 1.5f, 0, 1, 0, 1, -1));
  // The earliest forecast is that of the second row, from eight.
  EXPECT_EQ(data.series()[0].earlier, 7);
  std::vector<float> calendar;
  for (std::int64_t row = -7; row < 3 + options.horizon; ++row) {
    const std::vector<float> of_row =
        data::calendar(table.frequency, table.time_of(table.series[0], row));
    calendar.insert(calendar.end(), of_row.begin(), of_row.end());
  }
  EXPECT_EQ(data.series()[0].calendar, calendar);
  // Of the week and the month alone.
  options.calendar_skipped = 1;
  options.calendar_cycles = 3;
  const ForecastData middle(table, options);
  ASSERT_EQ(middle.series()[0].calendar.size(), calendar.size() / 2);
  for (std::size_t i = 0; i < calendar.size() / 2; ++i) {
    EXPECT_EQ(middle.series()[0].calendar[i], calendar[i / 4 * 8 + 2 + i % 4]) << i;
  }
  options.calendar_skipped = 4;
  EXPECT_TRUE(ForecastData(table, options).series()[0].calendar.empty());
  options.calendar = false;
  EXPECT_TRUE(ForecastData(table, options).series()[0].calendar.empty());
}

TEST(Forecaster, ShapesOfInvalidOptionsAreRefused) {
  ForecasterOptions options = small_forecaster(hourly({{1, 2, 3}}));
  options.segment = 0;
  EXPECT_THROW((void)parameter_shapes(options), ConfigError);
}

TEST(ForecastData, AMissingValueIsRefusedUnlessTheOptionsSayWhatBecomesOfIt) {
  const data::TimeSeriesTable table = hourly({{1, 2, 3}, {1, kMissing, 3}});
  ForecasterOptions options = small_forecaster(table);
  EXPECT_THAT([&] { ForecastData(table, options); },
              ThrowsMessage<FormatError>(
                  AllOf(HasSubstr("hours.csv"),
                        HasSubstr("2024-03-01 01:00, column \"y\": the value is missing"))));
  options.missing = data::Missing::kMask;
  const ForecastData data(table, options);
  EXPECT_THAT(data.lines()[1].values, ElementsAre(-4.5f, IsNan(), -3.5f));
}

TEST(ForecastData, AValueWithoutAPlaceAmongFloatsIsRefused) {
  ForecasterOptions options = small_forecaster(hourly({{1, 2}}));
  for (const double large : {1e20, -1e20, 1e300, kInfinity}) {
    const data::TimeSeriesTable table = hourly({{1, large}});
    for (const data::Missing missing : {data::Missing::kError, data::Missing::kMask}) {
      options.missing = missing;
      EXPECT_THAT([&] { ForecastData(table, options); },
                  ThrowsMessage<FormatError>(
                      AllOf(HasSubstr("2024-03-01 01:00, column \"y\": "),
                            HasSubstr("too far from the mean of what was learnt, 10, for its "
                                      "standard deviation, 2"))))
          << large;
    }
  }
  // As large as that is a line of its own, whose scale suits it.
  options.lines[0].series = "other";
  EXPECT_NO_THROW(ForecastData(hourly({{1, 1e200}}), options));
}

TEST(ForecastData, OtherColumnsThanTheModelsAreRefused) {
  data::TimeSeriesTable table = hourly({{1, 2}});
  add_covariate(table, {.name = "k", .known = true}, [](auto) { return 1; });
  const ForecasterOptions options = small_forecaster(table);
  EXPECT_NO_THROW(ForecastData(table, options));
  const auto expect = [&](auto change) {
    data::TimeSeriesTable other = table;
    change(other);
    EXPECT_THAT([&] { ForecastData(other, options); },
                ThrowsMessage<FormatError>(HasSubstr("its columns are not those of the model")));
  };
  expect([](data::TimeSeriesTable& other) { other.targets = {"z"}; });
  expect([](data::TimeSeriesTable& other) { other.covariates[0].name = "other"; });
  expect([](data::TimeSeriesTable& other) { other.covariates[0].known = false; });
  expect([](data::TimeSeriesTable& other) { other.covariates.clear(); });
}

}  // namespace
}  // namespace riverrun::models
