#include "riverrun/data/word_vectors.h"

#include <cstddef>
#include <filesystem>
#include <limits>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "riverrun/core/error.h"
#include "riverrun/core/file.h"
#include "riverrun/data/word_vectors_reader.h"

#include "tests/data/gzip.h"
#include "tests/temporary_folder.h"

namespace riverrun::data {
namespace {

namespace fs = std::filesystem;
using namespace std::string_literals;
using test::gzip;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const std::string kExample = "the 0.5 -1e-3 .25\ncat 1 2 3\nthe 7 8 9\nsat -4 5 6E+1\n";

bool any(std::string_view) { return true; }

class WordVectorFile : public ::testing::Test {
 protected:
  fs::path write(std::string_view text) {
    const fs::path path = folder_ / "some.txt";
    replace_file(path, text);
    return path;
  }
  WordVectors read(std::string_view text) { return read_word_vectors(write(text), any); }
  void expect_refused(std::string_view text, const std::vector<std::string>& words) {
    try {
      (void)read(text);
      ADD_FAILURE() << "is not refused: " << text.substr(0, 200);
    } catch (const FormatError& error) {
      EXPECT_EQ(error.path(), (folder_ / "some.txt").string());
      for (const std::string& word : words) EXPECT_THAT(error.what(), HasSubstr(word));
    }
  }

  TemporaryFolder folder_;
};

void expect_example(const WordVectors& vectors) {
  EXPECT_EQ(vectors.dim, 3);
  EXPECT_THAT(vectors.words, ElementsAre("the", "cat", "sat"));
  EXPECT_THAT(vectors.values, ElementsAre(0.5F, -1e-3F, .25F, 1, 2, 3, -4, 5, 60));
}

TEST_F(WordVectorFile, HasAWordAndItsNumbersALine) { expect_example(read(kExample)); }

TEST_F(WordVectorFile, MayBeginWithTheNumberOfWordsAndOfNumbers) {
  expect_example(read("4 3\n" + kExample));
}

TEST_F(WordVectorFile, LineEndsEmptyLinesAndAByteOrderMarkDoNotMatter) {
  std::string dos;
  std::string blanks;
  for (const char c : kExample) {
    dos += c == '\n' ? "\r\n"s : std::string(1, c);
    blanks += c == '\n' ? " \n"s : std::string(1, c);
  }
  expect_example(read("4 3\r\n" + dos));
  expect_example(read("4 3 \n" + blanks));
  expect_example(read("\xEF\xBB\xBF" + kExample));
  expect_example(read(kExample.substr(0, kExample.size() - 1)));
  expect_example(read("\n" + kExample + "\r\n\n"));
}

TEST_F(WordVectorFile, IsTheSameHoweverItIsCut) {
  const std::string text = "4 3\r\n" + kExample;
  for (std::size_t piece = 1; piece <= text.size(); ++piece) {
    WordVectorReader reader("some.txt", any);
    for (std::size_t i = 0; i < text.size(); i += piece) {
      reader.feed(std::string_view(text).substr(i, piece));
    }
    expect_example(reader.finish());
  }
}

TEST_F(WordVectorFile, MayBeGzipOrAPipe) {
  expect_example(read(gzip(kExample)));
  const fs::path pipe = folder_ / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  std::thread writer([&] {
    std::FILE* const file = std::fopen(pipe.c_str(), "w");
    std::fputs(kExample.c_str(), file);
    std::fclose(file);
  });
  const WordVectors vectors = read_word_vectors(pipe, any);
  writer.join();
  expect_example(vectors);
}

TEST_F(WordVectorFile, OnlyWordsThatAreWantedAreKept) {
  const WordVectors vectors = read_word_vectors(
      write(kExample), [](std::string_view word) { return word == "sat" || word == "dog"; });
  EXPECT_EQ(vectors.dim, 3);
  EXPECT_THAT(vectors.words, ElementsAre("sat"));
  EXPECT_THAT(vectors.values, ElementsAre(-4, 5, 60));
  const WordVectors none =
      read_word_vectors(write(kExample), [](std::string_view) { return false; });
  EXPECT_EQ(none.dim, 3);
  EXPECT_THAT(none.values, IsEmpty());
}

TEST_F(WordVectorFile, NumbersOfOtherWordsAreNotLookedAt) {
  const fs::path path = write("the 1 2\ncat 1 x\nsat 3 4\n");
  const auto wanted = [](std::string_view word) { return word == "sat"; };
  EXPECT_THAT(read_word_vectors(path, wanted).values, ElementsAre(3, 4));
  EXPECT_THROW((void)read_word_vectors(write("a word 1 2\nsat 3 4 5\n"), wanted), FormatError)
      << "but those of the first, which say how many there are";
}

TEST_F(WordVectorFile, WordsMayHoldBlanksAndBeNumbers) {
  const WordVectors vectors = read("the 1 2\n. . . 3 4\n1 5 6\nat x@y.z 7 8\ncaf\xC3\xA9 9 10\n");
  EXPECT_THAT(vectors.words, ElementsAre("the", ". . .", "1", "at x@y.z", "caf\xC3\xA9"));
  EXPECT_THAT(vectors.values, ElementsAre(1, 2, 3, 4, 5, 6, 7, 8, 9, 10));
  EXPECT_THAT(read("the 1\n2 3\n").words, ElementsAre("the", "2")) << "no header after the first";
  EXPECT_THAT(read("1 2.5\n2 3\n").words, ElementsAre("1", "2")) << "not whole numbers";
}

TEST_F(WordVectorFile, WordsThatCannotBeWordsArePassedOver) {
  const WordVectors vectors = read("4 2\nthe 1 2\n\xE9t\xE9 3 4\n 5 6\ncat 7 8\n");
  EXPECT_THAT(vectors.words, ElementsAre("the", "cat"));
  EXPECT_THAT(vectors.values, ElementsAre(1, 2, 7, 8));
}

TEST_F(WordVectorFile, FloatsAreReadToTheirLimits) {
  const WordVectors vectors = read("a 3.4028234e38 -3.4028234e38 1e-45 1e-400\n");
  EXPECT_THAT(vectors.values,
              ElementsAre(std::numeric_limits<float>::max(), std::numeric_limits<float>::lowest(),
                          std::numeric_limits<float>::denorm_min(), 0));
}

TEST_F(WordVectorFile, WhatIsWrongIsNamed) {
  struct Case {
    std::string text;
    std::vector<std::string> words;
  };
  for (const Case& c : std::vector<Case>{
           {"", {"empty"}},
           {"\n\n", {"before a vector", "after line 2"}},
           {"the\n", {"line 1", "numbers of a vector is 0", "from 1 to 65536"}},
           {"the\t1\t2\n", {"line 1", "numbers of a vector is 0", "single blanks"}},
           {"the 1 x\n", {"line 1", "number 2 of \"the\" is \"x\"", "finite"}},
           {"the 1 2\ncat 1\n", {"line 2", "is 1", "by line 1 it must be 2"}},
           {"the 1 2\n\ncat\n", {"line 3", "is 0", "by line 1 it must be 2"}},
           {"the 1 2\ncat 1 inf\n", {"line 2", "number 2 of \"cat\" is \"inf\"", "finite"}},
           {"the 1 2\ncat nan 2\n", {"line 2", "number 1 of \"cat\" is \"nan\""}},
           {"the 1 2\ncat 1e39 2\n", {"line 2", "\"1e39\"", "3.4e38"}},
           {"the 1 2\ncat 1e999 2\n", {"line 2", "\"1e999\"", "3.4e38"}},
           {"the 1 2\ncat 0x10 2\n", {"line 2", "\"0x10\""}},
           {"the 1 2\ncat +1 2\n", {"line 2", "\"+1\""}},
           {"the 1 2\ncat 1,5 2\n", {"line 2", "\"1,5\""}},
           {"the  1 2\ncat  3 4\n", {"line 1", "number 1 of \"the\" is \"\""}},
           {"the 1 2\ncat  3 4\n", {"line 2", "two blanks"}},
           {"the 1 2\ncat 3  4\n", {"line 2", "two blanks"}},
           {"2 2\nthe 1 2\n", {"after line 2", "words is 1", "by line 1 it must be 2"}},
           {"1 2\nthe 1 2\ncat 1 2\n", {"line 3", "more words than 1", "line 1"}},
           {"1 3\nthe 1 2\n", {"line 2", "is 2", "by line 1 it must be 3"}},
           {"2 0\nthe\n", {"line 1", "numbers of a vector is 0"}},
           {"0 2\n", {"line 1", "words is 0"}},
           {"2 65537\n", {"line 1", "is 65537", "65536"}},
           {"99999999999999999999 2\nthe 1 2\n", {"after line 2", "words is 1"}},
           {"1 99999999999999999999\nthe 1 2\n", {"line 1", "from 1 to 65536"}},
           {"the 1 2\nc\0t 1 2\n"s, {"line 2", "a byte 0", "binary form of word2vec"}},
           {"the 1 2\ncat 1 \x1B[2J\n", {"line 2", "\"\\x1B[2J\""}},
           {"PK\3\4 an archive", {"ZIP archive"}},
       }) {
    expect_refused(c.text, c.words);
  }
}

TEST_F(WordVectorFile, MoreNumbersThanAreLikelyAreRefused) {
  std::string line = "a";
  for (int i = 0; i < 65'536; ++i) line += " 0";
  EXPECT_EQ(read(line).dim, 65'536);
  expect_refused(line + " 0\n", {"line 1", "is 65537"});
}

TEST_F(WordVectorFile, TheByteOfAMessageIsThatOfTheFile) {
  const std::string text = "the 1 2\r\ncat 1 x\n";
  try {
    (void)read(text);
    FAIL() << "x is no number";
  } catch (const FormatError& error) {
    EXPECT_EQ(error.offset(), text.find('x'));
  }
}

TEST_F(WordVectorFile, WhatTheFunctionThrowsComesThrough) {
  const fs::path path = write(kExample);
  EXPECT_THROW((void)read_word_vectors(
                   path, [](std::string_view) -> bool { throw std::domain_error("no more"); }),
               std::domain_error);
  EXPECT_THROW((void)read_word_vectors(folder_ / "none.txt", any), IoError);
}

}  // namespace
}  // namespace riverrun::data
