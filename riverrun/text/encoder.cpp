#include <algorithm>
#include <unordered_set>
#include <utility>

#include <fmt/format.h>

#include "riverrun/text/tokenizer.h"
#include "riverrun/text/vocabulary.h"

namespace riverrun::text {

Encoder::Encoder(Tokenizer tokenizer) : tokenizer_(std::move(tokenizer)) {}

void Encoder::feed(std::string_view piece, std::vector<std::int32_t>& ids) {
  if (tokenizer_.kind() == TokenKind::kByte) {
    if (counts_.tokens == 0 && !piece.empty()) {
      counts_.first_token_bytes = 1;
      counts_.first_token_characters = 1;
    }
    counts_.tokens += static_cast<std::int64_t>(piece.size());
    const auto* bytes = reinterpret_cast<const unsigned char*>(piece.data());
    ids.insert(ids.end(), bytes, bytes + piece.size());
    scanner_.feed(piece, [this](char32_t, int taken, bool valid) { count(taken, valid); });
    return;
  }
  scanner_.feed(piece, [&](char32_t code_point, int bytes, bool valid) {
    take(code_point, bytes, valid, ids);
  });
}

void Encoder::finish(std::vector<std::int32_t>& ids) {
  if (tokenizer_.kind() == TokenKind::kByte) {
    scanner_.finish([this](char32_t, int taken, bool valid) { count(taken, valid); });
    return;
  }
  scanner_.finish(
      [&](char32_t code_point, int bytes, bool valid) { take(code_point, bytes, valid, ids); });
  if (tokenizer_.kind() == TokenKind::kWord) end_word(ids);
}

void Encoder::count(int bytes, bool valid) noexcept {
  if (!valid) {
    if (counts_.invalid_sequences == 0) counts_.first_invalid_byte = counts_.bytes;
    ++counts_.invalid_sequences;
  }
  counts_.bytes += bytes;
  ++counts_.characters;
}

void Encoder::take(char32_t code_point, int bytes, bool valid, std::vector<std::int32_t>& ids) {
  if (tokenizer_.kind() == TokenKind::kChar) {
    count(bytes, valid);
    const std::int32_t id = tokenizer_.vocabulary_->id_of(code_point);
    if (id == kUnknownId) ++counts_.unknown;
    emit(id, ids);
    return;
  }
  if (!is_space(code_point)) {
    count(bytes, valid);
    append_to_word(code_point, word_);
    return;
  }
  end_word(ids);  // before the space is counted, which belongs to the token after it
  count(bytes, valid);
  if (code_point == U'\n') emit(kLineEndId, ids);
}

void Encoder::end_word(std::vector<std::int32_t>& ids) {
  if (word_.empty()) return;
  const std::int32_t id = tokenizer_.vocabulary_->id_of(std::string_view(word_));
  if (id == kUnknownId && word_ != kUnknown) ++counts_.unknown;
  word_.clear();
  emit(id, ids);
}

void Encoder::emit(std::int32_t id, std::vector<std::int32_t>& ids) {
  if (counts_.tokens == 0) {
    counts_.first_token_bytes = counts_.bytes;
    counts_.first_token_characters = counts_.characters;
  }
  ++counts_.tokens;
  ids.push_back(id);
}

Decoder::Decoder(Tokenizer tokenizer) : tokenizer_(std::move(tokenizer)) {}

std::string Decoder::push(std::int32_t id) {
  const std::string_view token = tokenizer_.token(id);
  std::string out;
  switch (tokenizer_.kind()) {
    case TokenKind::kByte:
      scanner_.feed(token, [&out](char32_t c, int, bool) { append_utf8(c, out); });
      break;
    case TokenKind::kChar:
      if (id == kUnknownId) {
        append_utf8(kReplacementCharacter, out);
      } else {
        out += token;
      }
      break;
    case TokenKind::kWord:
      if (id == kLineEndId) {
        out.push_back('\n');
      } else {
        if (after_word_) out.push_back(' ');
        out += token;
      }
      after_word_ = id != kLineEndId;
      break;
  }
  return out;
}

std::string Decoder::finish() {
  std::string out;
  scanner_.finish([&out](char32_t c, int, bool) { append_utf8(c, out); });
  after_word_ = false;
  return out;
}

std::string Prompt::problem() const {
  std::string out;
  if (!unknown.empty()) {
    constexpr std::size_t kShown = 10;
    out = fmt::format(
        "{} not in the vocabulary and become{} <unk>:",
        unknown.size() == 1 ? "1 token is" : fmt::format("{} different tokens are", unknown.size()),
        unknown.size() == 1 ? "s" : "");
    for (std::size_t i = 0; i < std::min(kShown, unknown.size()); ++i) {
      out += fmt::format(" '{}'", unknown[i]);
    }
    if (unknown.size() > kShown) out += " ...";
  }
  if (invalid_sequences > 0) {
    if (!out.empty()) out += "; ";
    out += invalid_sequences == 1
               ? std::string("1 sequence of bytes is not UTF-8")
               : fmt::format("{} sequences of bytes are not UTF-8", invalid_sequences);
  }
  return out;
}

Prompt encode_prompt(const Tokenizer& tokenizer, std::string_view text) {
  Prompt prompt;
  TextCounts counts;
  prompt.ids = tokenizer.encode(text, &counts);
  prompt.invalid_sequences = counts.invalid_sequences;
  if (counts.unknown == 0) return prompt;

  std::string pending;
  std::unordered_set<std::string> seen;
  const auto end_token = [&] {
    if (!pending.empty() && tokenizer.find(pending) < 0 && seen.insert(pending).second) {
      prompt.unknown.push_back(pending);
    }
    pending.clear();
  };
  const bool words = tokenizer.kind() == TokenKind::kWord;
  const auto sink = [&](char32_t code_point, int, bool) {
    if (words && is_space(code_point)) {
      end_token();
      return;
    }
    append_utf8(code_point, pending);
    if (!words) end_token();
  };
  Utf8Scanner scanner;
  scanner.feed(text, sink);
  scanner.finish(sink);
  end_token();
  return prompt;
}

}  // namespace riverrun::text
