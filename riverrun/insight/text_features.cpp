#include "riverrun/insight/text_features.h"

#include <algorithm>

namespace riverrun::insight {
namespace {

bool is_upper(char32_t c) { return c >= 'A' && c <= 'Z'; }
bool is_digit(char32_t c) { return c >= '0' && c <= '9'; }
/// Of the blocks that hold punctuation, all but a few letters.
bool is_punctuation_beyond_ascii(char32_t c) {
  if (c < 0xC0) return c != 0xAA && c != 0xB5 && c != 0xBA;  // ª µ º
  return (c >= 0x2010 && c <= 0x206F) || (c >= 0x2E00 && c <= 0x2E7F) ||
         (c >= 0x3001 && c <= 0x303F && !(c >= 0x3005 && c <= 0x3007)) ||
         (c >= 0xFF01 && c <= 0xFF0F) || (c >= 0xFF1A && c <= 0xFF20) ||
         (c >= 0xFF3B && c <= 0xFF40) || (c >= 0xFF5B && c <= 0xFF65);
}
bool is_letter(char32_t c) {
  if (c < 0x80) return is_upper(c) || (c >= 'a' && c <= 'z');
  return !text::is_white_space(c) && !is_punctuation_beyond_ascii(c);
}

constexpr std::u32string_view kOpeningBrackets = U"([{\uFF08\uFF3B\uFF5B\u3010";
constexpr std::u32string_view kClosingBrackets = U")]}\uFF09\uFF3D\uFF5D\u3011";

/// What closes a quotation that `c` opens; none if it opens none. Some marks open in one language
/// and close in another: those open only where a word may begin.
std::u32string_view closing_quotes(char32_t c, bool word_may_begin) {
  switch (c) {
    case U'"':
      return U"\"";
    case 0x201C:  // “English”
      return U"\u201D";
    case 0x201E:  // „German“, „Polish”
      return U"\u201C\u201D";
    case 0x201D:  // ”Swedish”
      return word_may_begin ? U"\u201D" : U"";
    case 0xAB:  // «French»
      return U"\u00BB";
    case 0xBB:  // »German«, »Finnish»
      return word_may_begin ? U"\u00AB\u00BB" : U"";
    case 0x300C:
      return U"\u300D";
    case 0x300E:
      return U"\u300F";
    default:
      return U"";
  }
}

}  // namespace

void TextFeatures::take(char32_t c) {
  if (line_ended_) {
    column_ = indentation_ = 0;
    only_space_so_far_ = true;
  }
  line_ended_ = c == '\n';
  ++characters_;
  ++column_;
  only_space_so_far_ = only_space_so_far_ && text::is_white_space(c);
  if (only_space_so_far_ && !line_ended_) ++indentation_;

  const bool opens = kOpeningBrackets.find(c) != std::u32string_view::npos;
  if (closing_quotes_.empty()) {
    closing_quotes_ = closing_quotes(c, after_space_ || after_bracket_);
  } else if (closing_quotes_.find(c) != std::u32string_view::npos) {
    closing_quotes_ = {};
  }
  if (opens) ++brackets_;
  if (kClosingBrackets.find(c) != std::u32string_view::npos) {
    brackets_ = std::max<std::int64_t>(brackets_ - 1, 0);
  }
  after_bracket_ = opens;
  after_space_ = text::is_white_space(c);

  const bool in_word = is_letter(c) || is_digit(c);
  in_word_ = in_word ? in_word_ + 1 : 0;
  if (in_word_ == 1) {
    words_ = sentence_ended_ ? 1 : words_ + 1;
    sentence_ended_ = false;
  }
  if (c == '.' || c == '!' || c == '?') sentence_ended_ = true;
  upper_ = upper_ || is_upper(c);
  digit_ = digit_ || is_digit(c);

  const auto flag = [](bool yes) { return yes ? 1.0 : 0.0; };
  now_ = {static_cast<double>(column_),
          flag(line_ended_),
          static_cast<double>(indentation_),
          flag(!closing_quotes_.empty()),
          static_cast<double>(brackets_),
          static_cast<double>(in_word_),
          flag(after_space_),
          flag(upper_),
          flag(digit_),
          flag(!in_word && !after_space_),
          static_cast<double>(words_),
          static_cast<double>(characters_)};
}

const std::array<double, TextFeatures::kCount>& TextFeatures::push(std::string_view token) {
  upper_ = digit_ = false;
  scanner_.feed(token, [this](char32_t c, int, bool) { take(c); });
  return now_;
}

}  // namespace riverrun::insight
