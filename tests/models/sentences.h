#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "riverrun/core/random.h"
#include "riverrun/data/tagged.h"

namespace riverrun::test {

/// Sentences of "word/tag" between blanks, or of words alone; tags in the order in which they come.
inline data::TaggedSentences sentences(const std::vector<std::string>& lines) {
  data::TaggedSentences data;
  data.path = "some.conll";
  for (const std::string& line : lines) {
    data::TaggedSentence& sentence = data.sentences.emplace_back();
    sentence.line = 10 * std::ssize(data.sentences);
    std::istringstream stream(line);
    for (std::string word; stream >> word;) {
      const std::size_t slash = word.find('/');
      sentence.words.push_back(word.substr(0, slash));
      if (slash == std::string::npos) continue;
      const std::string tag = word.substr(slash + 1);
      const auto found = std::ranges::find(data.tags, tag);
      sentence.tags.push_back(static_cast<std::int32_t>(found - data.tags.begin()));
      if (found == data.tags.end()) data.tags.push_back(tag);
    }
  }
  return data;
}

/// Sentences of 2 to 8 words, one of which is "bank": what it is called is told by the word behind
/// it alone, which, like all others, is called the same wherever it stands.
inline data::TaggedSentences banks(std::int64_t count, std::uint64_t seed) {
  Random random(seed);
  std::vector<std::string> lines = {"bank/RIVER flows/OTHER", "bank/MONEY lends/OTHER"};
  const auto add_others = [&random](std::string& line) {
    constexpr const char* kOthers[] = {" the/OTHER", " old/OTHER", " big/OTHER"};
    for (std::uint32_t others = random.below(4); others > 0; --others) {
      line += kOthers[random.below(3)];
    }
  };
  while (std::ssize(lines) < count) {
    std::string line;
    add_others(line);
    line += random.below(2) == 0 ? " bank/RIVER flows/OTHER" : " bank/MONEY lends/OTHER";
    add_others(line);
    lines.push_back(line);
  }
  return sentences(lines);
}

}  // namespace riverrun::test
