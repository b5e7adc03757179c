// A device to be learnt: 60 s of noise bursts, sweeps and plucked tones at 48 kHz, and what an LSTM
// of 8 units with drawn weights makes of them; then 20 s of others, to evaluate on.
//
//   build/release/amplifier FOLDER [SEED]
//
// Writes dry.wav, wet.wav, dry_test.wav and wet_test.wav.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <numbers>
#include <vector>

#include "riverrun/core/random.h"
#include "riverrun/data/audio.h"
#include "riverrun/nn/linear.h"
#include "riverrun/nn/recurrent.h"

namespace {

using riverrun::Random;
using riverrun::Tensor;

constexpr std::int64_t kRate = 48'000;
constexpr std::int64_t kUnits = 8;

double seconds(std::size_t samples) { return static_cast<double>(samples) / kRate; }

std::vector<float> noise(std::size_t samples, Random& random) {
  const double decay = random.uniform(0, 6);
  std::vector<float> event(samples);
  for (std::size_t i = 0; i < samples; ++i) {
    event[i] = 0.35f * random.normal() * static_cast<float>(std::exp(-decay * seconds(i)));
  }
  return event;
}

/// From one frequency to another, which rises or falls by the same factor each second.
std::vector<float> sweep(std::size_t samples, Random& random) {
  const double from = 40 * std::pow(200, random.uniform(0, 1));
  const double to = 40 * std::pow(200, random.uniform(0, 1));
  std::vector<float> event(samples);
  double phase = 0;
  for (std::size_t i = 0; i < samples; ++i) {
    const double part = static_cast<double>(i) / static_cast<double>(samples);
    phase += 2 * std::numbers::pi * from * std::pow(to / from, part) / kRate;
    event[i] = static_cast<float>(std::sin(phase));
  }
  return event;
}

/// A string (Karplus & Strong 1983).
std::vector<float> pluck(std::size_t samples, Random& random) {
  const double frequency = 82.4 * std::pow(2, std::floor(random.uniform(0, 40)) / 12);
  std::vector<float> string(static_cast<std::size_t>(kRate / frequency));
  random.fill_uniform(string, -1, 1);
  std::vector<float> event(samples);
  for (std::size_t i = 0; i < samples; ++i) {
    float& here = string[i % string.size()];
    event[i] = here;
    here = 0.996f * 0.5f * (here + string[(i + 1) % string.size()]);
  }
  return event;
}

std::vector<float> dry_signal(std::size_t samples, Random& random) {
  std::vector<float> signal;
  while (signal.size() < samples) {
    const auto length = static_cast<std::size_t>(kRate * random.uniform(0.05f, 0.7f));
    const std::uint32_t kind = random.below(3);
    const float level = random.uniform(0.05f, 0.9f);
    for (const float x : kind == 0   ? noise(length, random)
                         : kind == 1 ? sweep(length, random)
                                     : pluck(length, random)) {
      signal.push_back(std::clamp(level * x, -1.0f, 1.0f));
    }
    signal.resize(signal.size() + static_cast<std::size_t>(kRate * random.uniform(0, 0.1f)));
  }
  signal.resize(samples);
  return signal;
}

/// Its weights are twice as large as those that a layer begins with, so that gates open and close.
/// It is silent after silence, as amplifiers are: an offset would make most of the signal's energy,
/// and an error that is small beside it would say nothing.
struct Device {
  riverrun::LSTM lstm;
  riverrun::Linear head;

  explicit Device(std::uint64_t seed)
      : lstm({.input_size = 1, .hidden_size = kUnits, .seed = seed}),
        head({.in_features = kUnits, .out_features = 1, .seed = seed + 1}) {
    for (const auto& entry : lstm.parameters()) {
      for (float& weight : entry.parameter->mutable_value().values()) weight *= 2;
    }
    head.bias().mutable_value().data()[0] -= wet(std::vector<float>(kRate)).back();
    // A sine at full scale comes out with a peak of a half.
    std::vector<float> sine(kRate);
    for (std::size_t i = 0; i < sine.size(); ++i) {
      sine[i] = static_cast<float>(std::sin(2 * std::numbers::pi * 440 * seconds(i)));
    }
    float peak = 0;
    for (const float sample : wet(sine)) peak = std::max(peak, std::abs(sample));
    for (const auto& entry : head.parameters()) {
      for (float& weight : entry.parameter->mutable_value().values()) weight *= 0.5f / peak;
    }
  }
  [[nodiscard]] std::vector<float> wet(const std::vector<float>& dry) const {
    const auto samples = static_cast<std::int64_t>(dry.size());
    Tensor input({samples, 1, 1});
    std::ranges::copy(dry, input.data());
    const Tensor output = head.forward(lstm.forward(input).output);
    return {output.data(), output.data() + samples};
  }
};

}  // namespace

int main(int argc, char** argv) try {
  if (argc < 2 || argc > 3) {
    std::fputs("amplifier FOLDER [SEED]\n", stderr);
    return 2;
  }
  const std::filesystem::path folder = argv[1];
  const std::uint64_t seed = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 1;
  Random random(seed);
  const Device device(seed);
  const std::vector<float> dry = dry_signal(60 * kRate, random);
  const std::vector<float> dry_test = dry_signal(20 * kRate, random);
  riverrun::data::write_audio(folder / "dry.wav", dry, kRate);
  riverrun::data::write_audio(folder / "wet.wav", device.wet(dry), kRate);
  riverrun::data::write_audio(folder / "dry_test.wav", dry_test, kRate);
  riverrun::data::write_audio(folder / "wet_test.wav", device.wet(dry_test), kRate);
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "amplifier: %s\n", error.what());
  return 1;
}
