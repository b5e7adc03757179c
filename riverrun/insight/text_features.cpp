#include "riverrun/insight/text_features.h"

#include <algorithm>

namespace riverrun::insight {
namespace {

bool is_space(char32_t c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
bool is_upper(char32_t c) { return c >= 'A' && c <= 'Z'; }
bool is_digit(char32_t c) { return c >= '0' && c <= '9'; }
bool is_letter(char32_t c) { return c >= 0x80 || is_upper(c) || (c >= 'a' && c <= 'z'); }

}  // namespace

void TextFeatures::take(char32_t c) {
  if (line_ended_) {
    column_ = indentation_ = 0;
    only_space_so_far_ = true;
  }
  line_ended_ = c == '\n';
  ++characters_;
  ++column_;
  only_space_so_far_ = only_space_so_far_ && is_space(c);
  if (only_space_so_far_ && !line_ended_) ++indentation_;

  constexpr char32_t kOpeningQuote = 0x201C;
  constexpr char32_t kClosingQuote = 0x201D;
  if (c == kOpeningQuote) quoted_ = true;
  if (c == kClosingQuote) quoted_ = false;
  if (c == '"') quoted_ = !quoted_;
  if (c == '(' || c == '[' || c == '{') ++brackets_;
  if (c == ')' || c == ']' || c == '}') brackets_ = std::max<std::int64_t>(brackets_ - 1, 0);

  const bool in_word = (is_letter(c) && c != kOpeningQuote && c != kClosingQuote) || is_digit(c);
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
          flag(quoted_),
          static_cast<double>(brackets_),
          static_cast<double>(in_word_),
          flag(is_space(c)),
          flag(upper_),
          flag(digit_),
          flag(!in_word && !is_space(c)),
          static_cast<double>(words_),
          static_cast<double>(characters_)};
}

const std::array<double, TextFeatures::kCount>& TextFeatures::push(std::string_view token) {
  upper_ = digit_ = false;
  scanner_.feed(token, [this](char32_t c, int, bool) { take(c); });
  return now_;
}

}  // namespace riverrun::insight
