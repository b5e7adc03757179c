#include "riverrun/data/text/words_and_marks.h"

#include <cstddef>

#include "riverrun/data/text/lower_case.h"
#include "riverrun/data/text/utf8.h"

namespace riverrun::text {
namespace {

constexpr char32_t kApostrophe = U'\'';
constexpr char32_t kTypographicApostrophe = 0x2019;

template <class Sink>
void for_each_character(std::string_view text, const Sink& sink) {
  Utf8Scanner scanner;
  scanner.feed(text, sink);
  scanner.finish(sink);
}

bool is_mark(char32_t c) noexcept {
  const auto within = [c](char32_t first, char32_t last) { return c >= first && c <= last; };
  if (c < 0x80) {
    return within(U'!', U'/') || within(U':', U'@') || within(U'[', U'`') || within(U'{', U'~');
  }
  return within(0x00A1, 0x00A9) || within(0x00AB, 0x00B1) || c == 0x00B4 ||
         within(0x00B6, 0x00B8) || c == 0x00BB || c == 0x00BF ||
         within(0x2010, 0x205E) ||  // general punctuation
         within(0x20A0, 0x20CF) ||  // currencies
         within(0x3001, 0x3003) || within(0x3008, 0x3011) || within(0x3014, 0x301F) ||
         within(0xFF01, 0xFF0F) || within(0xFF1A, 0xFF20) || within(0xFF3B, 0xFF40) ||
         within(0xFF5B, 0xFF65);
}

}  // namespace

std::string_view without_outer_space(std::string_view text) {
  std::size_t at = 0;
  std::size_t begin = text.size();
  std::size_t end = text.size();
  for_each_character(text, [&](char32_t c, int bytes, bool) {
    if (!is_white_space(c)) {
      if (begin == text.size()) begin = at;
      end = at + static_cast<std::size_t>(bytes);
    }
    at += static_cast<std::size_t>(bytes);
  });
  return text.substr(begin, end - begin);
}

std::string words_and_marks(std::string_view text) {
  std::string words;
  words.reserve(text.size() + text.size() / 8);
  bool in_word = false;
  bool apostrophe = false;  // after a word, of which it is a part if that goes on
  const auto begin = [&words] {
    if (!words.empty()) words += ' ';
  };
  const auto take = [&](char32_t c, int, bool) {
    const bool is_apostrophe = c == kApostrophe || c == kTypographicApostrophe;
    if (is_apostrophe && in_word && !apostrophe) {
      apostrophe = true;
      return;
    }
    const bool is_of_word = !is_white_space(c) && !is_mark(c);
    if (apostrophe) {
      if (!is_of_word) begin();
      append_utf8(kApostrophe, words);
      in_word = is_of_word;
      apostrophe = false;
    }
    if (is_white_space(c)) {
      in_word = false;
    } else if (is_of_word) {
      if (!in_word) begin();
      append_utf8(lower_case(c), words);
      in_word = true;
    } else {
      begin();
      append_utf8(is_apostrophe ? kApostrophe : c, words);
      in_word = false;
    }
  };
  for_each_character(text, take);
  if (apostrophe) take(U' ', 1, true);
  return words;
}

}  // namespace riverrun::text
