#pragma once

#include <string>
#include <vector>

namespace riverrun::cli {

/// Lines of a table, each column as wide as its widest cell, the first to the left and the others
/// to the right. The first row is the header.
[[nodiscard]] std::string table(const std::vector<std::vector<std::string>>& rows);

}  // namespace riverrun::cli
