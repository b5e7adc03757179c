#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "riverrun/data/text/tokenizer.h"
#include "riverrun/data/text/vocabulary.h"

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
  }
  scanner_.feed(piece, [&](char32_t code_point, int bytes, bool valid) {
    take(code_point, bytes, valid, ids);
  });
}

void Encoder::finish(std::vector<std::int32_t>& ids) {
  scanner_.finish(
      [&](char32_t code_point, int bytes, bool valid) { take(code_point, bytes, valid, ids); });
  if (tokenizer_.kind() == TokenKind::kWord) end_word(ids);
  after_word_ = false;
}

void Encoder::take(char32_t code_point, int bytes, bool valid, std::vector<std::int32_t>& ids) {
  if (!valid) {
    if (counts_.invalid_sequences == 0) counts_.first_invalid_byte = counts_.bytes;
    ++counts_.invalid_sequences;
  }
  counts_.bytes += bytes;
  ++counts_.characters;
  switch (tokenizer_.kind()) {
    case TokenKind::kByte:
      spell(bytes, 1);
      break;
    case TokenKind::kChar: {
      spell(bytes, 1);
      const std::int32_t id = tokenizer_.vocabulary_->id_of(code_point);
      if (id == kUnknownId) {
        std::string token;
        append_utf8(code_point, token);
        count_unknown(token);
      }
      emit(id, ids);
      break;
    }
    case TokenKind::kWord:
      if (!is_separator(code_point, tokenizer_.vocabulary_->separators)) {
        append_to_word(code_point, word_);
        word_bytes_ += bytes;
        ++word_characters_;
        break;
      }
      end_word(ids);
      if (code_point == U'\n') {
        spell(1, 1);
        after_word_ = false;
        emit(kLineEndId, ids);
      }
      break;
  }
}

void Encoder::spell(std::int64_t bytes, std::int64_t characters) noexcept {
  counts_.spelled_bytes += bytes;
  counts_.spelled_characters += characters;
}

void Encoder::end_word(std::vector<std::int32_t>& ids) {
  if (word_.empty()) return;
  const std::int32_t id = tokenizer_.vocabulary_->id_of(std::string_view(word_));
  if (id == kUnknownId && word_ != kUnknown) count_unknown(word_);
  const std::int64_t space = after_word_ ? 1 : 0;
  spell(word_bytes_ + space, word_characters_ + space);
  word_.clear();
  word_bytes_ = word_characters_ = 0;
  after_word_ = true;
  emit(id, ids);
}

void Encoder::count_unknown(const std::string& token) {
  ++counts_.unknown;
  if (unknown_.size() < kUnknownNamed && std::ranges::find(unknown_, token) == unknown_.end()) {
    unknown_.push_back(token);
  }
}

void Encoder::emit(std::int32_t id, std::vector<std::int32_t>& ids) {
  if (counts_.tokens == 0) {
    counts_.first_token_bytes = counts_.spelled_bytes;
    counts_.first_token_characters = counts_.spelled_characters;
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

std::string describe_unknown(std::int64_t count, std::span<const std::string> named) {
  std::string out =
      count == 1 ? std::string("1 token is not in the vocabulary and becomes <unk>:")
                 : fmt::format("{} tokens are not in the vocabulary and become <unk>:", count);
  constexpr std::size_t kMostBytes = 64;  // of one that is shown
  for (const std::string& token : named) {
    const bool cut = token.size() > kMostBytes;
    out += fmt::format(" '{}{}'", escaped(token.substr(0, kMostBytes)), cut ? "..." : "");
  }
  if (named.size() == kUnknownNamed) out += " ...";
  return out;
}

std::string Prompt::problem() const {
  std::string out;
  if (counts.unknown > 0) out = describe_unknown(counts.unknown, unknown);
  if (counts.invalid_sequences > 0 && !bytes) {
    if (!out.empty()) out += "; ";
    out += counts.invalid_sequences == 1
               ? std::string("1 sequence of bytes is not UTF-8")
               : fmt::format("{} sequences of bytes are not UTF-8", counts.invalid_sequences);
  }
  return out;
}

Prompt encode_prompt(const Tokenizer& tokenizer, std::string_view text) {
  Prompt prompt;
  prompt.bytes = tokenizer.kind() == TokenKind::kByte;
  Encoder encoder(tokenizer);
  encoder.feed(text, prompt.ids);
  encoder.finish(prompt.ids);
  prompt.counts = encoder.counts();
  prompt.unknown = encoder.unknown();
  return prompt;
}

}  // namespace riverrun::text
