#include "cli/table.h"

#include <algorithm>
#include <cstddef>
#include <vector>

namespace riverrun::cli {

std::string aligned(const insight::Table& table) {
  std::vector<std::vector<std::string>> lines = {table.header};
  lines.insert(lines.end(), table.rows.begin(), table.rows.end());
  std::string text;
  std::vector<std::size_t> widths(table.header.size());
  const auto width = [](const std::string& cell) {  // in characters
    return static_cast<std::size_t>(std::count_if(cell.begin(), cell.end(), [](char c) {
      return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
    }));
  };
  for (const auto& line : lines) {
    for (std::size_t c = 0; c < line.size(); ++c) widths[c] = std::max(widths[c], width(line[c]));
  }
  for (const auto& line : lines) {
    text += line[0] + std::string(widths[0] - width(line[0]), ' ');
    for (std::size_t c = 1; c < line.size(); ++c) {
      text += std::string(widths[c] - width(line[c]) + 2, ' ') + line[c];
    }
    text += "\n";
  }
  return text;
}

}  // namespace riverrun::cli
