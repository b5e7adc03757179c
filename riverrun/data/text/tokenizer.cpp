#include "riverrun/data/text/tokenizer.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "riverrun/core/error.h"
#include "riverrun/data/text/vocabulary.h"

namespace riverrun::text {
namespace {

constexpr char32_t kMaxCodePoint = 0x10FFFF;

bool is_scalar_value(char32_t code_point) {
  return code_point <= kMaxCodePoint && (code_point < 0xD800 || code_point > 0xDFFF);
}

/// The code point that `text` consists of, if it is exactly one.
std::optional<char32_t> only_character(std::string_view text) {
  int characters = 0;
  char32_t only = 0;
  const auto sink = [&](char32_t code_point, int, bool valid) {
    characters += valid ? 1 : 2;
    only = code_point;
  };
  Utf8Scanner scanner;
  scanner.feed(text, sink);
  scanner.finish(sink);
  return characters == 1 ? std::optional(only) : std::nullopt;
}

void check_word(std::string_view word, Separators separators) {
  const std::string valid = to_valid_utf8(word);
  bool has_space = false;
  Utf8Scanner().feed(word, [&](char32_t code_point, int, bool) {
    has_space = has_space || is_separator(code_point, separators);
  });
  if (word.empty() || word.size() > kMaxWordBytes || has_space || valid != word) {
    throw ConfigError(fmt::format(
        "Tokenizer.words: a word is \"{}\"; a word is 1 to {} bytes of UTF-8 without white space",
        to_valid_utf8(word.substr(0, 64)), kMaxWordBytes));
  }
}

}  // namespace

std::string_view to_string(TokenKind kind) noexcept {
  switch (kind) {
    case TokenKind::kByte:
      return "byte";
    case TokenKind::kChar:
      return "char";
    case TokenKind::kWord:
      return "word";
  }
  return "";
}

TokenKind parse_token_kind(std::string_view name) {
  for (const TokenKind kind : {TokenKind::kByte, TokenKind::kChar, TokenKind::kWord}) {
    if (name == to_string(kind)) return kind;
  }
  throw ConfigError(fmt::format("tokens: \"{}\"; must be byte, char or word", to_valid_utf8(name)));
}

Tokenizer::Tokenizer(std::shared_ptr<const Vocabulary> vocabulary)
    : vocabulary_(std::move(vocabulary)) {}

Tokenizer Tokenizer::bytes() {
  auto vocabulary = std::make_shared<Vocabulary>();
  for (int byte = 0; byte < 256; ++byte) {
    vocabulary->tokens.emplace_back(1, static_cast<char>(byte));
  }
  vocabulary->line_end = '\n';
  return Tokenizer(std::move(vocabulary));
}

Tokenizer Tokenizer::characters(std::vector<char32_t> code_points) {
  std::sort(code_points.begin(), code_points.end());
  for (std::size_t i = 0; i < code_points.size(); ++i) {
    const char32_t code_point = code_points[i];
    if (!is_scalar_value(code_point)) {
      throw ConfigError(
          fmt::format("Tokenizer.characters: U+{:04X} is given; it is not a Unicode scalar value",
                      static_cast<std::uint32_t>(code_point)));
    }
    if (i > 0 && code_points[i - 1] == code_point) {
      throw ConfigError(fmt::format("Tokenizer.characters: U+{:04X} is given twice; once is enough",
                                    static_cast<std::uint32_t>(code_point)));
    }
  }
  auto vocabulary = std::make_shared<Vocabulary>();
  vocabulary->kind = TokenKind::kChar;
  vocabulary->tokens.emplace_back(kUnknown);
  if (!code_points.empty()) vocabulary->characters.resize(code_points.back() + 1, kUnknownId);
  for (const char32_t code_point : code_points) {
    const auto id = static_cast<std::int32_t>(vocabulary->tokens.size());
    vocabulary->characters[code_point] = id;
    append_utf8(code_point, vocabulary->tokens.emplace_back());
    if (code_point == U'\n') vocabulary->line_end = id;
  }
  return Tokenizer(std::move(vocabulary));
}

Tokenizer Tokenizer::words(std::span<const std::string> words, Separators separators) {
  constexpr std::size_t kMostWords = std::numeric_limits<std::int32_t>::max() - 2;
  if (words.size() > kMostWords) {
    throw ConfigError(fmt::format("Tokenizer.words: {} words are given; at most {} fit 32-bit ids",
                                  words.size(), kMostWords));
  }
  auto vocabulary = std::make_shared<Vocabulary>();
  vocabulary->kind = TokenKind::kWord;
  vocabulary->separators = separators;
  vocabulary->tokens.reserve(words.size() + 2);
  vocabulary->tokens.emplace_back(kUnknown);
  vocabulary->tokens.emplace_back(kLineEnd);
  vocabulary->tokens.insert(vocabulary->tokens.end(), words.begin(), words.end());
  vocabulary->words.reserve(vocabulary->tokens.size());
  for (std::size_t id = 0; id < vocabulary->tokens.size(); ++id) {
    const std::string_view word = vocabulary->tokens[id];
    check_word(word, separators);
    if (!vocabulary->words.emplace(word, static_cast<std::int32_t>(id)).second) {
      throw ConfigError(fmt::format(
          "Tokenizer.words: \"{}\" is given twice; <unk> and <eos> are always there, and each word "
          "is given once",
          word));
    }
  }
  vocabulary->line_end = kLineEndId;
  return Tokenizer(std::move(vocabulary));
}

TokenKind Tokenizer::kind() const noexcept { return vocabulary_->kind; }

std::int64_t Tokenizer::size() const noexcept {
  return static_cast<std::int64_t>(vocabulary_->tokens.size());
}

std::int32_t Tokenizer::unknown_id() const noexcept {
  return kind() == TokenKind::kByte ? -1 : kUnknownId;
}

std::int32_t Tokenizer::line_end_id() const noexcept { return vocabulary_->line_end; }

std::string_view Tokenizer::token(std::int32_t id) const {
  if (id < 0 || id >= size()) {
    throw ConfigError(fmt::format("Tokenizer.token: id is {}; must be in [0, {})", id, size()));
  }
  return vocabulary_->tokens[static_cast<std::size_t>(id)];
}

std::int32_t Tokenizer::find(std::string_view token) const noexcept {
  if (kind() == TokenKind::kByte) {
    return token.size() == 1 ? static_cast<unsigned char>(token[0]) : -1;
  }
  if (token == kUnknown) return kUnknownId;
  std::int32_t id = kUnknownId;
  if (kind() == TokenKind::kWord) {
    id = vocabulary_->id_of(token);
  } else if (const auto character = only_character(token)) {
    id = vocabulary_->id_of(*character);
  }
  return id == kUnknownId ? -1 : id;
}

std::string Tokenizer::display(std::int32_t id) const {
  const std::string_view raw = token(id);
  if (kind() == TokenKind::kByte && id >= 0x80) return fmt::format("\\x{:02X}", id);
  return escaped(raw);
}

std::vector<std::int32_t> Tokenizer::encode(std::string_view text, TextCounts* counts) const {
  std::vector<std::int32_t> ids;
  Encoder encoder(*this);
  encoder.feed(text, ids);
  encoder.finish(ids);
  if (counts != nullptr) *counts = encoder.counts();
  return ids;
}

std::string Tokenizer::decode(std::span<const std::int32_t> ids) const {
  std::string out;
  if (kind() == TokenKind::kByte) {
    for (const std::int32_t id : ids) out += token(id);
    return out;
  }
  Decoder decoder(*this);
  for (const std::int32_t id : ids) out += decoder.push(id);
  return out;
}

bool operator==(const Tokenizer& a, const Tokenizer& b) {
  return a.vocabulary_ == b.vocabulary_ ||
         (a.kind() == b.kind() && a.vocabulary_->separators == b.vocabulary_->separators &&
          a.vocabulary_->tokens == b.vocabulary_->tokens);
}

}  // namespace riverrun::text
