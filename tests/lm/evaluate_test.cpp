#include "riverrun/lm/evaluate.h"

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "riverrun/core/error.h"
#include "riverrun/data/text/tokenizer.h"

#include "tests/lm/untrained.h"

namespace riverrun::lm {
namespace {

std::string poem() {
  std::string text;
  for (int i = 0; i < 40; ++i) text += "a rose is a rose is é rose\n";
  return text;
}

TEST(Evaluate, AModelThatKnowsNothingNeedsTheLogarithmOfTheVocabulary) {
  const std::string text = poem();
  const text::Tokenizer tokenizer = tokenizer_for(text);
  LanguageModel model = model_for(tokenizer);
  for (const NamedParameter& named : model.parameters()) {
    named.parameter->mutable_value().fill(0);
  }
  const Evaluation result = evaluate(model, text::Corpus::from_text(tokenizer, text));
  const auto vocabulary = static_cast<double>(tokenizer.size());
  EXPECT_NEAR(result.nats_per_token(), std::log(vocabulary), 1e-6);
  EXPECT_NEAR(result.perplexity(), vocabulary, 1e-4);
  EXPECT_NEAR(result.bits_per_character(), std::log2(vocabulary), 1e-5);
}

TEST(Evaluate, CountsEveryTokenButTheFirstOnce) {
  const std::string text = poem();
  const text::Tokenizer tokenizer = tokenizer_for(text);
  const LanguageModel model = model_for(tokenizer);
  const text::Corpus corpus = text::Corpus::from_text(tokenizer, text);
  for (const std::int64_t streams : {1, 2, 7}) {
    const Evaluation result = evaluate(model, corpus, {.streams = streams, .seq_len = 13});
    EXPECT_EQ(result.tokens, corpus.size() - 1) << streams;
    EXPECT_EQ(result.characters, 40 * 27 - 1);
    EXPECT_EQ(result.bytes, 40 * 28 - 1);
    EXPECT_NEAR(result.bits_per_byte() * 28 * 40, result.bits_per_character() * 27 * 40,
                result.nats / 1000);
  }
}

TEST(Evaluate, IsWhatReadingTokenByTokenGives) {
  const std::string text = poem();
  const text::Tokenizer tokenizer = tokenizer_for(text);
  const LanguageModel model = model_for(tokenizer);
  LanguageModel::Reader reader(model);
  double expected = 0;
  const std::vector<std::int32_t> ids = tokenizer.encode(text);
  for (std::size_t i = 0; i + 1 < ids.size(); ++i) {
    expected += surprise(reader.read(ids[i]), ids[i + 1]);
  }
  const text::Corpus corpus = text::Corpus::from_text(tokenizer, text);
  for (const std::int64_t seq_len : {1, 10, 4096}) {
    EXPECT_NEAR(evaluate(model, corpus, {.seq_len = seq_len}).nats, expected, 1e-5 * expected);
  }
}

TEST(Evaluate, TellsTheKnownTokensFromTheOthers) {
  const text::Tokenizer tokenizer = tokenizer_for("a rose is\n");
  const LanguageModel model = model_for(tokenizer);
  const std::string text = "a rise is a rose is a ruse\n";
  const text::Corpus corpus = text::Corpus::from_text(tokenizer, text);
  const std::vector<std::int32_t> ids = tokenizer.encode(text);
  LanguageModel::Reader reader(model);
  double known = 0;
  for (std::size_t i = 0; i + 1 < ids.size(); ++i) {
    const double nats = surprise(reader.read(ids[i]), ids[i + 1]);
    if (ids[i + 1] != tokenizer.unknown_id()) known += nats;
  }
  const Evaluation result =
      evaluate(model, corpus, {.seq_len = 7, .unknown_id = tokenizer.unknown_id()});
  EXPECT_EQ(result.tokens, 26);
  EXPECT_EQ(result.known_tokens, 25) << "one u";
  EXPECT_NEAR(result.known_nats, known, 1e-5 * known);
  EXPECT_NEAR(result.known_perplexity(), std::exp(known / 25), 1e-3);
  EXPECT_EQ(evaluate(model, corpus).known_tokens, 26);
}

TEST(Evaluate, CanBeStopped) {
  const std::string text = poem();
  const text::Tokenizer tokenizer = tokenizer_for(text);
  const Evaluation result =
      evaluate(model_for(tokenizer), text::Corpus::from_text(tokenizer, text), {.seq_len = 10},
               [](std::int64_t tokens) { return tokens < 30; });
  EXPECT_EQ(result.tokens, 30);
  EXPECT_EQ(result.characters, 0);
  EXPECT_EQ(result.bytes, 0);
}

TEST(Evaluate, RefusesOneTokenAndShowsDamagedWeights) {
  const text::Tokenizer tokenizer = tokenizer_for("ab");
  LanguageModel model = model_for(tokenizer);
  EXPECT_THROW((void)evaluate(model, text::Corpus::from_text(tokenizer, "a")), ConfigError);
  for (const NamedParameter& named : model.parameters()) {
    named.parameter->mutable_value().fill(std::numeric_limits<float>::quiet_NaN());
  }
  EXPECT_TRUE(std::isnan(evaluate(model, text::Corpus::from_text(tokenizer, "abab")).nats));
}

}  // namespace
}  // namespace riverrun::lm
