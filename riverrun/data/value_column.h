#pragma once

// A column of a CSV file, of numbers or of words; not for users.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "riverrun/data/csv_columns.h"

namespace riverrun::data {

/// Whether a text is a date, of any format that TimeColumn finds out.
[[nodiscard]] bool is_date(std::string_view text);

/// Takes the fields of a column. The first one that is not missing decides whether it is of numbers
/// or of words.
class ValueColumn {
 public:
  enum class Kind { kUnknown, kNumbers, kWords };
  static constexpr std::size_t kMostWords = 1'000;

  ValueColumn() = default;
  static ValueColumn of_numbers();
  static ValueColumn of_words();
  /// No other words are taken.
  static ValueColumn of_words(std::span<const std::string> words);

  /// Takes the next field, which has no blanks around it. False if it is not one of the column: no
  /// number where there must be one, a word too many, or a first value that is like a number.
  /// Of numbers, each that is_missing() is NaN; of words only the empty one, for "NA" and "none"
  /// may be words.
  [[nodiscard]] bool add(std::string_view field);
  /// Nothing more is taken, or kept.
  void close();

  [[nodiscard]] Kind kind() const noexcept { return kind_; }
  [[nodiscard]] bool is_closed() const noexcept { return closed_; }
  /// Of each row: the number, or the place of the word in words(); NaN where it is missing.
  [[nodiscard]] std::span<const double> values() const noexcept { return values_; }
  [[nodiscard]] std::span<const std::string> words() const noexcept { return words_; }
  /// After the last field: without a value, the column is one of numbers. Words are brought in the
  /// order of their code points.
  void settle();

 private:
  [[nodiscard]] bool add_word(std::string_view word);
  /// All that came before was missing.
  void begin_numbers();

  Kind kind_ = Kind::kUnknown;
  bool fixed_ = false;  // the words
  bool closed_ = false;
  std::vector<double> values_;
  std::vector<std::string> words_;  // before the kind is known, those for what is missing
  ByName<double> places_;
};

}  // namespace riverrun::data
