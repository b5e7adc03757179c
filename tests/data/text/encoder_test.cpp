#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "riverrun/core/random.h"
#include "riverrun/data/text/tokenizer.h"

namespace riverrun::text {
namespace {

using ::testing::ElementsAre;

constexpr TokenKind kKinds[] = {TokenKind::kByte, TokenKind::kChar, TokenKind::kWord};

Tokenizer build(TokenKind kind, std::string_view text, std::size_t piece = std::string::npos) {
  TokenizerBuilder builder(kind);
  for (std::size_t i = 0; i < text.size(); i += std::min(piece, text.size() - i)) {
    builder.feed(text.substr(i, piece));
  }
  builder.finish();
  return builder.build();
}

std::vector<std::int32_t> encode_in_pieces(const Tokenizer& tokenizer, std::string_view text,
                                           std::size_t piece, TextCounts& counts) {
  Encoder encoder(tokenizer);
  std::vector<std::int32_t> ids;
  for (std::size_t i = 0; i < text.size(); i += piece) encoder.feed(text.substr(i, piece), ids);
  encoder.finish(ids);
  counts = encoder.counts();
  return ids;
}

std::string random_bytes(Random& random, std::uint32_t longest) {
  std::string text(random.below(longest), '\0');
  for (char& c : text) c = static_cast<char>(random.below(256));
  return text;
}

/// Words, white space, characters of 1 to 4 bytes.
std::string random_text(Random& random) {
  std::string text;
  for (std::uint32_t n = random.below(200); n > 0; --n) {
    switch (random.below(6)) {
      case 0:
        text += " \n\t\r"[random.below(4)];
        break;
      case 1:
        append_utf8(0x10000 + random.below(0x3000), text);
        break;
      case 2:
        append_utf8(0x80 + random.below(0x5000), text);
        break;
      default:
        text += static_cast<char>('a' + random.below(4));
    }
  }
  return text;
}

void expect_equal(const TextCounts& a, const TextCounts& b) {
  EXPECT_EQ(a.tokens, b.tokens);
  EXPECT_EQ(a.unknown, b.unknown);
  EXPECT_EQ(a.bytes, b.bytes);
  EXPECT_EQ(a.characters, b.characters);
  EXPECT_EQ(a.spelled_bytes, b.spelled_bytes);
  EXPECT_EQ(a.spelled_characters, b.spelled_characters);
  EXPECT_EQ(a.first_token_bytes, b.first_token_bytes);
  EXPECT_EQ(a.first_token_characters, b.first_token_characters);
  EXPECT_EQ(a.invalid_sequences, b.invalid_sequences);
  EXPECT_EQ(a.first_invalid_byte, b.first_invalid_byte);
}

TEST(Encoder, WherePiecesAreCutMakesNoDifference) {
  Random random(3);
  for (int round = 0; round < 200; ++round) {
    const std::string text = random_text(random) + random_bytes(random, 20) + random_text(random);
    for (const TokenKind kind : kKinds) {
      const Tokenizer tokenizer = build(kind, text);
      ASSERT_EQ(build(kind, text, 1), tokenizer);
      // A vocabulary that lacks some of the text, too.
      for (const Tokenizer& t : {tokenizer, build(kind, text.substr(0, text.size() / 2))}) {
        TextCounts whole_counts;
        const std::vector<std::int32_t> whole = t.encode(text, &whole_counts);
        for (const std::size_t piece : {1u, 2u, 3u, 7u}) {
          TextCounts counts;
          ASSERT_EQ(encode_in_pieces(t, text, piece, counts), whole);
          expect_equal(counts, whole_counts);
        }
      }
    }
  }
}

TEST(Encoder, RandomBytesGiveIdsInRangeAndTheirCounts) {
  Random random(4);
  for (int round = 0; round < 300; ++round) {
    const std::string text = random_bytes(random, 500);
    for (const TokenKind kind : kKinds) {
      const Tokenizer tokenizer = build(kind, random_bytes(random, 500));
      TextCounts counts;
      const std::vector<std::int32_t> ids = tokenizer.encode(text, &counts);
      for (const std::int32_t id : ids) ASSERT_TRUE(id >= 0 && id < tokenizer.size());
      ASSERT_EQ(counts.tokens, static_cast<std::int64_t>(ids.size()));
      ASSERT_EQ(counts.bytes, static_cast<std::int64_t>(text.size()));
      ASSERT_LE(counts.first_token_bytes, counts.bytes);
      ASSERT_EQ(counts.invalid_sequences > 0, to_valid_utf8(text) != text);
      (void)tokenizer.decode(ids);
    }
  }
}

TEST(Encoder, BytesAreReadBackWhateverTheyAre) {
  Random random(5);
  const Tokenizer tokenizer = Tokenizer::bytes();
  for (int round = 0; round < 300; ++round) {
    const std::string text = random_bytes(random, 500);
    ASSERT_EQ(tokenizer.decode(tokenizer.encode(text)), text);
  }
}

TEST(Encoder, CharactersOfTheVocabularyAreReadBack) {
  Random random(6);
  for (int round = 0; round < 300; ++round) {
    const std::string text = random_text(random);
    const Tokenizer tokenizer = build(TokenKind::kChar, text);
    TextCounts counts;
    ASSERT_EQ(tokenizer.decode(tokenizer.encode(text, &counts)), text);
    ASSERT_EQ(counts.unknown, 0);
    ASSERT_EQ(counts.characters, counts.tokens);
  }
}

TEST(Encoder, WordsAreReadBackUpToWhiteSpace) {
  Random random(7);
  for (int round = 0; round < 300; ++round) {
    const std::string text = random_text(random);
    const Tokenizer tokenizer = build(TokenKind::kWord, text);
    const std::vector<std::int32_t> ids = tokenizer.encode(text);
    const std::string once = tokenizer.decode(ids);
    ASSERT_EQ(tokenizer.encode(once), ids);
    ASSERT_EQ(tokenizer.decode(tokenizer.encode(once)), once);
  }
}

TEST(Encoder, CountsBytesAndCharactersOfTheText) {
  const std::string text = "  caf\xC3\xA9 x\n";
  TextCounts counts;
  (void)build(TokenKind::kWord, "x").encode(text, &counts);
  EXPECT_EQ(counts.tokens, 3);
  EXPECT_EQ(counts.unknown, 1);
  EXPECT_EQ(counts.bytes, 10);
  EXPECT_EQ(counts.characters, 9);
  EXPECT_EQ(counts.spelled_bytes, 8) << "the two spaces before the first word are of no token";
  EXPECT_EQ(counts.spelled_characters, 7);
  EXPECT_EQ(counts.first_token_bytes, 5);
  EXPECT_EQ(counts.first_token_characters, 4);

  (void)build(TokenKind::kChar, "x").encode("\xC3\xA9x", &counts);
  EXPECT_EQ(counts.first_token_bytes, 2);
  EXPECT_EQ(counts.first_token_characters, 1);

  (void)Tokenizer::bytes().encode("\xC3\xA9x", &counts);
  EXPECT_EQ(counts.tokens, 3);
  EXPECT_EQ(counts.characters, 2);
  EXPECT_EQ(counts.first_token_bytes, 1);
  EXPECT_EQ(counts.first_token_characters, 1);

  (void)build(TokenKind::kWord, "x").encode("\nx", &counts);
  EXPECT_EQ(counts.first_token_bytes, 1) << "the line end is the first token";
}

TEST(Encoder, CountsWhatTheTokensSpell) {
  Random random(10);
  for (int round = 0; round < 300; ++round) {
    const std::string text = random_text(random);
    for (const TokenKind kind : kKinds) {
      const Tokenizer tokenizer = build(kind, text);
      TextCounts counts;
      const std::string spelled = tokenizer.decode(tokenizer.encode(text, &counts));
      ASSERT_EQ(counts.spelled_bytes, static_cast<std::int64_t>(spelled.size()));
      TextCounts again;
      (void)Tokenizer::bytes().encode(spelled, &again);
      ASSERT_EQ(counts.spelled_characters, again.characters);
    }
  }
  // However many spaces stand between words: what is predicted is the same.
  TextCounts narrow;
  (void)build(TokenKind::kWord, "x").encode("a b\nc\n", &narrow);
  TextCounts wide;
  (void)build(TokenKind::kWord, "x").encode("  a        b  \n   c \n  ", &wide);
  EXPECT_EQ(wide.spelled_bytes, narrow.spelled_bytes);
  EXPECT_EQ(wide.spelled_characters, narrow.spelled_characters);
  EXPECT_EQ(wide.first_token_bytes, narrow.first_token_bytes);
}

TEST(Encoder, CountsALongWordWhole) {
  TextCounts counts;
  (void)build(TokenKind::kWord, "x").encode("x " + std::string(5000, 'y'), &counts);
  EXPECT_EQ(counts.spelled_bytes, 5002);
}

TEST(Encoder, NamesTheFirstUnknownTokens) {
  Encoder characters(build(TokenKind::kChar, "ab"));
  std::vector<std::int32_t> ids;
  characters.feed("abcabdc\xC3\xA9", ids);
  EXPECT_THAT(characters.unknown(), ElementsAre("c", "d", "\xC3\xA9"));
  Encoder words(build(TokenKind::kWord, "to be"));
  words.feed("be 1 2 3 4 5 6 <unk> 7 8 9 10 11 to\n1 " + std::string(5000, 'y'), ids);
  words.finish(ids);
  EXPECT_THAT(words.unknown(), ElementsAre("1", "2", "3", "4", "5", "6", "7", "8", "9", "10"));
  EXPECT_EQ(words.counts().unknown, 13);
}

TEST(Encoder, ReportsTheFirstInvalidByte) {
  for (const TokenKind kind : kKinds) {
    TextCounts counts;
    (void)build(kind, "ab").encode("ab \xC3\xA9\xE2\x82 a\xFF", &counts);
    EXPECT_EQ(counts.invalid_sequences, 2);
    EXPECT_EQ(counts.first_invalid_byte, 5);
    (void)build(kind, "ab").encode("ab", &counts);
    EXPECT_EQ(counts.invalid_sequences, 0);
    EXPECT_EQ(counts.first_invalid_byte, -1);
  }
}

TEST(Encoder, InvalidUtf8BecomesTheReplacementCharacter) {
  const Tokenizer tokenizer = Tokenizer::characters({U'a', U'\uFFFD'});
  EXPECT_THAT(tokenizer.encode("a\xE2\x82"
                               "a\xFF\xFF"),
              ElementsAre(1, 2, 1, 2, 2));
}

TEST(Encoder, TextsThatWereFinishedDoNotRunTogether) {
  Encoder encoder(build(TokenKind::kWord, "end start endstart"));
  std::vector<std::int32_t> ids;
  encoder.feed("end", ids);
  EXPECT_THAT(ids, ElementsAre()) << "the word might go on";
  encoder.finish(ids);
  encoder.feed("start", ids);
  encoder.finish(ids);
  EXPECT_EQ(ids.size(), 2u);
  EXPECT_EQ(encoder.counts().unknown, 0);
  EXPECT_EQ(encoder.counts().bytes, 8);
}

TEST(Decoder, GivesTheSameTextAsDecode) {
  Random random(8);
  for (int round = 0; round < 200; ++round) {
    const std::string text = random_text(random);
    for (const TokenKind kind : kKinds) {
      const Tokenizer tokenizer = build(kind, text);
      const std::vector<std::int32_t> ids = tokenizer.encode(text);
      Decoder decoder(tokenizer);
      std::string streamed;
      for (const std::int32_t id : ids) streamed += decoder.push(id);
      streamed += decoder.finish();
      ASSERT_EQ(streamed, tokenizer.decode(ids));
    }
  }
}

TEST(Decoder, OnlyEverGivesWholeCharacters) {
  Decoder decoder(Tokenizer::bytes());
  EXPECT_EQ(decoder.push(0xE2), "");
  EXPECT_EQ(decoder.push(0x82), "");
  EXPECT_EQ(decoder.push(0xAC), "\xE2\x82\xAC");
  EXPECT_EQ(decoder.push(0xE2), "");
  EXPECT_EQ(decoder.push('a'),
            "\xEF\xBF\xBD"
            "a");
  EXPECT_EQ(decoder.push(0xC3), "");
  EXPECT_EQ(decoder.finish(), "\xEF\xBF\xBD");
  EXPECT_EQ(decoder.finish(), "");
}

TEST(Decoder, RandomBytesGiveValidUtf8) {
  Random random(9);
  Decoder decoder(Tokenizer::bytes());
  for (int i = 0; i < 20000; ++i) {
    const std::string text = decoder.push(static_cast<std::int32_t>(random.below(256)));
    ASSERT_EQ(to_valid_utf8(text), text);
  }
}

}  // namespace
}  // namespace riverrun::text
