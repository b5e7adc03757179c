#include "riverrun/data/text/split.h"

#include <cmath>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "riverrun/core/error.h"
#include "riverrun/core/file.h"
#include "riverrun/core/random.h"
#include "riverrun/data/text/corpus.h"

#include "tests/temporary_folder.h"

namespace riverrun::text {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class SplitTest : public ::testing::Test {
 protected:
  std::vector<TextPart> write(const std::vector<std::string>& texts) {
    std::vector<fs::path> paths;
    for (const std::string& text : texts) {
      paths.push_back(folder_ / std::to_string(paths.size()));
      replace_file(paths.back(), text);
    }
    return open_texts(paths);
  }
  static std::string text_of(const std::vector<TextPart>& parts) {
    std::string text;
    for (const TextPart& part : parts) {
      for_each_piece(part, [&text](std::string_view piece) { text += piece; });
    }
    return text;
  }

  TemporaryFolder folder_;
};

TEST_F(SplitTest, SplitsAtTheFractionOfBytes) {
  std::string text(1'115'394, 'x');  // as long as tinyshakespeare
  const std::vector<TextPart> paths = write({text});
  const TextSplit split = split_texts(paths, 0.1, CutAt::kCharacter);
  EXPECT_EQ(split.train.back().end, 1'003'854);
  EXPECT_EQ(split.valid.front().begin, 1'003'854);
  EXPECT_EQ(split.valid.back().end, 1'115'394);
}

TEST_F(SplitTest, NeverCutsACharacter) {
  const std::string text = "a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80z";
  const std::vector<TextPart> paths = write({text});
  for (std::size_t cut = 1; cut < text.size(); ++cut) {
    const double fraction =
        1.0 - (static_cast<double>(cut) + 0.5) / static_cast<double>(text.size());
    const TextSplit split = split_texts(paths, fraction, CutAt::kCharacter);
    const std::string train = text_of(split.train);
    const std::string valid = text_of(split.valid);
    EXPECT_EQ(train + valid, text);
    EXPECT_EQ(to_valid_utf8(train), train);
    EXPECT_EQ(to_valid_utf8(valid), valid);
    EXPECT_LE(train.size(), cut);
    EXPECT_GT(train.size() + 4, cut);
  }
}

/// The words and line ends of a text, each as it stands there.
std::vector<std::int32_t> tokens_of(const Tokenizer& tokenizer,
                                    const std::vector<TextPart>& parts) {
  const Corpus corpus(tokenizer, parts);
  std::vector<std::int32_t> ids(static_cast<std::size_t>(corpus.size()));
  corpus.read(0, ids);
  return ids;
}

TEST_F(SplitTest, WordsAreCutAtTheNearestWhiteSpace) {
  const std::vector<TextPart> lines = write({"one two\nthree four\nfive six\n"});  // 28 bytes
  const auto valid = [](const std::vector<TextPart>& parts, double fraction) {
    return text_of(split_texts(parts, fraction, CutAt::kWhiteSpace).valid);
  };
  EXPECT_EQ(valid(lines, 0.31), "five six\n") << "exactly where the third line begins";
  EXPECT_EQ(valid(lines, 0.35), "five six\n") << "one byte before it";
  EXPECT_EQ(valid(lines, 0.4), "four\nfive six\n") << "two bytes from one, three from the other";
  EXPECT_EQ(valid(lines, 0.001), "six\n") << "not after the last line end";
  EXPECT_EQ(valid(lines, 0.999), "two\nthree four\nfive six\n") << "something to learn from";
  EXPECT_EQ(valid(write({"a\xE3\x80\x80"
                         "bc"}),
                  0.3),
            "bc")
      << "white space of Unicode";
}

TEST_F(SplitTest, ALineEndIsPreferredWhereItHardlyMatters) {
  std::string text;
  while (text.size() < 100'000) text += "some words that are a line of text\n";
  const TextSplit split = split_texts(write({text}), 0.1, CutAt::kWhiteSpace);
  EXPECT_EQ(text_of(split.train).back(), '\n');
  EXPECT_NEAR(static_cast<double>(text_of(split.valid).size()), 10'000, 100);
}

TEST_F(SplitTest, ATenthOfTheWordsIsATenthWhereverTheLinesEnd) {
  std::string line;
  for (int i = 0; i < 600; ++i) line += "word" + std::to_string(i) + " ";
  for (const std::string& text : {line, "Title\n" + line, "\n" + line, line + "\n" + line,
                                  line + "\n" + line + "\n" + line + "\n", "\n\n" + line + "\n"}) {
    const std::vector<TextPart> parts = write({text});
    const TextSplit split = split_texts(parts, 0.1, CutAt::kWhiteSpace);
    const Tokenizer tokenizer = build_tokenizer(TokenKind::kWord, parts);
    std::vector<std::int32_t> train = tokens_of(tokenizer, split.train);
    const std::vector<std::int32_t> valid = tokens_of(tokenizer, split.valid);
    const auto all = static_cast<double>(train.size() + valid.size());
    EXPECT_NEAR(static_cast<double>(valid.size()) / all, 0.1, 0.01);
    train.insert(train.end(), valid.begin(), valid.end());
    EXPECT_EQ(train, tokens_of(tokenizer, parts)) << "no word is cut";
  }
}

TEST_F(SplitTest, NeverCutsAWord) {
  Random random(1);
  for (int round = 0; round < 100; ++round) {
    std::vector<std::string> texts(1 + random.below(3));
    for (std::string& text : texts) {
      for (std::uint32_t n = random.below(40); n > 0; --n) {
        text += std::string(random.below(30), "abc\xC3\xA9"[random.below(3)]);
        constexpr const char* kSpaces[] = {" ", "\n", "\xE3\x80\x80", "\xC2\xA0", "\r\n", ""};
        text += kSpaces[random.below(6)];
      }
    }
    texts.front() += "x y z";
    const std::vector<TextPart> parts = write(texts);
    const Tokenizer tokenizer = build_tokenizer(TokenKind::kWord, parts);
    const std::vector<std::int32_t> all = tokens_of(tokenizer, parts);
    const double fraction = (1.0 + random.below(98)) / 100;
    const TextSplit split = split_texts(parts, fraction, CutAt::kWhiteSpace);
    EXPECT_EQ(text_of(split.train) + text_of(split.valid), text_of(parts));
    std::vector<std::int32_t> both;
    for (const auto* half : {&split.train, &split.valid}) {
      for (const TextPart& part : *half) {
        const std::vector<TextPart> one = {part};
        if (text_of(one).find_first_not_of(" ") == std::string::npos) continue;  // no token
        const std::vector<std::int32_t> ids = tokens_of(tokenizer, one);
        both.insert(both.end(), ids.begin(), ids.end());
      }
    }
    ASSERT_EQ(both, all);
  }
}

TEST_F(SplitTest, LooksAsFarAsItMust) {
  const std::string far(1'000'000, 'x');
  const TextSplit split = split_texts(write({"a " + far}), 0.1, CutAt::kWhiteSpace);
  EXPECT_EQ(text_of(split.train), "a ");
  EXPECT_EQ(text_of(split_texts(write({far, far}), 0.1, CutAt::kWhiteSpace).train), far)
      << "between two texts";
  try {
    (void)split_texts(write({far}), 0.1, CutAt::kWhiteSpace);
    FAIL() << "one word cannot be cut";
  } catch (const FormatError& error) {
    EXPECT_THAT(error.what(), HasSubstr("no white space"));
  }
}

TEST_F(SplitTest, SplitsTheJoinOfAllFiles) {
  const std::vector<TextPart> paths = write({"aaaa", "bbbb", "cc"});
  TextSplit split = split_texts(paths, 0.5, CutAt::kCharacter);
  EXPECT_EQ(text_of(split.train), "aaaab");
  EXPECT_EQ(text_of(split.valid), "bbbcc");
  split = split_texts(paths, 0.6, CutAt::kCharacter);
  EXPECT_EQ(text_of(split.train), "aaaa") << "the cut is where the second file begins";
  EXPECT_EQ(text_of(split.valid), "bbbbcc");
  EXPECT_EQ(split.train.size(), 1u);
}

TEST_F(SplitTest, RefusesASplitThatLeavesNothing) {
  const std::vector<TextPart> paths = write({"\xC3\xA9"});
  EXPECT_THROW((void)split_texts(paths, 0.5, CutAt::kCharacter), FormatError);
  for (const double fraction : {0.0, 1.0, -0.1, std::nan("")}) {
    EXPECT_THROW((void)split_texts(paths, fraction, CutAt::kCharacter), ConfigError) << fraction;
  }
}

TEST_F(SplitTest, SplitsBytesThatAreNotUtf8) {
  const std::vector<TextPart> paths = write({std::string(100, '\x80')});
  const TextSplit split = split_texts(paths, 0.1, CutAt::kCharacter);
  EXPECT_EQ(split.train.back().end, 90);
}

}  // namespace
}  // namespace riverrun::text
