#include "riverrun/models/tagger_vocabulary.h"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "riverrun/core/error.h"
#include "riverrun/models/tagger.h"

#include "tests/models/sentences.h"

namespace riverrun::models {
namespace {

using test::sentences;
using testing::Each;
using testing::ElementsAre;
using testing::ElementsAreArray;
using testing::HasSubstr;
using testing::ThrowsMessage;

constexpr std::int32_t kNoTag = TaggerVocabulary::kNoTag;

std::vector<std::int32_t> characters(const TaggerVocabulary& vocabulary, std::string_view word) {
  std::vector<std::int32_t> numbers;
  vocabulary.append_characters(word, numbers);
  return numbers;
}

TEST(TaggerVocabulary, WordsAreInSmallLettersUnlessAVectorHasThemAsWritten) {
  const data::TaggedSentences data = sentences({"Paris/A PARIS/B Rome/A Ätna/C the/C THE/C Dog/B"});
  const data::WordVectors vectors{
      .dim = 1, .words = {"Paris", "the", "unseen", "Rome"}, .values = {}};
  const TaggerVocabulary vocabulary = TaggerVocabulary::of(data, all_of(data), vectors);
  EXPECT_THAT(vocabulary.words(),
              ElementsAre("", "Paris", "the", "unseen", "Rome", "dog", "paris", "ätna"));
  EXPECT_THAT(vocabulary.word_tags(), ElementsAre(2, 0, 2, kNoTag, 0, 1, 1, 2));
  EXPECT_EQ(vocabulary.word("Paris"), 1);
  EXPECT_EQ(vocabulary.word("PARIS"), 6);
  EXPECT_EQ(vocabulary.word("paris"), 6);
  EXPECT_EQ(vocabulary.word("rome"), 0);
  EXPECT_EQ(vocabulary.word("The"), 2);
  EXPECT_EQ(vocabulary.word("ÄTNA"), 7);
  EXPECT_EQ(vocabulary.word("UNSEEN"), 3);
  EXPECT_EQ(vocabulary.word("cat"), 0);
  EXPECT_EQ(vocabulary.word(""), 0);
}

TEST(TaggerVocabulary, KnowsWhatAWordIsCalledMostOften) {
  const data::TaggedSentences data =
      sentences({"can/VERB Can/NOUN can/NOUN", "run/NOUN run/VERB", "can/VERB can/VERB new/VERB"});
  const std::vector<std::int64_t> learnt = {0, 1};
  const data::WordVectors vectors{.dim = 1, .words = {"unseen"}, .values = {}};
  const TaggerVocabulary vocabulary = TaggerVocabulary::of(data, learnt, vectors);
  EXPECT_THAT(vocabulary.words(), ElementsAre("", "unseen", "can", "run"));
  EXPECT_THAT(vocabulary.word_tags(), ElementsAre(1, kNoTag, 1, 0))
      << "of run's, which are as many, the first one of the file";
  EXPECT_EQ(vocabulary.usual_tag(vocabulary.word("can")), 1);
  EXPECT_EQ(vocabulary.usual_tag(vocabulary.word("run")), 0);
  EXPECT_EQ(vocabulary.usual_tag(vocabulary.word("unseen")), 1) << "as all together";
  EXPECT_EQ(vocabulary.usual_tag(vocabulary.word("new")), 1) << "it is not learnt from";
}

TEST(TaggerVocabulary, CharactersAreThoseOfTheWordsAsWritten) {
  const data::TaggedSentences data = sentences({"Bé/A b/A", "z/A"});
  const data::WordVectors vectors{.dim = 1, .words = {"q"}, .values = {}};
  const TaggerVocabulary vocabulary =
      TaggerVocabulary::of(data, std::vector<std::int64_t>{0}, vectors);
  EXPECT_THAT(vocabulary.characters(), ElementsAre("", "B", "b", "é"));
  std::vector<std::int32_t> numbers = {7};
  vocabulary.append_characters("éBzq\xff", numbers);
  EXPECT_THAT(numbers, ElementsAre(7, 3, 1, 0, 0, 0));
  EXPECT_THAT(characters(vocabulary, ""), ElementsAre(0)) << "at least one";
}

TEST(TaggerVocabulary, OfLongWordsTheBeginningAndTheEndAreRead) {
  const TaggerVocabulary vocabulary({""}, {0}, {"", "a", "b", "c"});
  const std::string half(32, 'a');
  const std::string other_half(32, 'b');
  std::vector<std::int32_t> wanted(32, 1);
  wanted.insert(wanted.end(), 32, 2);
  EXPECT_THAT(characters(vocabulary, half + other_half), ElementsAreArray(wanted));
  for (const char* middle : {"c", "cc", "cccccccccccc"}) {
    std::vector<std::int32_t> numbers = {3};
    vocabulary.append_characters(half + middle + other_half, numbers);
    ASSERT_EQ(numbers.size(), 65u) << middle;
    EXPECT_EQ(numbers.front(), 3) << "it is not of this word";
    numbers.erase(numbers.begin());
    EXPECT_THAT(numbers, ElementsAreArray(wanted)) << middle;
  }
  EXPECT_THAT(characters(vocabulary, std::string(63, 'c')), Each(3));
  EXPECT_EQ(characters(vocabulary, std::string(63, 'c')).size(), 63u);
}

TEST(TaggerVocabulary, MayBeMoved) {
  TaggerVocabulary first({"", "a", "one that is too long to be within a string"}, {0, 1, 2},
                         {"", "x"});
  TaggerVocabulary second = std::move(first);
  first = TaggerVocabulary();
  EXPECT_EQ(second.word("a"), 1);
  EXPECT_EQ(second.word("one that is too long to be within a string"), 2);
  EXPECT_EQ(first.word("a"), 0);
  EXPECT_THAT(first.words(), ElementsAre(""));
  EXPECT_THAT(characters(first, "x"), ElementsAre(0));
}

TEST(TaggerVocabulary, RefusesInvalidLists) {
  using Words = std::vector<std::string>;
  const auto expect = [](Words words, std::vector<std::int32_t> tags, Words of_characters,
                         const char* message) {
    EXPECT_THAT(
        [&] { TaggerVocabulary(std::move(words), std::move(tags), std::move(of_characters)); },
        ThrowsMessage<ConfigError>(HasSubstr(message)));
  };
  expect({"", "a"}, {0}, {""}, "there are 2 words and 1 tags of words");
  expect({}, {}, {""}, "the first word must be \"\"");
  expect({"a"}, {0}, {""}, "the first word must be \"\"");
  expect({""}, {0}, {}, "the first character must be \"\"");
  expect({""}, {0}, {"x", ""}, "the first character must be \"\"");
  expect({"", "a", ""}, {0, 0, 0}, {""}, "word 2 is empty");
  expect({"", "a", "b", "a"}, {0, 0, 0, 0}, {""}, "the word \"a\" is there twice");
  expect({""}, {0}, {"", "x", "xy"}, "character 2 is \"xy\"");
  expect({""}, {0}, {"", "\xFF"}, "it must be one of UTF-8");
  expect({""}, {0}, {"", ""}, "character 1 is \"\"");
  expect({""}, {0}, {"", "é", "é"}, "is there twice");
}

}  // namespace
}  // namespace riverrun::models
