#pragma once

#include <cstdint>
#include <string>

#include "cli/inspection.h"

namespace riverrun::cli {

/// The text on a background that says how a unit's memory stands: blue below 0, red above.
[[nodiscard]] std::string coloured_text(const Inspection& inspection, std::size_t unit);

/// A token for a person to read, so that white space shows: 'the', '\n'.
[[nodiscard]] std::string quoted(const text::Tokenizer& tokenizer, std::int32_t id);

}  // namespace riverrun::cli
