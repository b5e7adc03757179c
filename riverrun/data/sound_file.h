#pragma once

// Decoding audio files, by libsndfile where the build has it; not for users.

#include "riverrun/core/file.h"
#include "riverrun/data/audio.h"

namespace riverrun::data {

/// Throws FormatError as read_audio(), but for samples that are none; and ConfigError without
/// libsndfile.
[[nodiscard]] Audio read_sound_file(const File& file);

}  // namespace riverrun::data
