#pragma once

#include <string>

#include "riverrun/insight/page.h"

namespace riverrun::cli {

/// A table as it is printed: the first column to the left, the others to the right. Without its
/// caption.
[[nodiscard]] std::string aligned(const insight::Table& table);

}  // namespace riverrun::cli
