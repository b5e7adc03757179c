#include "riverrun/data/csv.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "riverrun/core/error.h"
#include "riverrun/core/file.h"
#include "riverrun/data/csv_parser.h"

#include "tests/data/gzip.h"
#include "tests/temporary_folder.h"

namespace riverrun::data {
namespace {

namespace fs = std::filesystem;
using namespace std::string_literals;
using test::gzip;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

using Row = std::vector<std::string>;

struct Table {
  Row header;
  std::vector<Row> rows;
  std::vector<std::int64_t> lines;  // the header's too

  [[nodiscard]] auto taking_header() {
    return [this](const CsvRow& row) {
      header.assign(row.fields.begin(), row.fields.end());
      lines.push_back(row.line);
    };
  }
  [[nodiscard]] auto taking_rows() {
    return [this](const CsvRow& row) {
      rows.emplace_back(row.fields.begin(), row.fields.end());
      lines.push_back(row.line);
    };
  }
};

class Csv : public ::testing::Test {
 protected:
  fs::path write(std::string_view text) {
    fs::path path = folder_ / "some.csv";
    replace_file(path, text);
    return path;
  }
  static Table read_path(const fs::path& path, const CsvOptions& options = {}) {
    Table table;
    read_csv(path, options, table.taking_header(), table.taking_rows());
    return table;
  }
  Table read(std::string_view text, char separator = '\0') {
    return read_path(write(text), {.separator = separator});
  }
  /// All messages name the file.
  void expect_refused(std::string_view text, const std::vector<std::string>& words,
                      char separator = '\0') {
    try {
      (void)read(text, separator);
      ADD_FAILURE() << "is not refused: " << text.substr(0, 200);
    } catch (const FormatError& error) {
      EXPECT_EQ(error.path(), (folder_ / "some.csv").string());
      for (const std::string& word : words) EXPECT_THAT(error.what(), HasSubstr(word));
    }
  }
  void expect_refused_at(std::string_view text, std::size_t byte) {
    try {
      (void)read(text);
      ADD_FAILURE() << "is not refused: " << text.substr(0, 200);
    } catch (const FormatError& error) {
      EXPECT_EQ(error.offset(), byte) << error.what();
    }
  }

  TemporaryFolder folder_;
};

const std::string kExample =
    "name,\"the \"\"x\"\"\",y\r\n"
    "\r\n"
    "\"a,b\",1, 2 \r\n"
    "\"two\r\nlines\",\"\",\r\n"
    ",\"\"\"\",caf\xC3\xA9\r\n";

void expect_example(const Table& table) {
  EXPECT_THAT(table.header, ElementsAre("name", "the \"x\"", "y"));
  EXPECT_THAT(table.rows, ElementsAre(Row{"a,b", "1", " 2 "}, Row{"two\r\nlines", "", ""},
                                      Row{"", "\"", "caf\xC3\xA9"}));
  EXPECT_THAT(table.lines, ElementsAre(1, 3, 4, 6));
}

TEST_F(Csv, IsRead) { expect_example(read(kExample)); }

TEST_F(Csv, IsTheSameHoweverItIsCut) {
  for (const char separator : {'\0', ','}) {
    for (std::size_t piece = 1; piece <= kExample.size(); ++piece) {
      Table table;
      CsvParser parser("some.csv", {.separator = separator}, table.taking_header(),
                       table.taking_rows());
      for (std::size_t i = 0; i < kExample.size(); i += piece) {
        parser.feed(std::string_view(kExample).substr(i, piece));
      }
      parser.finish();
      expect_example(table);
    }
  }
}

TEST_F(Csv, AByteOrderMarkAndAMissingLastLineEndDoNotMatter) {
  expect_example(read("\xEF\xBB\xBF" + kExample));
  expect_example(read(kExample.substr(0, kExample.size() - 2)));
  expect_example(read(kExample.substr(0, kExample.size() - 1)));
  expect_example(read(kExample + "\n\r\n\r\r"));
  EXPECT_EQ(read("\xEF\xBB\xBF\"a\",b\n1,2").header[0], "a");
}

TEST_F(Csv, ALastFieldMayBeEmptyAtTheEndOfTheFile) {
  EXPECT_THAT(read("a,b\n1,").rows, ElementsAre(Row{"1", ""}));
  EXPECT_THAT(read("a,b\n1,\"\"").rows, ElementsAre(Row{"1", ""}));
  EXPECT_THAT(read("a,b\n,").rows, ElementsAre(Row{"", ""}));
}

TEST_F(Csv, LineEndsMayBeOfAnyKindAndAreCountedOnce) {
  for (const char* end : {"\n", "\r\n", "\r"}) {
    const Table table = read(fmt::format("a,b{0}1,2{0}{0}3,4{0}", end));
    EXPECT_THAT(table.rows, ElementsAre(Row{"1", "2"}, Row{"3", "4"}));
    EXPECT_THAT(table.lines, ElementsAre(1, 2, 4));
  }
  const Table mixed = read("a\r\n1\r2\n3\n\r4\r\r\n5");
  EXPECT_THAT(mixed.rows, ElementsAre(Row{"1"}, Row{"2"}, Row{"3"}, Row{"4"}, Row{"5"}));
  EXPECT_THAT(mixed.lines, ElementsAre(1, 2, 3, 4, 6, 8));
  EXPECT_THAT(read("a,b\n\"\r\r\n\n\",\n1,2").lines, ElementsAre(1, 2, 6)) << "in quotes too";
}

TEST_F(Csv, EmptyLinesAreSkippedBeforeTheHeaderToo) {
  const Table table = read("\n\r\n\na;b\n\n1;2\n\n");
  EXPECT_THAT(table.header, ElementsAre("a", "b"));
  EXPECT_THAT(table.lines, ElementsAre(4, 6));
}

TEST_F(Csv, TheSeparatorIsFoundOut) {
  EXPECT_THAT(read("a;b\n1,5;2").rows, ElementsAre(Row{"1,5", "2"}));
  EXPECT_THAT(read("a\tb\n1\t").rows, ElementsAre(Row{"1", ""}));
  EXPECT_THAT(read("a|b|c\n1|2|3").rows, ElementsAre(Row{"1", "2", "3"}));
  EXPECT_THAT(read("a,x;b;c\n1;2;3").header, ElementsAre("a,x", "b", "c"));
  EXPECT_THAT(read("\"a,,,\"\",,\";b\n1;2").header, ElementsAre("a,,,\",,", "b"));
  EXPECT_THAT(read("\"a\n,,,,\";b\n1;2").header, ElementsAre("a\n,,,,", "b"));
}

TEST_F(Csv, TheSeparatorMayBeGiven) {
  EXPECT_THAT(read("a;b,c\n1;2,3", ',').rows, ElementsAre(Row{"1;2", "3"}));
  EXPECT_THAT(read("a,b,c;d\n1;2", ';').header, ElementsAre("a,b,c", "d"));
  EXPECT_THAT(read("a b\tc\n1\t2", '\t').header, ElementsAre("a b", "c"));
  EXPECT_THAT(read("a,b|c\n1|2", '|').rows, ElementsAre(Row{"1", "2"}));
  for (const char separator : {' ', '"', '\n', '.', 'x'}) {
    EXPECT_THROW((void)read("a b\n1 2", separator), ConfigError);
  }
}

TEST_F(Csv, AFirstLineOfWhichItIsNotClearIsRefused) {
  expect_refused("a;b,c\n1;2,3\n", {"line 1", "not clear", "as many \",\" as \";\""});
  expect_refused("\n\na\tb|c\n", {"line 3", "as many tabs as \"|\""});
}

TEST_F(Csv, ThereMayBeOneColumn) {
  EXPECT_THAT(read("a\n1\n\"\"\n\n2").rows, ElementsAre(Row{"1"}, Row{""}, Row{"2"}));
  expect_refused("a\n1\n2,3\n", {"line 3", "fields is 2", "header, which is 1"});
}

TEST_F(Csv, MayBeGzipOrAPipe) {
  expect_example(read(gzip(kExample)));
  const fs::path pipe = folder_ / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  std::thread writer([&] {
    std::FILE* const file = std::fopen(pipe.c_str(), "w");
    std::fputs(kExample.c_str(), file);
    std::fclose(file);
  });
  const Table table = read_path(pipe);
  writer.join();
  expect_example(table);
}

TEST_F(Csv, FieldsAndRowsMayBeLong) {
  std::string field;
  while (field.size() < 3'000'000) field += "long, \"and\"\n";
  std::string quoted;
  for (const char c : field) quoted.append(c == '"' ? 2 : 1, c);
  const Table table = read("a,b\n\"" + quoted + "\",1\n2,3\n");
  EXPECT_EQ(table.rows[0][0], field);
  EXPECT_THAT(table.rows[1], ElementsAre("2", "3"));
  EXPECT_EQ(table.lines[2], 3 + std::ranges::count(field, '\n'));

  std::string header = "x0", row = "0";
  for (int i = 1; i < 10'000; ++i) {
    const std::string number = std::to_string(i);
    header.append(",x").append(number);
    row.append(",").append(number);
  }
  const Table wide = read(header + "\n" + row + "\n" + row);
  EXPECT_EQ(wide.header[9'999], "x9999");
  EXPECT_EQ(wide.rows[1][9'999], "9999");
  expect_refused(header + "\n" + row + ",1", {"line 2", "fields is 10001", "which is 10000"});
}

TEST_F(Csv, WhatHasNoRowsIsRefused) {
  expect_refused("", {"empty"});
  expect_refused("\xEF\xBB\xBF", {"empty"});
  expect_refused("\n\r\n", {"line 3", "before a header"});
  expect_refused("a,b", {"line 1", "after the header"});
  expect_refused("a,b\r\n\r\n", {"line 3", "after the header"});
  EXPECT_THROW((void)read_path(folder_ / "none.csv"), IoError);
  EXPECT_THROW((void)read_path(folder_.path()), IoError);
}

TEST_F(Csv, NamesOfColumnsMustBeThereAndDiffer) {
  expect_refused("a,,c\n1,2,3\n", {"line 1, column 2", "the name is empty"});
  expect_refused("a, \t,c\n1,2,3\n", {"line 1, column 2", "the name is empty"});
  expect_refused("a,b,\n1,2,\n", {"line 1, column 3", "the name is empty"});
  expect_refused("\"\"\n1\n", {"line 1, column 1", "the name is empty"});
  expect_refused("a,b,a\n1,2,3\n", {"line 1, column 3", "\"a\"", "that of column 1"});
  expect_refused("a,b, b\n1,2,3\n", {"line 1, column 3", "\"b\"", "that of column 2"});
  EXPECT_EQ(read("a,A\n1,2").header.size(), 2u);
}

TEST_F(Csv, QuotesMustEnd) {
  expect_refused("a,b\n1,\"2\n3,4\n5,6\n", {"line 2, column \"b\"", "does not end"});
  expect_refused("a,b\n\"x\ny\",\"2\n3\n", {"line 3, column \"b\"", "does not end"});
  expect_refused("a,\"b\n1,2\n", {"line 1, column 2", "does not end"});
  expect_refused("a,b\n1,2\n3,\"", {"line 3, column \"b\"", "does not end"});
  expect_refused("a,b\n1,2\n3,\"\"\"", {"line 3, column \"b\"", "does not end"});
}

TEST_F(Csv, NothingStandsBesideQuotes) {
  expect_refused("a,b\n\"1\"2,3\n", {"line 2, column \"a\"", "something follows the quote"});
  expect_refused("a,b\n1,\"2\" \n", {"line 2, column \"b\"", "something follows the quote"});
  expect_refused("a,b\n\"1\n2\"x,3\n", {"line 3, column \"a\"", "something follows"});
  expect_refused("a,b\n1,5\" pipe\n", {"line 2, column \"b\"", "does not begin with one"});
  expect_refused("a,b\n1, \"2\"\n", {"line 2, column \"b\"", "does not begin with one"});
  expect_refused("5\" pipe,b\n1,2\n", {"line 1, column 1", "does not begin with one"});
}

TEST_F(Csv, RowsMustHaveAsManyFieldsAsTheHeader) {
  expect_refused("a,b\n1,2\n3\n", {"line 3", "fields is 1", "header, which is 2"});
  expect_refused("a,b\n1,2,3\n", {"line 2", "fields is 3", "which is 2", "must be in quotes"});
  expect_refused("a,b\n1,2,\n", {"line 2", "fields is 3"});
  expect_refused("a,b\n1,2\n   \n", {"line 3", "fields is 1"});
  expect_refused("a,b\n\"1\n\n2\"\n", {"line 2", "fields is 1"});
  expect_refused("a;b\n1,2\n", {"line 2", "fields is 1"});
  expect_refused("a,b\n1" + std::string(1'000'000, ','), {"line 2", "fields is 1000001"});
}

TEST_F(Csv, WhatIsNoTextIsRefused) {
  expect_refused("a,b\n1,\0\n"s, {"line 2, column \"b\"", "a byte 0"});
  expect_refused("a,b\n\"1\n\0\",2\n"s, {"line 3, column \"a\"", "a byte 0"});
  expect_refused("a\0,b\n1,2\n"s, {"line 1, column 1", "a byte 0"});
  expect_refused("a,b\n1,caf\xE9\n", {"line 2, column \"b\"", "not UTF-8"});
  expect_refused("caf\xE9,b\n1,2\n", {"line 1, column 1", "not UTF-8"});
  expect_refused("a,b\n1,2\n\xC3,\xA9\n", {"line 3, column \"a\"", "not UTF-8"});
  expect_refused(
      "\xFF\xFE"
      "a\0,\0b\0\n\0"s,
      {"UTF-16"});
  expect_refused("a\0,\0b\0\n\0001\0,\0002\0"s, {"UTF-16"});
  expect_refused("PK\3\4 an xlsx file", {"ZIP archive"});
  const std::string whole = gzip(kExample);
  expect_refused(whole.substr(0, whole.size() / 2), {"gzip", "cut off"});
  std::string damaged = whole;
  damaged[damaged.size() - 6] ^= 1;
  expect_refused(damaged, {"gzip", "damaged"});
}

TEST_F(Csv, TheByteOfAMessageIsThatOfTheFile) {
  expect_refused_at(
      "\xEF\xBB\xBF"
      "a,b\r\n1,\"x\n",
      10);
  expect_refused_at("a,b\r\n1,2\r\n3,4x\"\n", 14);
  expect_refused_at("a,b\r\n1,2\r\n3\n", 10);
  expect_refused_at("a,b\r\n1,x\0\n"s, 8);
}

TEST_F(Csv, WhatTheFunctionsThrowComesAsItIs) {
  const auto ignore = [](const CsvRow&) {};
  const auto refuse = [](const CsvRow& row) { throw row.line; };
  EXPECT_THROW(read_csv(write(kExample), {}, refuse, ignore), std::int64_t);
  EXPECT_THROW(read_csv(write(kExample), {}, ignore, refuse), std::int64_t);
}

TEST(CsvField, MayStandForAMissingValue) {
  for (const char* field : {"", " ", "\t ", "NA", "na", "N/A", "n/a", "NaN", "nan", "NAN", "null",
                            "NULL", "None", "none", "?", " NaN "}) {
    EXPECT_TRUE(is_missing(field)) << '"' << field << '"';
  }
  for (const char* field : {"0", "-", "nano", "N A", "n.a.", "??", "no", "inf", "\"\"", "nil"}) {
    EXPECT_FALSE(is_missing(field)) << '"' << field << '"';
  }
}

TEST_F(Csv, ColumnsOfAFileWithoutAHeaderAreNumbered) {
  const auto begins_with_a_word = [](const CsvRow& row) { return row.fields[0] == "name"; };
  const CsvOptions options = {.is_header = begins_with_a_word};
  const Table without = read_path(write("\n1,,2\n3,4,\n"), options);
  EXPECT_THAT(without.header, ElementsAre("1", "2", "3"));
  EXPECT_THAT(without.rows, ElementsAre(Row{"1", "", "2"}, Row{"3", "4", ""}));
  EXPECT_THAT(without.lines, ElementsAre(2, 2, 3));
  EXPECT_THAT(read_path(write("1\n"), options).rows, ElementsAre(Row{"1"}));
  const Table with = read_path(write(kExample), options);
  expect_example(with);
  EXPECT_THAT(read_path(write("name,\n1,2\n"), options).header, ElementsAre("name", "2"));
  for (const auto& [text, word] : {std::pair("name,1,\n1,2,3\n4,5,6,7\n", "fields is 4"),
                                   {"name,3,\n1,2,3\n", "as that of column 2"},
                                   {"name,name\n1,2\n", "as that of column 1"},
                                   {"1,2\n3\n", "line 2: the number of fields is 1"}}) {
    try {
      (void)read_path(write(text), options);
      ADD_FAILURE() << "is not refused: " << text;
    } catch (const FormatError& error) {
      EXPECT_THAT(error.what(), HasSubstr(word));
    }
  }
}

TEST_F(Csv, ColumnsAreAsManyAsTheOptionsAllow) {
  const CsvOptions options = {.most_columns = 2};
  EXPECT_EQ(read_path(write("a,b\n1,2\n"), options).rows.size(), 1u);
  try {
    (void)read_path(write("a,b,c\n1,2,3\n"), options);
    ADD_FAILURE() << "is not refused";
  } catch (const FormatError& error) {
    EXPECT_THAT(error.what(), HasSubstr("line 1, column 3: there must be at most 2 columns"));
  }
}

}  // namespace
}  // namespace riverrun::data
