#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "riverrun/core/fields.h"
#include "riverrun/data/labelled.h"

namespace riverrun::data {

/// Which columns of a CSV file of sequences or of texts say what. A row is a step of a sequence
/// (the "long" form), or a text.
struct SequenceColumns {
  /// Names the sequence that a row belongs to; rows of one sequence need not be neighbours. Empty:
  /// all rows are one sequence.
  std::string series = {};
  /// Names the class, the same in all rows of a sequence. Empty: there are no labels.
  std::string label = {};
  /// Rises from row to row of a sequence: numbers, or dates in ISO 8601 ("2024-03-01 12:30:00").
  /// Only checked. Empty: the order of the rows is that of the steps.
  std::string time = {};
  /// The columns that are read, in this order; empty: all others, in the order of the file.
  std::vector<std::string> channels = {};
  /// Has the texts, one in each row: then there are no series, times or channels. Empty: they are
  /// sequences of numbers.
  std::string text_column = {};

  friend bool operator==(const SequenceColumns&, const SequenceColumns&) = default;
};

/// Whether the labels must be there: a column of a CSV file, say.
enum class LabelColumn { kRequired, kIfThere };

/// Reads sequences or texts from a CSV file, whose separator is found out. `columns.channels` gets
/// the names of the columns that were read as channels. Sequences are in the order of their first
/// rows, and so are the classes. Blanks around a field do not count, around a text no white space.
/// A field that is_missing() is NaN in a channel; an empty one is an error in another column that
/// is named. Throws as read_csv(), and FormatError, which names line and column, for a column that
/// is not there, a channel's value that is no finite number or beyond the range of a float, a label
/// that changes within a sequence, and a time that does not rise or is of another kind than the
/// first (numbers, dates with a time zone, and dates without one); ConfigError if one column is to
/// be two things, or a column of texts is named beside one of sequences.
[[nodiscard]] LabelledSequences read_labelled_csv(const std::filesystem::path& path,
                                                  SequenceColumns& columns,
                                                  LabelColumn label = LabelColumn::kRequired);

}  // namespace riverrun::data

template <>
inline constexpr auto riverrun::kFields<riverrun::data::SequenceColumns> = [] {
  using C = data::SequenceColumns;
  return std::tuple{
      Field{"series", &C::series, any_value(),
            "Column of a CSV file that names the sequence a row belongs to"},
      Field{"label", &C::label, any_value(), "Column that names the class"},
      Field{"time", &C::time, any_value(), "Column that must rise from row to row of a sequence"},
      Field{"channels", &C::channels},
      Field{"text_column", &C::text_column, any_value(),
            "Column of a CSV file that has the texts, one in each row"}};
}();
