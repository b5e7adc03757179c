// The same network run over a whole sequence and sample by sample gives the same output. A step
// never allocates or locks, so it can be called from an audio thread.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <vector>

#include "riverrun/nn/recurrent.h"

int main() {
  constexpr std::int64_t kSteps = 1000;
  constexpr std::int64_t kHidden = 40;
  const riverrun::GRU gru({.input_size = 1, .hidden_size = kHidden});

  riverrun::Tensor wave(riverrun::Shape{kSteps, 1});  // unbatched: [seq_len, input_size]
  for (std::int64_t t = 0; t < kSteps; ++t) {
    wave.data()[t] = std::sin(0.05f * static_cast<float>(t));
  }
  const riverrun::Tensor whole = gru.forward(wave).output;  // [seq_len, hidden_size]

  riverrun::Stream stream = gru.stream();
  std::vector<float> y(kHidden);
  float difference = 0.0f;
  for (std::int64_t t = 0; t < kSteps; ++t) {
    stream.step(wave.values().subspan(static_cast<std::size_t>(t), 1), y);
    for (std::int64_t i = 0; i < kHidden; ++i) {
      difference = std::max(
          difference, std::abs(y[static_cast<std::size_t>(i)] - whole.data()[t * kHidden + i]));
    }
  }
  std::printf("%d steps, %s\n", static_cast<int>(kSteps),
              difference < 1e-5f ? "the same output" : "different outputs");
  return difference < 1e-5f ? 0 : 1;
}
