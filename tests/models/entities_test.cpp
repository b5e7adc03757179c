#include "riverrun/models/entities.h"

#include <cstdint>
#include <ostream>
#include <sstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "riverrun/core/error.h"

namespace riverrun::models {

void PrintTo(const Entity& entity, std::ostream* out) {
  *out << entity.type << " [" << entity.begin << ", " << entity.end << ")";
}

namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> words(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> words;
  for (std::string word; in >> word;) words.push_back(word);
  return words;
}

std::vector<Entity> entities(const std::string& tags) { return entities_of(words(tags)); }

Entity entity(std::int64_t begin, std::int64_t end, const std::string& type) {
  return {begin, end, type};
}

TEST(EntitiesOf, ReadsAllSchemesAlike) {
  // A person of two words, one of one word at once behind, and a place of three at the end.
  const auto expected = ElementsAre(entity(1, 3, "PER"), entity(3, 4, "PER"), entity(5, 8, "LOC"));
  for (const char* tags : {
           "O I-PER I-PER B-PER O I-LOC I-LOC I-LOC",  // IOB1
           "O B-PER I-PER B-PER O B-LOC I-LOC I-LOC",  // IOB2
           "O I-PER E-PER I-PER O I-LOC I-LOC I-LOC",  // IOE1
           "O I-PER E-PER E-PER O I-LOC I-LOC E-LOC",  // IOE2
           "O B-PER E-PER S-PER O B-LOC I-LOC E-LOC",  // IOBES
           "O B-PER L-PER U-PER O B-LOC I-LOC L-LOC",  // BILOU
           "O B-PER E-PER S-PER O B-LOC M-LOC E-LOC",  // BMES
       }) {
    EXPECT_THAT(entities(tags), expected) << tags;
  }
}

TEST(EntitiesOf, ATagThatCannotFollowBeginsAnEntity) {
  EXPECT_THAT(entities("O I-PER O"), ElementsAre(entity(1, 2, "PER")));
  EXPECT_THAT(entities("I-PER"), ElementsAre(entity(0, 1, "PER")));
  EXPECT_THAT(entities("O E-PER O"), ElementsAre(entity(1, 2, "PER")));
  EXPECT_THAT(entities("B-PER I-LOC"), ElementsAre(entity(0, 1, "PER"), entity(1, 2, "LOC")));
  EXPECT_THAT(entities("B-PER E-LOC"), ElementsAre(entity(0, 1, "PER"), entity(1, 2, "LOC")));
  EXPECT_THAT(entities("I-PER I-LOC I-PER"),
              ElementsAre(entity(0, 1, "PER"), entity(1, 2, "LOC"), entity(2, 3, "PER")));
  EXPECT_THAT(entities("S-PER I-PER"), ElementsAre(entity(0, 1, "PER"), entity(1, 2, "PER")));
  EXPECT_THAT(entities("S-PER E-PER"), ElementsAre(entity(0, 1, "PER"), entity(1, 2, "PER")));
  EXPECT_THAT(entities("E-PER I-PER E-PER E-PER"),
              ElementsAre(entity(0, 1, "PER"), entity(1, 3, "PER"), entity(3, 4, "PER")));
}

TEST(EntitiesOf, BAndSBeginAnEntityWhateverComesBefore) {
  EXPECT_THAT(entities("B-PER B-PER"), ElementsAre(entity(0, 1, "PER"), entity(1, 2, "PER")));
  EXPECT_THAT(entities("I-PER S-PER"), ElementsAre(entity(0, 1, "PER"), entity(1, 2, "PER")));
  EXPECT_THAT(entities("B-PER U-PER B-PER"),
              ElementsAre(entity(0, 1, "PER"), entity(1, 2, "PER"), entity(2, 3, "PER")));
}

TEST(EntitiesOf, AnEntityNeedNotEndWithE) {
  EXPECT_THAT(entities("B-PER I-PER O"), ElementsAre(entity(0, 2, "PER")));
  EXPECT_THAT(entities("B-PER"), ElementsAre(entity(0, 1, "PER")));
}

TEST(EntitiesOf, ATagOfNoSchemeIsOutside) {
  EXPECT_THAT(entities("B-PER X-PER I-PER"), ElementsAre(entity(0, 1, "PER"), entity(2, 3, "PER")));
  EXPECT_THAT(entities("NOUN B B- b-PER BPER -PER"), IsEmpty());
  EXPECT_THAT(entities_of(std::vector<std::string>{"", "O", "-"}), IsEmpty());
  EXPECT_THAT(entities(""), IsEmpty());
}

TEST(EntitiesOf, ATypeIsAllBehindTheFirstDash) {
  EXPECT_THAT(entities("B-a-b I-a-b I-a-c"), ElementsAre(entity(0, 2, "a-b"), entity(2, 3, "a-c")));
}

TEST(AreEntityTags, TellsThemFromOthers) {
  EXPECT_TRUE(are_entity_tags(words("O B-PER I-PER")));
  EXPECT_TRUE(are_entity_tags(words("I-PER")));
  EXPECT_TRUE(are_entity_tags(words("B-NP I-NP B-VP")));
  EXPECT_TRUE(are_entity_tags(words("O S-x E-x L-x U-x M-x")));
  EXPECT_FALSE(are_entity_tags(words("O O"))) << "nothing is marked";
  EXPECT_FALSE(are_entity_tags({}));
  EXPECT_FALSE(are_entity_tags(words("NOUN VERB O")));
  EXPECT_FALSE(are_entity_tags(words("B-PER O NOUN"))) << "one is another's";
  EXPECT_FALSE(are_entity_tags(words("B E S M"))) << "of words' characters, without a type";
  EXPECT_FALSE(are_entity_tags(words("O B-")));
  EXPECT_FALSE(are_entity_tags(words("O b-per")));
  EXPECT_FALSE(are_entity_tags(words("O X-PER")));
}

TEST(EntityCounter, CountsWhatIsTheSameInWordsAndType) {
  EntityCounter counter;
  counter.add(words("B-PER I-PER O B-LOC O B-ORG B-LOC"),
              words("B-PER I-PER O B-ORG O B-ORG I-ORG"));
  counter.add(words("O B-PER I-PER I-PER O"),  //
              words("O B-PER I-PER B-PER O"));
  const std::vector<EntityScore> scores = counter.scores();
  ASSERT_EQ(scores.size(), 4u);
  const auto expect = [](const EntityScore& score, const std::string& type, std::int64_t examples,
                         std::int64_t predicted, std::int64_t right) {
    EXPECT_EQ(score.type, type);
    EXPECT_EQ(score.examples, examples) << type;
    EXPECT_EQ(score.predicted, predicted) << type;
    EXPECT_EQ(score.right, right) << type;
  };
  expect(scores[0], "", 5, 5, 1);
  expect(scores[1], "LOC", 2, 0, 0);
  expect(scores[2], "ORG", 1, 2, 0);
  expect(scores[3], "PER", 2, 3, 1);
  EXPECT_DOUBLE_EQ(scores[0].precision, 1.0 / 5);
  EXPECT_DOUBLE_EQ(scores[0].recall, 1.0 / 5);
  EXPECT_DOUBLE_EQ(scores[0].f1, 1.0 / 5);
  EXPECT_DOUBLE_EQ(scores[3].precision, 1.0 / 3);
  EXPECT_DOUBLE_EQ(scores[3].recall, 1.0 / 2);
  EXPECT_DOUBLE_EQ(scores[3].f1, 2.0 / 5);
  EXPECT_EQ(scores[1].precision, 0);
  EXPECT_EQ(scores[1].recall, 0);
  EXPECT_EQ(scores[1].f1, 0);
}

// The numbers are from seqeval 1.2.2: classification_report(labels, predicted), "micro avg" first.
TEST(EntityCounter, AgreesWithSeqeval) {
  EntityCounter counter;
  counter.add(words("B-PER I-PER O S-LOC I-LOC E-LOC"), words("B-PER I-PER O S-LOC B-LOC I-LOC"));
  counter.add(words("I-PER I-LOC O B-LOC E-LOC B-LOC"), words("B-PER E-LOC O B-LOC E-LOC I-PER"));
  counter.add(words("O B-PER B-PER I-PER O O"), words("O B-PER I-PER I-PER O I-LOC"));
  counter.add(words("E-LOC I-LOC I-PER E-PER S-PER O"), words("S-LOC B-LOC I-PER I-PER E-PER O"));
  const std::vector<EntityScore> scores = counter.scores();
  ASSERT_EQ(scores.size(), 3u);
  EXPECT_EQ(scores[0].examples, 13);
  EXPECT_DOUBLE_EQ(scores[0].precision, 0.6666666666666666);
  EXPECT_DOUBLE_EQ(scores[0].recall, 0.6153846153846154);
  EXPECT_DOUBLE_EQ(scores[0].f1, 0.64);
  EXPECT_EQ(scores[1].type, "LOC");
  EXPECT_EQ(scores[1].examples, 7);
  EXPECT_DOUBLE_EQ(scores[1].f1, 0.8571428571428571);
  EXPECT_EQ(scores[2].type, "PER");
  EXPECT_EQ(scores[2].examples, 6);
  EXPECT_DOUBLE_EQ(scores[2].precision, 0.4);
  EXPECT_DOUBLE_EQ(scores[2].recall, 0.3333333333333333);
  EXPECT_DOUBLE_EQ(scores[2].f1, 0.3636363636363636);
}

TEST(EntityCounter, ComparesTagsOfTwoSchemes) {
  EntityCounter counter;
  counter.add(words("B-PER I-PER O S-LOC"), words("I-PER I-PER O I-LOC"));
  EXPECT_EQ(counter.scores().front().f1, 1);
}

TEST(EntityCounter, OfNothingIsZero) {
  EntityCounter counter;
  counter.add(words("O O"), words("O O"));
  counter.add({}, {});
  const std::vector<EntityScore> scores = counter.scores();
  ASSERT_EQ(scores.size(), 1u);
  EXPECT_EQ(scores[0].type, "");
  EXPECT_EQ(scores[0].examples, 0);
  EXPECT_EQ(scores[0].f1, 0);
}

TEST(EntityCounter, NeedsAsManyPredictionsAsLabels) {
  EntityCounter counter;
  EXPECT_THAT([&] { counter.add(words("O O"), words("O")); },
              testing::ThrowsMessage<ShapeError>(
                  "EntityCounter.add: there are 2 labels and 1 predictions; there must be one of "
                  "each for each word"));
}

}  // namespace
}  // namespace riverrun::models
