// Missing values, the future, and files that a model is to read.

#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "riverrun/core/error.h"
#include "riverrun/data/time_series.h"

#include "tests/data/time_series_file.h"

namespace riverrun::data {
namespace {

namespace fs = std::filesystem;
using namespace std::string_literals;
using ::testing::AllOf;
using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsNan;
using ::testing::Not;

class TimeSeriesMissing : public test::TimeSeriesFile {
 protected:
  TimeSeriesTable filled(const std::string& text, Missing missing,
                         const TimeSeriesColumns& columns = {}) {
    TimeSeriesTable table = read(text, columns);
    fill_missing(table, missing);
    return table;
  }
  std::string message(const std::string& text, Missing missing,
                      const TimeSeriesColumns& columns = {}) {
    TimeSeriesTable table = read(text, columns);
    try {
      fill_missing(table, missing);
    } catch (const FormatError& error) {
      EXPECT_EQ(error.path(), table.path);
      return error.what();
    }
    ADD_FAILURE() << "nothing is missing: " << text;
    return "";
  }
};

const std::string kGaps =
    "t,y,p,w\n"
    "2024-01-01,,1,\n"
    "2024-01-02,2,,a\n"
    "2024-01-03,NA,,b\n"
    "2024-01-06,8,5,c\n"
    "2024-01-07,?,,\n";
const TimeSeriesColumns kGapColumns = {.target = {"y"}, .past = {"p", "w"}};

TEST_F(TimeSeriesMissing, ValuesAreAnErrorThatCountsThemAndNamesTheFirst) {
  EXPECT_THAT(message(kGaps, Missing::kError, kGapColumns),
              AllOf(HasSubstr("line 2, column \"y\""), HasSubstr("(14 in all; a row each day)"),
                    HasSubstr("--missing"), Not(HasSubstr("none"))));
  EXPECT_THAT(message("t,y\n2024-01-01,1\n2024-01-02,2\n2024-01-04,3\n", Missing::kError),
              AllOf(HasSubstr("2024-01-03, for which the file has no row, column \"y\""),
                    HasSubstr("(1 in all; a row each day)")));
  EXPECT_THAT(message("s,y\na,1\nb,1\nb,\n", Missing::kError, {.series = "s"}),
              HasSubstr("line 4, column \"y\""));
  EXPECT_THAT(
      message("s,t,y\na,1,1\nb,1,1\nb,2,2\nb,4,3\n", Missing::kError, {.time = "t", .series = "s"}),
      HasSubstr("3 of series \"b\", for which the file has no row"));
  EXPECT_THAT(message("y,w\n1,\n2,x\n", Missing::kError, {.past = {"w"}}),
              AllOf(HasSubstr("line 2, column \"w\""), HasSubstr("\"none\" should stand there")));
}

TEST_F(TimeSeriesMissing, NothingThatIsMissingIsNoError) {
  const TimeSeriesTable table = filled("y\n1\n2\n", Missing::kError);
  EXPECT_THAT(table.series[0].targets, ElementsAre(1, 2));
}

TEST_F(TimeSeriesMissing, WhatIsOfThePastKeepsWhatItWas) {
  const TimeSeriesTable table = filled(kGaps, Missing::kInterpolate, kGapColumns);
  EXPECT_THAT(table.series[0].targets,
              ElementsAre(IsNan(), 2, IsNan(), IsNan(), IsNan(), 8, IsNan()))
      << "what comes later is not known before";
  const std::vector<double>& both = table.series[0].covariates;
  std::vector<double> p;
  std::vector<double> w;
  for (std::size_t i = 0; i < both.size(); i += 2) {
    p.push_back(both[i]);
    w.push_back(both[i + 1]);
  }
  EXPECT_THAT(p, ElementsAre(1, 1, 1, 1, 1, 5, 5));
  EXPECT_THAT(w, ElementsAre(0, 0, 1, 1, 1, 2, 2));
}

TEST_F(TimeSeriesMissing, ValuesAtTheEndsOfTheRangeAreInterpolated) {
  EXPECT_THAT(filled("y,k\n1,-1.7e308\n2,\n3,1.7e308\n", Missing::kInterpolate, {.known = {"k"}})
                  .series[0]
                  .covariates,
              ElementsAre(-1.7e308, 0, 1.7e308));
}

TEST_F(TimeSeriesMissing, MaskedValuesStayButForThoseOfKnownCovariates) {
  EXPECT_THAT(filled(kGaps, Missing::kMask, kGapColumns).series[0].targets,
              ElementsAre(IsNan(), 2, IsNan(), IsNan(), IsNan(), 8, IsNan()));
  EXPECT_THAT(message("y,k\n1,1\n,2\n3,\n4,\n5,5\n", Missing::kMask, {.known = {"k"}}),
              AllOf(HasSubstr("line 4, column \"k\""), HasSubstr("(2 in all)"),
                    HasSubstr("known covariates")));
  EXPECT_THAT(
      filled("y,k\n1,1\n,2\n3,\n4,\n5,7\n", Missing::kInterpolate, {.known = {"k"}})
          .series[0]
          .covariates,
      ElementsAre(1, 2, DoubleNear(2 + 5 / 3.0, 1e-15), DoubleNear(2 + 10 / 3.0, 1e-15), 7));
}

TEST_F(TimeSeriesMissing, AColumnOfASeriesWithoutAnyValueIsAnErrorAndNothingIsChanged) {
  const std::string text = "s,y,z\na,1,1\na,,2\nb,3,\nb,4,NaN\n";
  const TimeSeriesColumns columns = {.series = "s"};
  for (const Missing missing : {Missing::kInterpolate, Missing::kMask}) {
    EXPECT_THAT(message(text, missing, columns),
                AllOf(HasSubstr("line 4, column \"z\": all 2 values of series \"b\" are missing")));
  }
  TimeSeriesTable table = read(text, columns);
  EXPECT_THROW(fill_missing(table, Missing::kInterpolate), FormatError);
  EXPECT_TRUE(std::isnan(table.series[0].targets[2]));
}

TEST_F(TimeSeriesMissing, RowsAfterTheLastTargetAreTheFutureIfSomethingIsKnownOfIt) {
  const std::string text =
      "t,y,z,p,k\n2024-01-01,1,1,1,1\n2024-01-02,,2,2,2\n2024-01-03,,,,3\n2024-01-04,,,7,4\n";
  const TimeSeriesTable table = filled(text, Missing::kMask, {.past = {"p"}, .known = {"k"}});
  EXPECT_EQ(table.series[0].steps, 4);
  EXPECT_EQ(table.series[0].observed, 2) << "one of its targets is there";
  EXPECT_THAT(
      filled(text, Missing::kInterpolate, {.past = {"p"}, .known = {"k"}}).series[0].covariates,
      ElementsAre(1, 1, 2, 2, IsNan(), 3, 7, 4))
      << "what is past is not made up for the future";
  const TimeSeriesTable past = read(text, {.past = {"p", "k"}});
  EXPECT_EQ(past.series[0].observed, 4);
  EXPECT_THAT(message(text, Missing::kError, {.past = {"p", "k"}}), HasSubstr("line 3"));
}

TEST_F(TimeSeriesMissing, TheFutureMustHaveAllThatIsToBeKnownOfIt) {
  const TimeSeriesColumns columns = {.target = {"y"}, .known = {"k", "w"}};
  expect_refused("y,k,w\n1,1,a\n2,2,a\n,3,a\n,,a\n", columns,
                 {"line 5, column \"k\"", "missing", "future"});
  expect_refused("y,k,w\n1,1,a\n2,2,a\n,3,\n", columns, {"line 4, column \"w\""});
  expect_refused("t,y,k,w\n2024-01-01,1,1,a\n2024-01-02,2,2,a\n2024-01-04,,1,a\n", columns,
                 {"2024-01-03, for which the file has no row, column \"k\""});
  expect_refused("s,y,k,w\na,1,1,a\nb,,1,a\nb,,2,a\n",
                 TimeSeriesColumns{.series = "s", .target = {"y"}, .known = {"k", "w"}},
                 {"line 3", "no row of series \"b\" has a value of a target"});
}

const std::string kLearnt =
    "date,store,y,w,k\n2024-01-01,a,1,x,1\n2024-01-02,a,2,y,2\n2024-01-03,a,3,x,3\n";

class TimeSeriesOfAForm : public TimeSeriesMissing {
 protected:
  TimeSeriesForm form() {
    return form_of(kLearnt, {.series = "store", .target = {"y"}, .past = {"w"}, .known = {"k"}});
  }
};

TEST_F(TimeSeriesOfAForm, OtherColumnsAreIgnoredAndTheOrderDoesNotMatter) {
  const TimeSeriesTable table = read(
      "note,k,w,y,store,date\n?,7,y,5,new,2025-05-05\n1.5,8,y,6,new,2025-05-06\nx,9,,,new,2025-05-"
      "07\n",
      form());
  EXPECT_EQ(table.series[0].name, "new");
  EXPECT_EQ(table.series[0].observed, 2);
  EXPECT_THAT(table.series[0].targets, ElementsAre(5, 6, IsNan()));
  EXPECT_THAT(table.series[0].covariates, ElementsAre(1, 7, 1, 8, IsNan(), 9));
  EXPECT_EQ(table.covariates, form().covariates) << "with words that do not occur";
}

TEST_F(TimeSeriesOfAForm, TheFrequencyIsTheModels) {
  const std::string header = "date,store,y,w,k\n";
  const TimeSeriesTable one = read(header + "2024-05-01,a,1,x,1\n", form());
  EXPECT_EQ(to_string(one.frequency), "day");
  EXPECT_EQ(one.written_time(one.series[0], 1), "2024-05-02");
  const TimeSeriesTable sparse =
      read(header + "2024-05-01,a,1,x,1\n2024-05-03,a,1,x,1\n2024-05-05,a,1,x,1\n", form());
  EXPECT_EQ(sparse.series[0].steps, 5) << "every other day";
  expect_refused(header + "2024-05-01 00:00,a,1,x,1\n2024-05-01 01:00,a,1,x,1\n", form(),
                 {"line 3, column \"date\"", "2024-05-01 01:00", "\"day\"", "series \"a\""});
  expect_refused(header + "1,a,1,x,1\n", form(), {"line 2", "must be a date", "\"day\""});
}

TEST_F(TimeSeriesOfAForm, DatesMayBeWrittenInAnotherWay) {
  const std::string header = "date,store,y,w,k\n";
  const TimeSeriesTable table = read(header + "30.01.2024,a,1,x,1\n31.01.2024,a,1,x,1\n", form());
  EXPECT_EQ(table.written_time(table.series[0], 1), "31.01.2024");
  TimeSeriesForm american = form();
  american.columns.date_format = "%m/%d/%Y";
  const std::string unclear = header + "01/02/2024,a,1,x,1\n01/03/2024,a,1,x,1\n";
  EXPECT_EQ(read(unclear, american).series[0].steps, 2) << "the model knows which";
  expect_refused(unclear, form(), {"column \"date\"", "%m/%d/%Y"});
  const std::string clear = header + "13/02/2024,a,1,x,1\n14/02/2024,a,1,x,1\n";
  EXPECT_EQ(read(clear, american).written_time(read(clear, american).series[0], 0), "13/02/2024");
}

TEST_F(TimeSeriesOfAForm, WordsThatTheModelDoesNotKnowAreAnErrorThatListsThoseItKnows) {
  const std::string header = "date,store,y,w,k\n";
  expect_refused(header + "2024-05-01,a,1,z,1\n", form(),
                 {"line 2, column \"w\"", "\"z\"", "one of \"x\", \"y\""});
  expect_refused(header + "2024-05-01,a,1,3,1\n", form(), {"line 2, column \"w\"", "\"3\""});
  expect_refused(header + "2024-05-01,a,1,x,y\n", form(),
                 {"line 2, column \"k\"", "\"y\"", "finite number"});
  TimeSeriesForm many = form();
  many.covariates[0].levels.clear();
  for (int i = 10; i < 22; ++i) many.covariates[0].levels.push_back(fmt::format("w{}", i));
  expect_refused(header + "2024-05-01,a,1,x,1\n", many, {"\"w19\" and 2 more"});
}

TEST_F(TimeSeriesOfAForm, ColumnsThatTheFileLacksAreNamed) {
  expect_refused("date,store,y,w\n2024-05-01,a,1,x\n", form(),
                 {"line 1", "no column \"k\"", "a known covariate"});
  expect_refused("date,y,w,k\n2024-05-01,1,x,1\n", form(), {"no column \"store\"", "the series"});
  expect_refused("store,y,w,k\na,1,x,1\n", form(), {"no column \"date\"", "the time"});
}

TEST_F(TimeSeriesOfAForm, WithoutTimesRowsFollowEachOther) {
  const TimeSeriesForm rows = form_of("y\n1\n2\n3\n");
  EXPECT_EQ(read("date,y\n2024-01-01,5\n2025-01-01,6\n", rows).series[0].steps, 2);
  TimeSeriesForm wrong = rows;
  wrong.frequency = {.unit = Frequency::Unit::kDay};
  EXPECT_THROW((void)read("y\n1\n", wrong), ConfigError);
}

TEST(PublishedTimeSeries, AirlinePassengersAreAsPublished) {
  const fs::path path = fs::path(RIVERRUN_SHARED_DATA) / "timeseries" / "airline-passengers.csv";
  if (!fs::exists(path)) GTEST_SKIP() << "the file is not there: " << path;
  TimeSeriesColumns columns;
  TimeSeriesTable table = read_time_series(path, columns);
  fill_missing(table, Missing::kError);
  EXPECT_EQ(columns.time, "Month");
  EXPECT_THAT(columns.target, ElementsAre("Passengers"));
  EXPECT_EQ(to_string(table.frequency), "month");
  ASSERT_EQ(table.series.size(), 1u);
  const TimeSeries& series = table.series[0];
  EXPECT_EQ(series.steps, 144);
  double sum = 0;
  for (const double value : series.targets) sum += value;
  EXPECT_EQ(sum, 40363);
  EXPECT_EQ(table.written_time(series, 144), "1961-01");
}

}  // namespace
}  // namespace riverrun::data
