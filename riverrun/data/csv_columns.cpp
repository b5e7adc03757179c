#include "riverrun/data/csv_columns.h"

#include <algorithm>

#include <fmt/format.h>

#include "riverrun/core/error.h"
#include "riverrun/data/ts_line.h"

namespace riverrun::data {

std::string listed(std::span<const std::string> names) {
  constexpr std::size_t kMost = 10;
  const auto shown = names.first(std::min(names.size(), kMost));
  std::string list;
  for (const std::string& name : shown) {
    if (!list.empty()) list += ", ";
    list += in_quotes(trimmed(name));
  }
  const std::size_t more = names.size() - shown.size();
  if (more > 0) list += fmt::format(" and {} more", more);
  return list;
}

std::size_t find_column(const CsvParser& parser, const CsvRow& header, std::string_view name,
                        std::string_view role) {
  const auto found = std::ranges::find(header.fields, name,
                                       [](const std::string& field) { return trimmed(field); });
  if (found == header.fields.end()) {
    parser.fail_row(fmt::format("there is no column {}, which is to be {}; those there are: {}",
                                in_quotes(name), role, listed(header.fields)));
  }
  return static_cast<std::size_t>(found - header.fields.begin());
}

std::string_view text_of(const CsvParser& parser, const CsvRow& row, std::size_t column,
                         std::string_view what) {
  const std::string_view text = trimmed(row.fields[column]);
  if (text.empty()) parser.fail(column, fmt::format("the field is empty; it must be {}", what));
  return text;
}

bool is_like_a_number(std::string_view text) noexcept {
  constexpr std::string_view kSigns = "+-";
  for (const std::string_view word : {"inf", "infinity"}) {
    if (same_word(text, word)) return true;
    if (!text.empty() && kSigns.find(text.front()) != std::string_view::npos &&
        same_word(text.substr(1), word)) {
      return true;
    }
  }
  if (text.find_first_of("0123456789") == std::string_view::npos ||
      text.find_first_not_of("0123456789.,'+-eE \t") != std::string_view::npos ||
      text.find_first_of("eE") == 0) {
    return false;
  }
  // A sign is at the beginning or in an exponent.
  for (std::size_t i = 1; i < text.size(); ++i) {
    const bool is_sign = kSigns.find(text[i]) != std::string_view::npos;
    if (is_sign && text[i - 1] != 'e' && text[i - 1] != 'E') return false;
  }
  return true;
}

std::string_view number_advice(std::string_view text) noexcept {
  const bool has_marks =
      text.find_first_of(",' \t") != std::string_view::npos || std::ranges::count(text, '.') > 1;
  return is_like_a_number(text) && has_marks
             ? "; a decimal comma or marks between thousands are not read"
             : "";
}

void DistinctColumns::add(std::string_view role, std::string_view name) {
  if (names_.insert(name).second) return;
  throw ConfigError(
      fmt::format("columns: {} is {}, which is named twice; a column can be only one of {}", role,
                  in_quotes(name), roles_));
}

void DistinctColumns::add(std::string_view role, std::span<const std::string> names) {
  for (const std::string& name : names) {
    if (name.empty()) {
      throw ConfigError(fmt::format("columns: {} is \"\"; it must be a name", role));
    }
    add(role, std::string_view(name));
  }
}

}  // namespace riverrun::data
