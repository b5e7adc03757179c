#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "riverrun/core/fields.h"
#include "riverrun/data/labelled_csv.h"

namespace riverrun::data {

/// Words in their order, and what each is called.
struct TaggedSentence {
  std::vector<std::string> words;  ///< UTF-8; at least one
  std::vector<std::int32_t> tags;  ///< [words], indices into TaggedSentences::tags; or empty
  std::vector<std::size_t> rows;   ///< [words], indices into TaggedSentences::lines; or empty
  std::int64_t line = 0;           ///< of its first word in the file, from 1
};

/// What a file of tagged sentences holds.
struct TaggedSentences {
  std::string path;  ///< for messages
  /// All tags, in the order in which they first appear; empty: the file has none.
  std::vector<std::string> tags;
  std::vector<TaggedSentence> sentences;  ///< at least one
  /// The whole file, a line an element and without line ends, if it is to be kept.
  std::vector<std::string> lines;
  char separator = '\t';        ///< between the fields of a line; ' ': any blanks
  std::size_t word_column = 0;  ///< from 0
  std::size_t tag_column = 0;   ///< from 0; may be one behind the last field of a line
  /// The names of the columns, with one for tag_column if the file lacks it; empty: they have none.
  std::vector<std::string> columns = {};
};

/// Which columns of a CoNLL file are read.
struct TagColumns {
  /// By its name, in files whose columns have names; or by its number, from 1. Empty: FORM where
  /// columns have names, else the first.
  std::string word = {};
  /// The same; it must not be empty if tags are wanted.
  std::string tag = {};

  friend bool operator==(const TagColumns&, const TagColumns&) = default;
};

enum class KeepLines { kNo, kYes };

/// Reads a file of words in columns, one word a line, an empty line between sentences:
///
/// - CoNLL-U, and CoNLL-U Plus, whose columns "# global.columns = ID FORM UPOS" names
///   (universaldependencies.org/format.html, /ext-format.html): fields are separated by tabs; lines
///   that begin with # are comments; the ranges "1-2" of multiword tokens and the empty nodes "8.1"
///   are skipped. Names of columns are compared without regard to case. "_" stands for nothing; but
///   as FORM and LEMMA of one word it is an underscore, and in FEATS, DEPS and MISC an empty list,
///   which is a tag like any other.
/// - other CoNLL files, such as those of the shared tasks of 2000 and 2003: fields are separated by
///   tabs if the first line has one, else by blanks; every line has as many fields as the first.
///   "_" is a word or a tag like any other.
///
/// A file is CoNLL-U if it begins as is_conllu() has it, or with 64 KiB of lines that begin with #.
/// Lines of blanks and "-DOCSTART-" lines count as empty. The file may be gzip or a pipe; "-" is
/// standard input. With LabelColumn::kIfThere, a file without the column of the tag, or with "_" in
/// it throughout, has no tags.
///
/// Throws IoError; ConfigError if the column of the tag is not given but required, or a column can
/// be neither a name nor a number; FormatError, which names the file and the line, if there is no
/// such column, or it is both that of the word and that of the tag, a line has another number of
/// fields, a word or a tag is empty or nothing, an ID is out of order, a byte is NUL or not UTF-8,
/// a carriage return is not at a line's end, or there is no sentence.
[[nodiscard]] TaggedSentences read_conll(const std::filesystem::path& path,
                                         const TagColumns& columns,
                                         LabelColumn tags = LabelColumn::kRequired,
                                         KeepLines keep = KeepLines::kNo);

/// The file's lines, which must have been kept, with these tags [words] of each sentence in the
/// column of the tag: in a new one behind the last, if the file lacks it, which CoNLL-U then names
/// as CoNLL-U Plus does; behind words alone it is separated by a tab if a tag holds blanks. Lines
/// end with "\n". Throws ConfigError if the lines were not kept, or a tag is empty or holds what is
/// between fields; ShapeError unless each word has a tag.
[[nodiscard]] std::string to_conll(const TaggedSentences& sentences,
                                   std::span<const std::vector<std::string>> tags);

/// Whether the file at `path` begins as CoNLL-U does, whatever its name: within 64 KiB its first
/// line that is no comment has ten fields between tabs, the first of which is 1, 1-n or 0.1, or a
/// comment names global.columns; gzip is unpacked. False for what cannot be opened and looked at
/// without being used up: standard input, pipes.
[[nodiscard]] bool is_conllu(const std::filesystem::path& path);

}  // namespace riverrun::data

template <>
inline constexpr auto riverrun::kFields<riverrun::data::TagColumns> = [] {
  using C = data::TagColumns;
  return std::tuple{
      Field{"word_column", &C::word, any_value(),
            "Column of a CoNLL file that has the words, by name or number; not given: FORM, or 1"},
      Field{"column", &C::tag, any_value(),
            "Column that has the tags, by name or number: upos, or 4"}};
}();
