#include "riverrun/text/corpus.h"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "riverrun/core/error.h"
#include "riverrun/core/file.h"
#include "riverrun/core/random.h"

namespace riverrun::text {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<std::int32_t> all_of(const Corpus& corpus) {
  std::vector<std::int32_t> ids(static_cast<std::size_t>(corpus.size()));
  corpus.read(0, ids);
  return ids;
}

/// A folder of its own for each test.
class CorpusTest : public ::testing::Test {
 protected:
  CorpusTest() {
    std::string pattern = (fs::path(::testing::TempDir()) / "riverrun-corpus-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp");
    folder_ = pattern;
  }
  ~CorpusTest() override {
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
  }

  fs::path write(const std::string& name, std::string_view text) const {
    replace_file(folder_ / name, text);
    return folder_ / name;
  }
  static std::string text_of(const std::vector<TextPart>& parts) {
    std::string text;
    for (const TextPart& part : parts) {
      text += read_file(part.path).substr(static_cast<std::size_t>(part.begin),
                                          static_cast<std::size_t>(part.end - part.begin));
    }
    return text;
  }

  fs::path folder_;
};

TEST_F(CorpusTest, JoinsFilesWithoutRunningThemTogether) {
  const std::vector<fs::path> paths = {write("a", "the end"), write("b", ""), write("c", "the\n")};
  const std::vector<TextPart> parts = whole_files(paths);
  const Tokenizer tokenizer = build_tokenizer(TokenKind::kWord, parts);
  const Corpus corpus(tokenizer, parts);
  EXPECT_EQ(tokenizer.decode(all_of(corpus)), "the end the\n");
  EXPECT_EQ(corpus.size(), 4);
  EXPECT_EQ(corpus.counts().tokens, 4);
  EXPECT_EQ(corpus.counts().bytes, 11);
  EXPECT_EQ(corpus.predicted_bytes(), 8);
  EXPECT_EQ(corpus.predicted_characters(), 8);
  EXPECT_FALSE(corpus.on_disk());
}

TEST_F(CorpusTest, IsTheSameOnDiskAndInMemoryForEachSizeOfId) {
  // Longer than the pieces in which files are read and blocks in which ids are.
  Random random(1);
  std::vector<std::string> words;
  for (int i = 0; i < 70'000; ++i) words.push_back(std::to_string(i));
  std::string text;
  while (text.size() < 2'500'000) {
    text += words[random.below(70'000)];
    text += random.below(10) == 0 ? "\n" : " ";
  }
  const std::vector<fs::path> paths = {write("text", text)};
  const std::vector<TextPart> parts = whole_files(paths);
  const fs::path temporary = folder_ / "temporary";
  fs::create_directory(temporary);
  const Tokenizer small = Tokenizer::bytes();
  const Tokenizer medium =
      Tokenizer::words(std::vector<std::string>(words.begin(), words.begin() + 60'000));
  const Tokenizer large = Tokenizer::words(words);
  for (const Tokenizer& tokenizer : {small, medium, large}) {
    const Corpus memory(tokenizer, parts);
    const Corpus disk(tokenizer, parts, {.memory_limit = 1000, .temporary_folder = temporary});
    ASSERT_FALSE(memory.on_disk());
    ASSERT_TRUE(disk.on_disk());
    EXPECT_TRUE(fs::is_empty(temporary)) << "the temporary file has no name";
    ASSERT_EQ(memory.size(), disk.size());
    const std::vector<std::int32_t> ids = all_of(memory);
    EXPECT_EQ(ids, tokenizer.encode(text));
    EXPECT_EQ(ids, all_of(disk));
    std::vector<std::int32_t> some(1234);
    for (const std::int64_t offset : {std::int64_t{0}, std::int64_t{4321}, disk.size() - 1234}) {
      disk.read(offset, some);
      EXPECT_TRUE(std::equal(some.begin(), some.end(), ids.begin() + offset));
    }
  }
}

TEST_F(CorpusTest, MovesWithItsIds) {
  const std::vector<fs::path> paths = {write("text", "abcdef")};
  Corpus first(Tokenizer::bytes(), whole_files(paths),
               {.memory_limit = 2, .temporary_folder = folder_});
  ASSERT_TRUE(first.on_disk());
  Corpus second = std::move(first);
  EXPECT_THAT(all_of(second), ElementsAre('a', 'b', 'c', 'd', 'e', 'f'));
  first = Corpus::from_text(Tokenizer::bytes(), "xy");
  second = std::move(first);
  EXPECT_THAT(all_of(second), ElementsAre('x', 'y'));
}

TEST_F(CorpusTest, ReadsOnlyWhatIsThere) {
  const Corpus corpus = Corpus::from_text(Tokenizer::bytes(), "abc");
  std::vector<std::int32_t> ids(2);
  corpus.read(1, ids);
  EXPECT_THAT(ids, ElementsAre('b', 'c'));
  EXPECT_THROW(corpus.read(2, ids), ConfigError);
  EXPECT_THROW(corpus.read(-1, ids), ConfigError);
  EXPECT_THROW(corpus.read(INT64_MAX, ids), ConfigError);
  EXPECT_NO_THROW(corpus.read(3, {}));
}

TEST_F(CorpusTest, ReportsInvalidUtf8WithItsFileAndByte) {
  const std::vector<fs::path> paths = {write("good", "caf\xC3\xA9"), write("bad", "ab\xFF z\xFE")};
  for (const TokenKind kind : {TokenKind::kByte, TokenKind::kChar, TokenKind::kWord}) {
    const std::vector<TextPart> parts = whole_files(paths);
    const Corpus corpus(build_tokenizer(kind, parts), parts);
    EXPECT_EQ(corpus.invalid().sequences, 2);
    EXPECT_EQ(corpus.invalid().path, paths[1]);
    EXPECT_EQ(corpus.invalid().offset, 2);
    EXPECT_EQ(corpus.counts().unknown, 0);
  }
  const Corpus part(Tokenizer::bytes(), std::vector<TextPart>{{paths[1], 3, 6}});
  EXPECT_EQ(part.invalid().offset, 5) << "counted from the beginning of the file";
  const Corpus good(Tokenizer::bytes(), std::vector<TextPart>{{paths[0], 0, -1}});
  EXPECT_EQ(good.invalid().sequences, 0);
  EXPECT_EQ(good.invalid().offset, -1);
}

TEST_F(CorpusTest, RefusesWhatCannotBeATextFile) {
  const auto files = [](const fs::path& path) { return std::vector<fs::path>{path}; };
  EXPECT_THROW((void)whole_files({}), ConfigError);
  try {
    (void)whole_files(files(folder_ / "missing"));
    FAIL() << "there is no such file";
  } catch (const IoError& error) {
    EXPECT_EQ(error.code(), ENOENT);
    EXPECT_EQ(error.path(), (folder_ / "missing").string());
  }
  try {
    (void)whole_files(files(folder_));
    FAIL() << "a folder is no text";
  } catch (const IoError& error) {
    EXPECT_EQ(error.code(), EISDIR);
  }
  const fs::path pipe = folder_ / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_THROW((void)whole_files(files(pipe)), IoError);
  EXPECT_THROW((void)whole_files(files("/dev/zero")), IoError);
  EXPECT_THROW((void)whole_files(files(write("empty", ""))), FormatError);
  EXPECT_THROW(Corpus(Tokenizer::bytes(), std::vector<TextPart>{{folder_ / "missing", 0, -1}}),
               IoError);
  EXPECT_THROW(Corpus(Tokenizer::bytes(), std::vector<TextPart>{}), ConfigError);
}

TEST_F(CorpusTest, RefusesATextWithoutTokens) {
  const std::vector<fs::path> paths = {write("blank", " \t ")};
  try {
    const Corpus corpus(build_tokenizer(TokenKind::kWord, whole_files(paths)), whole_files(paths));
    FAIL() << "there is no word";
  } catch (const FormatError& error) {
    EXPECT_EQ(error.path(), paths[0].string());
    EXPECT_THAT(error.what(), HasSubstr("no token"));
  }
  EXPECT_THROW((void)Corpus::from_text(Tokenizer::bytes(), ""), FormatError);
}

TEST_F(CorpusTest, RefusesAFileThatBecameShorter) {
  const fs::path path = write("text", "0123456789");
  const std::vector<TextPart> parts = whole_files(std::vector<fs::path>{path});
  write("text", "0123");
  try {
    const Corpus corpus(Tokenizer::bytes(), parts);
    FAIL() << "six bytes are gone";
  } catch (const FormatError& error) {
    EXPECT_EQ(error.offset(), 4u);
  }
}

TEST_F(CorpusTest, RefusesATemporaryFolderThatIsNotThere) {
  const std::vector<fs::path> paths = {write("text", "abc")};
  EXPECT_THROW(Corpus(Tokenizer::bytes(), whole_files(paths),
                      {.memory_limit = 0, .temporary_folder = folder_ / "missing"}),
               IoError);
}

TEST_F(CorpusTest, RefusesAnUnusableTMPDIR) {
  const std::vector<fs::path> paths = {write("text", "abc")};
  const char* const before = std::getenv("TMPDIR");
  const std::string saved = before == nullptr ? "" : before;
  ::setenv("TMPDIR", (folder_ / "missing").c_str(), 1);
  EXPECT_THROW(
      Corpus(Tokenizer::bytes(), whole_files(paths), {.memory_limit = 0, .temporary_folder = {}}),
      IoError);
  before == nullptr ? ::unsetenv("TMPDIR") : ::setenv("TMPDIR", saved.c_str(), 1);
}

TEST_F(CorpusTest, SplitsAtTheFractionOfBytes) {
  std::string text(1'115'394, 'x');  // as long as tinyshakespeare
  const std::vector<fs::path> paths = {write("text", text)};
  const TextSplit split = split_files(paths, 0.1, CutAt::kCharacter);
  EXPECT_EQ(split.train.back().end, 1'003'854);
  EXPECT_EQ(split.valid.front().begin, 1'003'854);
  EXPECT_EQ(split.valid.back().end, 1'115'394);
}

TEST_F(CorpusTest, NeverCutsACharacter) {
  const std::string text = "a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80z";
  const std::vector<fs::path> paths = {write("text", text)};
  for (std::size_t cut = 1; cut < text.size(); ++cut) {
    const double fraction =
        1.0 - (static_cast<double>(cut) + 0.5) / static_cast<double>(text.size());
    const TextSplit split = split_files(paths, fraction, CutAt::kCharacter);
    const std::string train = text_of(split.train);
    const std::string valid = text_of(split.valid);
    EXPECT_EQ(train + valid, text);
    EXPECT_EQ(to_valid_utf8(train), train);
    EXPECT_EQ(to_valid_utf8(valid), valid);
    EXPECT_LE(train.size(), cut);
    EXPECT_GT(train.size() + 4, cut);
  }
}

TEST_F(CorpusTest, CutsAtALineWhereThereIsOne) {
  const std::vector<fs::path> lines = {write("lines", "one two\nthree four\nfive six\n")};
  const TextSplit split = split_files(lines, 0.4, CutAt::kLine);
  EXPECT_EQ(text_of(split.train), "one two\n");
  EXPECT_EQ(text_of(split.valid), "three four\nfive six\n");
  // 28 bytes, of which 19 are kept: exactly where the third line begins.
  EXPECT_EQ(text_of(split_files(lines, 0.31, CutAt::kLine).valid), "five six\n");
  const std::vector<fs::path> line = {write("line", "one two three")};
  EXPECT_EQ(text_of(split_files(line, 0.5, CutAt::kLine).train), "one tw");
}

TEST_F(CorpusTest, SplitsTheJoinOfAllFiles) {
  const std::vector<fs::path> paths = {write("a", "aaaa"), write("b", "bbbb"), write("c", "cc")};
  TextSplit split = split_files(paths, 0.5, CutAt::kCharacter);
  EXPECT_EQ(text_of(split.train), "aaaab");
  EXPECT_EQ(text_of(split.valid), "bbbcc");
  split = split_files(paths, 0.6, CutAt::kCharacter);
  EXPECT_EQ(text_of(split.train), "aaaa") << "the cut is where the second file begins";
  EXPECT_EQ(text_of(split.valid), "bbbbcc");
  EXPECT_EQ(split.train.size(), 1u);
}

TEST_F(CorpusTest, RefusesASplitThatLeavesNothing) {
  const std::vector<fs::path> paths = {write("text", "\xC3\xA9")};
  EXPECT_THROW((void)split_files(paths, 0.5, CutAt::kCharacter), FormatError);
  for (const double fraction : {0.0, 1.0, -0.1, std::nan("")}) {
    EXPECT_THROW((void)split_files(paths, fraction, CutAt::kCharacter), ConfigError) << fraction;
  }
}

TEST_F(CorpusTest, SplitsBytesThatAreNotUtf8) {
  const std::vector<fs::path> paths = {write("text", std::string(100, '\x80'))};
  const TextSplit split = split_files(paths, 0.1, CutAt::kCharacter);
  EXPECT_EQ(split.train.back().end, 90);
}

}  // namespace
}  // namespace riverrun::text
