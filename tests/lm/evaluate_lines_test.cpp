#include "riverrun/lm/evaluate_lines.h"

#include <cmath>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "riverrun/core/file.h"
#include "riverrun/core/random.h"

#include "tests/lm/untrained.h"
#include "tests/temporary_folder.h"

namespace riverrun::lm {
namespace {

namespace fs = std::filesystem;

class EvaluateLines : public testing::Test {
 protected:
  std::vector<Evaluation> scores(const LanguageModel& model, const text::Tokenizer& tokenizer,
                                 const std::vector<std::string>& texts) {
    std::vector<fs::path> paths;
    for (const std::string& text : texts) {
      paths.push_back(folder_ / std::to_string(paths.size()));
      replace_file(paths.back(), text);
    }
    std::vector<Evaluation> result;
    read_ = evaluate_lines(model, tokenizer,
                           text::open_texts(paths, {.encoding = {}, .as_bytes = true}),
                           [&result](const Evaluation& line) { result.push_back(line); });
    return result;
  }
  TemporaryFolder folder_;
  LinesRead read_;  // of the last call
};

/// Token by token from a fresh state.
double nats_of(const LanguageModel& model, std::int32_t start, std::span<const std::int32_t> ids) {
  LanguageModel::Reader reader(model);
  double nats = 0;
  std::int32_t last = start;
  for (const std::int32_t id : ids) {
    nats += surprise(reader.read(last), id);
    last = id;
  }
  return nats;
}

TEST_F(EvaluateLines, EachIsWhatReadingItAloneGives) {
  Random random(1);
  std::vector<std::string> lines;
  for (int i = 0; i < 700; ++i) {  // more than are scored together
    std::string line;
    for (std::uint32_t n = random.below(i % 50 == 0 ? 900 : 30); n > 0; --n) {
      line += "abc d\xC3\xA9"[random.below(7)];
    }
    lines.push_back(line + "\n");
  }
  lines.push_back("a last one");
  std::string text;
  for (const std::string& line : lines) text += line;
  for (const text::TokenKind kind :
       {text::TokenKind::kByte, text::TokenKind::kChar, text::TokenKind::kWord}) {
    const text::Tokenizer tokenizer = tokenizer_for(text, kind);
    const LanguageModel model = model_for(tokenizer);
    const std::vector<Evaluation> result = scores(model, tokenizer, {text});
    ASSERT_EQ(result.size(), lines.size());
    for (std::size_t i = 0; i < lines.size(); ++i) {
      text::TextCounts counts;
      const std::vector<std::int32_t> ids = tokenizer.encode(lines[i], &counts);
      EXPECT_EQ(result[i].tokens, counts.tokens);
      EXPECT_EQ(result[i].known_tokens, counts.tokens);
      EXPECT_EQ(result[i].characters, counts.spelled_characters);
      EXPECT_EQ(result[i].bytes, counts.spelled_bytes);
      const double expected = nats_of(model, tokenizer.line_end_id(), ids);
      ASSERT_NEAR(result[i].nats, expected, 1e-5 * expected) << i;
    }
  }
}

TEST_F(EvaluateLines, DoNotDependOnOneAnother) {
  const std::string text = "one\ntwo three\n\n" + std::string(3000, 'x') + "\none\n";
  const text::Tokenizer tokenizer = text::Tokenizer::bytes();
  const LanguageModel model = model_for(tokenizer);
  const std::vector<Evaluation> together = scores(model, tokenizer, {text});
  ASSERT_EQ(together.size(), 5u);
  EXPECT_EQ(together[2].tokens, 1) << "a line end";
  EXPECT_EQ(together[3].tokens, 3001);
  EXPECT_EQ(together[0].nats, together[4].nats) << "to the bit";
  EXPECT_EQ(together[0].nats, scores(model, tokenizer, {"one\n"})[0].nats);
  // A text that ends without a line end ends its line too.
  EXPECT_EQ(scores(model, tokenizer, {"one", "two"}).size(), 2u);
}

TEST_F(EvaluateLines, CountUnknownTokens) {
  const text::Tokenizer tokenizer = tokenizer_for("to be or\n", text::TokenKind::kWord);
  const LanguageModel model = model_for(tokenizer);
  const std::vector<Evaluation> result = scores(model, tokenizer, {"to err\nto be\n"});
  EXPECT_EQ(result[0].tokens, 3);
  EXPECT_EQ(result[0].known_tokens, 2);
  EXPECT_LT(result[0].known_nats, result[0].nats);
  EXPECT_EQ(result[1].known_nats, result[1].nats);
  // Without a line end in the vocabulary, a line ends without one.
  const text::Tokenizer letters = tokenizer_for("ab");
  const std::vector<Evaluation> none = scores(model_for(letters), letters, {"ab\na"});
  EXPECT_EQ(none[0].tokens, 2);
  EXPECT_EQ(none[0].known_tokens, 2);
}

TEST_F(EvaluateLines, SayWhatIsOddInTheTexts) {
  const text::Tokenizer letters = tokenizer_for("ab\n");
  const text::Tokenizer no_line_end = tokenizer_for("ab");
  const text::Tokenizer words = tokenizer_for("a b\n", text::TokenKind::kWord);
  for (const text::Tokenizer& tokenizer : {letters, no_line_end, words}) {
    (void)scores(model_for(tokenizer), tokenizer, {"a\nb\n", "a\na x\n\na \xFF y\n\xFF\n", "x"});
    EXPECT_EQ(read_.invalid.sequences, 2);
    EXPECT_EQ(read_.invalid.path, folder_ / "1");
    EXPECT_EQ(read_.invalid.offset, 9) << to_string(tokenizer.kind());
    EXPECT_GE(read_.unknown, 5);
    EXPECT_THAT(read_.unknown_named, testing::Contains("y"));
  }
  (void)scores(model_for(letters), letters, {"ab\n"});
  EXPECT_EQ(read_.invalid.sequences, 0);
  EXPECT_EQ(read_.invalid.offset, -1);
  EXPECT_EQ(read_.unknown, 0);
}

}  // namespace
}  // namespace riverrun::lm
