#pragma once

// What the readers of CSV files have in common; not for users.

#include <cstddef>
#include <functional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>

#include "riverrun/data/csv_parser.h"

namespace riverrun::data {

struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const noexcept {
    return std::hash<std::string_view>()(text);
  }
};
/// Is asked for a field without a copy of it.
template <class Value>
using ByName = std::unordered_map<std::string, Value, TextHash, std::equal_to<>>;

/// "a", "b", "c"; of many the first ten.
[[nodiscard]] std::string listed(std::span<const std::string> names);

/// Where the column is. Throws FormatError if it is not there; `role` is what it is to be.
[[nodiscard]] std::size_t find_column(const CsvParser& parser, const CsvRow& header,
                                      std::string_view name, std::string_view role);

/// The field without blanks around it. Throws FormatError if nothing is left; `what` is what it
/// must be.
[[nodiscard]] std::string_view text_of(const CsvParser& parser, const CsvRow& row,
                                       std::size_t column, std::string_view what);

/// Whether a text that is no number was probably meant to be one, as "1,5", "+1" and "1e400" were,
/// and "12-34" was not.
[[nodiscard]] bool is_like_a_number(std::string_view text) noexcept;
/// What the message about such a text should say besides; may be empty.
[[nodiscard]] std::string_view number_advice(std::string_view text) noexcept;

/// Columns of which none may be two things.
class DistinctColumns {
 public:
  /// `roles` is what a column may be: "series, label, time and a channel".
  explicit DistinctColumns(std::string_view roles) : roles_(roles) {}
  /// Throws ConfigError if the name was added before.
  void add(std::string_view role, std::string_view name);
  /// Of a list, in which no name may be empty.
  void add(std::string_view role, std::span<const std::string> names);

 private:
  std::string_view roles_;
  std::set<std::string_view> names_;
};

}  // namespace riverrun::data
