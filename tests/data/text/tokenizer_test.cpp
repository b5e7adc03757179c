#include "riverrun/data/text/tokenizer.h"

#include <cstdint>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "riverrun/core/error.h"

namespace riverrun::text {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

Tokenizer build(TokenKind kind, std::string_view text, std::int64_t max_size = 0) {
  TokenizerBuilder builder(kind, max_size);
  builder.feed(text);
  builder.finish();
  return builder.build();
}

std::vector<std::string> tokens(const Tokenizer& tokenizer) {
  std::vector<std::string> out;
  for (std::int32_t id = 0; id < tokenizer.size(); ++id) out.emplace_back(tokenizer.token(id));
  return out;
}

TEST(TokenKind, NamesAreReadBack) {
  for (const TokenKind kind : {TokenKind::kByte, TokenKind::kChar, TokenKind::kWord}) {
    EXPECT_EQ(parse_token_kind(to_string(kind)), kind);
  }
  try {
    (void)parse_token_kind("bpe");
    FAIL() << "bpe is no kind";
  } catch (const ConfigError& error) {
    EXPECT_STREQ(error.what(), "tokens: \"bpe\"; must be byte, char or word");
  }
}

TEST(ByteTokenizer, IdsAreTheBytes) {
  const Tokenizer tokenizer = Tokenizer::bytes();
  EXPECT_EQ(tokenizer.size(), 256);
  EXPECT_EQ(tokenizer.unknown_id(), -1);
  EXPECT_EQ(tokenizer.line_end_id(), 10);
  EXPECT_THAT(tokenizer.encode("a\xFF\n"), ElementsAre(97, 255, 10));
  EXPECT_EQ(tokenizer.find("\xFF"), 255);
  EXPECT_EQ(tokenizer.find("ab"), -1);
}

TEST(CharTokenizer, IdsAscendByCodePointAfterUnk) {
  const Tokenizer tokenizer = build(TokenKind::kChar,
                                    "b\xE2\x82\xAC\xC3\xA9"
                                    "a\nb");
  EXPECT_THAT(tokens(tokenizer), ElementsAre("<unk>", "\n", "a", "b", "\xC3\xA9", "\xE2\x82\xAC"));
  EXPECT_EQ(tokenizer.unknown_id(), 0);
  EXPECT_EQ(tokenizer.line_end_id(), 1);
  EXPECT_THAT(tokenizer.encode("\xE2\x82\xAC?a"), ElementsAre(5, 0, 2));
  EXPECT_EQ(tokenizer.find("\xC3\xA9"), 4);
  EXPECT_EQ(tokenizer.find("<unk>"), 0);
  EXPECT_EQ(tokenizer.find("z"), -1);
  EXPECT_EQ(tokenizer.find("ab"), -1);
  EXPECT_EQ(tokenizer.find(""), -1);
  EXPECT_EQ(tokenizer.decode(tokenizer.encode("a?b")),
            "a\xEF\xBF\xBD"
            "b");
}

TEST(CharTokenizer, UnkWrittenInTheTextIsFiveCharacters) {
  const Tokenizer tokenizer = build(TokenKind::kChar, "<unk>");
  EXPECT_EQ(tokenizer.size(), 6);
  EXPECT_EQ(tokenizer.decode(tokenizer.encode("<unk>")), "<unk>");
}

TEST(CharTokenizer, WithoutNewlineThereIsNoLineEnd) {
  EXPECT_EQ(build(TokenKind::kChar, "abc").line_end_id(), -1);
}

TEST(CharTokenizer, TheLeastFrequentAreLeftOutAndTiesGoToTheSmallest) {
  EXPECT_THAT(tokens(build(TokenKind::kChar, "ccccbbdda", 3)), ElementsAre("<unk>", "b", "c"));
}

TEST(CharTokenizer, RefusesWhatIsNoCharacter) {
  EXPECT_THROW((void)Tokenizer::characters({0xD800}), ConfigError);
  EXPECT_THROW((void)Tokenizer::characters({0x110000}), ConfigError);
  EXPECT_THROW((void)Tokenizer::characters({U'a', U'b', U'a'}), ConfigError);
}

TEST(WordTokenizer, OrderIsFrequencyThenBytes) {
  const Tokenizer tokenizer = build(TokenKind::kWord, "the cat\nthe dog the dog b\n");
  EXPECT_THAT(tokens(tokenizer), ElementsAre("<unk>", "<eos>", "the", "dog", "b", "cat"));
  EXPECT_EQ(tokenizer.unknown_id(), 0);
  EXPECT_EQ(tokenizer.line_end_id(), 1);
  EXPECT_THAT(tokenizer.encode("the cow\n"), ElementsAre(2, 0, 1));
}

TEST(WordTokenizer, TheLimitCountsUnkAndEos) {
  EXPECT_THAT(tokens(build(TokenKind::kWord, "a a a c c b b d", 4)),
              ElementsAre("<unk>", "<eos>", "a", "b"));
}

TEST(WordTokenizer, WhiteSpaceSeparatesAndEachLineEndIsEos) {
  const Tokenizer tokenizer = build(TokenKind::kWord, "a b");
  EXPECT_THAT(tokenizer.encode(" \t a\v\fb \r\n\n  \n a"), ElementsAre(2, 3, 1, 1, 1, 2));
  EXPECT_THAT(tokenizer.encode(""), ElementsAre());
  EXPECT_THAT(tokenizer.encode("   "), ElementsAre());
}

TEST(WordTokenizer, UnicodesWhiteSpaceSeparatesUnlessAnOldFileSaysOtherwise) {
  const Tokenizer tokenizer = build(TokenKind::kWord, "a b");
  for (const char32_t space :
       {0x85, 0xA0, 0x1680, 0x2000, 0x200A, 0x2028, 0x2029, 0x202F, 0x205F, 0x3000}) {
    std::string text = "a";
    append_utf8(space, text);
    text += "b";
    EXPECT_THAT(tokenizer.encode(text), ElementsAre(2, 3)) << text;
    EXPECT_EQ(build(TokenKind::kWord, text), tokenizer) << text;
    EXPECT_THROW((void)Tokenizer::words(std::vector<std::string>{text}), ConfigError);
    const Tokenizer old = Tokenizer::words(std::vector<std::string>{text}, Separators::kAscii);
    EXPECT_THAT(old.encode("a " + text), ElementsAre(0, 2));
  }
  for (const char32_t none : {0x200B, 0x2060, 0xFEFF, 0x180E}) {  // these have no such property
    std::string text = "a";
    append_utf8(none, text);
    text += "b";
    EXPECT_THAT(tokenizer.encode(text), ElementsAre(0)) << text;
  }
}

TEST(WordTokenizer, UnkAndEosWrittenInTheTextAreTheseTokens) {
  const Tokenizer tokenizer = build(TokenKind::kWord, "<unk> <unk> a <eos>\n");
  EXPECT_THAT(tokens(tokenizer), ElementsAre("<unk>", "<eos>", "a"));
  TextCounts counts;
  EXPECT_THAT(tokenizer.encode("<unk> a <eos> b", &counts), ElementsAre(0, 2, 1, 0));
  EXPECT_EQ(counts.unknown, 1) << "only b is not in the vocabulary";
}

TEST(WordTokenizer, DecodeJoinsWithSpacesAndEndsLines) {
  const Tokenizer tokenizer = build(TokenKind::kWord, "the cat sat\n");
  EXPECT_EQ(tokenizer.decode(tokenizer.encode("the  cat\n sat the\n\ncat")),
            "the cat\nsat the\n\ncat");
}

TEST(WordTokenizer, AWordBeyondTheLimitIsUnknownWhateverItsLength) {
  const std::string longest(kMaxWordBytes, 'x');
  const Tokenizer tokenizer =
      build(TokenKind::kWord, longest + " " + longest + "x " + std::string(100'000, 'x'));
  EXPECT_EQ(tokenizer.size(), 3);
  TextCounts counts;
  EXPECT_THAT(tokenizer.encode(longest + " " + longest + "x", &counts), ElementsAre(2, 0));
  EXPECT_EQ(counts.bytes, static_cast<std::int64_t>(2 * kMaxWordBytes + 2));
}

TEST(WordTokenizer, IllFormedUtf8WithinAWordIsReplaced) {
  const Tokenizer tokenizer = build(TokenKind::kWord,
                                    "a\xFF"
                                    "b");
  EXPECT_THAT(tokens(tokenizer), ElementsAre("<unk>", "<eos>",
                                             "a\xEF\xBF\xBD"
                                             "b"));
}

TEST(WordTokenizer, RefusesWhatIsNoWord) {
  for (const std::string& word :
       {std::string(), std::string("a b"), std::string("a\n"), std::string("\xFF"),
        std::string(kMaxWordBytes + 1, 'a'), std::string("<unk>"), std::string("<eos>")}) {
    EXPECT_THROW((void)Tokenizer::words(std::vector<std::string>{"fine", word}), ConfigError)
        << word;
  }
  EXPECT_THROW((void)Tokenizer::words(std::vector<std::string>{"twice", "twice"}), ConfigError);
}

TEST(TokenizerBuilder, TextsThatWereFinishedDoNotRunTogether) {
  TokenizerBuilder builder(TokenKind::kWord);
  builder.feed("end");
  builder.finish();
  builder.feed("start");
  builder.finish();
  builder.feed("pending");
  EXPECT_THAT(tokens(builder.build()), ElementsAre("<unk>", "<eos>", "end", "start"));
}

TEST(TokenizerBuilder, RefusesASizeThatLeavesNoRoom) {
  EXPECT_THROW(TokenizerBuilder(TokenKind::kByte, 100), ConfigError);
  EXPECT_THROW(TokenizerBuilder(TokenKind::kChar, 1), ConfigError);
  EXPECT_THROW(TokenizerBuilder(TokenKind::kWord, 2), ConfigError);
  EXPECT_THROW(TokenizerBuilder(TokenKind::kWord, -1), ConfigError);
  EXPECT_NO_THROW(TokenizerBuilder(TokenKind::kByte, 256));
}

TEST(Tokenizer, AnIdOutOfRangeIsRefused) {
  const Tokenizer tokenizer = build(TokenKind::kWord, "a");
  EXPECT_THROW((void)tokenizer.token(3), ConfigError);
  EXPECT_THROW((void)tokenizer.decode(std::vector<std::int32_t>{2, -1}), ConfigError);
  EXPECT_THROW((void)Decoder(tokenizer).push(1000), ConfigError);
}

TEST(Tokenizer, DisplayEscapesWhatCannotBeSeen) {
  EXPECT_EQ(Tokenizer::bytes().display('\n'), "\\n");
  EXPECT_EQ(Tokenizer::bytes().display(0xC3), "\\xC3");
  EXPECT_EQ(Tokenizer::bytes().display('a'), "a");
  const Tokenizer characters = Tokenizer::characters({U'\t', U'\r', U'\u0007', U'\u00E9'});
  EXPECT_EQ(characters.display(characters.find("\t")), "\\t");
  EXPECT_EQ(characters.display(characters.find("\r")), "\\r");
  EXPECT_EQ(characters.display(characters.find("\a")), "\\x07");
  EXPECT_EQ(characters.display(characters.find("\xC3\xA9")), "\xC3\xA9");
}

TEST(Tokenizer, EqualityIsOfTheVocabulary) {
  EXPECT_EQ(build(TokenKind::kWord, "a b b"), build(TokenKind::kWord, "b a b"));
  EXPECT_FALSE(build(TokenKind::kWord, "a b b") == build(TokenKind::kWord, "a a b"));
  EXPECT_FALSE(Tokenizer::characters({}) == Tokenizer::characters({U'a'}));
}

TEST(Prompt, ReportsEachUnknownTokenOnce) {
  const Prompt words = encode_prompt(build(TokenKind::kWord, "to be"), "to err\nis to err");
  EXPECT_THAT(words.ids, ElementsAre(3, 0, 1, 0, 3, 0));
  EXPECT_THAT(words.unknown, ElementsAre("err", "is"));
  EXPECT_EQ(words.problem(), "3 tokens are not in the vocabulary and become <unk>: 'err' 'is'");

  const Prompt characters = encode_prompt(build(TokenKind::kChar, "ab"),
                                          "a\xC3\xA9"
                                          "b\xC3\xA9");
  EXPECT_THAT(characters.unknown, ElementsAre("\xC3\xA9"));
  EXPECT_EQ(characters.problem(),
            "2 tokens are not in the vocabulary and become <unk>: '\xC3\xA9'");
  EXPECT_EQ(encode_prompt(build(TokenKind::kChar, "ab"), "a\x1B").problem(),
            "1 token is not in the vocabulary and becomes <unk>: '\\x1B'");
  EXPECT_EQ(encode_prompt(build(TokenKind::kChar, "a"), "abcdefghijklm").problem(),
            "12 tokens are not in the vocabulary and become <unk>: 'b' 'c' 'd' 'e' 'f' 'g' 'h' 'i' "
            "'j' 'k' ...");
}

TEST(Prompt, ReportsInvalidUtf8) {
  const Prompt bytes = encode_prompt(Tokenizer::bytes(), "a\xFF");
  EXPECT_EQ(bytes.counts.invalid_sequences, 1);
  EXPECT_EQ(bytes.problem(), "") << "bytes need not be UTF-8";
  EXPECT_EQ(encode_prompt(build(TokenKind::kChar, "a\xEF\xBF\xBD"), "a\xFF").problem(),
            "1 sequence of bytes is not UTF-8");
  const Prompt characters = encode_prompt(build(TokenKind::kChar, "a"),
                                          "\xFF"
                                          "a\xFF");
  EXPECT_THAT(characters.problem(),
              HasSubstr("'\xEF\xBF\xBD'; 2 sequences of bytes are not UTF-8"));
}

TEST(Prompt, IsSilentWhenAllIsWell) {
  EXPECT_EQ(encode_prompt(Tokenizer::bytes(), "abc").problem(), "");
  EXPECT_EQ(encode_prompt(build(TokenKind::kWord, "to be"), "to be <unk>").problem(), "");
  EXPECT_THAT(encode_prompt(build(TokenKind::kWord, "to be"), "").ids, ElementsAre());
}

}  // namespace
}  // namespace riverrun::text
