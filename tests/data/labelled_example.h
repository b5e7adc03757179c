#pragma once

#include <cmath>
#include <cstdint>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "riverrun/data/labelled.h"

namespace riverrun::test {

/// What the tests of each format write in its own way: two sequences, which begin on these lines.
inline void expect_example(const data::LabelledSequences& data, std::int64_t first_line,
                           std::int64_t second_line) {
  using ::testing::ElementsAre;
  EXPECT_EQ(data.channels, 2);
  EXPECT_THAT(data.classes, ElementsAre("up", "down"));
  ASSERT_EQ(data.sequences.size(), 2u);
  const data::LabelledSequence& first = data.sequences[0];
  EXPECT_THAT(first.values, ElementsAre(1, -0.5f, 2, 0.25f, 3, 0.001f)) << "step by step";
  EXPECT_EQ(first.seq_len, 3);
  EXPECT_EQ(first.label, 0);
  EXPECT_EQ(first.line, first_line);
  const data::LabelledSequence& second = data.sequences[1];
  ASSERT_EQ(second.values.size(), 4u);
  EXPECT_EQ(second.values[0], 4);
  EXPECT_TRUE(std::isnan(second.values[1]));
  EXPECT_TRUE(std::isnan(second.values[2]));
  EXPECT_EQ(second.values[3], 50);
  EXPECT_EQ(second.label, 1);
  EXPECT_EQ(second.line, second_line);
}

}  // namespace riverrun::test
