#include "riverrun/data/time_format.h"

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "riverrun/core/error.h"

namespace riverrun::data {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// By the other reader.
TimeStamp iso(const std::string& text) {
  const std::optional<TimeStamp> time = parse_time(text);
  EXPECT_TRUE(time) << text;
  return time.value_or(TimeStamp{});
}

TimeColumn column(const std::vector<std::string>& fields, const std::string& pattern = "") {
  TimeColumn column(pattern);
  for (const std::string& field : fields) {
    const std::optional<std::string> wrong = column.add(field);
    EXPECT_FALSE(wrong) << *wrong;
  }
  return column;
}

/// What a field is refused with after others.
std::string refusal(const std::vector<std::string>& fields, const std::string& field,
                    const std::string& pattern = "") {
  TimeColumn before = column(fields, pattern);
  const std::size_t times = before.times().size();
  const std::optional<std::string> wrong = before.add(field);
  EXPECT_TRUE(wrong) << "is not refused: " << field;
  EXPECT_EQ(before.times().size(), times);
  return wrong.value_or("");
}

struct Form {
  std::vector<std::string> fields;
  std::string pattern;
  std::string first;  ///< as ISO 8601 has it
};

class Forms : public ::testing::TestWithParam<Form> {};

TEST_P(Forms, AreFoundOutAndWrittenAsTheyStand) {
  const Form& form = GetParam();
  const TimeColumn read = column(form.fields);
  EXPECT_EQ(read.unclear(), std::nullopt);
  const TimeFormat format = read.format();
  EXPECT_EQ(format.pattern(), form.pattern);
  ASSERT_EQ(read.times().size(), form.fields.size());
  EXPECT_EQ(read.times()[0], iso(form.first)) << form.fields[0];
  for (std::size_t i = 0; i < form.fields.size(); ++i) {
    EXPECT_EQ(format.write(read.times()[i], read.offset().value_or(0)), form.fields[i]);
    EXPECT_EQ(format.parse(form.fields[i]), read.times()[i]);
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, Forms,
    ::testing::Values(
        Form{{"2024-03-01", "2024-12-31"}, "%Y-%m-%d", "2024-03-01"},
        Form{{"2024-3-1", "2024-12-31"}, "%Y-%-m-%-d", "2024-03-01"},
        Form{{"2024-03-01 12:30"}, "%Y-%m-%d %H:%M", "2024-03-01 12:30"},
        Form{{"2024-03-01T12:30:05"}, "%Y-%m-%dT%H:%M:%S", "2024-03-01 12:30:05"},
        Form{{"2024-03-01 00:00:00", "2024-03-01 00:00:00.500", "2024-03-01 00:00:00.250125"},
             "%Y-%m-%d %H:%M:%S.%f",
             "2024-03-01 00:00"},
        Form{{"2024-03-01T12:30:00Z"}, "%Y-%m-%dT%H:%M:%SZ", "2024-03-01T12:30Z"},
        Form{{"2024-03-01T12:30Z"}, "%Y-%m-%dT%H:%MZ", "2024-03-01T12:30Z"},
        Form{{"2024-03-01 12:30:00 UTC"}, "%Y-%m-%d %H:%M:%S UTC", "2024-03-01T12:30Z"},
        Form{{"2024-03-01 01:30:00+02:00"}, "%Y-%m-%d %H:%M:%S%:z", "2024-02-29T23:30Z"},
        Form{{"2024-03-01 12:30:00+00:00"}, "%Y-%m-%d %H:%M:%S%:z", "2024-03-01T12:30Z"},
        Form{
            {"2024-03-01 22:30:00.125-0330"}, "%Y-%m-%d %H:%M:%S.%f%z", "2024-03-02T02:00:00.125Z"},
        Form{{"2024-03-01 12:30:00 +0200"}, "%Y-%m-%d %H:%M:%S %z", "2024-03-01T10:30Z"},
        Form{{"2024-03-01 12:30:00+02"}, "%Y-%m-%d %H:%M:%S%:::z", "2024-03-01T10:30Z"},
        Form{{"20240301T123000Z"}, "%Y%m%dT%H%M%SZ", "2024-03-01T12:30Z"},
        Form{{"20240301", "19991231"}, "%Y%m%d", "2024-03-01"},
        Form{{"2024/03/01", "2024/03/02"}, "%Y/%m/%d", "2024-03-01"},
        Form{{"2024/3/1 9:05", "2024/3/1 10:05"}, "%Y/%-m/%-d %-H:%M", "2024-03-01 09:05"},
        Form{{"01.03.2024", "02.03.2024"}, "%d.%m.%Y", "2024-03-01"},
        Form{{"1.3.2024 14:30:15"}, "%-d.%-m.%Y %H:%M:%S", "2024-03-01 14:30:15"},
        Form{{"3/1/2024", "3/31/2024", "12/31/2024"}, "%-m/%-d/%Y", "2024-03-01"},
        Form{{"1/3/2024", "31/3/2024"}, "%-d/%-m/%Y", "2024-03-01"},
        Form{{"03/01/2024", "03/31/2024"}, "%m/%d/%Y", "2024-03-01"},
        Form{{"01/03/2024 14:30", "13/03/2024 14:30"}, "%d/%m/%Y %H:%M", "2024-03-01 14:30"},
        Form{{"31-12-2024"}, "%d-%m-%Y", "2024-12-31"},
        Form{{"3/15/2024 2:30 PM", "3/15/2024 12:00 AM", "3/15/2024 12:59 PM"},
             "%-m/%-d/%Y %-I:%M %p",
             "2024-03-15 14:30"},
        Form{{"03/15/2024 02:30:01 AM"}, "%m/%d/%Y %I:%M:%S %p", "2024-03-15 02:30:01"},
        Form{{"2024-03", "2024-12"}, "%Y-%m", "2024-03-01"},
        Form{{"2024/03"}, "%Y/%m", "2024-03-01"}, Form{{"03/2024"}, "%m/%Y", "2024-03-01"},
        Form{{"Mar 2024", "May 2024"}, "%b %Y", "2024-03-01"},
        Form{{"May 2024", "March 2024"}, "%B %Y", "2024-05-01"},
        Form{{"1 Mar 2024", "12 Dec 2024"}, "%-d %b %Y", "2024-03-01"},
        Form{{"01-Mar-2024"}, "%d-%b-%Y", "2024-03-01"},
        Form{{"Mar 1, 2024"}, "%b %-d, %Y", "2024-03-01"},
        Form{{"September 30, 2024"}, "%B %d, %Y", "2024-09-30"},
        Form{{"2024Q1", "2024Q4"}, "%YQ%q", "2024-01-01"},
        Form{{"2024-Q4"}, "%Y-Q%q", "2024-10-01"}, Form{{"1949", "-3", "0.25"}, "", "1949"},
        Form{{"20240301", "20249999"}, "", "20240301"}, Form{{"202403"}, "", "202403"},
        Form{{"18991231"}, "", "18991231"}, Form{{"21010101"}, "", "21010101"},
        Form{{"1709251200", "9223372036854775807"}, "", "1709251200"},
        Form{{"0000-01-01", "9999-12-31"}, "%Y-%m-%d", "0000-01-01"}));

TEST(TimeColumn, BlanksAroundFieldsDoNotCount) {
  EXPECT_EQ(column({" 2024-03-01\t"}).times()[0], iso("2024-03-01"));
}

TEST(TimeColumn, WithoutFieldsIsOfNumbers) {
  EXPECT_TRUE(TimeColumn().format().is_number());
  EXPECT_TRUE(TimeColumn().times().empty());
  EXPECT_EQ(TimeColumn().offset(), std::nullopt);
}

TEST(TimeColumn, DayAndMonthThatMayBeEitherAreUnclear) {
  TimeColumn times = column({"02/02/2024", "03/04/2024", "04/05/2024"});
  EXPECT_THAT(times.unclear().value_or(""),
              AllOf(HasSubstr("\"03/04/2024\""), HasSubstr("%m/%d/%Y or "), HasSubstr("%d/%m/%Y")));
  EXPECT_THAT(column({"1/1/2024", "2/2/2024"}).unclear().value_or(""), HasSubstr("%-m/%-d/%Y"));
  EXPECT_FALSE(times.add("13/05/2024"));
  EXPECT_EQ(times.unclear(), std::nullopt);
  EXPECT_EQ(times.times()[1], iso("2024-04-03"));
}

TEST(TimeColumn, AGivenFormatLeavesNothingUnclear) {
  const TimeColumn times = column({"3/4/24", "04/05/68"}, "%d/%m/%y");
  EXPECT_EQ(times.unclear(), std::nullopt);
  EXPECT_THAT(times.times(), ElementsAre(iso("2024-04-03"), iso("2068-05-04")));
  EXPECT_EQ(times.format().pattern(), "%d/%m/%y");
  EXPECT_THAT(refusal({}, "2024-03-01", "%d/%m/%y"),
              AllOf(HasSubstr("the time is \"2024-03-01\""), HasSubstr("%d/%m/%y"),
                    HasSubstr("such as 01/03/24")));
  EXPECT_EQ(column({"18991231"}, "%Y%m%d").times()[0], iso("1899-12-31"));
}

TEST(TimeColumn, FieldsOfAnotherFormatAreRefusedWithBothFormats) {
  EXPECT_THAT(refusal({"2024-03-01"}, "2024-03-01 12:00:00"),
              AllOf(HasSubstr("the time is \"2024-03-01 12:00:00\""),
                    HasSubstr("of the format %Y-%m-%d %H:%M:%S;"),
                    HasSubstr("it must be of the format %Y-%m-%d, as \"2024-03-01\"")));
  EXPECT_THAT(refusal({"1"}, "2024-03-01"), HasSubstr("it must be a number, as \"1\""));
  EXPECT_THAT(refusal({"2024-03-01"}, "1"), HasSubstr("which is a number"));
  EXPECT_THAT(refusal({"01/02/2024", "13/02/2024", "14/02/2024"}, "02/13/2024"),
              AllOf(HasSubstr("%m/%d/%Y;"), HasSubstr("%d/%m/%Y, as \"13/02/2024\"")));
  EXPECT_THAT(refusal({"2024-03-01T12:00Z"}, "2024-03-01T12:00"), HasSubstr("%Y-%m-%dT%H:%MZ"));
}

TEST(TimeColumn, WhatIsNoTimeIsRefused) {
  for (const char* field : {"",
                            "x",
                            "2024-02-30",
                            "2023-02-29",
                            "2024-13-01",
                            "2024-00-01",
                            "2024-01-00",
                            "12:30",
                            "2024-03-01T24:00",
                            "2024-03-01 12:60",
                            "2024-03-01 12:30:60",
                            "2024-03-01 12:30:00.",
                            "2024-03-01 12:30+2",
                            "2024-03-01 12:30+24:00",
                            "2024-03-01x",
                            "2024-03-01Z",
                            "2024Q0",
                            "2024Q5",
                            "13/13/2024",
                            "31.02.2024",
                            "Foo 2024",
                            "Marc 2024",
                            "3/1/24",
                            "3/1/2024 13:30 PM",
                            "3/1/2024 0:30 PM",
                            "100/1/2024",
                            "2024-003-01",
                            "inf",
                            "1e999",
                            "\xff\xfe",
                            "2024-03-"}) {
    EXPECT_THAT(refusal({}, field), AllOf(HasSubstr("the time is \""), HasSubstr("2024-03-01,")))
        << field;
    EXPECT_THAT(refusal({"2024-03-01"}, field), HasSubstr("\"2024-03-01\" before it")) << field;
  }
}

TEST(TimeColumn, AfterARefusedFieldTheNextOneIsTheFirst) {
  TimeColumn times;
  EXPECT_TRUE(times.add("x"));
  EXPECT_FALSE(times.add("2024Q1"));
  EXPECT_EQ(times.format().pattern(), "%YQ%q");
}

TEST(TimeColumn, OffsetsMayDiffer) {
  const TimeColumn times = column({"2024-03-31T01:00+01:00", "2024-03-31T03:00+02:00"});
  EXPECT_EQ(times.offset(), std::nullopt);
  EXPECT_THAT(times.times(), ElementsAre(iso("2024-03-31T00:00Z"), iso("2024-03-31T01:00Z")));
  EXPECT_EQ(times.format().write(times.times()[1]), "2024-03-31T01:00+00:00");
  EXPECT_EQ(column({"2024-03-31T01:00-03:30", "2024-03-31T03:00-03:30"}).offset(), -12600);
  EXPECT_EQ(column({"2024-03-31T01:00Z", "2024-04-30T03:00+01:00"}).format().pattern(),
            "%Y-%m-%dT%H:%M%:z");
}

TEST(TimeColumn, IsWrittenAsMostFieldsAre) {
  EXPECT_EQ(column({"3/14/2024", "3/2/2024", "03/03/2024", "3/4/2024"}).format().pattern(),
            "%-m/%-d/%Y");
  EXPECT_EQ(column({"mar 2024", "APRIL 2024", "Jun 2024"}).format().pattern(), "%b %Y");
}

TEST(TimeFormat, IsLenientInReadingAndExactInWriting) {
  const TimeFormat format("%d %b %Y %H:%M:%S.%f%z");
  const TimeStamp time = iso("2024-03-01T09:05Z");
  for (const char* text :
       {"1 march 2024 9:05:00Z", "01 MAR 2024 09:05:00.0+00", "1 Mar 2024 11:05:00+02:00"}) {
    EXPECT_EQ(format.parse(text), time) << text;
  }
  EXPECT_EQ(format.write(time, 7200), "01 Mar 2024 11:05:00+0200");
  EXPECT_EQ(TimeFormat("100%% %Y").write(time), "100% 2024");
  EXPECT_EQ(TimeFormat("100%% %Y").parse("100% 2024"), iso("2024-01-01"));
}

TEST(TimeFormat, CarriesAFractionThatRoundsToASecond) {
  TimeStamp time = iso("2023-12-31 23:59:59");
  time.fraction = 0.9999999999;
  EXPECT_EQ(TimeFormat("%Y-%m-%d %H:%M:%S.%f").write(time), "2024-01-01 00:00:00");
}

TEST(TimeFormat, WritesNumbersWithoutTheErrorOfASum) {
  EXPECT_EQ(TimeFormat().write({.fraction = 0.1 + 0.2}), "0.3");
  EXPECT_EQ(TimeFormat().write(iso("-0.25")), "-0.25");
  EXPECT_EQ(TimeFormat().write(iso("1e30")), "1e+30");
  EXPECT_EQ(TimeFormat().write(iso("1000000000000000.5")), "1000000000000000.5");
  EXPECT_EQ(TimeFormat().parse("2024-03-01"), std::nullopt);
}

TEST(TimeFormat, RefusesToWriteWhatFourDigitsCannot) {
  const TimeFormat format("%Y-%m-%dT%H:%M%:z");
  using Limits = std::numeric_limits<std::int64_t>;
  for (const std::int64_t whole : {Limits::max(), Limits::min(), std::int64_t{253402300800}}) {
    EXPECT_THROW((void)format.write({TimeStamp::Kind::kZoned, whole, 0}), ConfigError) << whole;
  }
  EXPECT_THROW((void)format.write(iso("9999-12-31T23:00Z"), 3600), ConfigError);
}

TEST(TimeFormat, MustBeOfDirectivesFromWhichADateFollows) {
  for (const char* pattern : {"%",
                              "%Y-%",
                              "%Q",
                              "%Y-%j",
                              "%-Y",
                              "%::z",
                              "%:d",
                              "year",
                              "%m-%d",
                              "%Y-%d",
                              "%Y %H",
                              "%Y-%m %H",
                              "%Y-%m-%d %M",
                              "%Y-%m-%d %H:%S",
                              "%Y %y",
                              "%Y-%m-%b",
                              "%Y-%q-%m",
                              "%Y-%m-%d %z",
                              "%Y-%m-%d %I:%M",
                              "%Y-%m-%d %H:%M %p",
                              "%Y-%m-%d %p",
                              "%Y-%m-%d %H:%M.%f",
                              "%Y %%S.%f",
                              "%Y-%m-%d %H:%M:%S%f",
                              "%Y-%m-%d %H %I %p"}) {
    EXPECT_THROW(TimeFormat{pattern}, ConfigError) << pattern;
    EXPECT_THROW(TimeColumn{pattern}, ConfigError) << pattern;
  }
  try {
    (void)TimeFormat("%Y-%j");
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(), AllOf(HasSubstr("\"%Y-%j\""), HasSubstr("\"%j\"")));
  }
}

TEST(TimeFormat, WhatItWritesItReads) {
  for (const char* pattern : {"%Y%m%d", "%d%b%Y", "%-d%b%y", "%Y-%m-%d %H:%M:%S.%f %:::z",
                              "%-I:%M:%S,%f %p %-m/%-d/%Y"}) {
    const TimeFormat format(pattern);
    for (const char* day : {"2024-02-29", "1999-12-31", "2001-01-01"}) {
      TimeStamp time = iso(day);
      if (format.is_zoned()) time.kind = TimeStamp::Kind::kZoned;
      EXPECT_EQ(format.parse(format.write(time, 5 * 3600 + 1800)), time) << format.write(time);
    }
  }
}

}  // namespace
}  // namespace riverrun::data
