#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "riverrun/data/tagged.h"
#include "riverrun/data/word_vectors.h"

namespace riverrun::models {

/// The words and characters that a tagger knows, by their numbers; 0 stands for all others.
class TaggerVocabulary {
 public:
  /// Not a tag.
  static constexpr std::int32_t kNoTag = -1;
  /// Of a longer word, a tagger reads the first and the last half of so many characters.
  static constexpr std::size_t kMostCharacters = 64;

  /// Only the others, 0.
  TaggerVocabulary() : TaggerVocabulary({""}, {kNoTag}, {""}) {}
  /// `words`, and for each the tag that it has most often among what is learnt, or kNoTag if it is
  /// not there; of the first element, all words together. The first word and the first character
  /// are "". Throws ConfigError unless there are as many tags as words, the first ones are as said,
  /// all are different, and each character is one of UTF-8.
  TaggerVocabulary(std::vector<std::string> words, std::vector<std::int32_t> word_tags,
                   std::vector<std::string> characters);
  TaggerVocabulary(const TaggerVocabulary&) = delete;
  TaggerVocabulary& operator=(const TaggerVocabulary&) = delete;
  TaggerVocabulary(TaggerVocabulary&&) noexcept = default;
  TaggerVocabulary& operator=(TaggerVocabulary&&) noexcept = default;
  ~TaggerVocabulary() = default;

  /// Of the sentences that are learnt from, `learnt` of `data`, and the words of `vectors`. Words
  /// without a vector are in small letters.
  [[nodiscard]] static TaggerVocabulary of(const data::TaggedSentences& data,
                                           std::span<const std::int64_t> learnt,
                                           const data::WordVectors& vectors = {});

  /// The number of the word as it is written, or in small letters.
  [[nodiscard]] std::int32_t word(std::string_view word) const;
  /// Appends the numbers of the word's characters, at most kMostCharacters and at least one.
  void append_characters(std::string_view word, std::vector<std::int32_t>& to) const;
  /// What a word of that number is called most often.
  [[nodiscard]] std::int32_t usual_tag(std::int32_t word) const;

  [[nodiscard]] const std::vector<std::string>& words() const noexcept { return words_; }
  [[nodiscard]] const std::vector<std::int32_t>& word_tags() const noexcept { return word_tags_; }
  [[nodiscard]] const std::vector<std::string>& characters() const noexcept { return characters_; }

 private:
  std::vector<std::string> words_;
  std::vector<std::int32_t> word_tags_;
  std::vector<std::string> characters_;
  // Of views into words_, whose elements stay where they are when it is moved.
  std::unordered_map<std::string_view, std::int32_t> word_ids_;
  std::unordered_map<char32_t, std::int32_t> character_ids_;
};

}  // namespace riverrun::models
