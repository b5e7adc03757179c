// The numbers that are published for well-known corpora, where these are on the machine.

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "riverrun/core/file.h"
#include "riverrun/data/text/corpus.h"
#include "riverrun/data/text/split.h"

namespace riverrun::text {
namespace {

namespace fs = std::filesystem;

const fs::path kData = RIVERRUN_SHARED_DATA;

std::string unpacked(const fs::path& path) {
  const std::string command = "xz -dc '" + path.string() + "'";
  const auto close = [](std::FILE* file) { ::pclose(file); };
  const std::unique_ptr<std::FILE, decltype(close)> pipe(::popen(command.c_str(), "r"), close);
  std::string text;
  if (!pipe) return text;
  std::vector<char> buffer(1 << 16);
  while (const std::size_t got = std::fread(buffer.data(), 1, buffer.size(), pipe.get())) {
    text.append(buffer.data(), got);
  }
  return text;
}

struct Words {
  fs::path folder;
  std::string train, valid, test;
  std::int64_t types, train_tokens, valid_tokens, test_tokens;
};

void check(const Words& expected) {
  if (!fs::exists(kData / expected.folder / expected.train)) {
    GTEST_SKIP() << "the corpus is not there: " << kData / expected.folder / expected.train;
  }
  const std::string train = unpacked(kData / expected.folder / expected.train);
  if (train.empty()) GTEST_SKIP() << "the corpus cannot be unpacked: is there a program xz?";
  TokenizerBuilder builder(TokenKind::kWord);
  builder.feed(train);
  builder.finish();
  const Tokenizer tokenizer = builder.build();
  EXPECT_EQ(tokenizer.size(), expected.types);
  TextCounts counts;
  EXPECT_EQ(static_cast<std::int64_t>(tokenizer.encode(train, &counts).size()),
            expected.train_tokens);
  EXPECT_EQ(counts.unknown, 0);
  EXPECT_EQ(counts.bytes, static_cast<std::int64_t>(train.size()));
  for (const auto& [name, tokens] :
       {std::pair(expected.valid, expected.valid_tokens), {expected.test, expected.test_tokens}}) {
    const std::string text = read_file(kData / expected.folder / name);
    EXPECT_EQ(static_cast<std::int64_t>(tokenizer.encode(text, &counts).size()), tokens) << name;
    EXPECT_EQ(counts.unknown, 0)
        << "its words that are rare in the training text are <unk> already";
  }
}

TEST(PublishedCorpora, PennTreebank) {
  check({"ptb", "ptb.train.txt.xz", "ptb.valid.txt", "ptb.test.txt", 10'000, 929'589, 73'760,
         82'430});
}

TEST(PublishedCorpora, WikiText2) {
  check(
      {"wikitext2", "train.txt.xz", "valid.txt", "test.txt", 33'278, 2'088'628, 217'646, 245'569});
}

TEST(PublishedCorpora, TinyShakespeare) {
  const std::vector<fs::path> paths = {kData / "tinyshakespeare" / "input.txt"};
  if (!fs::exists(paths[0])) GTEST_SKIP() << "the corpus is not there: " << paths[0];
  const TextSplit split = split_texts(open_texts(paths), 0.1, CutAt::kCharacter);
  const Tokenizer tokenizer = build_tokenizer(TokenKind::kChar, split.train);
  EXPECT_EQ(tokenizer.size(), 66) << "65 characters and <unk>";
  EXPECT_EQ(Corpus(tokenizer, split.train).size(), 1'003'854);
  const Corpus valid(tokenizer, split.valid);
  EXPECT_EQ(valid.size(), 111'540);
  EXPECT_EQ(valid.counts().unknown, 0);
}

}  // namespace
}  // namespace riverrun::text
