#pragma once

#include <span>
#include <vector>

#include "riverrun/data/text/text_input.h"

namespace riverrun::text {

/// Where a text may be cut in two.
enum class CutAt {
  kCharacter,   ///< at or before the place that is asked for
  kWhiteSpace,  ///< after the white space nearest to it; after a line end if one is about as near
};

struct TextSplit {
  std::vector<TextPart> train;
  std::vector<TextPart> valid;
};

/// The first part of the texts' joined bytes for training and the last `valid_fraction` for
/// validation. The cut is at byte floor((1 - valid_fraction) * total), moved to where a character
/// begins, or to after white space: after the last line end before it, if that is no further away
/// than a hundredth of what is kept for validation and 64 KiB, else after the nearest white space,
/// or between two texts. So no word is cut. `parts` are as open_texts() gives them. Throws
/// ConfigError unless 0 < valid_fraction < 1, FormatError if either part would be empty or there is
/// no white space to cut at, IoError.
[[nodiscard]] TextSplit split_texts(std::span<const TextPart> parts, double valid_fraction,
                                    CutAt cut_at);

}  // namespace riverrun::text
