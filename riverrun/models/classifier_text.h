#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <tuple>

#include "riverrun/core/fields.h"
#include "riverrun/data/labelled.h"
#include "riverrun/data/labelled_text.h"
#include "riverrun/data/text/tokenizer.h"
#include "riverrun/data/word_vectors.h"
#include "riverrun/nn/recurrent.h"

namespace riverrun::models {

/// "byte", "char", "word"
inline constexpr std::array<std::string_view, 3> kTokenKinds = {"byte", "char", "word"};

/// How a classifier reads texts.
struct ClassifierText {
  /// Of its vocabulary; 0: it reads numbers, and the rest has no meaning.
  std::int64_t num_embeddings = 0;
  /// How a line names its class, where the texts came from no CSV file.
  data::LabelForm label_form = data::LabelForm::kPrefix;
  /// What a text is cut into: words in small letters and marks (text::words_and_marks()), its
  /// characters, or its bytes.
  std::string tokens = "word";
  /// Words and characters that occur less often among the texts that are learnt from are not known,
  /// but for those that have a vector to begin with.
  std::int64_t min_count = 2;
  /// At most so many tokens are known, the most frequent ones; 0: all.
  std::int64_t vocab_size = 0;
  /// Of a token's vector.
  std::int64_t embedding_size = 100;
  /// Of a text with more tokens, the first so many are read.
  std::int64_t max_tokens = 500;

  friend bool operator==(const ClassifierText&, const ClassifierText&) = default;
};

}  // namespace riverrun::models

template <>
inline constexpr auto riverrun::kFields<riverrun::models::ClassifierText> = [] {
  using T = models::ClassifierText;
  return std::tuple{
      Field{"num_embeddings", &T::num_embeddings, from_to(0, kLargestSize)},
      Field{"label_form", &T::label_form},
      Field{"tokens", &T::tokens, one_of(models::kTokenKinds)},
      Field{"min_count", &T::min_count, from_to(1, 1e12),
            "How often a word or a character must occur among what is learnt to be known"},
      Field{"vocab_size", &T::vocab_size, from_to(0, kLargestSize)},
      Field{"embedding_size", &T::embedding_size, from_to(1, kLargestSize),
            "Numbers of a token's vector"},
      Field{"max_tokens", &T::max_tokens, from_to(1, kLargestSize),
            "Of a text with more tokens, the first so many are read"},
  };
}();

namespace riverrun::models {

/// The vectors of a file that are of the words of some texts, `learnt` of `data`, and of the first
/// 50,000 in it, which are the most frequent ones; only of words that words_and_marks() gives.
/// Throws as data::read_word_vectors().
[[nodiscard]] data::WordVectors read_vectors(const std::filesystem::path& file,
                                             const data::LabelledSequences& data,
                                             std::span<const std::int64_t> learnt);

/// Of the texts that are learnt from, `learnt` of `data`, and of the words of `vectors`. Throws
/// ConfigError if there are vectors and tokens are no words, or for a vocabulary without room for a
/// token; FormatError if no token occurs often enough.
[[nodiscard]] text::Tokenizer make_tokenizer(const data::LabelledSequences& data,
                                             std::span<const std::int64_t> learnt,
                                             const ClassifierText& options,
                                             const data::WordVectors& vectors = {});

/// Gives each text its symbols: the tokens that are read of it. How many texts have more than that.
std::int64_t encode(data::LabelledSequences& data, const text::Tokenizer& tokenizer,
                    const ClassifierText& options);

/// How many of a text's tokens are not in the vocabulary.
[[nodiscard]] std::int64_t count_unknown(const data::LabelledSequence& text,
                                         const text::Tokenizer& tokenizer);

}  // namespace riverrun::models
