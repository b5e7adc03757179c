#include <filesystem>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "riverrun/core/error.h"
#include "riverrun/core/file.h"
#include "riverrun/core/random.h"
#include "riverrun/data/text/tokenizer.h"

namespace riverrun::text {
namespace {

using ::testing::HasSubstr;

Tokenizer words() {
  return Tokenizer::words(std::vector<std::string>{"the", "\"", "\\", "\xC3\xA9"});
}
Tokenizer characters() {
  return Tokenizer::characters({U'\0', U'\n', U'"', U'\\', U'a', U'b', U'\u20AC', U'\U0001F600'});
}

/// `text` with the first `from` replaced; a test that changes nothing would show nothing.
std::string changed(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  if (at != std::string::npos) text.replace(at, from.size(), to);
  return text;
}

TEST(TokenizerFile, IsReadBackFromText) {
  for (const Tokenizer& tokenizer : {Tokenizer::bytes(), characters(), Tokenizer::characters({}),
                                     words(), Tokenizer::words(std::vector<std::string>{})}) {
    const std::string json = tokenizer.to_json();
    const Tokenizer back = Tokenizer::from_json(json, "tokenizer.json");
    EXPECT_EQ(back, tokenizer);
    EXPECT_EQ(back.to_json(), json);
    EXPECT_EQ(back.encode("a \xC3\xA9\n"), tokenizer.encode("a \xC3\xA9\n"));
    EXPECT_EQ(back.line_end_id(), tokenizer.line_end_id());
  }
}

TEST(TokenizerFile, SaysWhatSeparatesWords) {
  const std::string json = words().to_json();
  // What early versions wrote, in which a word may hold other white space.
  const std::string old =
      changed(changed(json, R"(\r\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+)",
                      R"(\r]+)"),
              "\"the\"", "\"th\u00a0e\"");
  const Tokenizer tokenizer = Tokenizer::from_json(old, "old");
  EXPECT_EQ(tokenizer.to_json(), old);
  EXPECT_EQ(tokenizer.find("th\xC2\xA0"
                           "e"),
            2);
  EXPECT_EQ(tokenizer
                .encode("th\xC2\xA0"
                        "e")
                .size(),
            1u);
  EXPECT_EQ(words()
                .encode("th\xC2\xA0"
                        "e")
                .size(),
            2u);
}

TEST(TokenizerFile, IsReadBackFromAFile) {
  const std::filesystem::path path = std::filesystem::path(::testing::TempDir()) /
                                     ("riverrun-tokenizer-" + std::to_string(::getpid()) + ".json");
  words().save(path);
  EXPECT_EQ(Tokenizer::load(path), words());
  characters().save(path);
  EXPECT_EQ(Tokenizer::load(path), characters());
  std::filesystem::remove(path);
  EXPECT_THROW((void)Tokenizer::load(path), IoError);
  EXPECT_THROW((void)Tokenizer::load(::testing::TempDir()), IoError);
}

struct Case {
  std::string name;
  std::string json;
  std::string message;
};

TEST(TokenizerFile, RefusesWhatItDoesNotWrite) {
  const std::string word_json = words().to_json();
  const std::string char_json = characters().to_json();
  const std::string byte_json = Tokenizer::bytes().to_json();
  const std::vector<Case> cases = {
      {"empty", "", "not JSON"},
      {"null", "null", "no object \"model\""},
      {"array", "[]", "no object \"model\""},
      {"no model", "{}", "no object \"model\""},
      {"no vocab", R"({"model": {}})", "no object \"model\""},
      {"vocab is an array", R"({"model": {"vocab": []}})", "no object \"model\""},
      {"nothing else", R"({"model": {"vocab": {"<unk>": 0}}})", "not a tokenizer of riverrun"},
      {"deep nesting", R"({"a":)" + std::string(100'000, '['), "not JSON"},
      {"deep closed nesting",
       R"({"a":)" + std::string(100'000, '[') + std::string(100'000, ']') +
           R"(, "model": {"vocab": {}}})",
       "not a tokenizer of riverrun"},
      {"truncated", word_json.substr(0, word_json.size() / 2), "not JSON"},
      {"something after", word_json + "x", "not JSON"},
      {"invalid UTF-8", changed(word_json, "the", "th\xFF"), "not JSON"},
      {"lone surrogate", changed(word_json, "\"the\"", "\"\\ud800\""), "not JSON"},
      {"huge number", changed(word_json, "\"the\": 2", "\"the\": 1e999"), "out of range"},
      {"other version", changed(word_json, "1.0", "2.0"), "not a tokenizer of riverrun"},
      {"unknown entry", changed(word_json, "\"padding\"", "\"pudding\""),
       "not a tokenizer of riverrun"},
      {"further entry", changed(word_json, "{", "{\"more\": 1,"), "not a tokenizer of riverrun"},
      {"other normalizer", changed(word_json, " <eos> ", " </s> "), "not a tokenizer of riverrun"},
      {"merges", changed(byte_json, "\"merges\": []", "\"merges\": [\"a b\"]"),
       "not a tokenizer of riverrun"},
      {"key twice", changed(word_json, "\"the\": 2", "\"the\": 2, \"the\": 2"), "given twice"},
      {"entry twice", changed(word_json, "{", "{\"version\": \"1.0\","), "given twice"},
      {"negative id", changed(word_json, "\"the\": 2", "\"the\": -2"), "not a whole number"},
      {"fraction", changed(word_json, "\"the\": 2", "\"the\": 2.0"), "not a whole number"},
      {"string", changed(word_json, "\"the\": 2", "\"the\": \"2\""), "not a whole number"},
      {"gap", changed(word_json, "\"the\": 2", "\"the\": 6"), "not a whole number"},
      {"id beyond 64 bits", changed(word_json, "\"the\": 2", "\"the\": 99999999999999999999"),
       "not a whole number"},
      {"id twice", changed(word_json, "\"the\": 2", "\"the\": 3"), "id 3 is given twice"},
      {"no unk", changed(word_json, "      \"<unk>\"", "      \"unk\""),
       "the token with id 0 is not <unk>"},
      {"no eos", changed(word_json, "\"<eos>\"", "\"eos\""), "the token with id 1 is not <eos>"},
      {"unk elsewhere",
       changed(changed(word_json, "      \"<unk>\": 0", "      \"<unk>\": 2"), "\"the\": 2",
               "\"the\": 0"),
       "the token with id 0 is not <unk>"},
      {"no word at all", changed(word_json, "\"the\"", "\"\""), "white space"},
      {"white space in a word", changed(word_json, "\"the\"", "\"th e\""), "white space"},
      {"long word", changed(word_json, "the", std::string(kMaxWordBytes + 1, 'x')), "white space"},
      {"two characters", changed(char_json, "\"a\"", "\"aa\""), "not one character"},
      {"no character", changed(char_json, "\"a\"", "\"\""), "not one character"},
      {"characters out of order",
       changed(changed(char_json, "\"a\": 5", "\"a\": 6"), "\"b\": 6", "\"b\": 5"),
       "not in ascending order"},
      {"characters without unk", changed(char_json, "      \"<unk>\"", "      \"?\""),
       "the token with id 0 is not <unk>"},
      {"bytes out of order",
       changed(changed(byte_json, "\"a\": 97", "\"a\": 98"), "\"b\": 98", "\"b\": 97"),
       "not the 256 bytes"},
      {"other bytes", changed(byte_json, "\"a\": 97", "\"aa\": 97"), "not the 256 bytes"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    try {
      (void)Tokenizer::from_json(c.json, "dir/tokenizer.json");
      ADD_FAILURE() << "was accepted";
    } catch (const FormatError& error) {
      EXPECT_THAT(error.what(), HasSubstr(c.message));
      EXPECT_EQ(error.path(), "dir/tokenizer.json");
      EXPECT_LE(error.offset(), c.json.size() + 1);
    }
  }
}

TEST(TokenizerFile, AnErrorSaysWhereItIs) {
  const std::string json = changed(words().to_json(), "\"the\": 2", "\"the\": 77");
  try {
    (void)Tokenizer::from_json(json, "t");
    FAIL() << "was accepted";
  } catch (const FormatError& error) {
    EXPECT_EQ(error.offset(), json.find("\"the\""));
  }
}

TEST(TokenizerFile, EveryTruncationIsRefused) {
  const std::string json = words().to_json();
  const std::size_t last = json.find_last_of('}');
  for (std::size_t size = 0; size <= last; ++size) {
    ASSERT_THROW((void)Tokenizer::from_json(json.substr(0, size), "t"), FormatError) << size;
  }
}

TEST(TokenizerFile, AFlippedBitIsRefusedOrGivesAWholeTokenizer) {
  const std::string json = characters().to_json();
  Random random(10);
  for (int round = 0; round < 3000; ++round) {
    std::string flipped = json;
    flipped[random.below(static_cast<std::uint32_t>(json.size()))] ^=
        static_cast<char>(1u << random.below(8));
    try {
      const Tokenizer tokenizer = Tokenizer::from_json(flipped, "t");
      ASSERT_EQ(Tokenizer::from_json(tokenizer.to_json(), "t"), tokenizer);
    } catch (const FormatError&) {
      continue;
    }
  }
}

}  // namespace
}  // namespace riverrun::text
