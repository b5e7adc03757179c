#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "cli/inspection.h"

namespace riverrun::cli {

/// Pieces of a text on a background that says how large a number of each is, in [-1, 1]: blue below
/// 0, red above.
[[nodiscard]] std::string coloured(std::span<const std::string> pieces,
                                   std::span<const double> values);
/// The text on a background that says how a unit's memory stands: blue below 0, red above.
[[nodiscard]] std::string coloured_text(const Inspection& inspection, std::size_t unit);

/// A token for a person to read, so that white space shows: 'the', '\n'.
[[nodiscard]] std::string quoted(const text::Tokenizer& tokenizer, std::int32_t id);

}  // namespace riverrun::cli
