#include "riverrun/insight/text_features.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace riverrun::insight {
namespace {

using testing::ElementsAre;

/// A feature after each of the tokens.
std::vector<double> follow(std::string_view name, const std::vector<std::string>& tokens) {
  const auto found = std::ranges::find(TextFeatures::kNames, name);
  EXPECT_NE(found, TextFeatures::kNames.end()) << name;
  const auto which = static_cast<std::size_t>(found - TextFeatures::kNames.begin());
  TextFeatures features;
  std::vector<double> values;
  for (const std::string& token : tokens) values.push_back(features.push(token)[which]);
  return values;
}

std::vector<std::string> characters(std::string_view text) {
  std::vector<std::string> result;
  for (const char c : text) result.emplace_back(1, c);
  return result;
}

TEST(TextFeatures, OfLines) {
  const auto text = characters("ab\n  c \nd");
  EXPECT_THAT(follow("position in line", text), ElementsAre(1, 2, 3, 1, 2, 3, 4, 5, 1));
  EXPECT_THAT(follow("line end", text), ElementsAre(0, 0, 1, 0, 0, 0, 0, 1, 0));
  EXPECT_THAT(follow("indentation", text), ElementsAre(0, 0, 0, 1, 2, 2, 2, 2, 0));
  EXPECT_THAT(follow("position in text", text), ElementsAre(1, 2, 3, 4, 5, 6, 7, 8, 9));
}

TEST(TextFeatures, OfWhatStandsInside) {
  EXPECT_THAT(follow("inside quotes", characters("a\"b\"c")), ElementsAre(0, 1, 1, 0, 0));
  EXPECT_THAT(follow("inside quotes", {"“", "b", "”", "c"}), ElementsAre(1, 1, 0, 0));
  EXPECT_THAT(follow("inside brackets", characters("a([b])c)d")),
              ElementsAre(0, 1, 2, 2, 1, 0, 0, 0, 0));
}

TEST(TextFeatures, OfQuotationsInSeveralLanguages) {
  const std::vector<std::pair<std::vector<std::string>, std::vector<double>>> cases = {
      {{"„", "a", "“", " ", "b"}, {1, 1, 0, 0, 0}},                          // German
      {{"„", "a", "”", " ", "b"}, {1, 1, 0, 0, 0}},                          // Polish
      {{"”", "a", "”", " ", "”", "b", "”"}, {1, 1, 0, 0, 1, 1, 0}},          // Swedish
      {{"«", "a", "»", " ", "b"}, {1, 1, 0, 0, 0}},                          // French
      {{"»", "a", "«", " ", "»", "b", "»", "."}, {1, 1, 0, 0, 1, 1, 0, 0}},  // German, Finnish
      {{"(", "»", "a", "«", ")"}, {0, 1, 1, 0, 0}},
      {{"「", "a", "」", "b"}, {1, 1, 0, 0}},
      {{"“", "a", "\"", "b", "”", "c"}, {1, 1, 1, 1, 0, 0}},  // another mark inside
      {{"a", "”", "b"}, {0, 0, 0}},                           // a stray one opens nothing
  };
  for (const auto& [text, quoted] : cases) {
    EXPECT_EQ(follow("inside quotes", text), quoted) << testing::PrintToString(text);
  }
  EXPECT_THAT(follow("inside brackets", {"（", "a", "）"}), ElementsAre(1, 1, 0));
  EXPECT_THAT(follow("position in word", {"„", "ä", "b", "“", "…", "é"}),
              ElementsAre(0, 1, 2, 0, 0, 1));
  EXPECT_THAT(follow("punctuation", {"„", "ä", "“", "—", "。", "好"}),
              ElementsAre(1, 0, 1, 1, 1, 0));
  EXPECT_THAT(follow("space", {"\u3000", "\u00A0", "a"}), ElementsAre(1, 1, 0));
}

TEST(TextFeatures, OfCharactersAndWords) {
  const auto text = characters("Go, A1.");
  EXPECT_THAT(follow("position in word", text), ElementsAre(1, 2, 0, 0, 1, 2, 0));
  EXPECT_THAT(follow("upper case", text), ElementsAre(1, 0, 0, 0, 1, 0, 0));
  EXPECT_THAT(follow("digit", text), ElementsAre(0, 0, 0, 0, 0, 1, 0));
  EXPECT_THAT(follow("space", text), ElementsAre(0, 0, 0, 1, 0, 0, 0));
  EXPECT_THAT(follow("punctuation", text), ElementsAre(0, 0, 1, 0, 0, 0, 1));
  EXPECT_THAT(follow("words since . ! ?", characters("a b. c")), ElementsAre(1, 1, 2, 2, 2, 1));
}

TEST(TextFeatures, OfTokensThatAreWordsAndOfCharactersThatAreCut) {
  EXPECT_THAT(follow("position in word", {"the", " House", " 12", "\n"}), ElementsAre(3, 5, 2, 0));
  EXPECT_THAT(follow("upper case", {"the", " House", " 12", "\n"}), ElementsAre(0, 1, 0, 0));
  EXPECT_THAT(follow("position in line", {"the", " House", "\n", "a"}), ElementsAre(3, 9, 10, 1));
  EXPECT_THAT(follow("position in text", {"\xc3", "\xa9", "x"}), ElementsAre(0, 1, 2));
}

}  // namespace
}  // namespace riverrun::insight
