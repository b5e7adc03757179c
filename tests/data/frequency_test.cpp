#include "riverrun/data/frequency.h"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numbers>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "riverrun/core/error.h"

namespace riverrun::data {
namespace {

using ::testing::ElementsAre;
using ::testing::FloatNear;
using ::testing::HasSubstr;
using Unit = Frequency::Unit;
using Times = std::vector<TimeStamp>;
using Limits = std::numeric_limits<std::int64_t>;

TimeStamp at(const std::string& text) {
  const std::optional<TimeStamp> time = parse_time(text);
  EXPECT_TRUE(time) << text;
  return time.value_or(TimeStamp{});
}

Times all(const std::vector<std::string>& texts) {
  Times times;
  for (const std::string& text : texts) times.push_back(at(text));
  return times;
}

Frequency named(const std::string& name) {
  const std::optional<Frequency> frequency = parse_frequency(name);
  EXPECT_TRUE(frequency) << name;
  return frequency.value_or(Frequency{});
}

/// "" if there is none.
std::string found(const std::vector<Times>& series) {
  const std::optional<Frequency> frequency = find_frequency(series);
  return frequency ? to_string(*frequency) : "";
}
std::string found_in(const std::vector<std::string>& texts) {
  return found(std::vector<Times>{all(texts)});
}

Times rows(const std::string& frequency, const std::string& first, std::int64_t count) {
  Times times;
  for (std::int64_t i = 0; i < count; ++i) {
    times.push_back(advance(named(frequency), at(first), i));
  }
  return times;
}

TEST(Frequency, IsFoundInItsOwnRowsAndWithMissingOnes) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"number 1", "1949"},
      {"number 0.02", "0"},
      {"number 3", "-7"},
      {"number 0.1", "1000000.3"},
      {"second", "2024-03-01"},
      {"0.5 seconds", "2024-03-01 00:00:00.25"},
      {"15 minutes", "2024-03-01"},
      {"hour", "2024-02-28 23:00"},
      {"6 hours", "2024-03-01"},
      {"day", "2024-02-27"},
      {"2 days", "2023-12-31"},
      {"week", "2024-02-22 08:00"},
      {"trading day", "2024-02-28"},
      {"month", "2024-01-15"},
      {"month", "2024-01-31 12:00Z"},
      {"month end", "2023-11-30"},
      {"quarter", "2024-01-01"},
      {"quarter end", "2023-06-30"},
      {"year", "2020-07-04"},
      {"year end", "1999-12-31"},
      {"2 months", "2024-01-01"}};
  for (const auto& [name, first] : cases) {
    Times times = rows(name, first, 60);
    const bool is_end = name == "month" && first.starts_with("2024-01-31");
    const std::string expected = is_end ? "month end" : name;
    EXPECT_EQ(found(std::vector<Times>{times}), expected) << first;
    for (const std::size_t missing : {50, 31, 30, 17, 3})
      times.erase(times.begin() + static_cast<std::ptrdiff_t>(missing));
    EXPECT_EQ(found(std::vector<Times>{times}), expected) << first << " with missing rows";
    times.resize(2);
    // Two days in a row are no more than that.
    EXPECT_EQ(found(std::vector<Times>{times}), name == "trading day" ? "day" : expected)
        << first << ", two rows";
  }
}

TEST(Frequency, OfShortMonthsIsSeen) {
  EXPECT_EQ(found_in({"2024-01-31", "2024-02-29", "2024-03-31", "2024-04-30"}), "month end");
  EXPECT_EQ(found_in({"2024-01-30", "2024-02-29", "2024-03-30", "2024-04-30"}), "month");
  EXPECT_EQ(found_in({"2024-02-28", "2024-03-28"}), "month");
  EXPECT_EQ(found_in({"2020-02-29", "2021-02-28", "2022-02-28"}), "year end");
  EXPECT_EQ(found_in({"2020-02-29", "2024-02-29"}), "4 year ends");
  EXPECT_EQ(found_in({"2024-02-28", "2024-02-29", "2024-03-01"}), "day");
}

TEST(Frequency, OfTradingDaysLeavesWeekendsAndHolidaysOut) {
  EXPECT_EQ(found_in({"2024-03-28", "2024-03-29", "2024-04-02", "2024-04-03"}), "trading day");
  EXPECT_EQ(found_in({"2024-03-25", "2024-03-26", "2024-03-27"}), "day") << "no weekend passes";
  EXPECT_EQ(found_in({"2024-03-28", "2024-03-29", "2024-03-30", "2024-04-01"}), "day");
  EXPECT_EQ(found_in({"2024-03-29", "2024-04-05", "2024-04-12"}), "week");
}

TEST(Frequency, OfLocalHoursGoesOnWhereTheClocksChange) {
  EXPECT_EQ(
      found_in({"2024-03-31 00:00", "2024-03-31 01:00", "2024-03-31 03:00", "2024-03-31 04:00"}),
      "hour");
}

TEST(Frequency, OfSeveralSeriesSuitsAll) {
  EXPECT_EQ(found(std::vector<Times>{rows("day", "2024-01-01", 9), Times{}, all({"2024-01-05"}),
                                     rows("2 days", "2024-01-02 06:00", 3)}),
            "day");
  EXPECT_EQ(
      found(std::vector<Times>{rows("month", "2024-01-01", 9), rows("month", "2024-01-15", 9)}),
      "month");
  EXPECT_EQ(
      found(std::vector<Times>{rows("month end", "2024-01-31", 9), rows("month", "2024-01-15", 9)}),
      "month")
      << "the 31st serves both, as a month does";
  EXPECT_EQ(
      found(std::vector<Times>{rows("month", "2024-01-15", 9), rows("week", "2024-01-15", 9)}), "");
}

TEST(Frequency, OfUnevenTimesIsNone) {
  EXPECT_EQ(found_in({"1", "2", "3", "4.5"}), "");
  EXPECT_EQ(found_in({"0", "7", "17"}), "");
  EXPECT_EQ(found_in({"2024-03-01", "2024-03-03", "2024-03-06"}), "");
  EXPECT_EQ(found_in({"2024-03-01 00:00", "2024-03-01 01:00", "2024-03-01 02:01"}), "");
  EXPECT_EQ(found_in({"0", "1", "101", "201", "301"}), "") << "one step is short by chance";
  EXPECT_EQ(found_in({"2024-03-30T23:00Z", "2024-03-31T22:00Z", "2024-04-01T22:00Z"}), "");
}

TEST(Frequency, OfFewRowsIsNone) {
  EXPECT_EQ(find_frequency({}), std::nullopt);
  EXPECT_EQ(found(std::vector<Times>{{}}), "");
  EXPECT_EQ(found(std::vector<Times>{all({"2024-03-01"}), all({"2024-03-02"})}), "");
  EXPECT_EQ(found_in({"1", "2024-03-02"}), "");
}

TEST(Frequency, StepsMayHaveRoundingErrors) {
  Times times;
  for (int i = 0; i < 50'000; ++i) {
    const double second = static_cast<float>(i) * 0.02f;  // of a sensor's file
    times.push_back({.whole = static_cast<std::int64_t>(std::floor(second)),
                     .fraction = second - std::floor(second)});
  }
  const std::optional<Frequency> frequency = find_frequency(std::vector<Times>{times});
  ASSERT_TRUE(frequency);
  EXPECT_EQ(frequency->unit, Unit::kNumber);
  EXPECT_NEAR(frequency->count, 0.02, 1e-8);
  EXPECT_EQ(steps_between(*frequency, times[3], times[40'000]), 39'997);
  EXPECT_EQ(found_in({"0.333", "0.667", "1"}), "number 0.334");
}

TEST(Frequency, OfRowsThatAreALittleLateIsNone) {
  Times times;
  for (int i = 0; i < 50; ++i) {
    times.push_back({TimeStamp::Kind::kLocal, 1'709'251'200 + 600 * i + i % 3, 0});
  }
  EXPECT_EQ(found(std::vector<Times>{times}), "");
}

TEST(Frequency, OfNumbersFarApartIsNoneOrRight) {
  EXPECT_EQ(found(std::vector<Times>{{{.whole = Limits::min()}, {.whole = Limits::max()}}}), "");
  EXPECT_EQ(found(std::vector<Times>{{{.whole = Limits::max() - 1}, {.whole = Limits::max()}}}),
            "number 1");
  EXPECT_EQ(found_in({"1e30", "2e30"}), "");
  EXPECT_EQ(found_in({"1e-300", "2e-300"}), "number 1e-300");
  EXPECT_EQ(found_in({"0", "1e-300", "5"}), "");
  EXPECT_EQ(found_in({"0", "9007199254740993"}), "");
  const TimeStamp late{TimeStamp::Kind::kLocal, Limits::max(), 0};
  EXPECT_EQ(found(std::vector<Times>{{at("2024-03-01"), late}}), "");
  EXPECT_EQ(found_in({"0000-01-01", "9999-01-01"}), "9999 years");
}

TEST(Frequency, NamesAreReadBack) {
  for (const char* name :
       {"row",         "number 0.5",  "number 1", "second",    "0.25 seconds", "15 minutes",
        "90 minutes",  "hour",        "24 hours", "day",       "2 days",       "week",
        "2 weeks",     "trading day", "month",    "month end", "2 month ends", "quarter",
        "quarter end", "2 quarters",  "year",     "10 years",  "year end"}) {
    EXPECT_EQ(to_string(named(name)), name);
  }
  EXPECT_EQ(named("7 days"), named("week"));
  EXPECT_EQ(named("1 hour"), named("60 minutes"));
  EXPECT_EQ(named("0.5 hours"), named("30 minutes"));
  for (const char* name : {"",         " ",         "rows",       "2 rows",       "number",
                           "number 0", "number -1", "number x",   "number 1e300", "0 days",
                           "-1 days",  "1.5 days",  "1.5 months", "0.1 quarters", "2 trading days",
                           "days ",    " day",      "2  days",    "2days",        "nan days",
                           "inf days", "fortnight", "Day",        "9999999 days", "1e99 seconds"}) {
    EXPECT_EQ(parse_frequency(name), std::nullopt) << name;
  }
}

TEST(Advance, GoesByTheCalendar) {
  const auto after = [](const char* frequency, const char* from, std::int64_t steps) {
    return advance(named(frequency), at(from), steps);
  };
  EXPECT_EQ(after("month", "2024-01-31", 1), at("2024-02-29"));
  EXPECT_EQ(after("month", "2023-01-31 06:30", 1), at("2023-02-28 06:30"));
  EXPECT_EQ(after("month", "2024-01-31", 2), at("2024-03-31"));
  EXPECT_EQ(after("month", "2024-01-31", -2), at("2023-11-30"));
  EXPECT_EQ(after("month end", "2024-02-29", 1), at("2024-03-31"));
  EXPECT_EQ(after("quarter end", "2024-06-30", 2), at("2024-12-31"));
  EXPECT_EQ(after("year", "2020-02-29", 1), at("2021-02-28"));
  EXPECT_EQ(after("year", "2020-02-29", 4), at("2024-02-29"));
  EXPECT_EQ(after("trading day", "2024-03-29", 1), at("2024-04-01"));
  EXPECT_EQ(after("trading day", "2024-03-30", 1), at("2024-04-01")) << "from a Saturday";
  EXPECT_EQ(after("trading day", "2024-03-31 09:00", -1), at("2024-03-28 09:00"));
  EXPECT_EQ(after("trading day", "1970-01-01", -4), at("1969-12-26"));
  EXPECT_EQ(after("day", "2024-02-28 23:59", 2), at("2024-03-01 23:59"));
  EXPECT_EQ(after("15 minutes", "2023-12-31 23:50", 1), at("2024-01-01 00:05"));
  EXPECT_EQ(after("0.5 seconds", "2024-01-01 00:00:00.75", 1), at("2024-01-01 00:00:01.25"));
  EXPECT_EQ(after("number 0.25", "0.5", -3), at("-0.25"));
  EXPECT_EQ(advance(Frequency{}, at("0"), 5), at("5"));
}

TEST(Advance, BeyondTheCalendarOrTheNumbersIsRefused) {
  const auto expect_refused = [](const char* frequency, const TimeStamp& from, std::int64_t steps) {
    try {
      (void)advance(named(frequency), from, steps);
      ADD_FAILURE() << "is not refused: " << frequency << ", " << steps;
    } catch (const ConfigError& error) {
      EXPECT_THAT(error.what(), HasSubstr("too far; times must be "));
    }
  };
  for (const char* frequency : {"month", "year end", "trading day", "day", "hour", "0.5 seconds"}) {
    for (const std::int64_t steps : {Limits::max(), Limits::max() / 2, std::int64_t{1} << 40}) {
      expect_refused(frequency, at("2024-03-01"), steps);
      expect_refused(frequency, at("2024-03-01"), -steps);
    }
    expect_refused(frequency, {TimeStamp::Kind::kLocal, Limits::max(), 0}, 1);
    expect_refused(frequency, {TimeStamp::Kind::kZoned, Limits::min(), 0}, -1);
  }
  expect_refused("day", at("9999-12-31"), 1);
  expect_refused("month", at("9999-12-31"), 1);
  expect_refused("trading day", at("9999-12-31"), 1);
  expect_refused("month", at("0000-01-01"), -1);
  expect_refused("number 1", {.whole = Limits::max()}, 1);
  expect_refused("number 2", at("0"), Limits::max());
  expect_refused("number 0.5", at("0"), Limits::max());
  expect_refused("row", {.whole = Limits::min()}, -1);
  expect_refused("number 1", at("1e30"), 1);
  EXPECT_EQ(advance(named("day"), at("9999-12-30"), 1), at("9999-12-31"));
}

TEST(Advance, RefusesAFrequencyThatCannotBe) {
  for (const double count : {0.0, -1.0, 0.5, std::numeric_limits<double>::quiet_NaN(),
                             std::numeric_limits<double>::infinity()}) {
    const Frequency frequency{.unit = Unit::kDay, .count = count};
    EXPECT_THROW((void)advance(frequency, at("2024-03-01"), 1), ConfigError) << count;
    EXPECT_THROW((void)steps_between(frequency, at("1"), at("2")), ConfigError) << count;
    EXPECT_THROW((void)usual_season(frequency), ConfigError) << count;
    EXPECT_THROW((void)calendar_size(frequency), ConfigError) << count;
  }
}

TEST(StepsBetween, IsTheInverseOfAdvance) {
  for (const char* frequency :
       {"month", "quarter end", "2 years", "trading day", "day", "3 hours", "0.1 seconds"}) {
    for (const char* start : {"2023-10-31", "2024-02-29"}) {
      const TimeStamp from = at(start);
      for (const std::int64_t steps : {0, 1, -1, 17, -100, 366}) {
        const TimeStamp first = advance(named(frequency), from, 0);
        EXPECT_EQ(steps_between(named(frequency), first, advance(named(frequency), from, steps)),
                  steps)
            << frequency << " from " << start;
      }
    }
  }
}

TEST(StepsBetween, IsNothingBetweenTwoRows) {
  const auto between = [](const char* frequency, const char* from, const char* to) {
    return steps_between(named(frequency), at(from), at(to));
  };
  EXPECT_EQ(between("month", "2024-01-15", "2024-02-14"), std::nullopt);
  EXPECT_EQ(between("quarter", "2024-01-01", "2024-03-01"), std::nullopt);
  EXPECT_EQ(between("month", "2024-01-15", "2024-02-15 01:00"), std::nullopt);
  EXPECT_EQ(between("month end", "2024-01-31", "2024-02-28"), std::nullopt);
  EXPECT_EQ(between("trading day", "2024-03-29", "2024-03-30"), std::nullopt);
  EXPECT_EQ(between("hour", "2024-03-01 00:00", "2024-03-01 01:30"), std::nullopt);
  EXPECT_EQ(between("number 0.02", "0", "0.03"), std::nullopt);
  EXPECT_EQ(between("day", "2024-03-01", "2024-03-02T00:00Z"), std::nullopt);
  EXPECT_EQ(between("day", "1", "86401"), 1) << "numbers are as good as dates";
  EXPECT_EQ(steps_between({}, {.whole = Limits::min()}, {.whole = Limits::max()}), std::nullopt);
}

TEST(UsualSeason, IsADayAWeekOrAYear) {
  const std::vector<std::pair<const char*, std::int64_t>> cases = {
      {"row", 1},     {"number 1", 1}, {"second", 86400},  {"15 minutes", 96}, {"7 minutes", 1},
      {"hour", 24},   {"2 hours", 12}, {"5 hours", 1},     {"48 hours", 1},    {"day", 7},
      {"2 days", 1},  {"week", 52},    {"trading day", 5}, {"month", 12},      {"month end", 12},
      {"quarter", 4}, {"5 months", 1}, {"year", 1},        {"2 years", 1}};
  for (const auto& [name, season] : cases) EXPECT_EQ(usual_season(named(name)), season) << name;
  EXPECT_EQ(usual_season({.unit = Unit::kSecond, .count = 1e-300}), 1);
}

TEST(Calendar, HasTheCyclesThatAreLongerThanARow) {
  const std::vector<std::pair<const char*, std::int64_t>> cases = {
      {"row", 0},         {"number 1", 0}, {"15 minutes", 10}, {"hour", 8},        {"day", 6},
      {"trading day", 6}, {"week", 4},     {"month", 2},       {"quarter end", 2}, {"year", 0}};
  for (const auto& [name, size] : cases) {
    EXPECT_EQ(calendar_size(named(name)), size) << name;
    EXPECT_EQ(calendar(named(name), at("2024-03-01")).size(), static_cast<std::size_t>(size));
  }
}

TEST(Calendar, SaysWhereInEachCycleATimeIs) {
  const auto near = [](double value) { return FloatNear(static_cast<float>(value), 1e-6f); };
  // A Wednesday, a quarter past, six hours after the middle of a month of 30 days.
  const double day = 2 * std::numbers::pi * 0.25;
  const double week = 2 * std::numbers::pi * (2 + 0.25) / 7;
  const double month = 2 * std::numbers::pi * 0.5;
  EXPECT_THAT(calendar(named("hour"), at("2026-09-16 00:00")),
              ElementsAre(near(0), near(1), near(std::sin(2 * std::numbers::pi * 2 / 7)),
                          near(std::cos(2 * std::numbers::pi * 2 / 7)), near(std::sin(month)),
                          near(std::cos(month)), near(std::sin(2 * std::numbers::pi * 258 / 365)),
                          near(std::cos(2 * std::numbers::pi * 258 / 365))));
  const std::vector<float> places = calendar(named("15 minutes"), at("2026-09-16 06:15"));
  EXPECT_THAT(places[0], near(1)) << "a quarter of an hour";
  EXPECT_THAT(places[2], near(std::sin(day + 2 * std::numbers::pi / 96)));
  EXPECT_THAT(places[4], near(std::sin(week + 2 * std::numbers::pi / 96 / 7)));
  EXPECT_THAT(calendar(named("month"), at("2024-04-01")), ElementsAre(near(1), near(0)));
  EXPECT_EQ(calendar(named("month end"), at("2023-02-28")),
            calendar(named("month end"), at("2024-02-29")));
  EXPECT_THROW((void)calendar(named("day"), {TimeStamp::Kind::kLocal, Limits::max(), 0}),
               ConfigError);
}

}  // namespace
}  // namespace riverrun::data
