#include "riverrun/data/labelled_csv.h"

#include <cmath>
#include <filesystem>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "riverrun/core/error.h"
#include "riverrun/core/file.h"
#include "riverrun/data/labelled_csv_reader.h"

#include "tests/data/labelled_example.h"
#include "tests/temporary_folder.h"

namespace riverrun::data {
namespace {

namespace fs = std::filesystem;
using namespace std::string_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

const std::string kExample =
    "run,class,t,x,y\n"
    "1,up,0,1,-0.5\n"
    "2,down,0,4,\n"
    "1,up,1.5,2,.25\n"
    "1,up,2,3,1e-3\n"
    "2,down,1,NaN,5E+1\n";

SequenceColumns example_columns() {
  return {.series = "run", .label = "class", .time = "t", .channels = {}};
}

class LabelledCsv : public ::testing::Test {
 protected:
  fs::path write(std::string_view text) {
    fs::path path = folder_ / "some.csv";
    replace_file(path, text);
    return path;
  }
  LabelledSequences read(std::string_view text, SequenceColumns columns = {}) {
    return read_labelled_csv(write(text), columns);
  }
  std::vector<float> values(std::string_view text) { return read(text).sequences[0].values; }
  /// All messages name the file.
  void expect_refused(std::string_view text, const SequenceColumns& columns,
                      const std::vector<std::string>& words) {
    try {
      (void)read(text, columns);
      ADD_FAILURE() << "is not refused: " << text.substr(0, 200);
    } catch (const FormatError& error) {
      EXPECT_EQ(error.path(), (folder_ / "some.csv").string());
      for (const std::string& word : words) EXPECT_THAT(error.what(), HasSubstr(word));
    }
  }
  std::string message(std::string_view text, const SequenceColumns& columns = {}) {
    try {
      (void)read(text, columns);
    } catch (const FormatError& error) {
      return error.what();
    }
    ADD_FAILURE() << "is not refused: " << text.substr(0, 200);
    return "";
  }
  /// Times of the two rows of a sequence.
  void expect_rising(const std::string& first, const std::string& second) {
    const LabelledSequences data = read("t;x\n" + first + ";1\n" + second + ";2\n", {.time = "t"});
    EXPECT_EQ(data.sequences[0].seq_len, 2) << first << ", " << second;
  }
  void expect_not_rising(const std::string& first, const std::string& second) {
    expect_refused("t;x\n" + first + ";1\n" + second + ";2\n", {.time = "t"},
                   {"line 3, column \"t\"", "must be after that of line 2"});
  }

  TemporaryFolder folder_;
};

TEST_F(LabelledCsv, IsReadAndItsSequencesMayBeInterleaved) {
  const fs::path path = write(kExample);
  SequenceColumns columns = example_columns();
  const LabelledSequences data = read_labelled_csv(path, columns);
  EXPECT_EQ(data.path, path.string());
  test::expect_example(data, 2, 3);
  EXPECT_THAT(columns.channels, ElementsAre("x", "y"));
}

TEST_F(LabelledCsv, IsTheSameHoweverItIsCut) {
  for (std::size_t piece = 1; piece <= kExample.size(); ++piece) {
    LabelledCsvReader reader("some.csv", example_columns());
    for (std::size_t i = 0; i < kExample.size(); i += piece) {
      reader.feed(std::string_view(kExample).substr(i, piece));
    }
    test::expect_example(reader.finish(), 2, 3);
  }
}

TEST_F(LabelledCsv, ChannelsAreInTheOrderInWhichTheyAreNamed) {
  SequenceColumns columns = example_columns();
  columns.channels = {"y", "x"};
  const LabelledSequences data = read(kExample, columns);
  EXPECT_THAT(data.sequences[0].values, ElementsAre(-0.5f, 1, 0.25f, 2, 0.001f, 3));
  columns.channels = {"y"};
  EXPECT_THAT(read(kExample, columns).sequences[0].values, ElementsAre(-0.5f, 0.25f, 0.001f));
}

TEST_F(LabelledCsv, ColumnsThatAreNotNamedAreNotLookedAt) {
  const LabelledSequences data = read("note,x\nsome,1\n,2\n", {.channels = {"x"}});
  EXPECT_EQ(data.channels, 1);
  EXPECT_THAT(data.sequences[0].values, ElementsAre(1, 2));
}

TEST_F(LabelledCsv, WithoutSeriesAllRowsAreOneSequence) {
  const LabelledSequences data = read("x,y\n1,2\n3,4\n5,6\n");
  ASSERT_EQ(data.sequences.size(), 1u);
  EXPECT_EQ(data.sequences[0].seq_len, 3);
  EXPECT_EQ(data.sequences[0].label, LabelledSequence::kNoLabel);
  EXPECT_TRUE(data.classes.empty());
  EXPECT_EQ(read("x\n7\n").sequences[0].seq_len, 1);
}

TEST_F(LabelledCsv, SequencesMayHaveOneRowAndAreInTheOrderOfTheFirst) {
  const LabelledSequences data =
      read("s,l,x\nb,v,1\na,u,2\nc,v,3\na,u,4\n", {.series = "s", .label = "l"});
  ASSERT_EQ(data.sequences.size(), 3u);
  EXPECT_THAT(data.sequences[0].values, ElementsAre(1));
  EXPECT_THAT(data.sequences[1].values, ElementsAre(2, 4));
  EXPECT_THAT(data.sequences[2].values, ElementsAre(3));
  EXPECT_THAT(data.classes, ElementsAre("v", "u"));
  EXPECT_EQ(data.sequences[1].label, 1);
  EXPECT_EQ(data.sequences[2].label, 0);
  EXPECT_EQ(data.sequences[2].line, 4);
}

TEST_F(LabelledCsv, LinesAreThoseOfTheFile) {
  const LabelledSequences data = read("s,x\n\n\"a\n\",1\r\n\"b\",2\n", {.series = "s"});
  EXPECT_EQ(data.sequences[0].line, 3);
  EXPECT_EQ(data.sequences[1].line, 5);
}

TEST_F(LabelledCsv, BlanksAroundNamesLabelsAndNumbersDoNotMatter) {
  const LabelledSequences data =
      read(" s , l, x \na , up , 1 \n a, up,\t2\n", {.series = "s", .label = "l"});
  ASSERT_EQ(data.sequences.size(), 1u);
  EXPECT_THAT(data.sequences[0].values, ElementsAre(1, 2));
  EXPECT_THAT(data.classes, ElementsAre("up"));
}

TEST_F(LabelledCsv, NamesAreTheSameOnlyLetterByLetter) {
  const LabelledSequences data = read("s,l,x\n1,a,1\n01,A,2\n1.0,a,3\n", {"s", "l", "", {}});
  EXPECT_EQ(data.sequences.size(), 3u);
  EXPECT_EQ(data.classes.size(), 2u);
}

TEST_F(LabelledCsv, MissingValuesAreNan) {
  const std::string row = ",NA,n/a,NaN,NULL,none,?, ,\"\"";
  const std::vector<float> read = values("a,b,c,d,e,f,g,h,i\n" + row + "\n1,2,3,4,5,6,7,8,9\n");
  ASSERT_EQ(read.size(), 18u);
  for (std::size_t i = 0; i < 9; ++i) EXPECT_TRUE(std::isnan(read[i])) << i;
  EXPECT_EQ(read[9], 1);
}

TEST_F(LabelledCsv, ValuesMustBeFiniteNumbers) {
  for (const char* value : {"inf", "-Infinity", "1e999", "-1e999", "1e39", "-3.5e38", "0x10", "+1",
                            "x", "1.5.2", "1 2", "--1", "1e", "12h", "1_000", "TRUE", "$5", "5%"}) {
    expect_refused("x;y\n1;2\n3;"s + value + "\n", {},
                   {"line 3, column \"y\"", "the value is \""s + value + "\"", "finite", "3.4e38"});
  }
  EXPECT_THAT(values("x\n3.4028234e38\n-3.4028234e38\n1e-400\n-7.\n 5\t\n"),
              ElementsAre(std::numeric_limits<float>::max(), std::numeric_limits<float>::lowest(),
                          0, -7, 5));
}

TEST_F(LabelledCsv, DecimalCommasAndThousandsAreRefusedWithAHint) {
  for (const char* value :
       {"1,5", "1.000,5", "-1,5e-3", "1,000", "1,000,000", "1.000.000", "1'000", "1 000", ",5"}) {
    EXPECT_THAT(message("x;y\n1;"s + value + "\n"), HasSubstr("decimal comma")) << value;
  }
  EXPECT_THAT(message("x,y\n1,\"1,5\"\n"), HasSubstr("decimal comma"));
  EXPECT_THAT(message("x;y\n1;red, green\n"), Not(HasSubstr("decimal comma")));
  EXPECT_THAT(message("x;y\n1;1e99\n"), Not(HasSubstr("decimal comma")));
}

TEST_F(LabelledCsv, AColumnOfTextAmongTheChannelsIsRefusedWithAHint) {
  expect_refused("x,colour\n1,red\n", {},
                 {"line 2, column \"colour\"", "the value is \"red\"",
                  "name the channels that are to be read"});
  EXPECT_THAT(message("x,colour\n1,red\n", {.channels = {"colour"}}),
              Not(HasSubstr("name the channels")));
  EXPECT_THAT(message("x,day\n1,2024-03-01T\n"), HasSubstr("name the channels"));
}

TEST_F(LabelledCsv, ColumnsMustBeThere) {
  const std::string text = "a,b,c\n1,2,3\n";
  expect_refused(text, {.series = "run"},
                 {"line 1", "no column \"run\"", "series", "\"a\", \"b\", \"c\""});
  expect_refused(text, {.label = "B"}, {"line 1", "no column \"B\"", "label"});
  expect_refused(text, {.time = "t"}, {"line 1", "no column \"t\"", "time"});
  expect_refused(text, {.channels = {"a", "x"}}, {"line 1", "no column \"x\"", "a channel"});
  const std::string many = "c1,c2,c3,c4,c5,c6,c7,c8,c9,c10,c11,c12\n1,2,3,4,5,6,7,8,9,10,11,12\n";
  expect_refused(many, {.label = "l"}, {"\"c9\", \"c10\" and 2 more"});
  EXPECT_THAT(message(many, {.label = "l"}), Not(HasSubstr("\"c11\"")));
}

TEST_F(LabelledCsv, AColumnMustBeLeftForAChannel) {
  expect_refused("s,l\na,b\n", {.series = "s", .label = "l"}, {"line 1", "no column is left"});
}

TEST_F(LabelledCsv, AColumnIsOneThing) {
  const std::string text = "a,b,c\n1,2,3\n";
  EXPECT_THROW((void)read(text, {.series = "a", .label = "a"}), ConfigError);
  EXPECT_THROW((void)read(text, {.series = "a", .time = "a"}), ConfigError);
  EXPECT_THROW((void)read(text, {.label = "a", .time = "a"}), ConfigError);
  EXPECT_THROW((void)read(text, {.label = "a", .channels = {"b", "a"}}), ConfigError);
  EXPECT_THROW((void)read(text, {.channels = {"b", "b"}}), ConfigError);
  EXPECT_THROW((void)read(text, {.channels = {"b", ""}}), ConfigError);
  SequenceColumns columns = {.label = "a", .time = "a"};
  EXPECT_THROW((void)read_labelled_csv(folder_ / "none.csv", columns), ConfigError)
      << "before the file is opened";
}

TEST_F(LabelledCsv, WhatIsRefusedLeavesTheColumnsAsTheyAre) {
  SequenceColumns columns;
  EXPECT_THROW((void)read_labelled_csv(write("x\n1\ny\n"), columns), FormatError);
  EXPECT_EQ(columns, SequenceColumns{});
}

TEST_F(LabelledCsv, TheLabelOfASequenceMustNotChange) {
  expect_refused(
      "s,l,x\na,up,1\nb,down,2\na,up,3\na,down,4\n", {.series = "s", .label = "l"},
      {"line 5, column \"l\"", "the label is \"down\"", "line 2", "\"up\"", "sequence \"a\""});
  expect_refused("l,x\nup,1\ndown,2\n", {.label = "l"},
                 {"line 3, column \"l\"", "line 2", "all rows are one sequence"});
}

TEST_F(LabelledCsv, LabelsNamesAndTimesMustNotBeMissing) {
  const SequenceColumns columns = {.series = "s", .label = "l", .time = "t", .channels = {}};
  const std::string header = "s,l,t,x\na,u,1,1\n";
  expect_refused(header + "a,,2,1\n", columns, {"line 3, column \"l\"", "empty", "class"});
  expect_refused(header + " ,u,2,1\n", columns, {"line 3, column \"s\"", "empty", "sequence"});
  expect_refused(header + "a,u,\"\",1\n", columns, {"line 3, column \"t\"", "empty", "a time"});
  expect_refused(header + "a,u,NaN,1\n", columns, {"line 3, column \"t\"", "\"NaN\"", "a date"});
}

TEST_F(LabelledCsv, TimesMustRiseWithinASequence) {
  expect_not_rising("2", "1");
  expect_not_rising("1", "1");
  expect_not_rising("1", "1.0");
  expect_not_rising("-0.5", "-0.75");
  expect_not_rising("1e300", "1e299");
  expect_not_rising("10", "9");
  expect_rising("9", "10");
  expect_rising("-1", "-0.5");
  expect_rising("-0.5", "0");
  expect_rising(" 1e3", "1000.5 ");
  expect_rising("-1e300", "-1e299");
  expect_rising("1e299", "1e300");
  expect_rising("1709294400000000001", "1709294400000000002");
  expect_refused("s,t,x\na,1,0\nb,0,0\na,2,0\nb,0,0\n", {.series = "s", .time = "t"},
                 {"line 5, column \"t\"", "the time is \"0\"", "line 3", "sequence \"b\""});
}

TEST_F(LabelledCsv, TimesMayBeDates) {
  expect_rising("2024-02-29", "2024-03-01");
  expect_rising("1999-12-31", "2000-01-01");
  expect_rising("2024-03-01", "2024-03-01T00:00:01");
  expect_rising("2024-03-01T12:30", "2024-03-01 12:30:00.5");
  expect_rising("2024-03-01 12:30:00.5", "2024-03-01 12:30:00.51");
  expect_rising("2024-03-01T12:30:59.999999999", "2024-03-01T12:31");
  expect_rising("2024-03-01T12:30:00." + std::string(400, '9'), "2024-03-01T12:30:01");
  expect_rising("2024-03-01T12:30Z", "2024-03-01T12:30:00.001Z");
  expect_rising("2024-03-01T12:30+02:00", "2024-03-01T12:00+01:00");
  expect_rising("2024-03-01T23:30-01:30", "2024-03-02T01:00:01Z");
  expect_not_rising("2024-03-01T12:30", "2024-03-01 12:30:00.000");
  expect_not_rising("2024-03-01", "2024-02-29");
  expect_not_rising("2024-03-01T12:30+02:00", "2024-03-01T10:30Z");
}

TEST_F(LabelledCsv, OtherTimesAreRefused) {
  for (const char* time : {"2024-02-30",
                           "2023-02-29",
                           "2024-13-01",
                           "2024-00-10",
                           "2024-01-00",
                           "2024-1-1",
                           "2024-03-01T",
                           "2024-03-01T12",
                           "2024-03-01T24:00",
                           "2024-03-01T12:60",
                           "2024-03-01T12:30:60",
                           "2024-03-01T12:30:00.",
                           "2024-03-01T12:30:00,5",
                           "2024-03-01T12:30+2:00",
                           "2024-03-01T12:30+02:00x",
                           "2024-03-01T12:30z",
                           "2024-03-01T12:30 Z",
                           "2024-03-01Z",
                           "2024-03-01  12:30",
                           "2024-03-01x",
                           "2024-",
                           "01.03.2024",
                           "03/01/2024",
                           "12:30",
                           "now",
                           "+1",
                           "1,5",
                           "inf",
                           "0x10",
                           "1e999"}) {
    expect_refused("t;x\n"s + time + ";1\n", {.time = "t"},
                   {"line 2, column \"t\"", "the time is \""s + time + "\"", "2024-03-01"});
  }
}

TEST_F(LabelledCsv, TimesMustBeOfOneKind) {
  const std::vector<std::pair<std::string, std::string>> pairs = {
      {"2024", "2024-03-01"},
      {"2024-03-01", "20240302"},
      {"2024-03-01T12:30", "2024-03-01T12:30Z"},
      {"2024-03-01T12:30+02:00", "2024-03-02"}};
  for (const auto& [first, second] : pairs) {
    expect_refused(fmt::format("s,t,x\na,{},1\nb,{},1\n", first, second),
                   {.series = "s", .time = "t"},
                   {"line 3, column \"t\"", second, "it must be", "as on line 2"});
  }
}

TEST_F(LabelledCsv, WhatIsNoCsvIsRefused) {
  expect_refused("", {}, {"empty"});
  expect_refused("x,y\n", {}, {"after the header"});
  expect_refused("x,y\n1\n", {}, {"line 2", "fields is 1"});
  expect_refused("x,y\n1,\"2\n", {}, {"line 2, column \"y\"", "does not end"});
}

TEST_F(LabelledCsv, ThereMayBeManyColumns) {
  std::string header = "c0", row = "0";
  for (int i = 1; i < 10'000; ++i) {
    const std::string number = std::to_string(i);
    header.append(";c").append(number);
    row.append(";").append(number);
  }
  const LabelledSequences data = read(header + "\n" + row + "\n" + row, {.label = "c3"});
  EXPECT_EQ(data.channels, 9'999);
  EXPECT_EQ(data.sequences[0].values[9'998 + 9'999], 9'999);
  EXPECT_THAT(data.classes, ElementsAre("3"));
}

TEST_F(LabelledCsv, MessagesShowOnlyTheBeginningOfWhatIsLong) {
  const std::string value(1'000'000, 'x');
  EXPECT_LT(message("a\n" + value + "\n").size(), 500u);
  EXPECT_LT(message(value + ",b\n1,y\n", {.series = value + "z"}).size(), 500u);
}

TEST_F(LabelledCsv, TheByteOfAMessageIsThatOfTheField) {
  try {
    (void)read("x,y\r\n1,2\r\n3, z\r\n");
    FAIL() << "z is no number";
  } catch (const FormatError& error) {
    EXPECT_EQ(error.offset(), 12u);
  }
}

TEST_F(LabelledCsv, SequencesHaveTheirNamesAndLabelsMayLack) {
  const TemporaryFolder folder;
  const std::filesystem::path file = folder / "log.csv";
  replace_file(file, "run,class,x\nr1,none,1\nr2,NA,2\nr1,none,3\n");
  SequenceColumns columns{.series = "run", .label = "class"};
  const LabelledSequences read = read_labelled_csv(file, columns);
  ASSERT_EQ(read.sequences.size(), 2u);
  EXPECT_EQ(read.sequences[0].name, "r1");
  EXPECT_EQ(read.sequences[1].name, "r2");
  EXPECT_THAT(read.classes, testing::ElementsAre("none", "NA")) << "names, not missing values";
  EXPECT_EQ(place_of(read, read.sequences[0], 0, 1),
            "sequence \"r1\" from line 2 on, column \"x\", step 2");
  columns.label = "kind";
  EXPECT_THROW((void)read_labelled_csv(file, columns), FormatError);
  columns.channels = {"x"};
  const LabelledSequences plain = read_labelled_csv(file, columns, LabelColumn::kIfThere);
  EXPECT_TRUE(plain.classes.empty());
  EXPECT_EQ(plain.sequences[0].label, LabelledSequence::kNoLabel);
}

}  // namespace
}  // namespace riverrun::data
