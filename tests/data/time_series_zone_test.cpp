// Times of series in a time zone.

#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "riverrun/data/time_series.h"

#include "tests/data/time_series_file.h"

namespace riverrun::data {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class TimeSeriesZone : public test::TimeSeriesFile {
 protected:
  void SetUp() override {
    if (!has_time_zones()) GTEST_SKIP() << "this build knows no time zones: cctz was not there";
  }
  /// A row for each time, with 1, 2, ….
  static std::string column(const std::vector<std::string>& times) {
    std::string text = "t,y\n";
    for (std::size_t i = 0; i < times.size(); ++i) text += fmt::format("{},{}\n", times[i], i + 1);
    return text;
  }
  TimeSeriesTable in(const char* zone, const std::vector<std::string>& times) {
    return read(column(times), {.time = "t", .time_zone = zone});
  }
  TimeSeriesTable in_berlin(const std::vector<std::string>& times) {
    return in("Europe/Berlin", times);
  }
  void expect_refused_in_berlin(const std::vector<std::string>& times,
                                const std::vector<std::string>& words) {
    expect_refused(column(times), TimeSeriesColumns{.time = "t", .time_zone = "Europe/Berlin"},
                   words);
  }
  /// The steps from `first` on, so many.
  static std::vector<std::string> times(const TimeSeriesTable& table, std::int64_t first,
                                        std::int64_t count) {
    std::vector<std::string> written;
    for (std::int64_t step = first; step < first + count; ++step) {
      written.push_back(table.written_time(table.series[0], step));
    }
    return written;
  }
};

TEST_F(TimeSeriesZone, HoursHaveNoGapInSpring) {
  const TimeSeriesTable table =
      in_berlin({"2024-03-30 23:00", "2024-03-31 00:00", "2024-03-31 01:00", "2024-03-31 03:00"});
  EXPECT_EQ(to_string(table.frequency), "hour");
  EXPECT_THAT(table.series[0].targets, ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(times(table, 2, 3),
              ElementsAre("2024-03-31 01:00", "2024-03-31 03:00", "2024-03-31 04:00"));
  EXPECT_THAT(table.notes, IsEmpty());
}

TEST_F(TimeSeriesZone, TheHourThatComesTwiceIsToldByTheOrderOfTheRows) {
  const TimeSeriesTable hours =
      in_berlin({"2024-10-27 01:00", "2024-10-27 02:00", "2024-10-27 02:00", "2024-10-27 03:00"});
  EXPECT_EQ(to_string(hours.frequency), "hour");
  EXPECT_THAT(hours.series[0].targets, ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(hours.notes, IsEmpty());
  const TimeSeriesTable quarters =
      in_berlin({"2024-10-27 01:45", "2024-10-27 02:00", "2024-10-27 02:15", "2024-10-27 02:30",
                 "2024-10-27 02:45", "2024-10-27 02:00", "2024-10-27 02:15"});
  EXPECT_EQ(to_string(quarters.frequency), "15 minutes");
  EXPECT_THAT(quarters.series[0].targets, ElementsAre(1, 2, 3, 4, 5, 6, 7));
  EXPECT_THAT(times(quarters, 7, 3),
              ElementsAre("2024-10-27 02:30", "2024-10-27 02:45", "2024-10-27 03:00"));
  const TimeSeriesTable newest_first =
      in_berlin({"2024-10-27 03:00", "2024-10-27 02:00", "2024-10-27 02:00", "2024-10-27 01:00"});
  EXPECT_THAT(newest_first.series[0].targets, ElementsAre(4, 3, 2, 1));
  const TimeSeriesTable half_hours =
      in("Australia/Lord_Howe",
         {"2024-04-07 01:00", "2024-04-07 01:30", "2024-04-07 01:30", "2024-04-07 02:00"});
  EXPECT_EQ(to_string(half_hours.frequency), "30 minutes");
}

TEST_F(TimeSeriesZone, EachSeriesHasItsOwnOrder) {
  const TimeSeriesTable table = read(
      "s,t,y\na,2024-10-27 01:00,1\nb,2024-10-27 02:00,2\na,2024-10-27 02:00,3\n"
      "b,2024-10-27 02:00,4\na,2024-10-27 02:00,5\nb,2024-10-27 03:00,6\n",
      {.series = "s", .time_zone = "Europe/Berlin"});
  EXPECT_THAT(table.series[0].targets, ElementsAre(1, 3, 5));
  EXPECT_THAT(table.series[1].targets, ElementsAre(2, 4, 6));
}

TEST_F(TimeSeriesZone, WhereOneOfTheTwoIsThereTheRowsBesideItTellWhichItIs) {
  // A file that ends, and one that begins, in the night.
  EXPECT_THAT(times(in_berlin({"2024-10-27 00:00", "2024-10-27 01:00", "2024-10-27 02:00"}), 3, 2),
              ElementsAre("2024-10-27 02:00", "2024-10-27 03:00"));
  EXPECT_THAT(times(in_berlin({"2024-10-27 02:00", "2024-10-27 03:00", "2024-10-27 04:00"}), 3, 1),
              ElementsAre("2024-10-27 05:00"));
  // Six hours in UTC.
  const TimeSeriesTable six =
      in_berlin({"2024-10-26 14:00", "2024-10-26 20:00", "2024-10-27 02:00", "2024-10-27 07:00"});
  EXPECT_EQ(to_string(six.frequency), "6 hours");
  EXPECT_EQ(six.series[0].steps, 4);
}

TEST_F(TimeSeriesZone, WhatCannotBeToldIsRefused) {
  expect_refused_in_berlin(
      {"2024-10-27 00:00", "2024-10-27 01:00", "2024-10-27 02:00", "2024-10-27 03:00",
       "2024-10-27 04:00"},
      {"line 4, column \"t\": the time is \"2024-10-27 02:00\"", "Europe/Berlin show twice"});
  expect_refused_in_berlin({"2024-10-27 01:00", "2024-10-27 02:00", "2024-10-27 02:00",
                            "2024-10-27 02:00", "2024-10-27 03:00"},
                           {"line 5, ", "show twice"});
  expect_refused_in_berlin({"2024-10-27 00:00", "2024-10-27 02:00", "2024-10-27 01:00",
                            "2024-10-27 02:00", "2024-10-27 03:00"},
                           {"show twice"});
  // Rows in no order tell nothing.
  expect_refused_in_berlin({"2024-10-27 04:00", "2024-10-27 02:00", "2024-10-27 02:00",
                            "2024-10-27 03:00", "2024-10-27 05:00"},
                           {"line 3, ", "show twice"});
  expect_refused_in_berlin({"2024-10-27 00:00", "2024-10-27 02:00", "2024-10-27 02:00",
                            "2024-10-27 01:00", "2024-10-27 03:00"},
                           {"line 3, ", "show twice"});
  expect_refused_in_berlin({"2024-03-31 01:00", "2024-03-31 02:00", "2024-03-31 03:00"},
                           {"line 3, column \"t\": the time is \"2024-03-31 02:00\", which clocks "
                            "of Europe/Berlin skip"});
  expect_refused_in_berlin({"2024-07-01 01:00", "2024-07-01 02:00", "2024-07-01 02:00"},
                           {"line 4, ", "as on line 3"});
}

TEST_F(TimeSeriesZone, DaysAreDaysWhateverTheClocksDo) {
  const TimeSeriesTable offsets =
      in_berlin({"2024-03-30T00:00+01:00", "2024-03-31T00:00+01:00", "2024-04-01T00:00+02:00"});
  EXPECT_EQ(to_string(offsets.frequency), "day");
  EXPECT_THAT(times(offsets, 0, 4),
              ElementsAre("2024-03-30T00:00+01:00", "2024-03-31T00:00+01:00",
                          "2024-04-01T00:00+02:00", "2024-04-02T00:00+02:00"));
  EXPECT_THAT(offsets.notes, IsEmpty());
  const TimeSeriesTable utc =
      in_berlin({"2024-03-29T23:00:00Z", "2024-03-30T23:00:00Z", "2024-03-31T22:00:00Z"});
  EXPECT_EQ(to_string(utc.frequency), "day");
  EXPECT_THAT(times(utc, 2, 2), ElementsAre("2024-03-31T22:00:00Z", "2024-04-01T22:00:00Z"));
  const TimeSeriesTable twice_midnight =
      in("America/Havana", {"2024-11-02 00:00", "2024-11-03 00:00", "2024-11-04 00:00"});
  EXPECT_EQ(to_string(twice_midnight.frequency), "day");
  // There is no midnight on the 26th, but there is the day.
  const TimeSeriesTable no_midnight =
      in("Africa/Cairo", {"2024-04-25", "2024-04-26", "2024-04-27"});
  EXPECT_EQ(to_string(no_midnight.frequency), "day");
  EXPECT_EQ(to_string(in_berlin({"2024-02-01T00:00+01:00", "2024-03-01T00:00+01:00",
                                 "2024-04-01T00:00+02:00"})
                          .frequency),
            "month");
}

TEST_F(TimeSeriesZone, HoursWithOffsetsAreWrittenWithTheRightOnes) {
  const TimeSeriesTable table =
      in_berlin({"2024-10-27 01:00+02:00", "2024-10-27 02:00+02:00", "2024-10-27 02:00+01:00"});
  EXPECT_EQ(to_string(table.frequency), "hour");
  EXPECT_THAT(times(table, 1, 3), ElementsAre("2024-10-27 02:00+02:00", "2024-10-27 02:00+01:00",
                                              "2024-10-27 03:00+01:00"));
  EXPECT_THAT(table.notes, IsEmpty());
  // Also where all rows of the file have the same.
  EXPECT_THAT(times(in_berlin({"2024-10-26 22:00+02:00", "2024-10-26 23:00+02:00",
                               "2024-10-27 00:00+02:00"}),
                    5, 2),
              ElementsAre("2024-10-27 02:00+01:00", "2024-10-27 03:00+01:00"));
}

TEST_F(TimeSeriesZone, TheFrequencyOfAModelSaysWhatTimesAre) {
  const TimeSeriesForm hours = form_of(column({"2024-07-01 00:00", "2024-07-01 01:00"}),
                                       {.time = "t", .time_zone = "Europe/Berlin"});
  EXPECT_EQ(hours.columns.time_zone, "Europe/Berlin");
  // A day apart, which are hours still.
  const TimeSeriesTable two = read(column({"2024-03-30 12:00", "2024-03-31 12:00"}), hours);
  EXPECT_EQ(two.series[0].steps, 24);
  const TimeSeriesForm days = form_of(column({"2024-03-30 12:00", "2024-03-31 12:00"}),
                                      {.time = "t", .time_zone = "Europe/Berlin"});
  EXPECT_EQ(read(column({"2024-10-26 12:00", "2024-10-27 12:00"}), days).series[0].steps, 2);
}

TEST_F(TimeSeriesZone, ClocksAndMomentsAreToldApart) {
  const TimeSeriesTable table =
      in_berlin({"2024-07-01 00:00", "2024-07-01 01:00", "2024-07-01 02:00"});
  EXPECT_EQ(table.time_of(table.series[0], 1), parse_time("2024-06-30T23:00Z"));
  EXPECT_EQ(table.clock_of(table.series[0], 1), parse_time("2024-07-01 01:00"));
  EXPECT_EQ(table.parse("2024-07-01 01:00"), parse_time("2024-06-30T23:00Z"));
  EXPECT_EQ(table.parse("2024-07-01T01:00+02:00"), parse_time("2024-06-30T23:00Z"));
  EXPECT_EQ(table.parse("1 pm"), std::nullopt);
  const TimeSeriesTable days = in_berlin({"2024-07-01", "2024-07-02", "2024-07-03"});
  EXPECT_EQ(days.parse("2024-07-01T23:00Z"), parse_time("2024-07-02 01:00"));
}

TEST_F(TimeSeriesZone, WhatHasNoDatesHasNoZone) {
  const TimeSeriesColumns columns{.time_zone = "Europe/Berlin"};
  expect_refused("y\n1\n2\n", columns, {"no column of dates was found", "--time-zone"});
  expect_refused("t,y\n1,1\n2,2\n", TimeSeriesColumns{.time = "t", .time_zone = "Europe/Berlin"},
                 {"column \"t\" has numbers for times"});
  expect_refused(
      "t,y\n2024-03-29T00:00Z,1\n2024-03-30T00:00Z,2\n2024-04-01T00:00Z,2\n"
      "2024-04-02T00:00Z,2\n",
      columns, {"a day apart in UTC", "Europe/Berlin"});
  TimeSeriesColumns unknown{.time_zone = "Europe/Atlantis"};
  EXPECT_THROW((void)read("t,y\n2024-07-01,1\n", unknown), ConfigError);
}

}  // namespace
}  // namespace riverrun::data
