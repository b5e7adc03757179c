#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

#include "riverrun/core/random.h"
#include "riverrun/data/labelled.h"

namespace riverrun::test {

/// Waves of three frequencies, a class each, on two channels, of 8 to 15 steps, with noise.
inline data::LabelledSequences waves(std::int64_t count, std::uint64_t seed) {
  data::LabelledSequences waves{
      .path = "waves.ts", .channels = 2, .classes = {"slow", "middle", "fast"}, .sequences = {}};
  Random random(seed);
  for (std::int64_t i = 0; i < count; ++i) {
    data::LabelledSequence wave;
    wave.label = static_cast<std::int32_t>(i % 3);
    wave.seq_len = 8 + random.below(8);
    wave.line = 10 + i;
    const float phase = random.uniform(0, 6);
    for (std::int64_t t = 0; t < wave.seq_len; ++t) {
      const float angle = phase + 0.5f * static_cast<float>(t * (wave.label + 1));
      wave.values.push_back(100 + 10 * std::sin(angle) + random.normal());
      wave.values.push_back(std::cos(angle) + 0.1f * random.normal());
    }
    waves.sequences.push_back(std::move(wave));
  }
  return waves;
}

}  // namespace riverrun::test
