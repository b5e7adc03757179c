// Times of series: their order, their frequency, their gaps.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "riverrun/data/time_series.h"

#include "tests/data/time_series_file.h"

namespace riverrun::data {
namespace {

using namespace std::string_literals;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::IsNan;
using ::testing::Not;

class TimeSeriesTimes : public test::TimeSeriesFile {
 protected:
  /// A row for each time, with 1, 2, ….
  static std::string column(const std::vector<std::string>& times) {
    std::string text = "t,y\n";
    for (std::size_t i = 0; i < times.size(); ++i) text += fmt::format("{},{}\n", times[i], i + 1);
    return text;
  }
  std::string message(const std::string& text, const TimeSeriesColumns& columns = {}) {
    try {
      (void)read(text, columns);
    } catch (const FormatError& error) {
      return error.what();
    }
    ADD_FAILURE() << "is not refused: " << text;
    return "";
  }
  std::string frequency(const std::vector<std::string>& times) {
    return to_string(read(column(times), {.time = "t"}).frequency);
  }
};

TEST_F(TimeSeriesTimes, RowsAreSortedAndThatIsNoted) {
  const TimeSeriesTable newest_first = read(column({"2024-01-03", "2024-01-02", "2024-01-01"}));
  EXPECT_THAT(newest_first.series[0].targets, ElementsAre(3, 2, 1));
  EXPECT_THAT(newest_first.series[0].lines, ElementsAre(4, 3, 2));
  EXPECT_EQ(newest_first.series[0].line, 2);
  EXPECT_EQ(newest_first.written_time(newest_first.series[0], 0), "2024-01-01");
  EXPECT_THAT(newest_first.notes, ElementsAre(HasSubstr("line 3")));
  const TimeSeriesTable one_of_two = read(
      "s,t,y\na,2024-01-02,1\nb,2024-01-01,2\nb,2024-01-02,3\na,2024-01-01,4\n", {.series = "s"});
  EXPECT_THAT(one_of_two.series[0].targets, ElementsAre(4, 1));
  EXPECT_THAT(one_of_two.series[1].targets, ElementsAre(2, 3));
  EXPECT_THAT(one_of_two.notes, ElementsAre(HasSubstr("line 5")));
  EXPECT_THAT(read(column({"2024-01-01", "2024-01-02"})).notes, IsEmpty());
}

TEST_F(TimeSeriesTimes, ATimeThatIsThereTwiceIsAnErrorThatNamesBothLines) {
  const std::string day = message(column({"2024-01-01", "2024-01-02", "2024-01-03", "2024-01-02"}));
  EXPECT_THAT(day, HasSubstr("line 5, column \"t\": the time is \"2024-01-02\", as on line 3"));
  EXPECT_THAT(day, AllOf(Not(HasSubstr("--series")), Not(HasSubstr("daylight"))));
  const std::string of_series =
      message("s,t,y\na,2024-01-01,1\nb,2024-01-01,2\na,2024-01-01,3\n", {.series = "s"});
  EXPECT_THAT(of_series, AllOf(HasSubstr("line 4"), HasSubstr("as on line 2"),
                               HasSubstr("of series \"a\""), Not(HasSubstr("--series"))));
}

TEST_F(TimeSeriesTimes, ClocksThatWerePutBackAreExplained) {
  const std::string night = message(
      column({"2024-10-27 01:00", "2024-10-27 02:00", "2024-10-27 02:00", "2024-10-27 03:00"}));
  EXPECT_THAT(night, AllOf(HasSubstr("line 4"), HasSubstr("line 3"), HasSubstr("daylight saving")));
  const std::string noon =
      message(column({"2024-10-27 11:00", "2024-10-27 12:00", "2024-10-27 12:00"}));
  EXPECT_THAT(noon, Not(HasSubstr("daylight")));
  const std::string zoned = message(
      column({"2024-10-27T01:00Z", "2024-10-27T02:00Z", "2024-10-27T02:00Z", "2024-10-27T03:00Z"}));
  EXPECT_THAT(zoned, Not(HasSubstr("daylight")));
}

TEST_F(TimeSeriesTimes, ClocksThatWerePutBackAreNoErrorWithOffsets) {
  const TimeSeriesTable table =
      read(column({"2024-10-27T01:00+02:00", "2024-10-27T02:00+02:00", "2024-10-27T02:00+01:00"}));
  EXPECT_EQ(table.series[0].steps, 3);
  EXPECT_EQ(to_string(table.frequency), "hour");
  EXPECT_THAT(table.notes, ElementsAre(HasSubstr("UTC")));
  const TimeSeriesTable same = read(column({"2024-10-27T01:00+02:00", "2024-10-27T02:00+02:00"}));
  EXPECT_EQ(same.offset, 7200);
  EXPECT_THAT(same.notes, IsEmpty());
  EXPECT_EQ(same.written_time(same.series[0], 2), "2024-10-27T03:00+02:00");
}

TEST_F(TimeSeriesTimes, SeveralSeriesThatNobodyToldApartAreExplained) {
  std::string text = "date,store,kind,y\n";
  for (int day = 1; day <= 3; ++day) {
    for (const char* store : {"north", "south"}) {
      text += fmt::format("2024-01-{:02},{},same,{}\n", day, store, day);
    }
  }
  const std::string words = message(text);
  EXPECT_THAT(words, AllOf(HasSubstr("line 3"), HasSubstr("as on line 2"),
                           HasSubstr("every time occurs 2 times"), HasSubstr("--series"),
                           HasSubstr("perhaps \"store\"")));
  EXPECT_THAT(message(text, {.target = {"y"}}), HasSubstr("perhaps \"store\""));
  EXPECT_THAT(message("t,n,y\n2024-01-01,1,5\n2024-01-01,2,6\n2024-01-02,1,7\n2024-01-02,2,8\n"),
              HasSubstr("perhaps \"n\""));
  EXPECT_THAT(message("t,n,y\n2024-01-01,a,5\n2024-01-01,b,6\n2024-01-02,a,7\n2024-01-03,a,8\n"
                      "2024-01-03,b,8\n"),
              AllOf(HasSubstr("2 of 3 times occur more than once"), HasSubstr("perhaps \"n\"")));
  EXPECT_THAT(message("t,y\n2024-01-01,5\n2024-01-01,6\n2024-01-02,7\n2024-01-02,8\n"),
              AllOf(HasSubstr("--series"), Not(HasSubstr("perhaps"))));
}

TEST_F(TimeSeriesTimes, TheFrequencyIsFoundOut) {
  EXPECT_EQ(frequency({"2024-01-01 00:00", "2024-01-01 00:15", "2024-01-01 00:30"}), "15 minutes");
  EXPECT_EQ(frequency({"2024-01", "2024-02", "2024-03"}), "month");
  EXPECT_EQ(frequency({"31.01.2024", "29.02.2024", "31.03.2024"}), "month end");
  EXPECT_EQ(frequency({"0.5", "1", "1.5"}), "number 0.5");
  EXPECT_EQ(frequency({"1949", "1950", "1951"}), "number 1");
}

TEST_F(TimeSeriesTimes, RowsThatAreNotThereAreMissingValues) {
  const TimeSeriesTable table = read(column({"2024-01", "2024-02", "2024-05"}));
  EXPECT_EQ(table.series[0].steps, 5);
  EXPECT_EQ(table.series[0].observed, 5);
  EXPECT_THAT(table.series[0].targets, ElementsAre(1, 2, IsNan(), IsNan(), 3));
  EXPECT_THAT(table.series[0].lines, ElementsAre(2, 3, 0, 0, 4));
  EXPECT_EQ(table.written_time(table.series[0], 3), "2024-04");
}

TEST_F(TimeSeriesTimes, TradingDaysFollowEachOtherWhateverHolidaysThereAre) {
  // Thursday to Tuesday, and Thursday.
  const TimeSeriesTable table = read(
      column({"2024-03-28", "2024-03-29", "2024-04-01", "2024-04-02", "2024-04-04", "2024-04-05",
              "2024-04-08", "2024-04-09", "2024-04-10", "2024-04-11", "2024-04-12", "2024-04-15"}));
  ASSERT_EQ(to_string(table.frequency), "trading day");
  const TimeSeries& series = table.series[0];
  EXPECT_EQ(series.steps, 12);
  EXPECT_TRUE(std::ranges::none_of(series.targets, [](double y) { return std::isnan(y); }));
  EXPECT_EQ(table.written_time(series, 4), "2024-04-04");
  EXPECT_EQ(table.written_time(series, 11), "2024-04-15");
  EXPECT_EQ(table.written_time(series, 12), "2024-04-16");
  EXPECT_EQ(table.written_time(series, 16), "2024-04-22");
}

TEST_F(TimeSeriesTimes, AnIrregularTimeIsAnErrorThatNamesTheFirstRow) {
  expect_refused(column({"2024-01-01 00:00", "2024-01-01 01:00", "2024-01-01 03:00",
                         "2024-01-01 03:37", "2024-01-01 04:00", "2024-01-01 05:00"}),
                 {"line 5, column \"t\"", "03:37", "03:00", "\"hour\""});
  expect_refused(column({"2024-01-01", "2024-02-01", "2024-03-05", "2024-04-01", "2024-05-01"}),
                 {"line 4, column \"t\"", "2024-03-05", "\"month\""});
  expect_refused("s,t,y\na,1,0\na,2,0\nb,1,0\nb,2.3,0\na,3,0\n",
                 TimeSeriesColumns{.time = "t", .series = "s"},
                 {"line 5, column \"t\"", "\"2.3\"", "of series \"b\""});
}

TEST_F(TimeSeriesTimes, SeriesMayBeginAndEndAtDifferentTimes) {
  const TimeSeriesTable table = read(
      "s,t,y\nb,2024-01-05,1\na,2024-01-01,2\na,2024-01-02,3\nb,2024-01-06,4\nb,2024-01-08,5\n"
      "c,2023-07-07,6\n",
      {.series = "s"});
  ASSERT_EQ(table.series.size(), 3u);
  EXPECT_EQ(table.series[0].steps, 4);
  EXPECT_EQ(table.written_time(table.series[0], 0), "2024-01-05");
  EXPECT_EQ(table.series[1].steps, 2);
  EXPECT_EQ(table.series[2].steps, 1) << "one row is a series too";
  EXPECT_EQ(table.written_time(table.series[2], 2), "2023-07-09");
}

TEST_F(TimeSeriesTimes, SeriesOfOneRowHaveNoFrequency) {
  expect_refused(column({"2024-01-01"}), {"line 2", "no frequency", "each series has one row"});
  expect_refused("s,t,y\na,2024-01-01,1\nb,2024-01-02,1\n", TimeSeriesColumns{.series = "s"},
                 {"each series has one row"});
}

TEST_F(TimeSeriesTimes, AFarGapIsAnErrorAndNoMemory) {
  expect_refused(column({"0001-01-01 00:00", "0001-01-01 01:00", "9999-12-31 00:00"}),
                 {"line 4, column \"t\"", "0001-01-01 01:00", "(line 3)", "steps", "\"hour\""});
  std::string text = "s,t,y\nb,2024-01-06,1\nb,2024-01-07,1\n";
  text += "a,2024-01-01,1\na,2024-07-18,1\n";  // 199 days later
  EXPECT_EQ(read(text, {.series = "s"}).series[1].steps, 200);
  text += "c,2024-01-01,1\nc,2024-07-19,1\n";
  expect_refused(text, TimeSeriesColumns{.series = "s"}, {"line 7", "200 steps", "series \"c\""});
  expect_refused(column({"0", "1", "9000000000000000000"}), TimeSeriesColumns{.time = "t"},
                 {"line 4"});
  expect_refused(column({"0", "1", "1e300"}), TimeSeriesColumns{.time = "t"}, {"column \"t\""});
  expect_refused(column({"-9223372036854775808", "0", "9223372036854775807"}),
                 TimeSeriesColumns{.time = "t"}, {"column \"t\""});
}

TEST_F(TimeSeriesTimes, WhatIsNoTimeIsNamed) {
  expect_refused(column({"2024-01-01", "later"}), {"line 3, column \"t\"", "\"later\""});
  expect_refused(column({"2024-01-01", "2024-02-30"}), {"line 3, column \"t\"", "2024-02-30"});
  expect_refused(column({"2024-01-01", " "}), {"line 3, column \"t\"", "empty", "a time"});
  expect_refused(column({"0000-01-01T00:00+05:00", "2024-01-01T00:00+00:00"}),
                 {"line 2, column \"t\"", "years 0 to 9999"});
  expect_refused(column({"x", "2024-01-01"}), TimeSeriesColumns{.time = "t"}, {"line 2", "\"x\""});
}

TEST_F(TimeSeriesTimes, DatesThatMayBeTwoAreAnErrorUntilTheFormatIsGiven) {
  const std::string text = column({"01/02/2024", "02/02/2024", "03/02/2024"});
  expect_refused(text, {"column \"t\"", "%d/%m/%Y", "--date-format"});
  EXPECT_EQ(to_string(read(text, {.date_format = "%d/%m/%Y"}).frequency), "day");
  EXPECT_EQ(to_string(read(text, {.date_format = "%m/%d/%Y"}).frequency), "month");
}

TEST_F(TimeSeriesTimes, TheColumnOfTimesIsTheOneOfTheGivenFormat) {
  const TimeSeriesColumns columns =
      found("a,t,y\n2024-01-01,202401,1\n2024-01-02,202402,2\n", {.date_format = "%Y%m"});
  EXPECT_EQ(columns.time, "t");
  expect_refused("a,y\n2024-01-01,1\n", TimeSeriesColumns{.date_format = "%d.%m.%Y"},
                 {"line 2", "%d.%m.%Y"});
}

}  // namespace
}  // namespace riverrun::data
