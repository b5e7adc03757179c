#pragma once

// A checkpoint's metadata, which are JSON; not for users.

#include <string>

#include "riverrun/lm/checkpoint.h"

namespace riverrun::lm {

[[nodiscard]] std::string to_metadata(const RunOptions& options, const Fingerprints& texts,
                                      const TrainingState& state);

/// Without the digest and, unless the metadata are of the version that has them, the validations.
/// Throws ConfigError if something is missing, or a number is beyond the range of its type.
[[nodiscard]] CheckpointHeader from_metadata(const std::string& text);

/// Throws ConfigError, which names it, if something cannot be so; the validations too.
void check(const CheckpointHeader& header);

}  // namespace riverrun::lm
