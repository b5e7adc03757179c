// Tasks that read files: what the files mean, and what is refused.

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "riverrun/core/error.h"
#include "riverrun/core/file.h"
#include "riverrun/tasks/catalogue.h"
#include "riverrun/tasks/idx.h"
#include "riverrun/tasks/train_task.h"

#include "tests/temporary_folder.h"

namespace riverrun::tasks {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::ThrowsMessage;

std::string big_endian(std::uint32_t value) {
  return {static_cast<char>(value >> 24), static_cast<char>(value >> 16),
          static_cast<char>(value >> 8), static_cast<char>(value)};
}

std::string idx(const std::vector<std::uint32_t>& extents, const std::string& values) {
  std::string bytes = {0, 0, 8, static_cast<char>(extents.size())};
  for (const std::uint32_t extent : extents) bytes += big_endian(extent);
  return bytes + values;
}

class IdxFiles : public testing::Test {
 protected:
  void expect_refused(const std::string& bytes, int rank, std::uint64_t offset,
                      const char* message) {
    const fs::path path = folder / "file";
    replace_file(path, bytes);
    try {
      static_cast<void>(read_idx(path, rank));
      FAIL() << "it was read: " << message;
    } catch (const FormatError& error) {
      EXPECT_EQ(error.offset(), offset) << error.what();
      EXPECT_THAT(error.what(), HasSubstr(message));
    }
  }
  TemporaryFolder folder;
};

TEST_F(IdxFiles, AreReadToTheLastByte) {
  replace_file(folder / "file", idx({2, 1, 3}, "abcxyz"));
  const IdxArray array = read_idx(folder / "file", 3);
  EXPECT_THAT(array.extents, testing::ElementsAre(2, 1, 3));
  EXPECT_THAT(array.values, testing::ElementsAre('a', 'b', 'c', 'x', 'y', 'z'));
}

TEST_F(IdxFiles, ThatAreNoneAreRefused) {
  expect_refused("", 1, 0, "empty");
  expect_refused(idx({5}, "").substr(0, 7), 1, 7, "it ends within 8 bytes");
  expect_refused("\x1f\x8b" + idx({1}, "a"), 1, 0, "two zero bytes");
  std::string other_type = idx({1}, "abcd");
  other_type[2] = 13;
  expect_refused(other_type, 1, 2, "its type is 13");
  expect_refused(idx({1, 1, 1}, "a"), 1, 3, "3 extents instead of 1");
  expect_refused(idx({1}, "aaaaaaaaaaaa"), 3, 3, "1 extents instead of 3");
  expect_refused(idx({0}, ""), 1, 4, "an extent is 0");
  expect_refused(idx({5}, "abcd"), 1, 12, "4 bytes follow the header, fewer");
  expect_refused(idx({3}, "abcd"), 1, 11, "1 bytes too many");
  // A product of 2^96, which no 64-bit number holds.
  expect_refused(idx({0xffffffff, 0xffffffff, 0xffffffff}, "abcd"), 3, 20, "fewer");
  expect_refused(idx({0x80000000, 0x80000000, 4}, ""), 3, 16, "fewer");
}

TEST_F(IdxFiles, MayBeGzip) {
  const std::string packed(
      "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\x63\x60\xe0\x60\x64\x60\x60\x60\x4c\x04"
      "\x00\xe3\xe9\x14\x3d\x09\x00\x00\x00",
      29);
  replace_file(folder / "file", packed);
  const IdxArray array = read_idx(folder / "file", 1);
  EXPECT_EQ(array.extents, std::vector<std::int64_t>{1});
  EXPECT_EQ(array.values, std::vector<std::uint8_t>{'a'});
}

TEST_F(IdxFiles, ThatAreNotThereAreTheSystemsError) {
  EXPECT_THROW(static_cast<void>(read_idx(folder / "nowhere", 1)), IoError);
  EXPECT_THROW(static_cast<void>(read_idx(folder.path(), 1)), IoError);
}

/// Images of 2 x 2 pixels, all of which are 40 times the label.
void write_images(const fs::path& folder, const std::string& set, int count) {
  std::string labels;
  std::string images;
  for (int n = 0; n < count; ++n) {
    labels += static_cast<char>(n % 3);
    images += std::string(4, static_cast<char>(n % 3 * 40));
  }
  const auto size = static_cast<std::uint32_t>(count);
  replace_file(folder / (set + "-labels-idx1-ubyte"), idx({size}, labels));
  replace_file(folder / (set + "-images-idx3-ubyte"), idx({size, 2, 2}, images));
}

TEST(Mnist, ReadsImagesPixelByPixel) {
  const TemporaryFolder folder;
  write_images(folder.path(), "train", 36);
  write_images(folder.path(), "t10k", 9);
  for (const char* name : {"mnist", "permuted-mnist"}) {
    const auto task = make_task(find_task(name), {.data = folder.path()});
    EXPECT_EQ(task->held_out_size(), 3);
    EXPECT_EQ(task->test_size(), 9);
    // Here the last pixel tells the digit.
    EXPECT_EQ(task->traits().memoryless_score, 1.0);
    for (std::int64_t n = 0; n < 9; ++n) {
      const Sequence sequence = task->test(n);
      EXPECT_THAT(sequence.input, testing::ElementsAreArray(std::vector<float>(
                                      4, static_cast<float>(n % 3 * 40) / 255.0f)));
      EXPECT_THAT(sequence.classes, testing::ElementsAre(n % 3));
      EXPECT_THAT(sequence.asked, testing::ElementsAre(3));
    }
  }
}

TEST(Mnist, MovesWhatItLearnsFromWhereEdgesAreBlank) {
  const TemporaryFolder folder;
  const auto inputs = [&](const std::string& image) {
    std::string images;
    for (int n = 0; n < 12; ++n) images += image;
    for (const char* set : {"train", "t10k"}) {
      const std::string name = set;
      replace_file(folder / (name + "-labels-idx1-ubyte"), idx({12}, std::string(12, '\1')));
      replace_file(folder / (name + "-images-idx3-ubyte"), idx({12, 3, 4}, images));
    }
    const auto task = make_task(find_task("mnist"), {.data = folder.path()});
    std::set<std::vector<float>> seen;
    for (std::int64_t n = 0; n < 300; ++n) seen.insert(task->training(n).input);
    EXPECT_EQ(task->held_out(0).input, task->test(0).input) << "only what is learnt from is moved";
    EXPECT_TRUE(seen.contains(task->test(0).input));
    for (const std::vector<float>& input : seen) {
      EXPECT_EQ(std::ranges::count(input, 1.0f), 2) << "no pixel is lost";
    }
    return seen.size();
  };
  const std::string blank(4, '\0');
  const std::string two = std::string("\0\xff\xff\0", 4);
  EXPECT_EQ(inputs(blank + two + blank), 9u);
  EXPECT_EQ(inputs(two + blank + blank), 6u) << "not upwards";
  EXPECT_EQ(inputs("\xff" + std::string(10, '\0') + "\xff"), 1u) << "nowhere";
}

TEST(Mnist, RefusesFilesThatDoNotFitEachOther) {
  const TemporaryFolder folder;
  const auto expect = [&](const char* message) {
    EXPECT_THAT([&] { static_cast<void>(make_task(find_task("mnist"), {.data = folder.path()})); },
                ThrowsMessage<FormatError>(HasSubstr(message)));
  };
  write_images(folder.path(), "train", 36);
  EXPECT_THROW(static_cast<void>(make_task(find_task("mnist"), {.data = folder.path()})), IoError);
  write_images(folder.path(), "t10k", 9);
  replace_file(folder / "t10k-labels-idx1-ubyte", idx({8}, std::string(8, 1)));
  expect("it has 9 images, but there are 8 labels");
  replace_file(folder / "t10k-labels-idx1-ubyte", idx({9}, std::string(8, 1) + "\x0a"));
  expect("a label is 10; it must be below 10");
  write_images(folder.path(), "t10k", 9);
  replace_file(folder / "t10k-images-idx3-ubyte", idx({9, 1, 1}, std::string(9, 1)));
  expect("as many pixels");
}

class WordSenseFiles : public testing::Test {
 protected:
  void SetUp() override {
    std::string data;
    std::string gold;
    for (int n = 0; n < 60; ++n) {
      const bool river = n % 6 == 0;
      data += river ? "2\tby the bank of river water\n" : "1\tthe bank lends money\n";
      gold += river ? "1\n" : "0\n";
    }
    for (const char* set : {"train", "test"}) {
      replace_file(folder / (std::string(set) + ".data.txt"), data);
      replace_file(folder / (std::string(set) + ".gold.txt"), gold);
    }
  }
  std::unique_ptr<Task> make(const fs::path& vectors = {}) {
    return make_task(find_task("word-sense"), {.data = folder.path(), .vectors = vectors});
  }
  void expect_refused(const char* file, const std::string& text, const char* message) {
    const std::string before = read_file(folder / file);
    replace_file(folder / file, text);
    EXPECT_THAT([&] { static_cast<void>(make()); }, ThrowsMessage<FormatError>(HasSubstr(message)));
    replace_file(folder / file, before);
  }
  TemporaryFolder folder;
};

TEST_F(WordSenseFiles, AreSplitBySenses) {
  const auto task = make();
  EXPECT_EQ(task->held_out_size(), 2 + 10) << "a fifth of 10 and of 50";
  EXPECT_EQ(task->test_size(), 60);
  EXPECT_DOUBLE_EQ(task->traits().memoryless_score, 2 * 10.0 / (10 + 60)) << "always the rare one";
  EXPECT_EQ(task->traits().criterion.f1_above, task->traits().memoryless_score);
  EXPECT_EQ(task->traits().sizes.symbols, 9) << "eight words and what is unknown";
  std::int64_t rare = 0;
  for (std::int64_t n = 0; n < task->held_out_size(); ++n) rare += task->held_out(n).classes.at(0);
  EXPECT_EQ(rare, 2);
  double learnt = 0;
  for (std::int64_t n = 0; n < 4000; ++n) learnt += task->training(n).classes.at(0) / 4000.0;
  EXPECT_NEAR(learnt, 0.25, 0.04);
  std::set<std::int32_t> asked_words;
  for (std::int64_t n = 0; n < 60; ++n) {
    const Sequence sequence = task->test(n);
    asked_words.insert(sequence.symbols[static_cast<std::size_t>(sequence.asked.at(0))]);
  }
  EXPECT_EQ(asked_words.size(), 1u) << "the word is always the same";
}

TEST_F(WordSenseFiles, AreLearntWithMemoryAndNotWithout) {
  const auto task = make();
  SequenceModelOptions options;
  options.hidden_size = 8;
  options.input_size = 6;
  options.bidirectional = true;
  const TaskTrainerOptions trainer{
      .batch_size = 16, .lr = 0.02, .clip = 1, .max_sequences = 1600, .evaluate_every = 400};
  SequenceModel lstm = make_network(*task, options);
  const TaskResult with_memory = train_task(*task, lstm, trainer);
  EXPECT_EQ(with_memory.test.f1(), 1.0);
  EXPECT_TRUE(with_memory.solved);
  options.cell = "memoryless";
  SequenceModel memoryless = make_network(*task, options);
  const TaskResult without = train_task(*task, memoryless, trainer);
  EXPECT_EQ(without.test.f1(), 0.0);
  EXPECT_EQ(without.test.right, 50) << "the majority's level";
  EXPECT_FALSE(without.solved);
}

TEST_F(WordSenseFiles, WordsBeginWithTheVectorsOfAFile) {
  replace_file(folder / "vectors", "river 1 2 3\nunused 7 7 7\nbank -1 0 1e-1\n");
  const auto task = make(folder / "vectors");
  const Tensor& vectors = task->symbol_vectors();
  ASSERT_EQ(vectors.shape(), (Shape{9, 3}));
  const Sequence sequence = task->test(0);  // by the bank of river water
  const auto vector = [&](std::size_t word) {
    const float* from = vectors.data() + sequence.symbols[word] * 3;
    return std::vector<float>(from, from + 3);
  };
  EXPECT_THAT(vector(2), testing::ElementsAre(-1.0f, 0.0f, 0.1f));
  EXPECT_THAT(vector(4), testing::ElementsAre(1.0f, 2.0f, 3.0f));
  EXPECT_THAT(vector(0), testing::Each(0.0f)) << "no vector";
  EXPECT_THAT([&] { static_cast<void>(make_network(*task, {.input_size = 5, .hidden_size = 4})); },
              ThrowsMessage<ConfigError>(HasSubstr("that of the vectors, 3")));
}

TEST_F(WordSenseFiles, AWordOfAVectorMayHoldSpaces) {
  // As in GloVe's vectors of 840 billion words.
  replace_file(folder / "vectors",
               "river 1 2 3\n. . . 7 7 7\nat name@domain.com 7 7 7\nbank -1 0 1e-1");
  const auto task = make(folder / "vectors");
  EXPECT_EQ(task->symbol_vectors().shape(), (Shape{9, 3}));
  EXPECT_EQ(task->traits().symbols_with_vectors, 2);
  EXPECT_EQ(make()->traits().symbols_with_vectors, 0);
}

TEST_F(WordSenseFiles, VectorsMayBeOfAnyNumberOfPieces) {
  std::string lines = "river 1 2\n";
  for (int n = 0; n < 200'000; ++n) lines += "word" + std::to_string(n) + " 0.125 -1\n";
  replace_file(folder / "vectors", lines + "bank 3 4\n");
  EXPECT_EQ(make(folder / "vectors")->traits().symbols_with_vectors, 2);
}

TEST_F(WordSenseFiles, ThatAreDamagedAreRefused) {
  expect_refused("train.data.txt", "", "empty");
  expect_refused("train.data.txt", "0 no tab here\n", "line 1: it must be the number of a word");
  expect_refused("train.data.txt", "x\tone two\n", "line 1: it must be the number");
  expect_refused("train.data.txt", "0\tone two\n2\tone two\n",
                 "line 2: the word is at 2; the sentence has 2");
  expect_refused("train.data.txt", "-1\tone\n", "the word is at -1");
  expect_refused("train.data.txt", "99999999999999999999\tone\n", "line 1: it must be the number");
  expect_refused("train.data.txt", "0\tone\n", "60 senses for 1 sentences");
  expect_refused("test.gold.txt", "0\n", "1 senses for 60 sentences");
  expect_refused("test.gold.txt", "0\n2\n", "line 2: a sense must be 0 or 1");
  std::string all_common;
  for (int n = 0; n < 60; ++n) all_common += "0\n";
  expect_refused("train.gold.txt", all_common, "there must be 5 of each");
  for (const auto& [text, message] :
       {std::pair("river 1 x\n", "line 1: number 2 after the word is no finite number"),
        std::pair("river inf 1\n", "line 1: number 1 after the word is no finite number"),
        std::pair("river 1 2\nbank 1\n", "line 2: 1 numbers; the first word has 2"),
        std::pair("river 1 2\nbank 1 2 3\n", "line 2: 3 numbers; the first word has 2"),
        std::pair("river 1 2\n. . x 2\n", "line 2: number 1 after the word"),
        std::pair("", "empty"), std::pair("river\n", "line 1: 0 numbers")}) {
    replace_file(folder / "vectors", text);
    EXPECT_THAT([&] { static_cast<void>(make(folder / "vectors")); },
                ThrowsMessage<FormatError>(HasSubstr(message)));
  }
}

const fs::path kShared = RIVERRUN_SHARED_DATA;

TEST(PublishedData, WordSensesOfBank) {
  const fs::path data = kShared / "wsd_bank";
  if (!fs::exists(data)) GTEST_SKIP() << "the sentences are not there: " << data;
  const auto task = make_task(find_task("word-sense"), {.data = data});
  std::int64_t rare = 0;
  for (std::int64_t n = 0; n < task->test_size(); ++n) rare += task->test(n).classes.at(0);
  EXPECT_EQ(task->test_size(), 455);
  EXPECT_EQ(rare, 22);
}

TEST(PublishedData, LabelsOfMnist) {
  const fs::path data = kShared / "mnist" / "train-labels-idx1-ubyte";
  if (!fs::exists(data)) GTEST_SKIP() << "the labels are not there: " << data;
  const IdxArray labels = read_idx(data, 1);
  EXPECT_THAT(labels.extents, testing::ElementsAre(60'000));
  EXPECT_EQ(std::ranges::count(labels.values, 5), 5421);
}

}  // namespace
}  // namespace riverrun::tasks
