#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "riverrun/data/text/utf8.h"

namespace riverrun::insight {

/// What can be said of a place in a text by counting: what the units of a language model may be
/// found to follow (as Karpathy, Johnson & Fei-Fei 2015, "Visualizing and Understanding Recurrent
/// Networks"). Letters, capitals and digits are told apart in ASCII; beyond it,
/// all characters but white space and punctuation count as letters.
class TextFeatures {
 public:
  static constexpr std::array<std::string_view, 12> kNames = {
      "position in line",  "line end",        "indentation", "inside quotes", "inside brackets",
      "position in word",  "space",           "upper case",  "digit",         "punctuation",
      "words since . ! ?", "position in text"};
  static constexpr std::size_t kCount = kNames.size();

  /// Reads the next token as it stands in the text, a piece of UTF-8 cut anywhere, and returns the
  /// features of its last character; "upper case" and "digit" are of any of its characters, and
  /// "position in line" counts characters. Those that are yes or no are 1 or 0.
  const std::array<double, kCount>& push(std::string_view token);

 private:
  void take(char32_t c);

  text::Utf8Scanner scanner_;
  std::array<double, kCount> now_{};
  std::int64_t column_ = 0;
  std::int64_t indentation_ = 0;
  bool only_space_so_far_ = true;
  bool line_ended_ = false;
  std::u32string_view closing_quotes_;  // that end the quotation; empty outside
  bool after_space_ = true;
  bool after_bracket_ = false;
  std::int64_t brackets_ = 0;
  std::int64_t in_word_ = 0;
  std::int64_t words_ = 0;  // of the sentence
  bool sentence_ended_ = false;
  std::int64_t characters_ = 0;
  bool upper_ = false;
  bool digit_ = false;
};

}  // namespace riverrun::insight
