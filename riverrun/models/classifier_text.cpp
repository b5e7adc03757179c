#include "riverrun/models/classifier_text.h"

#include <algorithm>
#include <cstddef>
#include <unordered_set>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "riverrun/core/error.h"
#include "riverrun/data/text/words_and_marks.h"

namespace riverrun::models {
namespace {

std::size_t at(std::int64_t index) { return static_cast<std::size_t>(index); }

/// What the tokenizer reads of a text.
std::string read_as(const std::string& text, text::TokenKind tokens) {
  return tokens == text::TokenKind::kWord ? text::words_and_marks(text) : text;
}

/// "known words": those of the vectors, and then of the texts.
text::Tokenizer with_words_of(const data::WordVectors& vectors, const text::Tokenizer& of_texts) {
  std::vector<std::string> words = vectors.words;
  const std::unordered_set<std::string_view> there(vectors.words.begin(), vectors.words.end());
  for (std::int64_t id = of_texts.line_end_id() + 1; id < of_texts.size(); ++id) {
    const std::string_view word = of_texts.token(static_cast<std::int32_t>(id));
    if (!there.contains(word)) words.emplace_back(word);
  }
  return text::Tokenizer::words(words);
}

}  // namespace

data::WordVectors read_vectors(const std::filesystem::path& file,
                               const data::LabelledSequences& data,
                               std::span<const std::int64_t> learnt) {
  constexpr std::int64_t kMostFrequent = 50'000;
  std::unordered_set<std::string> there;
  for (const std::int64_t index : learnt) {
    const std::string words = text::words_and_marks(data.sequences[at(index)].text);
    for (std::size_t begin = 0; begin < words.size();) {
      const std::size_t end = std::min(words.find(' ', begin), words.size());
      there.insert(words.substr(begin, end - begin));
      begin = end + 1;
    }
  }
  std::int64_t place = 0;
  return data::read_word_vectors(file, [&](std::string_view word) {
    const bool is_frequent = place++ < kMostFrequent;
    return (is_frequent || there.contains(std::string(word))) &&
           word.size() <= text::kMaxWordBytes && text::words_and_marks(word) == word;
  });
}

text::Tokenizer make_tokenizer(const data::LabelledSequences& data,
                               std::span<const std::int64_t> learnt, const ClassifierText& options,
                               const data::WordVectors& vectors) {
  const text::TokenKind kind = text::parse_token_kind(options.tokens);
  if (!vectors.words.empty() && kind != text::TokenKind::kWord) {
    throw ConfigError(
        fmt::format("Classifier: tokens are {}s, and there are word vectors; these are of words",
                    options.tokens));
  }
  text::TokenizerBuilder builder(kind, options.vocab_size, options.min_count);
  for (const std::int64_t index : learnt) {
    builder.feed(read_as(data.sequences[at(index)].text, kind));
    builder.finish();
  }
  const text::Tokenizer of_texts = builder.build();
  const std::int64_t least = kind == text::TokenKind::kWord ? 2 : 1;  // <unk>, <eos>
  if (of_texts.size() <= least) {
    throw FormatError(data.path, fmt::format("no {} occurs at least {} times (min_count) in the "
                                             "texts to learn from",
                                             options.tokens, options.min_count));
  }
  return vectors.words.empty() ? of_texts : with_words_of(vectors, of_texts);
}

std::int64_t encode(data::LabelledSequences& data, const text::Tokenizer& tokenizer,
                    const ClassifierText& options) {
  std::int64_t cut = 0;
  for (data::LabelledSequence& sequence : data.sequences) {
    sequence.symbols = tokenizer.encode(read_as(sequence.text, tokenizer.kind()));
    if (std::ssize(sequence.symbols) > options.max_tokens) {
      sequence.symbols.resize(at(options.max_tokens));
      sequence.symbols.shrink_to_fit();
      ++cut;
    }
    sequence.seq_len = std::ssize(sequence.symbols);
  }
  return cut;
}

std::int64_t count_unknown(const data::LabelledSequence& text, const text::Tokenizer& tokenizer) {
  return std::ranges::count(text.symbols, tokenizer.unknown_id());
}

}  // namespace riverrun::models
