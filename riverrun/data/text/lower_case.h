#pragma once

#include <string>
#include <string_view>

namespace riverrun::text {

/// The small letter of a capital one of Latin (with accents, and those of Vietnamese), Greek,
/// Cyrillic and Armenian; any other character itself. As Unicode's simple case mapping, but with no
/// dependence on the system's version of it or on a locale: a model reads the same everywhere.
[[nodiscard]] char32_t lower_case(char32_t code_point) noexcept;

/// All characters of `bytes`, as to_valid_utf8() gives them.
[[nodiscard]] std::string lower_case(std::string_view bytes);

}  // namespace riverrun::text
