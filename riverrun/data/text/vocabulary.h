#pragma once

// What the files of this room share about vocabularies; not for users.

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "riverrun/data/text/tokenizer.h"

namespace riverrun::text {

inline constexpr std::string_view kUnknown = "<unk>";
inline constexpr std::string_view kLineEnd = "<eos>";
inline constexpr std::int32_t kUnknownId = 0;
inline constexpr std::int32_t kLineEndId = 1;  // among words

inline bool is_separator(char32_t code_point, Separators separators) {
  return is_white_space(code_point) && (code_point < 0x80 || separators == Separators::kUnicode);
}

/// Appends to a word unless it is too long already: what is beyond the limit by any number of bytes
/// is in no vocabulary, and needs no memory.
inline void append_to_word(char32_t code_point, std::string& word) {
  if (word.size() <= kMaxWordBytes) append_utf8(code_point, word);
}

struct Tokenizer::Vocabulary {
  TokenKind kind = TokenKind::kByte;
  std::vector<std::string> tokens;  // by id
  // By code point, up to the highest; kUnknownId where there is no token.
  std::vector<std::int32_t> characters;
  // The keys are views of `tokens`, which is complete before the first is added.
  std::unordered_map<std::string_view, std::int32_t> words;
  std::int32_t line_end = -1;
  Separators separators = Separators::kUnicode;  // of words

  [[nodiscard]] std::int32_t id_of(char32_t code_point) const noexcept {
    return code_point < characters.size() ? characters[code_point] : kUnknownId;
  }
  [[nodiscard]] std::int32_t id_of(std::string_view word) const noexcept {
    const auto found = words.find(word);
    return found == words.end() ? kUnknownId : found->second;
  }
};

}  // namespace riverrun::text
