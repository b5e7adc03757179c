// In place of sound_file.cpp where libsndfile is not there.

#include "riverrun/core/error.h"
#include "riverrun/data/sound_file.h"

namespace riverrun::data {

bool has_audio() noexcept { return false; }

Audio read_sound_file(const File& file) {
  throw ConfigError(file.path() +
                    ": this build has no audio: install libsndfile (Debian's package "
                    "libsndfile1-dev) and build again");
}

}  // namespace riverrun::data
