#pragma once

// A checkpoint's metadata, which are JSON; not for users.

#include <string>

#include "riverrun/train/checkpoint.h"

namespace riverrun {

/// Of the tensor, and in version 2 the key of the metadata, that has the validations.
inline constexpr const char* kValidationsName = "validations";

[[nodiscard]] std::string to_metadata(const CheckpointHeader& header);

/// Without the digest and, unless the metadata are of the version that has them, the validations.
/// Throws ConfigError if something is missing, or a number is beyond the range of its type.
[[nodiscard]] CheckpointHeader from_metadata(const std::string& text);

/// Throws ConfigError, which names it, for an invalid value; the validations too.
void check(const CheckpointHeader& header);

}  // namespace riverrun
