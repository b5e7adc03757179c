#include "riverrun/data/conll_format.h"

#include <algorithm>
#include <charconv>
#include <system_error>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "riverrun/data/ts_line.h"

namespace riverrun::data {
namespace {

/// Without zeros before it.
std::optional<std::int64_t> whole_number(std::string_view text) noexcept {
  const bool is_plain = text.find_first_not_of("0123456789") == std::string_view::npos &&
                        (text.size() == 1 || !text.starts_with('0'));
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (!is_plain || error != std::errc()) return std::nullopt;
  return number;
}

}  // namespace

bool is_between_sentences(std::string_view line) noexcept {
  std::string_view rest = trimmed(line);
  return rest.empty() || (rest.front() == '-' && take_word(rest) == "-DOCSTART-");
}

bool is_comment(std::string_view line) noexcept { return line.starts_with('#'); }

std::optional<std::string_view> global_columns(std::string_view line) noexcept {
  constexpr std::string_view kName = "global.columns";
  if (!is_comment(line)) return std::nullopt;
  std::string_view rest = trimmed(line.substr(1));
  if (!rest.starts_with(kName)) return std::nullopt;
  rest = trimmed(rest.substr(kName.size()));
  if (!rest.starts_with('=')) return std::nullopt;
  return trimmed(rest.substr(1));
}

std::string global_columns_comment(const std::vector<std::string>& names) {
  return fmt::format("# global.columns = {}", fmt::join(names, " "));
}

bool is_first_of_conllu(std::string_view line) noexcept {
  if (count_parts(line, '\t') != std::ssize(kConlluNames)) return false;
  return ConlluIds().take(take_until('\t', line)).has_value();
}

bool begins_as_conllu(std::string_view head) noexcept {
  while (!head.empty()) {
    const std::string_view line = take_until('\n', head);
    if (global_columns(line)) return true;
    if (!trimmed(line).empty() && !is_comment(line)) return is_first_of_conllu(line);
  }
  return false;
}

std::optional<ConlluIds::Kind> ConlluIds::take(std::string_view id) noexcept {
  const std::size_t mark = std::min(id.find_first_of("-."), id.size());
  const std::optional<std::int64_t> first = whole_number(id.substr(0, mark));
  if (!first) return std::nullopt;
  if (mark == id.size()) {
    if (*first != words_ + 1) return std::nullopt;
    words_ = *first;
    empty_nodes_ = 0;
    return Kind::kWord;
  }
  const std::optional<std::int64_t> second = whole_number(id.substr(mark + 1));
  if (!second) return std::nullopt;
  if (id[mark] == '-') {
    if (*first != words_ + 1 || *first <= range_end_ || *second < *first) return std::nullopt;
    range_end_ = *second;
    return Kind::kRange;
  }
  if (*first != words_ || *second != empty_nodes_ + 1) return std::nullopt;
  empty_nodes_ = *second;
  return Kind::kEmptyNode;
}

}  // namespace riverrun::data
