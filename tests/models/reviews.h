#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "riverrun/core/random.h"
#include "riverrun/data/labelled.h"

namespace riverrun::test {

/// Texts of two classes, told apart by one word among others; in front of it "not" turns it around.
inline data::LabelledSequences reviews(std::int64_t count, std::uint64_t seed) {
  data::LabelledSequences reviews{
      .path = "reviews.csv", .channels = 0, .classes = {"good", "bad"}, .sequences = {}};
  const std::vector<std::string> fillers = {"The", "food", "was",     "here",
                                            ",",   "we",   "thought", "."};
  Random random(seed);
  for (std::int64_t i = 0; i < count; ++i) {
    data::LabelledSequence review;
    review.line = 2 + i;
    review.label = static_cast<std::int32_t>(i % 2);
    const bool turned = random.below(2) == 1;
    for (std::uint32_t before = random.below(5); before > 0; --before) {
      review.text += fillers[random.below(8)] + " ";
    }
    review.text += turned ? "not " : "";
    review.text += (review.label == 0) != turned ? "great" : "awful";
    for (std::uint32_t after = random.below(5); after > 0; --after) {
      review.text += " " + fillers[random.below(8)];
    }
    reviews.sequences.push_back(std::move(review));
  }
  return reviews;
}

}  // namespace riverrun::test
