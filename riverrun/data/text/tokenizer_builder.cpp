#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "riverrun/core/error.h"
#include "riverrun/data/text/tokenizer.h"
#include "riverrun/data/text/vocabulary.h"

namespace riverrun::text {

TokenizerBuilder::TokenizerBuilder(TokenKind kind, std::int64_t max_size, std::int64_t min_count)
    : kind_(kind), max_size_(max_size), min_count_(std::max<std::int64_t>(min_count, 1)) {
  if (kind == TokenKind::kByte) {
    if (max_size != 0 && max_size != 256) {
      throw ConfigError(
          fmt::format("TokenizerBuilder: max_size is {} for bytes; it must be 0 or 256, as "
                      "there are 256",
                      max_size));
    }
    return;
  }
  const std::int64_t least = kind == TokenKind::kChar ? 2 : 3;
  if (max_size != 0 && max_size < least) {
    throw ConfigError(
        fmt::format("TokenizerBuilder: max_size is {}; it must be 0 (no limit) or at "
                    "least {} for {}s",
                    max_size, least, to_string(kind)));
  }
}

void TokenizerBuilder::feed(std::string_view piece) {
  if (kind_ == TokenKind::kByte) return;
  scanner_.feed(piece, [this](char32_t code_point, int, bool) { take(code_point); });
}

void TokenizerBuilder::finish() {
  scanner_.finish([this](char32_t code_point, int, bool) { take(code_point); });
  end_word();
}

void TokenizerBuilder::take(char32_t code_point) {
  if (kind_ == TokenKind::kChar) {
    if (code_point >= character_counts_.size()) character_counts_.resize(code_point + 1);
    ++character_counts_[code_point];
  } else if (is_separator(code_point, Separators::kUnicode)) {
    end_word();
  } else {
    append_to_word(code_point, word_);
  }
}

void TokenizerBuilder::end_word() {
  if (!word_.empty() && word_.size() <= kMaxWordBytes) {
    const auto found = word_counts_.find(std::string_view(word_));
    if (found != word_counts_.end()) {
      ++found->second;
    } else {
      word_counts_.emplace(word_, 1);
    }
  }
  word_.clear();
}

Tokenizer TokenizerBuilder::build() const {
  // The most frequent first; among equals the smallest, so that the order of the text is no matter.
  const auto more_frequent = [](const auto& a, const auto& b) {
    return a.second != b.second ? a.second > b.second : a.first < b.first;
  };
  const auto room_for = [this](std::int64_t others, std::size_t tokens) {
    return max_size_ == 0 ? tokens : std::min(tokens, static_cast<std::size_t>(max_size_ - others));
  };
  switch (kind_) {
    case TokenKind::kByte:
      return Tokenizer::bytes();
    case TokenKind::kChar: {
      std::vector<std::pair<char32_t, std::int64_t>> counted;
      for (char32_t c = 0; c < character_counts_.size(); ++c) {
        if (character_counts_[c] >= min_count_) counted.emplace_back(c, character_counts_[c]);
      }
      std::sort(counted.begin(), counted.end(), more_frequent);
      std::vector<char32_t> kept(room_for(1, counted.size()));
      for (std::size_t i = 0; i < kept.size(); ++i) kept[i] = counted[i].first;
      return Tokenizer::characters(std::move(kept));
    }
    case TokenKind::kWord: {
      std::vector<std::pair<std::string_view, std::int64_t>> counted;
      for (const auto& [word, count] : word_counts_) {
        if (count >= min_count_ && word != kUnknown && word != kLineEnd) {
          counted.emplace_back(word, count);
        }
      }
      std::sort(counted.begin(), counted.end(), more_frequent);
      std::vector<std::string> kept(room_for(2, counted.size()));
      for (std::size_t i = 0; i < kept.size(); ++i) kept[i] = counted[i].first;
      return Tokenizer::words(kept);
    }
  }
  throw ConfigError("TokenizerBuilder: not a kind of token");
}

}  // namespace riverrun::text
