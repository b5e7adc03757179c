#include "riverrun/data/text/corpus.h"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
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

  fs::path folder_;
};

TEST_F(CorpusTest, JoinsFilesWithoutRunningThemTogether) {
  const std::vector<fs::path> paths = {write("a", "the end"), write("b", ""), write("c", "the\n")};
  const std::vector<TextPart> parts = open_texts(paths);
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
  const std::vector<TextPart> parts = open_texts(paths);
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
  Corpus first(Tokenizer::bytes(), open_texts(paths),
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
    const std::vector<TextPart> parts = open_texts(paths);
    const Corpus corpus(build_tokenizer(kind, parts), parts);
    EXPECT_EQ(corpus.invalid().sequences, 2);
    EXPECT_EQ(corpus.invalid().path, paths[1]);
    EXPECT_EQ(corpus.invalid().offset, 2);
    EXPECT_EQ(corpus.counts().unknown, 0);
  }
  const Corpus part(Tokenizer::bytes(),
                    std::vector<TextPart>{{.path = paths[1], .begin = 3, .end = 6}});
  EXPECT_EQ(part.invalid().offset, 5) << "counted from the beginning of the file";
  const Corpus good(Tokenizer::bytes(), std::vector<TextPart>{{.path = paths[0]}});
  EXPECT_EQ(good.invalid().sequences, 0);
  EXPECT_EQ(good.invalid().offset, -1);
}

TEST_F(CorpusTest, RefusesWhatCannotBeATextFile) {
  const auto files = [](const fs::path& path) { return std::vector<fs::path>{path}; };
  EXPECT_THROW((void)open_texts({}), ConfigError);
  try {
    (void)open_texts(files(folder_ / "missing"));
    FAIL() << "there is no such file";
  } catch (const IoError& error) {
    EXPECT_EQ(error.code(), ENOENT);
    EXPECT_EQ(error.path(), (folder_ / "missing").string());
  }
  try {
    (void)open_texts(files(folder_));
    FAIL() << "a folder is no text";
  } catch (const IoError& error) {
    EXPECT_EQ(error.code(), EISDIR);
  }
  EXPECT_THROW((void)open_texts(files("/dev/zero")), IoError);
  EXPECT_THROW((void)open_texts(files(write("empty", ""))), FormatError);
  EXPECT_THROW(Corpus(Tokenizer::bytes(), std::vector<TextPart>{{.path = folder_ / "missing"}}),
               IoError);
  EXPECT_THROW(Corpus(Tokenizer::bytes(), std::vector<TextPart>{}), ConfigError);
}

TEST_F(CorpusTest, RefusesATextWithoutTokens) {
  const std::vector<fs::path> paths = {write("blank", " \t ")};
  try {
    const Corpus corpus(build_tokenizer(TokenKind::kWord, open_texts(paths)), open_texts(paths));
    FAIL() << "there is no word";
  } catch (const FormatError& error) {
    EXPECT_EQ(error.path(), paths[0].string());
    EXPECT_THAT(error.what(), HasSubstr("no token"));
  }
  EXPECT_THROW((void)Corpus::from_text(Tokenizer::bytes(), ""), FormatError);
}

TEST_F(CorpusTest, RefusesAFileThatBecameShorter) {
  const fs::path path = write("text", "0123456789");
  const std::vector<TextPart> parts = open_texts(std::vector<fs::path>{path});
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
  EXPECT_THROW(Corpus(Tokenizer::bytes(), open_texts(paths),
                      {.memory_limit = 0, .temporary_folder = folder_ / "missing"}),
               IoError);
}

TEST_F(CorpusTest, RefusesAnUnusableTMPDIR) {
  const std::vector<fs::path> paths = {write("text", "abc")};
  const char* const before = std::getenv("TMPDIR");
  const std::string saved = before == nullptr ? "" : before;
  ::setenv("TMPDIR", (folder_ / "missing").c_str(), 1);
  EXPECT_THROW(
      Corpus(Tokenizer::bytes(), open_texts(paths), {.memory_limit = 0, .temporary_folder = {}}),
      IoError);
  before == nullptr ? ::unsetenv("TMPDIR") : ::setenv("TMPDIR", saved.c_str(), 1);
}

}  // namespace
}  // namespace riverrun::text
