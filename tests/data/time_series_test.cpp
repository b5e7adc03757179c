// Which columns of a file are read, and what stands in them. Times are in
// time_series_times_test.cpp, the future and missing values in time_series_missing_test.cpp.

#include "riverrun/data/time_series.h"

#include <cmath>
#include <filesystem>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "riverrun/core/error.h"
#include "riverrun/data/time_series_reader.h"

#include "tests/data/gzip.h"
#include "tests/data/time_series_file.h"

namespace riverrun::data {
namespace {

namespace fs = std::filesystem;
using namespace std::string_literals;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::IsNan;
using ::testing::Not;

using TimeSeriesCsv = test::TimeSeriesFile;

const std::string kExample =
    "date,store,weather,promo,sold,price\n"
    "2024-03-01,b,sun,1,10,0.5\n"
    "2024-03-01,a,rain,0,20,1.5\n"
    "2024-03-02,a,sun,1,21,\n"
    "2024-03-02,b,,0,NaN,2.5\n"
    "2024-03-04,a,snow,0,23,1e-3\n";

TimeSeriesColumns example_columns() {
  return {.time = "date",
          .series = "store",
          .target = {"sold", "price"},
          .past = {"weather"},
          .known = {"promo"}};
}

void expect_example(const TimeSeriesTable& table) {
  EXPECT_THAT(table.targets, ElementsAre("sold", "price"));
  EXPECT_THAT(table.covariates,
              ElementsAre(Covariate{.name = "weather", .levels = {"rain", "snow", "sun"}},
                          Covariate{.name = "promo", .known = true}));
  EXPECT_EQ(to_string(table.frequency), "day");
  EXPECT_EQ(table.format.pattern(), "%Y-%m-%d");
  ASSERT_EQ(table.series.size(), 2u);

  const TimeSeries& b = table.series[0];
  EXPECT_EQ(b.name, "b");
  EXPECT_EQ(b.line, 2);
  EXPECT_EQ(b.steps, 2);
  EXPECT_EQ(b.observed, 2);
  EXPECT_THAT(b.targets, ElementsAre(10, 0.5, IsNan(), 2.5)) << "row by row";
  EXPECT_THAT(b.covariates, ElementsAre(2, 1, IsNan(), 0)) << "of words their places";
  EXPECT_THAT(b.lines, ElementsAre(2, 5));
  EXPECT_EQ(table.written_time(b, 1), "2024-03-02");

  const TimeSeries& a = table.series[1];
  EXPECT_EQ(a.name, "a");
  EXPECT_EQ(a.line, 3);
  EXPECT_EQ(a.steps, 4) << "with the row that the file does not have";
  EXPECT_THAT(a.targets, ElementsAre(20, 1.5, 21, IsNan(), IsNan(), IsNan(), 23, 0.001));
  EXPECT_THAT(a.covariates, ElementsAre(0, 0, 2, 1, IsNan(), IsNan(), 1, 0));
  EXPECT_THAT(a.lines, ElementsAre(3, 4, 0, 6));
}

TEST_F(TimeSeriesCsv, IsReadInTheLongForm) {
  const fs::path path = write(kExample);
  TimeSeriesColumns columns = example_columns();
  const TimeSeriesTable table = read_time_series(path, columns);
  EXPECT_EQ(table.path, path.string());
  expect_example(table);
  TimeSeriesColumns expected = example_columns();
  expected.date_format = "%Y-%m-%d";
  EXPECT_EQ(columns, expected);
}

TEST_F(TimeSeriesCsv, IsTheSameHoweverItIsCut) {
  for (std::size_t piece = 1; piece <= kExample.size(); ++piece) {
    TimeSeriesReader reader("some.csv", example_columns());
    for (std::size_t i = 0; i < kExample.size(); i += piece) {
      reader.feed(std::string_view(kExample).substr(i, piece));
    }
    expect_example(reader.finish());
  }
}

TEST_F(TimeSeriesCsv, MayBeWrittenByASpreadsheet) {
  std::string text;
  for (const char c : kExample) text += c == ',' ? ";"s : c == '\n' ? "\r\n"s : std::string(1, c);
  expect_example(read("\xEF\xBB\xBF" + text, example_columns()));
  expect_example(read(test::gzip(kExample), example_columns()));
}

TEST_F(TimeSeriesCsv, ColumnsAreFoundOut) {
  const std::string text = "x,when,y\n1,2024-03-01,2\n3,2024-03-02,4\n";
  const TimeSeriesColumns columns = found(text);
  EXPECT_EQ(columns.time, "when");
  EXPECT_EQ(columns.series, "");
  EXPECT_THAT(columns.target, ElementsAre("x", "y"));
  EXPECT_THAT(read(text).series[0].targets, ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(found(text, {.known = {"x"}}).target, ElementsAre("y"));
  EXPECT_EQ(found("day,y,to\n1,2,2024-03-01\n2,3,2024-04-01\n", {.time = "day"}).time, "day");
}

TEST_F(TimeSeriesCsv, TheTimeIsFoundBesideATargetAndASeriesThatAreNamed) {
  const TimeSeriesColumns columns =
      found("s,t,y\na,2024-03-01,1\na,2024-03-02,2\n", {.series = "s", .target = {"y"}});
  EXPECT_EQ(columns.time, "t");
}

TEST_F(TimeSeriesCsv, WithoutTimesRowsFollowEachOther) {
  const TimeSeriesTable table = read("s,y\na,1\nb,5\na,2\n", {.series = "s"});
  EXPECT_EQ(to_string(table.frequency), "row");
  ASSERT_EQ(table.series.size(), 2u);
  EXPECT_THAT(table.series[0].targets, ElementsAre(1, 2));
  EXPECT_THAT(table.series[0].lines, ElementsAre(2, 4));
  EXPECT_THAT(table.series[1].targets, ElementsAre(5));
  EXPECT_EQ(table.written_time(table.series[0], 16), "row 17");
  EXPECT_EQ(table.time_of(table.series[0], 1), (TimeStamp{.whole = 1}));
}

TEST_F(TimeSeriesCsv, AFileMayHaveNoHeader) {
  const TimeSeriesTable table = read("2024-03-01,1,2\n2024-03-02,3,4\n", {.known = {"2"}});
  EXPECT_THAT(table.targets, ElementsAre("3"));
  EXPECT_THAT(table.series[0].targets, ElementsAre(2, 4));
  EXPECT_THAT(table.series[0].covariates, ElementsAre(1, 3));
  EXPECT_THAT(table.series[0].lines, ElementsAre(1, 2));
  EXPECT_THAT(table.notes,
              ElementsAre(HasSubstr("is no header, as \"2024-03-01\" in it is a date")));
  EXPECT_THAT(read("word,7\nword,8\n").notes[0], HasSubstr("\"7\" in it is a number"));
  expect_refused("2024-03-01,1\n2024-03-02,3\n", TimeSeriesColumns{.target = {"y"}},
                 {"line 1", "no column \"y\"", "no header", "\"1\", \"2\""});
  expect_refused("1,\n2,3,4\n", {"line 2", "3; it must be that of the header, which is 2"});
}

TEST_F(TimeSeriesCsv, AFileWithoutRowsIsAnError) {
  expect_refused("", {"empty"});
  expect_refused("\n\r\n", {"before a header"});
  expect_refused("date,y\n", {"after the header"});
}

TEST_F(TimeSeriesCsv, AColumnWithoutANameIsCalledByItsNumber) {
  TimeSeriesColumns columns;  // as pandas writes an index
  const TimeSeriesTable table =
      read_time_series(write(",y\n2024-03-01,1\n2024-03-02,2\n"), columns);
  EXPECT_EQ(columns.time, "1");
  EXPECT_THAT(table.targets, ElementsAre("y"));
}

TEST_F(TimeSeriesCsv, ANumberThatRisesEvenlyBesideATargetMayBeTheTimeWhichIsNoted) {
  EXPECT_THAT(read("year,y\n2020,5\n2021,4\n2022,5\n").notes,
              ElementsAre(AllOf(HasSubstr("\"year\" is forecast too"), HasSubstr("--time"))));
  EXPECT_THAT(read("year,y\n2020,5\n2021,4\n2022,5\n", {.time = "year"}).notes, IsEmpty());
  EXPECT_THAT(read("y\n2020\n2021\n2022\n").notes, IsEmpty());
}

TEST_F(TimeSeriesCsv, ColumnsThatAreNotThereAreNamed) {
  const std::string text = "date,y\n2024-03-01,1\n";
  expect_refused(text, TimeSeriesColumns{.time = "when"}, {"line 1", "\"when\"", "the time"});
  expect_refused(text, TimeSeriesColumns{.series = "id"}, {"\"id\"", "the series"});
  expect_refused(text, TimeSeriesColumns{.target = {"z"}}, {"\"z\"", "a target"});
  expect_refused(text, TimeSeriesColumns{.past = {"p"}}, {"\"p\"", "a past covariate"});
  expect_refused(text, TimeSeriesColumns{.known = {"k"}},
                 {"\"k\"", "a known covariate", "those there are: \"date\", \"y\""});
}

TEST_F(TimeSeriesCsv, AColumnIsOneThingOnly) {
  for (const TimeSeriesColumns& columns : {TimeSeriesColumns{.time = "x", .series = "x"},
                                           {.series = "x", .target = {"x"}},
                                           {.target = {"x", "x"}},
                                           {.target = {"x"}, .past = {"x"}},
                                           {.past = {"x"}, .known = {"x"}}}) {
    EXPECT_THROW((void)read("x\n1\n", columns), ConfigError);
  }
  EXPECT_THROW((void)read("x\n1\n", TimeSeriesColumns{.target = {""}}), ConfigError);
  EXPECT_THROW((void)read("x\n1\n", TimeSeriesColumns{.date_format = "%Q"}), ConfigError);
}

TEST_F(TimeSeriesCsv, ManyColumnsAreAnErrorAndNoMemory) {
  expect_refused(std::string(1 << 20, ','), {"line 1, column 10001", "at most 10000 columns"});
}

TEST_F(TimeSeriesCsv, WholeNumbersBeyondAFloatStayExact) {
  EXPECT_THAT(read("y\n16777217\n9007199254740991\n").series[0].targets,
              ElementsAre(16777217, 9007199254740991));
}

TEST_F(TimeSeriesCsv, AValueMustBeAFiniteNumber) {
  for (const char* value : {"inf", "-Infinity", "1e400", "+1", "1e"}) {
    expect_refused("y\n1\n"s + value + "\n", {"line 3, column \"y\"", value, "finite number"});
    expect_refused("x,y\n1,"s + value + "\n", {"line 2, column \"y\"", value, "finite number"});
    expect_refused("x,y\n1,"s + value + "\n", TimeSeriesColumns{.target = {"y"}},
                   {"line 2, column \"y\"", value, "finite number"});
    expect_refused("x,y\n1,"s + value + "\n", TimeSeriesColumns{.known = {"y"}},
                   {"line 2, column \"y\"", value, "finite number"});
  }
  expect_refused("y\n1\nmuch\n", {"line 3, column \"y\"", "\"much\"", "--target"});
}

TEST_F(TimeSeriesCsv, DecimalCommasAreExplained) {
  for (const char* value : {"1,5", "1.234,5", "1 000", "1'000", "1.000.000"}) {
    const std::string text = "date;y\n2024-03-01;"s + value + "\n2024-03-02;2\n";
    expect_refused(text, {"line 2, column \"y\"", value, "decimal comma"});
    expect_refused(text, TimeSeriesColumns{.target = {"y"}}, {"decimal comma"});
    expect_refused(text, TimeSeriesColumns{.target = {"y"}, .past = {}}, {"decimal comma"});
  }
}

TEST_F(TimeSeriesCsv, ColumnsOfWordsThatNobodyNamedAreNotReadAndNotedOnce) {
  const TimeSeriesTable table =
      read("place,y,size,until\nA,1,18-24,open\nB,2,x,\nA,3,,03.02.2024\n");
  EXPECT_THAT(table.targets, ElementsAre("y"));
  EXPECT_THAT(table.notes, ElementsAre(AllOf(HasSubstr("not read"), HasSubstr("--past"),
                                             HasSubstr("\"place\", \"size\", \"until\""))));
}

TEST_F(TimeSeriesCsv, ATargetOfWordsIsAnErrorThatNamesColumnsOfNumbers) {
  const std::string text = "a,b,c,d\nup,1,x,2\ndown,2,y,3\n";
  expect_refused(text, TimeSeriesColumns{.target = {"d", "c"}},
                 {"line 2, column \"c\"", "\"x\"", "columns of numbers are: \"d\", \"b\""});
  expect_refused("a,b\nx,y\n", {"no column of numbers is left"});
  expect_refused("a,b\nx,1\n", TimeSeriesColumns{.past = {"b"}}, {"no column of numbers is left"});
}

TEST_F(TimeSeriesCsv, TheFirstValueOfACovariateSaysWhetherItIsOfWords) {
  const TimeSeriesColumns columns = {.target = {"y"}, .past = {"x"}};
  const auto levels = [&](const std::string& a, const std::string& b, const std::string& c) {
    const std::string text = "y,x\n1," + a + "\n2," + b + "\n3," + c + "\n";
    return read(text, columns).covariates[0].levels;
  };
  EXPECT_THAT(levels("L", "38", "S"), ElementsAre("38", "L", "S"));
  EXPECT_THAT(levels("none", "NA", "Easter"), ElementsAre("Easter", "NA", "none"));
  EXPECT_THAT(levels("NA", "", "1"), IsEmpty());
  EXPECT_THAT(levels("18-24", "01.02.2024", "é"), ElementsAre("01.02.2024", "18-24", "é"));
  expect_refused("y,x\n1,5\n2,much\n", columns,
                 {"line 3, column \"x\"", "\"much\"", "columns of words begin with a word"});
  const TimeSeriesTable numbers = read("y,x\n1,none\n2,5\n3,?\n", columns);
  EXPECT_THAT(numbers.series[0].covariates, ElementsAre(IsNan(), 5, IsNan()));
}

TEST_F(TimeSeriesCsv, ACovariateHasAtMostAThousandWords) {
  std::string text = "y,w\n";
  for (int i = 0; i < 1000; ++i) text += fmt::format("{},w{}\n", i, i);
  EXPECT_EQ(read(text, {.past = {"w"}}).covariates[0].size(), 1000);
  text += "7,other\n";
  expect_refused(text, TimeSeriesColumns{.past = {"w"}},
                 {"line 1002, column \"w\"", "\"other\"", "at most 1000", "--series"});
  EXPECT_EQ(read(text).targets.size(), 1u) << "nobody named it";
}

TEST_F(TimeSeriesCsv, CovariatesAreWrittenAsNumbersForANetwork) {
  const TimeSeriesTable table = read(kExample, example_columns());
  EXPECT_EQ(table.covariates[0].size(), 3);
  EXPECT_EQ(table.covariates[1].size(), 1);
  ASSERT_EQ(table.covariate_size(), 4);
  std::vector<double> numbers(4, 7.0);
  table.write_covariates(table.series[1], 1, numbers);
  EXPECT_THAT(numbers, ElementsAre(0, 0, 1, 1));
  table.write_covariates(table.series[1], 3, numbers);
  EXPECT_THAT(numbers, ElementsAre(0, 1, 0, 0));
  table.write_covariates(table.series[0], 1, numbers);
  EXPECT_THAT(numbers, ElementsAre(IsNan(), IsNan(), IsNan(), 0));
  numbers.pop_back();
  EXPECT_THROW(table.write_covariates(table.series[0], 1, numbers), ShapeError);
}

TEST_F(TimeSeriesCsv, ATargetThatNeverChangesIsNoted) {
  EXPECT_THAT(read("x,y\n1,5\n3,\n2,5\n").notes, ElementsAre("target \"y\" never changes"));
  EXPECT_THAT(read("s,y\na,1\nb,5\na,2\nb,5\nc,7\n", {.series = "s"}).notes,
              ElementsAre(HasSubstr("in 1 of 3 series, the first of which is \"b\" from line 3")));
  EXPECT_THAT(read("x\n1\n").notes, IsEmpty());
}

TEST_F(TimeSeriesCsv, WordsThatAreMissingAreNoted) {
  EXPECT_THAT(read("y,event\n1,\n2,Easter\n3,\n", {.known = {"event"}}).notes,
              ElementsAre(HasSubstr("column \"event\" is of words, 2 of which are missing")));
}

TEST_F(TimeSeriesCsv, AnEmptyNameOfASeriesIsAnError) {
  expect_refused("s,y\na,1\n,2\n", TimeSeriesColumns{.series = "s"},
                 {"line 3, column \"s\"", "empty", "name of a series"});
}

TEST_F(TimeSeriesCsv, StepsBeforeAndUntilATimeAreCounted) {
  const TimeSeriesTable table = read("t,y\n2024-01-01,1\n2024-01-02,2\n2024-01-04,4\n");
  const auto before = [&](const char* time) {
    return table.steps_before(table.series[0], table.parse(time).value());
  };
  const auto until = [&](const char* time) {
    return table.steps_until(table.series[0], table.parse(time).value());
  };
  EXPECT_EQ(before("2023-12-31"), 0);
  EXPECT_EQ(before("2024-01-01"), 0);
  EXPECT_EQ(until("2024-01-01"), 1);
  EXPECT_EQ(before("2024-01-03 12:00"), 3);  // there is a gap
  EXPECT_EQ(until("2024-01-03 12:00"), 3);
  EXPECT_EQ(before("2025-01-01"), 4);
  EXPECT_EQ(until("2025-01-01"), 4);
  const TimeSeriesTable rows = read("y,z\n1,2\n2,3\n3,4\n", {.target = {"y", "z"}});
  EXPECT_EQ(rows.steps_until(rows.series[0], rows.parse("2").value()), 2);
  EXPECT_EQ(rows.parse("2024-01-01"), std::nullopt);
}

TEST_F(TimeSeriesCsv, WhatComesAfterATimeIsCutOff) {
  const std::string text =
      "s,t,y,c\na,2024-01-01,1,1\na,2024-01-02,2,2\na,2024-01-05,5,5\nb,2024-01-04,6,6\n"
      "a,2024-01-06,,7\nb,2024-01-05,7,7\n";
  const TimeSeriesColumns columns{.series = "s", .target = {"y"}, .known = {"c"}};
  TimeSeriesTable table = read(text, columns);
  cut_after(table, table.parse("2024-01-04").value());
  ASSERT_EQ(table.series.size(), 2);
  // The days before the cut for which there is no row are gone too.
  EXPECT_EQ(table.series[0].steps, 2);
  EXPECT_EQ(table.series[0].observed, 2);
  EXPECT_THAT(table.series[0].targets, ElementsAre(1, 2));
  EXPECT_THAT(table.series[0].covariates, ElementsAre(1, 2));
  EXPECT_THAT(table.series[0].lines, ElementsAre(2, 3));
  EXPECT_THAT(table.series[1].targets, ElementsAre(6));
  cut_after(table, table.parse("2024-01-03").value());
  ASSERT_EQ(table.series.size(), 1);
  EXPECT_EQ(table.series[0].name, "a");
  EXPECT_THAT(table.notes.back(), HasSubstr("1 of 2 series begin after 2024-01-03"));
  EXPECT_THROW(cut_after(table, table.parse("2023-12-31").value()), FormatError);
  TimeSeriesTable all = read(text, columns);
  cut_after(all, all.parse("2024-01-05").value());
  EXPECT_EQ(all.series[0].steps, 5);
  EXPECT_EQ(all.series[0].observed, 5);
  cut_after(all, all.parse("2030-01-01").value());
  EXPECT_EQ(all.series[0].steps, 5);
}

TEST_F(TimeSeriesCsv, TimesBeforeTheFirstAndTooFarOnesAreNamed) {
  const TimeSeriesTable table = read("t,y\n9998-12-01,1\n9999-01-01,2\n9999-02-01,2\n");
  EXPECT_EQ(table.written_time(table.series[0], -2), "9998-10-01");
  try {
    (void)table.time_of(table.series[0], 14);
    ADD_FAILURE() << "is not refused";
  } catch (const FormatError& error) {
    EXPECT_THAT(error.what(), AllOf(HasSubstr("some.csv"), HasSubstr("the time 14 rows after "
                                                                     "9998-12-01 is too far")));
  }
  const TimeSeriesTable trading =
      read("t,y\n2024-02-29,1\n2024-03-01,2\n2024-03-04,2\n2024-03-05,2\n");
  EXPECT_EQ(trading.written_time(trading.series[0], -1), "2024-02-28");
}

}  // namespace
}  // namespace riverrun::data
