#include "riverrun/data/time_zone.h"

#include <optional>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "riverrun/core/error.h"

namespace riverrun::data {
namespace {

using ::testing::HasSubstr;

constexpr std::int64_t kHour = 3600;

/// Of a date without an offset as a clock has it, of others in UTC.
std::int64_t seconds(const std::string& date) { return parse_time(date).value().whole; }

std::string refusal(const std::string& name) {
  try {
    (void)TimeZone(name);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "";
}

TEST(NoTimeZone, ABuildWithoutTheLibrarySaysWhatIsMissing) {
  if (has_time_zones()) GTEST_SKIP() << "this build knows time zones";
  EXPECT_THAT(refusal("Europe/Berlin"),
              ::testing::AllOf(HasSubstr("\"Europe/Berlin\""), HasSubstr("libcctz-dev")));
}

class Zones : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!has_time_zones()) GTEST_SKIP() << "this build knows no time zones: cctz was not there";
  }
};

TEST_F(Zones, UnknownNamesAndPathsAreRefused) {
  for (const char* name : {"Europe/Atlantis", "europe berlin", "", "Europe", "/etc/localtime",
                           "../zoneinfo/UTC", "file:UTC", "Fixed/UTC+01:00:00", "localtime"}) {
    EXPECT_THAT(refusal(name), HasSubstr("\"" + std::string(name) + "\" is not known"));
  }
  EXPECT_EQ(TimeZone("Europe/Berlin").name(), "Europe/Berlin");
  EXPECT_EQ(TimeZone("UTC").offset_at(0), 0);
}

TEST_F(Zones, OffsetsChangeAtTheMomentThatClocksDo) {
  const TimeZone berlin("Europe/Berlin");
  const std::int64_t spring = seconds("2024-03-31T01:00Z");
  EXPECT_EQ(berlin.offset_at(spring - 1), kHour);
  EXPECT_EQ(berlin.offset_at(spring), 2 * kHour);
  // Files of zones list changes up to 2037 at most; later ones follow from a rule.
  EXPECT_EQ(berlin.offset_at(seconds("2061-07-01T00:00Z")), 2 * kHour);
  EXPECT_EQ(berlin.offset_at(seconds("2061-12-01T00:00Z")), kHour);
  EXPECT_EQ(TimeZone("America/New_York").offset_at(spring), -4 * kHour);
  EXPECT_EQ(TimeZone("Asia/Kolkata").offset_at(spring), 5 * kHour + kHour / 2);
}

TEST_F(Zones, ALocalTimeIsOnceOrTwiceOrNever) {
  const TimeZone berlin("Europe/Berlin");
  const auto summer = berlin.moments_of(seconds("2024-07-01 12:00"));
  EXPECT_EQ(summer.first, seconds("2024-07-01T10:00Z"));
  EXPECT_EQ(summer.last, summer.first);
  EXPECT_FALSE(summer.skipped);
  const auto twice = berlin.moments_of(seconds("2024-10-27 02:30"));
  EXPECT_EQ(twice.first, seconds("2024-10-27T00:30Z"));
  EXPECT_EQ(twice.last, seconds("2024-10-27T01:30Z"));
  EXPECT_FALSE(twice.skipped);
  const auto never = berlin.moments_of(seconds("2024-03-31 02:30"));
  EXPECT_TRUE(never.skipped);
  EXPECT_EQ(never.first, never.last);
  EXPECT_EQ(berlin.offset_at(never.first), 2 * kHour);
  // Lord Howe Island changes its clocks by half an hour.
  const auto half = TimeZone("Australia/Lord_Howe").moments_of(seconds("2024-04-07 01:45"));
  EXPECT_EQ(half.last - half.first, kHour / 2);
}

TEST_F(Zones, LocalTimesAndMomentsAreTurnedIntoEachOther) {
  const TimeZone berlin("Europe/Berlin");
  const TimeStamp local = parse_time("2024-07-01 12:00:00.5").value();
  const TimeStamp moment = parse_time("2024-07-01T10:00:00.5Z").value();
  EXPECT_EQ(berlin.moment(local), moment);
  EXPECT_EQ(berlin.local(moment), local);
  EXPECT_EQ(berlin.moment(moment), moment);
  EXPECT_EQ(berlin.local(local), local);
  const TimeStamp number{.whole = 7};
  EXPECT_EQ(berlin.moment(number), number);
  EXPECT_EQ(berlin.local(number), number);
}

TEST_F(Zones, TimesAreWrittenAsTheFormatHasThem) {
  const std::optional<TimeZone> berlin("Europe/Berlin");
  const auto write = [&](const char* format, const char* time) {
    return write_time(TimeFormat(format), parse_time(time).value(), 0, berlin);
  };
  EXPECT_EQ(write("%Y-%m-%d %H:%M%:z", "2024-07-01T10:00Z"), "2024-07-01 12:00+02:00");
  EXPECT_EQ(write("%Y-%m-%d %H:%M%z", "2024-12-01 12:00"), "2024-12-01 12:00+0100");
  EXPECT_EQ(write("%Y-%m-%d %H:%M", "2024-07-01T10:00Z"), "2024-07-01 12:00");
  EXPECT_EQ(write("%Y-%m-%dT%H:%MZ", "2024-07-01 12:00"), "2024-07-01T10:00Z");
  EXPECT_EQ(write("%Y-%m-%d", "2024-07-01"), "2024-07-01");
  // Clocks skip it, and show three soon after one.
  EXPECT_EQ(write("%Y-%m-%d %H:%M", "2024-03-31 02:30"), "2024-03-31 03:30");
  // The local mean time was 53 minutes and 28 seconds ahead.
  EXPECT_EQ(write("%Y-%m-%d %H:%M:%S%:z", "1880-01-01T00:00:00Z"), "1880-01-01 00:53:00+00:53");
  EXPECT_EQ(write_time(TimeFormat("%Y-%m-%d %H:%M%:z"), parse_time("2024-07-01T10:00Z").value(),
                       3600, std::nullopt),
            "2024-07-01 11:00+01:00");
}

}  // namespace
}  // namespace riverrun::data
