// A second of audio through a small LSTM, sample by sample. The sizes are part of the type, so that
// the compiler keeps all sums of a step in registers; weights and state lie in the object, and
// nothing is allocated or locked. The weights come from a file, as PyTorch or riverrun writes it.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <memory>

#include "riverrun/fixed/linear.h"
#include "riverrun/fixed/load.h"
#include "riverrun/fixed/recurrent.h"
#include "riverrun/fixed/stack.h"
#include "riverrun/io/parameters.h"
#include "riverrun/nn/linear.h"
#include "riverrun/nn/recurrent.h"

namespace {

using Amplifier =
    riverrun::fixed::Stack<riverrun::fixed::LSTM<1, 32>, riverrun::fixed::Linear<32, 1>>;

// Stands for a training.
void write_weights(const std::filesystem::path& path) {
  const riverrun::LSTM lstm({.input_size = 1, .hidden_size = 32});
  const riverrun::Linear linear({.in_features = 32, .out_features = 1});
  riverrun::io::save_parameters(
      path, prefixed("lstm", lstm.parameters()) + prefixed("linear", linear.parameters()));
}

}  // namespace

int main() {
  const std::filesystem::path path =
      std::filesystem::temp_directory_path() / "amplifier.safetensors";
  write_weights(path);
  const auto amplifier = std::make_unique<Amplifier>();
  load(riverrun::io::SafetensorsFile(path), *amplifier, {"lstm.*_l0", "linear.*"});
  std::filesystem::remove(path);

  constexpr int kSampleRate = 48'000;
  float loudest = 0.0f;
  const auto start = std::chrono::steady_clock::now();
  for (int t = 0; t < kSampleRate; ++t) {
    const float x = std::sin(2.0f * 3.14159265f * 440.0f * static_cast<float>(t) / kSampleRate);
    loudest = std::max(loudest, std::abs(amplifier->step(x)));
  }
  std::printf("%d samples, loudest %.3f, %zu bytes\n", kSampleRate, loudest, sizeof(Amplifier));
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
  std::printf("%.4f of real time\n", taken.count());
}
