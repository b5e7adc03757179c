#pragma once

// CoNLL files, read as they come in; not for users, who call read_conll().

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "riverrun/data/conll_format.h"
#include "riverrun/data/lines.h"
#include "riverrun/data/tagged.h"
#include "riverrun/data/ts_line.h"

namespace riverrun::data {

/// Reads a CoNLL file that comes in pieces; a line may be cut anywhere between two. What is in
/// memory is what is kept, one line, and 64 KiB. Throws as read_conll() does.
class ConllReader {
 public:
  /// `path` and `first_byte` are as TsLine has them.
  ConllReader(std::string path, const TagColumns& columns,
              LabelColumn tags = LabelColumn::kRequired, KeepLines keep = KeepLines::kNo,
              std::int64_t first_byte = 0);

  void feed(std::string_view piece);
  [[nodiscard]] TaggedSentences finish();

 private:
  struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept {
      return std::hash<std::string_view>()(text);
    }
  };

  void take(std::string_view line);
  /// The format is known, as it is not before `line`.
  void settle(bool has_names, std::string_view line);
  void take_line(std::string_view raw);
  /// Without the \r of its line end.
  [[nodiscard]] std::string_view checked(std::string_view raw) const;
  void take_names(std::string_view line, std::string_view names);
  void take_row(std::string_view line);
  void end_sentence();
  void finish_tags();

  void find_columns(std::string_view line);
  [[nodiscard]] std::optional<std::size_t> find(std::string_view column) const;
  [[nodiscard]] std::size_t require(std::string_view line, std::string_view column,
                                    std::string_view role) const;
  [[nodiscard]] std::size_t count_fields(std::string_view line) const;
  void split(std::string_view line);
  /// Whether the row is that of a word, not one that stands beside those of words.
  [[nodiscard]] bool take_id();
  /// Whether the field is CoNLL-U's "_" for nothing, and not an underscore.
  [[nodiscard]] bool is_nothing(std::size_t column) const;
  void require_text(std::size_t column, std::string_view what) const;
  void take_tag();
  [[nodiscard]] std::string name_of(std::size_t column) const;

  TagColumns columns_;
  LabelColumn tag_column_;
  KeepLines keep_;
  LineSplitter splitter_;
  TsLine line_;

  bool settled_ = false;
  bool has_names_ = false;         // the columns, as in CoNLL-U and CoNLL-U Plus
  std::vector<std::string> held_;  // until it is settled: comments, or words that begin with #
  std::size_t held_bytes_ = 0;

  std::size_t num_fields_ = 0;  // 0: no row has come
  std::optional<std::size_t> id_, form_, lemma_;
  bool has_tag_column_ = false;
  bool nothing_is_a_tag_ = false;  // "_", where other words have others
  std::vector<std::string_view> fields_;
  ConlluIds ids_;

  TaggedSentences data_;
  TaggedSentence sentence_;
  std::unordered_map<std::string, std::int32_t, TextHash, std::equal_to<>> tags_;
  std::int64_t without_tag_ = 0;  // the line of the first word that has none
  bool has_tags_ = false;
};

}  // namespace riverrun::data
