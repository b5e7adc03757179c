#include "riverrun/data/ts_file.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "riverrun/core/error.h"
#include "riverrun/core/file.h"

#include "tests/data/gzip.h"
#include "tests/data/labelled_example.h"
#include "tests/temporary_folder.h"

namespace riverrun::data {
namespace {

namespace fs = std::filesystem;
using namespace std::string_literals;
using test::gzip;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::ThrowsMessage;

const std::string kExample =
    "# two channels\n"
    "#\n"
    "@problemName Example\n"
    "@timeStamps false\n"
    "@missing true\n"
    "@univariate false\n"
    "@dimensions 2\n"
    "@equalLength false\n"
    "@classLabel true up down\n"
    "\n"
    "@data\n"
    "1,2,3:-0.5,.25,1e-3:up\n"
    "\n"
    "4,?:NaN,5E+1:down\n";

/// A header that says as little as it may.
const std::string kLabels = "@classLabel true a b\n@data\n";
const std::string kNoLabels = "@classLabel false\n@data\n";

class TsFile : public ::testing::Test {
 protected:
  fs::path write(std::string_view text) {
    const fs::path path = folder_ / "some.ts";
    replace_file(path, text);
    return path;
  }
  LabelledSequences read(std::string_view text) { return read_ts(write(text)); }
  /// All messages name the file.
  void expect_refused(std::string_view text, const std::vector<std::string>& words) {
    try {
      (void)read(text);
      ADD_FAILURE() << "is not refused: " << text.substr(0, 200);
    } catch (const FormatError& error) {
      EXPECT_EQ(error.path(), (folder_ / "some.ts").string());
      for (const std::string& word : words) EXPECT_THAT(error.what(), HasSubstr(word));
    }
  }
  bool is_ts_file(std::string_view text) { return is_ts(write(text)); }

  TemporaryFolder folder_;
};

TEST_F(TsFile, IsRead) {
  const fs::path path = write(kExample);
  const LabelledSequences data = read_ts(path);
  EXPECT_EQ(data.path, path.string());
  test::expect_example(data, 12, 14);
}

TEST_F(TsFile, IsTheSameHoweverItIsCut) {
  for (std::size_t piece = 1; piece <= kExample.size(); ++piece) {
    TsReader reader("some.ts");
    for (std::size_t i = 0; i < kExample.size(); i += piece) {
      reader.feed(std::string_view(kExample).substr(i, piece));
    }
    test::expect_example(reader.finish(), 12, 14);
  }
}

TEST_F(TsFile, LineEndsBlanksAndAByteOrderMarkDoNotMatter) {
  std::string dos;
  for (const char c : kExample) dos += c == '\n' ? "\r\n"s : std::string(1, c);
  test::expect_example(read(dos), 12, 14);
  test::expect_example(read(kExample.substr(0, kExample.size() - 1)), 12, 14);
  test::expect_example(read("\xEF\xBB\xBF" + kExample), 12, 14);
  std::string blanks;
  for (const char c : kExample) {
    const bool may_have = c == ',' || c == ':' || c == '\n' || c == ' ';
    blanks += may_have ? " \t"s + c + "\t " : std::string(1, c);
  }
  test::expect_example(read(blanks), 12, 14);
}

TEST_F(TsFile, MayBeGzipOrAPipe) {
  test::expect_example(read(gzip(kExample)), 12, 14);
  const fs::path pipe = folder_ / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_FALSE(is_ts(pipe)) << "it is not opened, which would wait for a writer";
  std::thread writer([&] {
    std::FILE* const file = std::fopen(pipe.c_str(), "w");
    std::fputs(kExample.c_str(), file);
    std::fclose(file);
  });
  const LabelledSequences data = read_ts(pipe);
  writer.join();
  test::expect_example(data, 12, 14);
}

TEST_F(TsFile, ALineMayBeLongerThanThePiecesThatAreRead) {
  std::string line;
  for (int i = 0; i < 700'000; ++i) line += std::to_string(i % 1000) + ",";
  const LabelledSequences data = read(kLabels + line + "7:b\n1:a");
  ASSERT_EQ(data.sequences.size(), 2u);
  EXPECT_EQ(data.sequences[0].seq_len, 700'001);
  EXPECT_EQ(data.sequences[0].values[699'999], 999);
  EXPECT_EQ(data.sequences[0].values[700'000], 7);
  EXPECT_EQ(data.sequences[0].label, 1);
}

TEST_F(TsFile, NamesInTheHeaderHaveAnyCase) {
  const LabelledSequences data = read(
      "@PROBLEMNAME some name\n@dimension 1\n@Univariate TRUE\n@classlabel True A a\n@DATA\n"
      "1:a\n1:A\n");
  EXPECT_EQ(data.sequences[0].label, 1) << "those of classes are as they are";
  EXPECT_EQ(data.sequences[1].label, 0);
}

TEST_F(TsFile, ClassesMayBeAnyUtf8) {
  const LabelledSequences data =
      read("@classLabel true \xE3\x81\x82 caf\xC3\xA9, 1.0\n@data\n1:caf\xC3\xA9,\n2:1.0\n");
  EXPECT_THAT(data.classes, ElementsAre("\xE3\x81\x82", "caf\xC3\xA9,", "1.0"));
  EXPECT_EQ(data.sequences[0].label, 1);
}

TEST_F(TsFile, WithoutLabelsAllIsValues) {
  const LabelledSequences data = read(kNoLabels + "1,2:3,4\n");
  EXPECT_EQ(data.channels, 2);
  EXPECT_TRUE(data.classes.empty());
  EXPECT_THAT(data.sequences[0].values, ElementsAre(1, 3, 2, 4));
  EXPECT_EQ(data.sequences[0].label, LabelledSequence::kNoLabel);
  EXPECT_EQ(read("@targetLabel false\n" + kNoLabels + "1").channels, 1);
}

TEST_F(TsFile, CommentsMayBeAnywhereAndInAnyEncoding) {
  EXPECT_EQ(read("# caf\xE9\n" + kLabels + "# one is left out:\n#1:a\n2:b\n").sequences.size(), 1u);
}

TEST_F(TsFile, ALengthOfSequencesThatDifferIsNotThatOfEach) {
  EXPECT_EQ(read("@equalLength false\n@seriesLength 9\n" + kLabels + "1:a\n1,2:a").sequences.size(),
            2u);
}

TEST_F(TsFile, ClaimsOfTheHeaderTakeNoMemory) {
  const std::string header = "@dimensions 1000000000000000000\n@seriesLength 9223372036854775807\n";
  expect_refused(header + kLabels + "1,2:a",
                 {"line 5", "channels before the label is 1", "1000000000000000000"});
  expect_refused("@seriesLength 9223372036854775807\n" + kLabels + "1,2:a",
                 {"line 4", "steps is 2", "@seriesLength 9223372036854775807"});
  // A line whose first channel and number of channels would claim 10^12 values.
  std::string line(2'000'000, ',');
  for (std::size_t i = 0; i < line.size(); i += 2) line[i] = '1';
  line.back() = '1';
  expect_refused(kNoLabels + line + std::string(1'000'000, ':'), {"channel 2 is empty"});
}

TEST_F(TsFile, WhatIsEmptyIsRefused) {
  expect_refused("", {"empty"});
  expect_refused("\xEF\xBB\xBF", {"empty"});
  expect_refused("\n", {"before a line @data"});
  expect_refused("# a comment\n@classLabel false\n", {"before a line @data", "after line 2"});
  expect_refused(kLabels, {"before a sequence", "after line 2"});
  expect_refused(kLabels + " \r\n# none\n", {"before a sequence", "after line 4"});
  EXPECT_THROW((void)read_ts(folder_ / "none.ts"), IoError);
  EXPECT_THROW((void)read_ts(folder_.path()), IoError);
}

TEST_F(TsFile, HeadersAreCheckedLineByLine) {
  expect_refused("@problemname x\n@colour red\n", {"line 2", "\"@colour\"", "@seriesLength"});
  expect_refused("@ data\n", {"line 1", "\"@\" is not known"});
  expect_refused("@missing true\n@Missing true\n", {"line 2", "@missing", "after line 1"});
  expect_refused("@dimension 2\n\n@dimensions 2\n", {"line 3", "@dimensions", "after line 1"});
  expect_refused("@missing yes\n", {"line 1", "@missing is \"yes\"", "true or false"});
  expect_refused("@equalLength\n", {"line 1", "@equalLength is \"\"", "true or false"});
  expect_refused("@univariate true false\n", {"\"true false\""});
  for (const char* number : {"", "0", "-3", "1e18", "2.0", "six", "9223372036854775808", "6 7"}) {
    expect_refused("@dimensions "s + number + "\n",
                   {"line 1", "@dimensions is \""s + number + "\"", "whole number"});
  }
  expect_refused("@classLabel false\n@data 1,2,3\n", {"line 2", "\"1,2,3\" follows @data"});
  expect_refused("@univariate true\n@dimensions 6\n@classLabel false\n@data\n1",
                 {"line 4", "@univariate true", "@dimensions 6"});
}

TEST_F(TsFile, WhatIsNotSupportedIsRefusedWithAdvice) {
  expect_refused("@timeStamps true\n", {"line 1", "not supported", "leave them out"});
  expect_refused("@classLabel true a\n@targetLabel true\n",
                 {"line 2", "not supported", "@classLabel true"});
}

TEST_F(TsFile, TheHeaderMustSayWhichClassesThereAre) {
  expect_refused("@missing false\n@data\n1:a\n",
                 {"line 2", "lacks @classLabel", "@classLabel false"});
  expect_refused("@targetLabel false\n@data\n1:a\n", {"line 2", "lacks @classLabel"});
  expect_refused("@classLabel true\n@data\n", {"line 1", "no class follows"});
  expect_refused("@classLabel\n@data\n", {"line 1", "@classLabel is \"\""});
  expect_refused("@classLabel a b\n@data\n", {"line 1", "@classLabel is \"a\""});
  expect_refused("@classLabel false a b\n@data\n", {"line 1", "the class \"a\" follows"});
  expect_refused("@classLabel true a b a\n@data\n", {"line 1", "the class \"a\" twice"});
  expect_refused("@classLabel true a:b\n@data\n", {"line 1", "\"a:b\""});
  expect_refused("@classLabel true a\x1B[2J\n@data\n", {"line 1", "a\\x1B[2J"});
  expect_refused("@classLabel true caf\xE9\n@data\n", {"line 1", "UTF-8"});
}

TEST_F(TsFile, LabelsMustBeThoseOfTheHeader) {
  expect_refused(kLabels + "1,2:a\n1,2: c \n", {"line 4", "the label is \"c\"", "\"a\" and \"b\""});
  expect_refused(kLabels + "1,2:A\n", {"line 3", "the label is \"A\""});
  expect_refused(kLabels + "1,2: \n", {"line 3", "the label is empty"});
  expect_refused(kLabels + "1,2\n", {"line 3", "has no label"});
  expect_refused("@classLabel true 1 2 3 4 5 6 7 8 9 10 11 12 13\n@data\n1:0\n",
                 {"\"9\", \"10\" and 3 more"});
  EXPECT_THAT([&] { (void)read("@classLabel true 1 2 3 4 5 6 7 8 9 10 11\n@data\n1:0\n"); },
              ThrowsMessage<FormatError>(Not(HasSubstr("\"11\""))));
}

TEST_F(TsFile, ChannelsMustBeAsManyAsIsSaid) {
  expect_refused("@dimensions 3\n" + kLabels + "1:2:a\n",
                 {"line 4", "channels before the label is 2", "@dimensions 3 it must be 3"});
  expect_refused("@univariate true\n" + kLabels + "1:2:a\n",
                 {"line 4", "channels before the label is 2", "@univariate true it must be 1"});
  expect_refused(kNoLabels + "1:2\n\n1:2:3\n", {"line 5", "channels is 3", "line 3 it must be 2"});
  expect_refused(kNoLabels + "1,2:3,4:\n", {"line 3", "channel 3 is empty"});
  expect_refused(kLabels + " : 1:a\n", {"line 3", "channel 1 is empty"});
  expect_refused(kLabels + ":a\n", {"line 3", "channel 1 is empty"});
}

TEST_F(TsFile, LengthsMustBeAsIsSaid) {
  expect_refused(kLabels + "1,2,3:1,2:a\n", {"line 3", "steps of channel 2 is 2", "is 3"});
  expect_refused("@seriesLength 3\n" + kLabels + "1,2,3:a\n1,2:b\n",
                 {"line 5", "steps is 2", "@seriesLength 3 it must be 3"});
  expect_refused("@equalLength true\n@seriesLength 3\n" + kLabels + "1,2:b\n",
                 {"line 5", "@seriesLength 3 it must be 3"});
  expect_refused("@equalLength true\n" + kLabels + "1,2,3:a\n1,2:b\n",
                 {"line 5", "steps is 2", "@equalLength true and line 4 it must be 3"});
}

TEST_F(TsFile, ValuesMustBeFiniteNumbers) {
  for (const char* value : {"x", "1.5.2", "0x10", "inf", "-Infinity", "1e39", "-3.5e38", "1e999",
                            "1 2", "(0", "?1", "nano", "@data", "1;2"}) {
    expect_refused(kLabels + "1,2:3,"s + value + ":a\n",
                   {"line 3, channel 2, step 2", "the value is \""s + value + "\"", "finite"});
  }
  expect_refused(kLabels + "1,,3:a\n", {"line 3, channel 1, step 2", "no value", "\"?\""});
  expect_refused(kLabels + "1,2, :a\n", {"line 3, channel 1, step 3", "no value"});
  const LabelledSequences data = read(kLabels + "3.4028234e38,-3.4028234e38,1e-400:a\n");
  EXPECT_THAT(data.sequences[0].values, ElementsAre(std::numeric_limits<float>::max(),
                                                    std::numeric_limits<float>::lowest(), 0));
}

TEST_F(TsFile, TheByteOfAMessageIsThatOfTheFile) {
  const std::string text = "# one\r\n" + kLabels + "1,2:a\n 1, x:a\n";
  try {
    (void)read(text);
    FAIL() << "x is no number";
  } catch (const FormatError& error) {
    EXPECT_EQ(error.offset(), text.find('x'));
    EXPECT_EQ(error.path(), (folder_ / "some.ts").string());
  }
}

TEST_F(TsFile, ValuesMustNotBeMissingWhereTheHeaderSaysNoneIs) {
  for (const char* missing : {"?", "NaN", "nan", "NAN"}) {
    const std::string line = "1,2:3,"s + missing + ":a\n";
    expect_refused("@missing false\n" + kLabels + line,
                   {"line 4, channel 2, step 2", "missing", "@missing true"});
    EXPECT_TRUE(std::isnan(read(kLabels + line).sequences[0].values[3])) << "it says nothing";
  }
}

TEST_F(TsFile, WhatIsNoTextIsRefused) {
  expect_refused("@problemName \0\n"s + kLabels + "1:a\n", {"line 1", "a byte 0"});
  expect_refused(kLabels + "1,\0:a\n"s, {"line 3", "a byte 0"});
  expect_refused("# \0\n"s + kLabels + "1:a\n", {"line 1", "a byte 0"});
  expect_refused(kLabels + "1,\xFF\xFE\x80:a\n", {"line 3, channel 1, step 2"});
  expect_refused("PK\3\4 an archive", {"ZIP archive"});
  expect_refused("G\x40\x11\x10", {"line 1", "is this a file of the format ts?"});
  const std::string whole = gzip(kExample);
  expect_refused(whole.substr(0, whole.size() / 2), {"gzip"});
}

TEST_F(TsFile, TypeScriptIsAnotherFormat) {
  expect_refused("import { readFile } from \"fs\";\n",
                 {"line 1", "import { readFile }", "is this a file of the format ts?"});
  expect_refused("@Component({selector: \"x\"})\n", {"\"@Component({selector:\" is not known"});
}

TEST_F(TsFile, MessagesShowOnlyTheBeginningOfWhatIsLong) {
  std::string value;
  while (value.size() < 1'000'000) value += "\xE3\x81\x82";
  try {
    (void)read(kLabels + "1," + value + ":a\n");
    FAIL() << "it is no number";
  } catch (const FormatError& error) {
    const std::string message = error.what();
    EXPECT_LT(message.size(), 500u);
    EXPECT_THAT(message, HasSubstr("\xE3\x81\x82…"));
    EXPECT_THAT(message, Not(HasSubstr("\xEF\xBF\xBD"))) << "no character is cut";
  }
}

TEST_F(TsFile, IsRecognisedByItsFirstLine) {
  EXPECT_TRUE(is_ts_file(kExample));
  EXPECT_TRUE(is_ts_file("\xEF\xBB\xBF# one\r\n\r\n \t@PROBLEMNAME x\r\n"));
  EXPECT_TRUE(is_ts_file("@data")) << "even if it lacks all that must be before it";
  EXPECT_TRUE(is_ts_file("@dimension 3"));
  EXPECT_FALSE(is_ts_file(""));
  EXPECT_FALSE(is_ts_file("\n\n"));
  EXPECT_FALSE(is_ts_file("# @problemName x\n"));
  EXPECT_FALSE(is_ts_file("@problemNames x\n"));
  EXPECT_FALSE(is_ts_file("@Component({})\n@data\n"));
  EXPECT_FALSE(is_ts_file("import x from \"y\";\n@data\n"));
  EXPECT_FALSE(is_ts_file("\0@data\n"s));
  EXPECT_FALSE(is_ts_file("\xFF\xFE@\0d\0a\0t\0a\0"s)) << "UTF-16";
  EXPECT_FALSE(is_ts_file("%PDF-1.7\n@data\n"));
}

TEST_F(TsFile, IsRecognisedInsideGzip) {
  EXPECT_TRUE(is_ts_file(gzip(kExample)));
  EXPECT_FALSE(is_ts_file(gzip("some text")));
  EXPECT_FALSE(is_ts_file(gzip(gzip(kExample))));
  std::string hardly_packed = kExample;
  for (std::uint32_t i = 0; hardly_packed.size() < 2'000'000; ++i) {
    hardly_packed += std::to_string(i * 2'654'435'761u) + ":up\n";
  }
  const std::string packed = gzip(hardly_packed);
  ASSERT_GT(packed.size(), 100'000u);
  EXPECT_TRUE(is_ts_file(packed)) << "only its beginning is looked at";
  EXPECT_FALSE(is_ts_file(gzip(std::string(1'000'000, '#'))));
}

TEST_F(TsFile, WhatCannotBeLookedAtIsNotRecognised) {
  EXPECT_FALSE(is_ts("-"));
  EXPECT_FALSE(is_ts(""));
  EXPECT_FALSE(is_ts(folder_ / "none.ts"));
  EXPECT_FALSE(is_ts(folder_.path()));
  EXPECT_FALSE(is_ts("/dev/null"));
  EXPECT_FALSE(is_ts(folder_ / std::string(5000, 'x'))) << "a name that no file can have";
}

}  // namespace
}  // namespace riverrun::data
