#pragma once

// What a tagger's options say of its parts; not for users.

#include <cstdint>

#include "riverrun/models/tagger.h"
#include "riverrun/nn/sequence_model.h"

namespace riverrun::models {

/// What is drawn of a tagger's initial parameters, each part from a stream of seeds of its own.
enum TaggerSeed : std::uint64_t {
  kTaggerWords = 0,
  kTaggerCharacters = 1,
  kTaggerModel = 2,
  kTaggerCrf = 3
};

/// The network that reads the characters of a word, and the one that reads the words.
[[nodiscard]] SequenceModelOptions character_options(const TaggerOptions& options);
[[nodiscard]] SequenceModelOptions model_options(const TaggerOptions& options);

}  // namespace riverrun::models
