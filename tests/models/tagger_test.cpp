#include "riverrun/models/tagger.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "riverrun/core/error.h"
#include "riverrun/nn/cells.h"

#include "tests/models/sentences.h"
#include "tests/models/tagger_listed.h"
#include "tests/nn/gradient_check.h"

namespace riverrun::models {
namespace {

using data::TaggedSentences;
using test::banks;
using test::sentences;
using testing::ElementsAre;
using testing::ElementsAreArray;
using testing::HasSubstr;
using testing::ThrowsMessage;

std::size_t at(std::int64_t index) { return static_cast<std::size_t>(index); }

TaggedSentences small() { return sentences({"a/X B/Y a/Z abc/X", "c/Y", "ca/X unseen/Z b/Z"}); }

TaggerOptions small_options() {
  TaggerOptions options;
  options.embedding_size = 3;
  options.char_embedding_size = 2;
  options.char_hidden_size = 2;
  options.hidden_size = 4;
  options.dropout = 0;
  return options;
}

/// A tagger of the data that knows the words of the sentences `learnt`, with parameters that are
/// large enough to matter.
Tagger tagger_of(const TaggedSentences& data, std::span<const std::int64_t> learnt,
                 TaggerOptions options = small_options()) {
  TaggerVocabulary vocabulary = TaggerVocabulary::of(data, learnt);
  describe(data, learnt, vocabulary, options);
  Tagger model(options, std::move(vocabulary));
  std::uint64_t seed = 5;
  for (const NamedParameter& named : model.parameters()) {
    named.parameter->set_value(test::random_tensor(named.parameter->value().shape(), ++seed));
  }
  return model;
}

Tagger tagger_of(const TaggedSentences& data, TaggerOptions options = small_options()) {
  return tagger_of(data, all_of(data), std::move(options));
}

/// [seq_len, batch], with a tag that is none beyond the ends.
std::vector<std::int32_t> tags_of(const Tagger& model, const TaggedSentences& data,
                                  std::span<const std::int64_t> which) {
  const TaggerBatch batch = model.batch(data, which);
  std::vector<std::int32_t> tags(batch.words.size(), 1000);
  for (std::int64_t b = 0; b < batch.batch(); ++b) {
    const std::vector<std::int32_t> of = model.tags(data, which[at(b)]);
    for (std::size_t t = 0; t < of.size(); ++t) tags[t * at(batch.batch()) + at(b)] = of[t];
  }
  return tags;
}

std::vector<Tagger::Tagging> taggings_of(const Tagger& model, const TaggedSentences& data,
                                         std::span<const std::int64_t> which, bool labelled) {
  std::vector<Tagger::Tagging> all;
  model.tag(data, which, labelled, [&](const auto& tagging) { all.push_back(tagging); });
  return all;
}

TEST(Tagger, IsDescribedByWhatItLearns) {
  const std::vector<std::int64_t> learnt = {0, 1};
  const TaggerVocabulary vocabulary = TaggerVocabulary::of(small(), learnt);
  TaggerOptions options;
  describe(small(), learnt, vocabulary, options);
  EXPECT_THAT(options.tags, ElementsAre("X", "Y", "Z"));
  EXPECT_THAT(options.examples, ElementsAre(2, 2, 1));
  EXPECT_FLOAT_EQ(options.usual_share, 0.8f) << "all but the a that is Z";
  EXPECT_EQ(options.words, 5) << "a, abc, b, c and all others";
  EXPECT_EQ(options.characters, 5) << "a, b, c, B and all others";
  EXPECT_THAT(all_of(small()), ElementsAre(0, 1, 2));
}

TEST(Tagger, ReadsSentencesSideBySideAndSpellsEachFormOnce) {
  const std::vector<std::int64_t> learnt = {0, 1};
  const Tagger model = tagger_of(small(), learnt);
  EXPECT_THAT(model.vocabulary().words(), ElementsAre("", "a", "abc", "b", "c"));
  EXPECT_THAT(model.vocabulary().characters(), ElementsAre("", "B", "a", "b", "c"));
  const TaggerBatch batch = model.batch(small(), std::vector<std::int64_t>{2, 0});
  EXPECT_EQ(batch.seq_len, 4);
  EXPECT_EQ(batch.batch(), 2);
  EXPECT_THAT(batch.lengths, ElementsAre(3, 4));
  EXPECT_THAT(batch.words, ElementsAre(0, 1, 0, 3, 3, 1, 0, 2));
  // ca, unseen, b, a, B, abc
  ASSERT_EQ(batch.forms.size(), 8u);
  EXPECT_THAT(std::span(batch.forms).first(6), ElementsAre(0, 3, 1, 4, 2, 3));
  EXPECT_EQ(batch.forms[7], 5);
  EXPECT_EQ(batch.form_len, 6);
  EXPECT_THAT(batch.form_lengths, ElementsAre(2, 6, 1, 1, 1, 3));
  EXPECT_THAT(std::span(batch.characters).first(18),
              ElementsAre(4, 0, 3, 2, 1, 2, 2, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 4));
}

TEST(Tagger, TagsAndLossAreWhatAListOfAllTagsSays) {
  const TaggedSentences data = small();
  const std::vector<std::int64_t> all = all_of(data);
  for (const bool crf : {true, false}) {
    for (const std::int64_t char_hidden_size : {0, 2}) {
      SCOPED_TRACE(testing::Message() << crf << char_hidden_size);
      TaggerOptions options = small_options();
      options.crf = crf;
      options.char_hidden_size = char_hidden_size;
      options.cell = char_hidden_size > 0 ? "gru" : "lstm";
      const std::vector<std::int64_t> learnt = {0, 1};
      Tagger model = tagger_of(data, learnt, options);
      double log_p = 0;
      for (const Tagger::Tagging& tagging : taggings_of(model, data, all, true)) {
        const test::ListedTags expected = test::listed_tags(model, data, tagging.sentence);
        EXPECT_EQ(tagging.tags, expected.best);
        ASSERT_EQ(tagging.probabilities.size(), expected.probabilities.size());
        for (std::size_t i = 0; i < expected.probabilities.size(); ++i) {
          EXPECT_NEAR(tagging.probabilities[i], expected.probabilities[i], 1e-5) << i;
        }
        ASSERT_TRUE(tagging.log_likelihood);
        EXPECT_NEAR(*tagging.log_likelihood, expected.log_p, 1e-4);
        log_p += expected.log_p;
      }
      Tape tape;
      const Var loss = model.loss(tape, model.batch(data, all), tags_of(model, data, all));
      EXPECT_EQ(loss.shape().rank(), 0);
      EXPECT_NEAR(loss.value().data()[0], -log_p / 8, 1e-5) << "the mean over 8 words";
    }
  }
}

TEST(Tagger, HasGradients) {
  const TaggedSentences data = small();
  const std::vector<std::int64_t> all = all_of(data);
  for (const bool crf : {true, false}) {
    TaggerOptions options = small_options();
    options.crf = crf;
    Tagger model = tagger_of(data, options);
    const TaggerBatch batch = model.batch(data, all);
    const std::vector<std::int32_t> tags = tags_of(model, data, all);
    test::check_gradients([&](Tape& tape, const auto&) { return model.loss(tape, batch, tags); },
                          {}, model.parameters(), 5e-3);
  }
}

TEST(Tagger, DropsOutOnlyWhileTraining) {
  TaggerOptions options = small_options();
  Tagger whole = tagger_of(small(), options);
  options.dropout = 0.5f;
  Tagger model = tagger_of(small(), options);
  const std::vector<std::int64_t> all = all_of(small());
  const auto loss = [&](Tagger& of, bool training) {
    Tape tape(training, 3);
    return of.loss(tape, of.batch(small(), all), tags_of(of, small(), all)).value().data()[0];
  };
  EXPECT_EQ(loss(model, false), loss(whole, false));
  EXPECT_NE(loss(model, true), loss(whole, true));
}

TEST(Tagger, WhatASentenceIsCalledDoesNotDependOnThoseBesideIt) {
  TaggedSentences data = banks(150, 1);  // more than are read side by side
  for (int i = 0; i < 5000; ++i) {       // longer than what is read together
    data.sentences[7].words.emplace_back(i % 3 == 0 ? "old" : "bank");
    data.sentences[7].tags.push_back(0);
  }
  const std::vector<std::int64_t> learnt = {0, 1, 2, 3, 4, 5, 6};
  for (const bool crf : {true, false}) {
    TaggerOptions options = small_options();
    options.crf = crf;
    const Tagger model = tagger_of(data, learnt, options);
    const std::vector<Tagger::Tagging> together = taggings_of(model, data, all_of(data), false);
    std::set<std::int64_t> seen;
    for (const Tagger::Tagging& tagging : together) {
      EXPECT_TRUE(seen.insert(tagging.sentence).second) << "each is said once";
      EXPECT_FALSE(tagging.log_likelihood);
      const std::vector<Tagger::Tagging> alone =
          taggings_of(model, data, std::vector<std::int64_t>{tagging.sentence}, true);
      ASSERT_EQ(alone.size(), 1u);
      EXPECT_EQ(alone[0].sentence, tagging.sentence);
      EXPECT_EQ(tagging.tags, alone[0].tags);
      EXPECT_THAT(tagging.probabilities,
                  testing::Pointwise(testing::FloatNear(1e-5f), alone[0].probabilities));
      EXPECT_EQ(tagging.tags.size(), data.sentences[at(tagging.sentence)].words.size());
      EXPECT_EQ(tagging.probabilities.size(), 3 * tagging.tags.size());
    }
    EXPECT_EQ(seen.size(), 150u);
  }
}

TEST(Tagger, TagsOnlyTheSentencesThatAreAskedFor) {
  const Tagger model = tagger_of(small());
  const auto asked = taggings_of(model, small(), std::vector<std::int64_t>{2, 1}, false);
  ASSERT_EQ(asked.size(), 2u);
  EXPECT_EQ(std::min(asked[0].sentence, asked[1].sentence), 1);
  EXPECT_EQ(std::max(asked[0].sentence, asked[1].sentence), 2);
  EXPECT_TRUE(taggings_of(model, small(), {}, false).empty());
}

TEST(Tagger, TagsAreFoundByTheirNames) {
  const Tagger model = tagger_of(small());
  const TaggedSentences other = sentences({"a/Z b/Y", "c/X a/W"});
  EXPECT_THAT(model.tags(other, 0), ElementsAre(2, 1));
  EXPECT_THAT([&] { (void)model.tags(other, 1); },
              ThrowsMessage<FormatError>(
                  HasSubstr("some.conll: word 2 of the sentence from line 20 on is tagged \"W\"")));
  const std::vector<std::int64_t> all = {0, 1};
  EXPECT_THROW((void)taggings_of(model, other, all, true), FormatError);
  const std::vector<std::int64_t> which = {1, 0};
  const TaggerBatch batch = model.batch(small(), which);
  EXPECT_THAT(model.tags(small(), which, batch), ElementsAre(1, 0, 0, 1, 0, 2, 0, 0));
  EXPECT_EQ(taggings_of(model, other, all, false).size(), 2u) << "nobody asks for its tags";
  EXPECT_EQ(taggings_of(model, sentences({"a b", "c"}), all, false).size(), 2u);
}

TEST(Tagger, TakesOnWordVectors) {
  const TaggedSentences data = sentences({"Paris/X is/Y paris/X"});
  data::WordVectors vectors{
      .dim = 3, .words = {"Paris", "IS", "other"}, .values = {1, 2, 3, 4, 5, 6, 7, 8, 9}};
  TaggerOptions options = small_options();
  TaggerVocabulary vocabulary =
      TaggerVocabulary::of(data, all_of(data), {.dim = 3, .words = {"Paris"}, .values = {}});
  describe(data, all_of(data), vocabulary, options);
  Tagger model(options, std::move(vocabulary));
  const auto weights = [&model] {
    const Tensor& weight = std::as_const(model).parameters().front().parameter->value();
    return std::vector<float>(weight.values().begin(), weight.values().end());
  };
  std::vector<float> expected = weights();
  model.set_vectors(vectors);
  ASSERT_THAT(model.vocabulary().words(), ElementsAre("", "Paris", "is", "paris"));
  for (std::size_t i = 0; i < 3; ++i) expected[3 + i] = static_cast<float>(i + 1);
  EXPECT_EQ(weights(), expected) << "\"IS\" is not the word that the vocabulary has";
  vectors.dim = 2;
  EXPECT_THAT([&] { model.set_vectors(vectors); },
              ThrowsMessage<ConfigError>(HasSubstr("are of 2 numbers; embedding_size is 3")));
}

TEST(Tagger, ShapesAreKnownBeforeTheModelIsMade) {
  for (const std::string& cell : cell_names()) {
    for (const bool crf : {true, false}) {
      TaggerOptions options = small_options();
      options.cell = cell;
      options.crf = crf;
      options.char_hidden_size = crf ? 2 : 0;
      options.num_layers = 2;
      const Tagger model = tagger_of(small(), options);
      const std::vector<NamedShape> shapes = parameter_shapes(model.options());
      const ConstParameterList made = model.parameters();
      ASSERT_EQ(shapes.size(), made.size()) << cell;
      for (std::size_t i = 0; i < made.size(); ++i) {
        EXPECT_EQ(shapes[i].name, made[i].name);
        EXPECT_EQ(shapes[i].shape, made[i].parameter->value().shape()) << made[i].name;
      }
      EXPECT_EQ(made.front().name, "word_embedding.weight");
      EXPECT_EQ(made[1].name, crf ? "char.embedding.weight" : "rnn.weight_ih_l0");
      EXPECT_EQ(made.back().name, crf ? "crf.transitions" : "decoder.bias");
    }
  }
}

TEST(Tagger, ItsSeedDecidesAllInitialParameters) {
  const auto made = [](std::uint64_t seed) {
    TaggerVocabulary vocabulary = TaggerVocabulary::of(small(), all_of(small()));
    TaggerOptions options = small_options();
    options.seed = seed;
    describe(small(), all_of(small()), vocabulary, options);
    return Tagger(options, std::move(vocabulary)).parameters();
  };
  const ParameterList first = made(1);
  const ParameterList same = made(1);
  const ParameterList other = made(2);
  for (std::size_t i = 0; i < first.size(); ++i) {
    const auto values = first[i].parameter->value().values();
    EXPECT_THAT(same[i].parameter->value().values(), ElementsAreArray(values));
    EXPECT_THAT(other[i].parameter->value().values(), testing::Not(ElementsAreArray(values)))
        << first[i].name;
  }
}

TEST(Tagger, RefusesWhatIsNotFinite) {
  Tagger model = tagger_of(small());
  for (const NamedParameter& named : model.parameters()) {
    if (named.name == "decoder.bias") {
      named.parameter->mutable_value().fill(std::numeric_limits<float>::infinity());
    }
  }
  EXPECT_THAT([&] { (void)taggings_of(model, small(), std::vector<std::int64_t>{1}, false); },
              ThrowsMessage<NumericError>(HasSubstr("some.conll, line 20: what the network says")));
}

TEST(Tagger, RefusesTagsThatAreNone) {
  const std::vector<std::int64_t> all = all_of(small());
  for (const bool crf : {true, false}) {
    TaggerOptions options = small_options();
    options.crf = crf;
    Tagger model = tagger_of(small(), options);
    const TaggerBatch batch = model.batch(small(), all);
    std::vector<std::int32_t> tags = tags_of(model, small(), all);
    Tape tape;
    for (const std::int32_t none : {3, -1, -100}) {
      tags[0] = none;
      EXPECT_THROW((void)model.loss(tape, batch, tags), ConfigError) << crf << none;
    }
    tags[0] = 0;
    tags.pop_back();
    EXPECT_THROW((void)model.loss(tape, batch, tags), ShapeError) << crf;
  }
}

TEST(Tagger, RefusesInvalidOptions) {
  const TaggerOptions valid = tagger_of(small()).options();
  const auto expect = [&](auto change, const char* message) {
    TaggerOptions options = valid;
    change(options);
    EXPECT_THAT([&] { check(options); }, ThrowsMessage<ConfigError>(HasSubstr(message)));
    EXPECT_THROW((void)parameter_shapes(options), ConfigError) << message;
    EXPECT_THROW(Tagger(options, TaggerVocabulary::of(small(), all_of(small()))), ConfigError);
  };
  expect([](auto& o) { o.tags = {"X"}; }, "the number of tags is 1; it must be at least 2");
  expect([](auto& o) { o.tags = {"X", "Y", "X"}; }, "the tag \"X\" is there twice");
  expect([](auto& o) { o.examples.pop_back(); }, "examples has 2 elements");
  expect([](auto& o) { o.examples = {0, 0, 0}; }, "examples are all 0");
  expect([](auto& o) { o.examples[0] = -1; }, "examples is -1");
  expect([](auto& o) { o.words = 0; }, "words is 0");
  expect([](auto& o) { o.characters = 0; }, "characters is 0");
  expect([](auto& o) { o.cell = "none"; }, "no cell is called \"none\"");
  expect([](auto& o) { o.embedding_size = 0; }, "embedding_size is 0");
  expect([](auto& o) { o.char_hidden_size = -1; }, "char_hidden_size is -1");
  expect([](auto& o) { o.hidden_size = 0; }, "hidden_size is 0");
  expect([](auto& o) { o.num_layers = 0; }, "num_layers is 0");
  expect([](auto& o) { o.dropout = 1; }, "dropout is 1");
  expect([](auto& o) { o.words = o.embedding_size = 1 << 27; }, "parameters; at most 1e11");
  expect([](auto& o) { o.characters = o.char_embedding_size = 1 << 27; }, "at most 1e11");
  expect(
      [](auto& o) {
        while (o.tags.size() <= 4096) o.tags.push_back(std::to_string(o.tags.size()));
        o.examples.resize(o.tags.size());
      },
      "the number of tags is 4097; a random field (crf) can have at most 4096");
  TaggerOptions other = valid;
  ++other.words;
  EXPECT_NO_THROW(check(other));
  EXPECT_THAT([&] { Tagger(other, TaggerVocabulary::of(small(), all_of(small()))); },
              ThrowsMessage<ConfigError>(HasSubstr("the options say")));
}

}  // namespace
}  // namespace riverrun::models
