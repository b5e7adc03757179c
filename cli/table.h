#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include <unistd.h>

#include "riverrun/report/page.h"

#include "cli/terminal.h"

namespace riverrun::cli {

/// A table as it is printed: the first column to the left, the others to the right. Without its
/// caption. Columns that do not fit into `width` follow below, beside the first column again.
[[nodiscard]] std::string aligned(const report::Table& table,
                                  std::optional<std::size_t> width = terminal_width(STDOUT_FILENO));

}  // namespace riverrun::cli
