#include "riverrun/models/signal_score.h"

#include <cmath>
#include <cstddef>

namespace riverrun::models {

void SignalCounter::add(std::span<const float> said, std::span<const float> wanted) noexcept {
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const double target = wanted[i];
    const double error = target - said[i];
    const double filtered = error_filter_(error);
    const double wanted_filtered = wanted_filter_(target);
    error_ += error;
    absolute_ += std::abs(error);
    squares_ += error * error;
    filtered_ += filtered * filtered;
    wanted_squares_ += target * target;
    wanted_filtered_ += wanted_filtered * wanted_filtered;
  }
  samples_ += std::ssize(wanted);
}

double SignalCounter::power() const noexcept {
  return wanted_squares_ / static_cast<double>(samples_);
}

double SignalCounter::power_preemphasis() const noexcept {
  return wanted_filtered_ / static_cast<double>(samples_);
}

SignalScore SignalCounter::score() const noexcept {
  const auto samples = static_cast<double>(samples_);
  const double mean = error_ / samples;
  return {.esr = squares_ / wanted_squares_,
          .esr_preemphasis = filtered_ / wanted_filtered_,
          .dc = mean * mean / power(),
          .mse = squares_ / samples,
          .mae = absolute_ / samples,
          .samples = samples_};
}

double best_gain(std::span<const float> dry, std::span<const float> wet) noexcept {
  double products = 0;
  double squares = 0;
  for (std::size_t i = 0; i < dry.size(); ++i) {
    products += static_cast<double>(dry[i]) * wet[i];
    squares += static_cast<double>(dry[i]) * dry[i];
  }
  return squares > 0 ? products / squares : 0;
}

}  // namespace riverrun::models
