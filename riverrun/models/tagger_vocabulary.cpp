#include "riverrun/models/tagger_vocabulary.h"

#include <algorithm>
#include <cstddef>
#include <map>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "riverrun/core/error.h"
#include "riverrun/data/lines.h"
#include "riverrun/data/text/lower_case.h"
#include "riverrun/data/text/utf8.h"

namespace riverrun::models {
namespace {

std::size_t at(std::int64_t index) { return static_cast<std::size_t>(index); }

/// Calls `take(code_point)` for each character.
template <class Take>
void for_each_character(std::string_view word, Take take) {
  text::Utf8Scanner scanner;
  const auto sink = [&take](char32_t code_point, int, bool) { take(code_point); };
  scanner.feed(word, sink);
  scanner.finish(sink);
}

/// The place of the largest count, of equal ones the first.
std::int32_t most_frequent(std::span<const std::int64_t> counts) {
  return static_cast<std::int32_t>(std::ranges::max_element(counts) - counts.begin());
}

}  // namespace

TaggerVocabulary::TaggerVocabulary(std::vector<std::string> words,
                                   std::vector<std::int32_t> word_tags,
                                   std::vector<std::string> characters)
    : words_(std::move(words)),
      word_tags_(std::move(word_tags)),
      characters_(std::move(characters)) {
  const auto fail = [](const std::string& what) { throw ConfigError("TaggerVocabulary: " + what); };
  if (words_.size() != word_tags_.size()) {
    fail(fmt::format("there are {} words and {} tags of words; there must be one for each",
                     words_.size(), word_tags_.size()));
  }
  if (words_.empty() || !words_.front().empty())
    fail("the first word must be \"\", for all others");
  if (characters_.empty() || !characters_.front().empty()) {
    fail("the first character must be \"\", for all others");
  }
  for (std::size_t i = 1; i < words_.size(); ++i) {
    if (words_[i].empty()) fail(fmt::format("word {} is empty", i));
    if (!word_ids_.emplace(words_[i], static_cast<std::int32_t>(i)).second) {
      fail(fmt::format("the word \"{}\" is there twice", text::escaped(words_[i])));
    }
  }
  for (std::size_t i = 1; i < characters_.size(); ++i) {
    std::vector<char32_t> of;
    for_each_character(characters_[i], [&of](char32_t c) { of.push_back(c); });
    if (of.size() != 1 || !data::is_utf8(characters_[i])) {
      fail(fmt::format("character {} is \"{}\"; it must be one of UTF-8", i,
                       text::escaped(characters_[i])));
    }
    if (!character_ids_.emplace(of.front(), static_cast<std::int32_t>(i)).second) {
      fail(fmt::format("the character \"{}\" is there twice", text::escaped(characters_[i])));
    }
  }
}

TaggerVocabulary TaggerVocabulary::of(const data::TaggedSentences& data,
                                      std::span<const std::int64_t> learnt,
                                      const data::WordVectors& vectors) {
  const std::set<std::string_view> with_vector(vectors.words.begin(), vectors.words.end());
  std::map<std::string, std::vector<std::int64_t>> counts;  // of each word's tags
  std::vector<std::int64_t> of_all(data.tags.size());
  std::set<char32_t> known_characters;
  for (const std::int64_t index : learnt) {
    const data::TaggedSentence& sentence = data.sentences[at(index)];
    for (std::size_t i = 0; i < sentence.words.size(); ++i) {
      const std::string& word = sentence.words[i];
      std::vector<std::int64_t>& of_word =
          counts[with_vector.contains(word) ? word : text::lower_case(word)];
      of_word.resize(data.tags.size());
      ++of_word[at(sentence.tags[i])];
      ++of_all[at(sentence.tags[i])];
      for_each_character(word, [&](char32_t c) { known_characters.insert(c); });
    }
  }
  std::vector<std::string> words = {""};
  std::vector<std::int32_t> word_tags = {of_all.empty() ? kNoTag : most_frequent(of_all)};
  for (const std::string& word : vectors.words) {
    const auto found = counts.find(word);
    words.push_back(word);
    word_tags.push_back(found == counts.end() ? kNoTag : most_frequent(found->second));
  }
  for (const auto& [word, of_word] : counts) {
    if (with_vector.contains(word)) continue;
    words.push_back(word);
    word_tags.push_back(most_frequent(of_word));
  }
  std::vector<std::string> characters = {""};
  for (const char32_t c : known_characters) {
    if (c != text::kReplacementCharacter) text::append_utf8(c, characters.emplace_back());
  }
  return {std::move(words), std::move(word_tags), std::move(characters)};
}

std::int32_t TaggerVocabulary::word(std::string_view word) const {
  auto found = word_ids_.find(word);
  if (found == word_ids_.end()) found = word_ids_.find(text::lower_case(word));
  return found == word_ids_.end() ? 0 : found->second;
}

void TaggerVocabulary::append_characters(std::string_view word,
                                         std::vector<std::int32_t>& to) const {
  const std::size_t before = to.size();
  for_each_character(word, [&](char32_t c) {
    const auto found = character_ids_.find(c);
    to.push_back(found == character_ids_.end() ? 0 : found->second);
  });
  if (to.size() == before) to.push_back(0);
  if (to.size() - before > kMostCharacters) {
    const auto half = static_cast<std::ptrdiff_t>(kMostCharacters / 2);
    to.erase(to.begin() + static_cast<std::ptrdiff_t>(before) + half, to.end() - half);
  }
}

std::int32_t TaggerVocabulary::usual_tag(std::int32_t word) const {
  const std::int32_t tag = word_tags_[at(word)];
  return tag == kNoTag ? word_tags_.front() : tag;
}

}  // namespace riverrun::models
