#include "cli/table.h"

#include <algorithm>
#include <cstddef>
#include <vector>

namespace riverrun::cli {

std::string aligned(const report::Table& table, std::optional<std::size_t> width) {
  constexpr std::size_t kGap = 2;
  std::vector<std::vector<std::string>> lines = {table.header};
  lines.insert(lines.end(), table.rows.begin(), table.rows.end());
  const auto length = [](const std::string& cell) {  // in characters
    return static_cast<std::size_t>(std::count_if(cell.begin(), cell.end(), [](char c) {
      return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
    }));
  };
  std::vector<std::size_t> widths(table.header.size());
  for (const auto& line : lines) {
    for (std::size_t c = 0; c < line.size(); ++c) widths[c] = std::max(widths[c], length(line[c]));
  }
  std::string text;
  for (std::size_t first = 1, end = 1;; first = end) {
    std::size_t used = widths[0];
    while (end < widths.size() && (end == first || !width || used + kGap + widths[end] <= *width)) {
      used += kGap + widths[end++];
    }
    if (first > 1) text += "\n";
    for (const auto& line : lines) {
      text += line[0] + std::string(widths[0] - length(line[0]), ' ');
      for (std::size_t c = first; c < end; ++c) {
        text += std::string(widths[c] - length(line[c]) + kGap, ' ') + line[c];
      }
      text += "\n";
    }
    if (end >= widths.size()) break;
  }
  return text;
}

}  // namespace riverrun::cli
