// The English Web Treebank of Universal Dependencies, and the word vectors of GloVe, as far as they
// are on the machine, are as their authors describe them.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <numeric>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include <gtest/gtest.h>

#include "riverrun/core/file.h"
#include "riverrun/data/tagged.h"
#include "riverrun/data/word_vectors.h"

#include "tests/temporary_folder.h"

namespace riverrun::data {
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

/// Counted with a few lines of Python.
struct Published {
  const char* name;
  std::size_t sentences, words, longest;
  std::ptrdiff_t nouns, others;  ///< of the tags NOUN and X
  std::size_t features;          ///< different values of FEATS
};

class PublishedTreebank : public ::testing::TestWithParam<Published> {};

TEST_P(PublishedTreebank, IsAsPublished) {
  const Published& expected = GetParam();
  const fs::path packed = kData / "ud_english_ewt" / (std::string(expected.name) + ".conllu.xz");
  if (!fs::exists(packed)) GTEST_SKIP() << "the file is not there: " << packed;
  const std::string text = unpacked(packed);
  if (text.empty()) GTEST_SKIP() << "the file cannot be unpacked: is there a program xz?";
  const TemporaryFolder folder;
  const fs::path path = folder / "some";
  replace_file(path, text);

  EXPECT_TRUE(is_conllu(path));
  const TaggedSentences data =
      read_conll(path, {.tag = "upos"}, LabelColumn::kRequired, KeepLines::kYes);
  EXPECT_EQ(data.sentences.size(), expected.sentences);
  EXPECT_EQ(data.tags.size(), 17u);
  std::size_t words = 0;
  std::size_t longest = 0;
  std::vector<std::ptrdiff_t> counts(data.tags.size());
  std::vector<std::vector<std::string>> tags;
  for (const TaggedSentence& sentence : data.sentences) {
    words += sentence.words.size();
    longest = std::max(longest, sentence.words.size());
    tags.emplace_back();
    for (const std::int32_t tag : sentence.tags) {
      ++counts.at(static_cast<std::size_t>(tag));
      tags.back().push_back(data.tags[static_cast<std::size_t>(tag)]);
    }
  }
  const auto count_of = [&](std::string_view tag) {
    return counts.at(
        static_cast<std::size_t>(std::ranges::find(data.tags, tag) - data.tags.begin()));
  };
  EXPECT_EQ(words, expected.words);
  EXPECT_EQ(longest, expected.longest);
  EXPECT_EQ(count_of("NOUN"), expected.nouns);
  EXPECT_EQ(count_of("X"), expected.others);
  EXPECT_TRUE(to_conll(data, tags) == text) << "byte for byte";
  EXPECT_EQ(read_conll(path, {.tag = "feats"}).tags.size(), expected.features);
}

INSTANTIATE_TEST_SUITE_P(
    EnglishWebTreebank, PublishedTreebank,
    ::testing::Values(Published{"train", 12'544, 204'577, 159, 34'751, 400, 230},
                      Published{"dev", 2'001, 25'147, 75, 4'210, 59, 151},
                      Published{"test", 2'077, 25'094, 81, 4'123, 42, 133}),
    [](const ::testing::TestParamInfo<Published>& test) { return std::string(test.param.name); });

/// The sums are those of Python too, in double precision.
void expect_vectors(const fs::path& path, std::size_t words, std::int64_t dim, double sum,
                    const std::string& last) {
  const WordVectors vectors = read_word_vectors(path, [](std::string_view) { return true; });
  EXPECT_EQ(vectors.dim, dim);
  ASSERT_EQ(vectors.words.size(), words);
  ASSERT_EQ(vectors.values.size(), words * static_cast<std::size_t>(dim));
  EXPECT_EQ(vectors.words.front(), "the");
  EXPECT_EQ(vectors.words.back(), last);
  EXPECT_NEAR(std::accumulate(vectors.values.begin(), vectors.values.end(), 0.0), sum, 1e-2);
  EXPECT_EQ(std::unordered_set<std::string>(vectors.words.begin(), vectors.words.end()).size(),
            words);
}

TEST(PublishedWordVectors, Of100NumbersAreAsPublished) {
  const fs::path packed = kData / "wordvectors" / "glove.6B.100d.first20000.txt.xz";
  if (!fs::exists(packed)) GTEST_SKIP() << "the file is not there: " << packed;
  const std::string text = unpacked(packed);
  if (text.empty()) GTEST_SKIP() << "the file cannot be unpacked: is there a program xz?";
  const TemporaryFolder folder;
  const fs::path path = folder / "some";
  replace_file(path, text);
  expect_vectors(path, 20'000, 100, -14275.080721615106, "aek");
}

TEST(PublishedWordVectors, Of300NumbersAreReadFromGzip) {
  const fs::path path = kData / "wordvectors" / "glove.6B.300d.sample.txt.gz";
  if (!fs::exists(path)) GTEST_SKIP() << "the file is not there: " << path;
  expect_vectors(path, 100, 300, 15.163541554000005, "u.s.");
}

}  // namespace
}  // namespace riverrun::data
