#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

#include "riverrun/core/random.h"
#include "riverrun/models/signal_run.h"

namespace riverrun::test {

/// A signal, and what a small device with a memory makes of it: it smooths and saturates.
struct Device {
  explicit Device(std::size_t samples, std::uint64_t seed = 1) {
    Random random(seed);
    double smooth = 0;
    float level = 0;
    for (std::size_t i = 0; i < samples; ++i) {
      if (i % 200 == 0) level = random.uniform(0.1f, 0.9f);
      dry.push_back(level * random.uniform(-1, 1));
      smooth += 0.3 * (dry.back() - smooth);
      wet.push_back(static_cast<float>(0.8 * std::tanh(3 * smooth)));
    }
  }
  [[nodiscard]] models::SignalPart part() const { return {.dry = dry, .wet = wet}; }

  std::vector<float> dry;
  std::vector<float> wet;
};

}  // namespace riverrun::test
