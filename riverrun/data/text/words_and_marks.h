#pragma once

// What stands between the characters of a text and words that can be counted; not for users.

#include <string>
#include <string_view>

namespace riverrun::text {

/// `text` without Unicode's white space at its beginning and its end. What is left points into
/// `text`.
[[nodiscard]] std::string_view without_outer_space(std::string_view text);

/// The words of a text in small letters and its marks, with one space between two: "Don't go!" is
/// "don't go !". A mark is ASCII's punctuation and that of Unicode's blocks for it; an apostrophe
/// between two other characters that are no marks is part of a word, and U+2019 becomes one.
/// Ill-formed UTF-8 becomes U+FFFD.
[[nodiscard]] std::string words_and_marks(std::string_view text);

}  // namespace riverrun::text
