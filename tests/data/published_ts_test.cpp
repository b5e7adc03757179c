// The files of the UEA/UCR archive that are on the machine are as the archive describes them.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>

#include <gtest/gtest.h>

#include "riverrun/data/labelled.h"

namespace riverrun::data {
namespace {

namespace fs = std::filesystem;

/// Counted with a few lines of Python; the archive's own comments give some of them.
struct Published {
  const char* name;
  std::size_t sequences;
  std::int64_t channels, shortest, longest;
  std::size_t classes;
  std::size_t of_last_class;
  double sum;  ///< of all values, as written
};

class PublishedTsFiles : public ::testing::TestWithParam<Published> {};

TEST_P(PublishedTsFiles, AreAsPublished) {
  const Published& expected = GetParam();
  const fs::path path =
      fs::path(RIVERRUN_SHARED_DATA) / "seqclass" / (std::string(expected.name) + ".ts");
  if (!fs::exists(path)) GTEST_SKIP() << "the file is not there: " << path;
  EXPECT_TRUE(is_ts(path));
  const LabelledSequences data = read_ts(path);
  EXPECT_EQ(data.sequences.size(), expected.sequences);
  EXPECT_EQ(data.channels, expected.channels);
  EXPECT_EQ(data.classes.size(), expected.classes);
  const auto [shortest, longest] =
      std::ranges::minmax_element(data.sequences, {}, &LabelledSequence::seq_len);
  EXPECT_EQ(shortest->seq_len, expected.shortest);
  EXPECT_EQ(longest->seq_len, expected.longest);
  const auto last = static_cast<std::int32_t>(expected.classes - 1);
  EXPECT_EQ(std::ranges::count(data.sequences, last, &LabelledSequence::label),
            static_cast<std::ptrdiff_t>(expected.of_last_class));
  double sum = 0;
  for (const LabelledSequence& sequence : data.sequences) {
    for (const float value : sequence.values) sum += static_cast<double>(value);
  }
  EXPECT_NEAR(sum, expected.sum, 1e-2);
}

INSTANTIATE_TEST_SUITE_P(
    TsFile, PublishedTsFiles,
    ::testing::Values(Published{"JapaneseVowels_TRAIN", 270, 12, 7, 26, 9, 30, -1057.452303},
                      Published{"JapaneseVowels_TEST", 370, 12, 7, 29, 9, 29, -2146.51343},
                      Published{"BasicMotions_TRAIN", 40, 6, 100, 100, 4, 10, 646.184441},
                      Published{"BasicMotions_TEST", 40, 6, 100, 100, 4, 10, -278.362599},
                      Published{"GunPoint_TRAIN", 50, 1, 150, 150, 2, 26, 0.0},
                      Published{"GunPoint_TEST", 150, 1, 150, 150, 2, 74, 0.0}),
    [](const ::testing::TestParamInfo<Published>& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace riverrun::data
