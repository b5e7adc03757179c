#pragma once

// What is in a line of a CoNLL file; not for users, who call read_conll().

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace riverrun::data {

/// Of the columns of CoNLL-U, in their order.
inline constexpr std::array<std::string_view, 10> kConlluNames = {
    "ID", "FORM", "LEMMA", "UPOS", "XPOS", "FEATS", "HEAD", "DEPREL", "DEPS", "MISC"};

/// What CoNLL-U writes where nothing is.
inline constexpr std::string_view kNothing = "_";

/// Whether the line is empty, has only blanks, or is one with which CoNLL-2003 begins a document:
/// no word is in it, and a sentence does not go on beyond it.
[[nodiscard]] bool is_between_sentences(std::string_view line) noexcept;

/// Whether the line is a comment, in files that have them.
[[nodiscard]] bool is_comment(std::string_view line) noexcept;

/// What follows "# global.columns =" in such a comment, with which CoNLL-U Plus names its columns.
[[nodiscard]] std::optional<std::string_view> global_columns(std::string_view line) noexcept;
/// Such a comment.
[[nodiscard]] std::string global_columns_comment(const std::vector<std::string>& names);

/// Whether the line, without its line end, may be the first one of CoNLL-U that is no comment.
[[nodiscard]] bool is_first_of_conllu(std::string_view line) noexcept;

/// As is_conllu() has it, of the beginning of a text.
[[nodiscard]] bool begins_as_conllu(std::string_view head) noexcept;

/// The IDs of a sentence of CoNLL-U, each of which must be as those before it demand.
class ConlluIds {
 public:
  enum class Kind {
    kWord,       ///< "8"
    kRange,      ///< "8-9": a token that the words 8 and 9 make
    kEmptyNode,  ///< "8.1": of the enhanced dependencies, after the word 8
  };

  /// The next one; nothing if it is not one that may follow.
  [[nodiscard]] std::optional<Kind> take(std::string_view id) noexcept;
  /// The number of words so far.
  [[nodiscard]] std::int64_t words() const noexcept { return words_; }
  /// The last word that a range needs; 0 if there is no range.
  [[nodiscard]] std::int64_t range_end() const noexcept { return range_end_; }

 private:
  std::int64_t words_ = 0;
  std::int64_t empty_nodes_ = 0;  // after the last word
  std::int64_t range_end_ = 0;
};

}  // namespace riverrun::data
