#include "riverrun/data/text/utf8.h"

#include <cstdint>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "riverrun/core/random.h"

namespace riverrun::text {
namespace {

using ::testing::ElementsAre;

struct Seen {
  char32_t code_point;
  int bytes;
  bool valid;
  friend bool operator==(const Seen&, const Seen&) = default;
};

std::vector<Seen> scan(const std::vector<std::string_view>& pieces) {
  std::vector<Seen> seen;
  const auto sink = [&seen](char32_t c, int bytes, bool valid) {
    seen.push_back({c, bytes, valid});
  };
  Utf8Scanner scanner;
  for (const std::string_view piece : pieces) scanner.feed(piece, sink);
  scanner.finish(sink);
  return seen;
}

std::vector<char32_t> code_points(std::string_view text) {
  std::vector<char32_t> out;
  for (const Seen& seen : scan({text})) out.push_back(seen.code_point);
  return out;
}

constexpr char32_t kBad = kReplacementCharacter;

TEST(Utf8, EveryScalarValueIsReadBackFromWhatIsWritten) {
  for (char32_t c = 0; c <= 0x10FFFF; ++c) {
    if (c >= 0xD800 && c <= 0xDFFF) continue;
    std::string bytes;
    append_utf8(c, bytes);
    const std::vector<Seen> seen = scan({bytes});
    ASSERT_EQ(seen.size(), 1u) << static_cast<std::uint32_t>(c);
    ASSERT_EQ(seen[0], (Seen{c, static_cast<int>(bytes.size()), true}));
  }
}

TEST(Utf8, KnownBytes) {
  EXPECT_THAT(code_points("a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80"),
              ElementsAre(U'a', U'\u00E9', U'\u20AC', U'\U0001F600'));
  EXPECT_THAT(code_points(std::string_view("\0", 1)), ElementsAre(U'\0'));
}

// The examples of the Unicode Standard, tables 3-8 to 3-11.
TEST(Utf8, MaximalSubpartsOfIllFormedSequences) {
  EXPECT_THAT(code_points("\xC0\xAF\xE0\x80\xBF\xF0\x81\x82\x41"),
              ElementsAre(kBad, kBad, kBad, kBad, kBad, kBad, kBad, kBad, U'A'));
  EXPECT_THAT(code_points("\xED\xA0\x80\xED\xBF\xBF\xED\xAF\x41"),
              ElementsAre(kBad, kBad, kBad, kBad, kBad, kBad, kBad, kBad, U'A'));
  EXPECT_THAT(code_points("\xF4\x91\x92\x93\xFF\x41\x80\xBF\x42"),
              ElementsAre(kBad, kBad, kBad, kBad, kBad, U'A', kBad, kBad, U'B'));
  EXPECT_THAT(code_points("\xE1\x80\xE2\xF0\x91\x92\xF1\xBF\x41"),
              ElementsAre(kBad, kBad, kBad, kBad, U'A'));
}

TEST(Utf8, BytesOfEachIllFormedSequenceAreReported) {
  EXPECT_THAT(scan({"\xE1\x80\xE2\xF0\x91\x92\xF1\xBF"}),
              ElementsAre(Seen{kBad, 2, false}, Seen{kBad, 1, false}, Seen{kBad, 3, false},
                          Seen{kBad, 2, false}));
}

TEST(Utf8, ACharacterCutByTheEndIsIllFormed) {
  EXPECT_THAT(scan({"a\xF0\x9F\x98"}), ElementsAre(Seen{U'a', 1, true}, Seen{kBad, 3, false}));
}

TEST(Utf8, AWrittenReplacementCharacterIsValid) {
  EXPECT_THAT(scan({"\xEF\xBF\xBD"}), ElementsAre(Seen{kBad, 3, true}));
}

TEST(Utf8, WherePiecesAreCutMakesNoDifference) {
  // Bytes that make every state of the scanner likely.
  constexpr std::string_view kAlphabet =
      "aZ\x7F\x80\x8F\x90\x9F\xA0\xBF\xC1\xC2\xE0\xE1\xED\xF0\xF4\xF5";
  Random random(1);
  for (int round = 0; round < 2000; ++round) {
    std::string text;
    for (std::uint32_t n = random.below(12); n > 0; --n) {
      text += kAlphabet[random.below(static_cast<std::uint32_t>(kAlphabet.size()))];
    }
    const std::vector<Seen> whole = scan({text});
    int bytes = 0;
    for (const Seen& seen : whole) bytes += seen.bytes;
    ASSERT_EQ(static_cast<std::size_t>(bytes), text.size()) << "each byte belongs to one character";
    for (std::size_t cut = 0; cut <= text.size(); ++cut) {
      const std::string_view view = text;
      ASSERT_EQ(scan({view.substr(0, cut), view.substr(cut)}), whole) << round << ", " << cut;
    }
  }
}

TEST(Utf8, ControlsAreThoseOfAsciiAndOfLatin1) {
  for (const char32_t c : {0x00, 0x0A, 0x1B, 0x1F, 0x7F, 0x80, 0x9B, 0x9F}) {
    EXPECT_TRUE(is_control(c)) << static_cast<std::uint32_t>(c);
  }
  for (const char32_t c : {0x20, 0x7E, 0xA0, 0xAD, 0x2028, 0x1F600}) {
    EXPECT_FALSE(is_control(c)) << static_cast<std::uint32_t>(c);
  }
}

TEST(Utf8, EscapedShowsControls) {
  constexpr std::string_view kText = "a\x1b[31m\t\r\n\x7f\xC2\x9B\xC3\xA9\xFF";
  EXPECT_EQ(escaped(kText), "a\\x1B[31m\\t\\r\\n\\x7F\\x9B\xC3\xA9\xEF\xBF\xBD");
  EXPECT_EQ(escaped("a\xEF\xBB\xBF"), "a\\uFEFF") << "it would not be seen";
  EXPECT_EQ(escaped(kText, U"\n\t"), "a\\x1B[31m\t\\r\n\\x7F\\x9B\xC3\xA9\xEF\xBF\xBD");
}

TEST(Utf8, ToValidXmlReplacesWhatXmlForbids) {
  EXPECT_EQ(to_valid_xml(std::string_view("a\0b\x1f\t\r\n\x7f", 8)),
            "a\xEF\xBF\xBD"
            "b\xEF\xBF\xBD\t\r\n\x7f");
  EXPECT_EQ(to_valid_xml("\xEF\xBF\xBC\xEF\xBF\xBE\xEF\xBF\xBF\xFF"),  // U+FFFC to U+FFFF
            "\xEF\xBF\xBC\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");
  // Other noncharacters are allowed.
  EXPECT_EQ(to_valid_xml("\xF0\x9F\xBF\xBE"), "\xF0\x9F\xBF\xBE");  // U+1FFFE
}

TEST(Utf8, ToValidUtf8KeepsWhatIsValidAndReplacesTheRest) {
  EXPECT_EQ(to_valid_utf8("na\xC3\xAFve"), "na\xC3\xAFve");
  EXPECT_EQ(to_valid_utf8("a\xFFz\xC3"), "a\xEF\xBF\xBDz\xEF\xBF\xBD");
  Random random(2);
  for (int round = 0; round < 500; ++round) {
    std::string text(random.below(64), '\0');
    for (char& c : text) c = static_cast<char>(random.below(256));
    for (const Seen& seen : scan({to_valid_utf8(text)})) ASSERT_TRUE(seen.valid);
  }
}

TEST(ByteOrderMark, IsDroppedOnceAndAtTheBeginningOnly) {
  EXPECT_EQ(without_byte_order_mark("\xEF\xBB\xBFtext"), "text");
  EXPECT_EQ(without_byte_order_mark("\xEF\xBB\xBF\xEF\xBB\xBF"), "\xEF\xBB\xBF");
  EXPECT_EQ(without_byte_order_mark("text\xEF\xBB\xBF"), "text\xEF\xBB\xBF");
  EXPECT_EQ(without_byte_order_mark("\xEF\xBB"), "\xEF\xBB");
  EXPECT_EQ(without_byte_order_mark(""), "");
}

}  // namespace
}  // namespace riverrun::text
