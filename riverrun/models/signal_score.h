#pragma once

#include <cstdint>
#include <span>

namespace riverrun::models {

/// How far a signal is from the one that it should be.
struct SignalScore {
  /// The error-to-signal ratio: the energy of the error over that of the wanted signal. 0.01 is
  /// -20 dB.
  double esr = 0;
  /// The same after pre-emphasis of both.
  double esr_preemphasis = 0;
  /// The square of the error's mean over the wanted signal's power: an offset, which the
  /// pre-emphasis hardly lets through.
  double dc = 0;
  double mse = 0;  ///< the mean square of the error
  double mae = 0;  ///< the mean of its absolute value
  std::int64_t samples = 0;

  /// What training minimises (Wright, Damskägg & Välimäki 2019, "Real-time black-box modelling with
  /// recurrent neural networks").
  [[nodiscard]] double loss() const noexcept { return esr_preemphasis + dc; }
};

/// A high-pass filter of first order, y(t) = x(t) - coefficient·x(t - 1), which makes errors count
/// about as they are heard; it begins at rest.
class PreEmphasis {
 public:
  explicit PreEmphasis(double coefficient) noexcept : coefficient_(coefficient) {}
  double operator()(double sample) noexcept {
    const double filtered = sample - coefficient_ * last_;
    last_ = sample;
    return filtered;
  }

 private:
  double coefficient_;
  double last_ = 0;
};

/// Measures a signal piece by piece.
class SignalCounter {
 public:
  explicit SignalCounter(double pre_emphasis) noexcept
      : error_filter_(pre_emphasis), wanted_filter_(pre_emphasis) {}

  /// The next samples; as many of both.
  void add(std::span<const float> said, std::span<const float> wanted) noexcept;
  /// Of all so far. Ratios are infinite or NaN if the wanted signal is silent.
  [[nodiscard]] SignalScore score() const noexcept;
  /// The mean squares of the wanted signal, and of what pre-emphasis makes of it.
  [[nodiscard]] double power() const noexcept;
  [[nodiscard]] double power_preemphasis() const noexcept;

 private:
  PreEmphasis error_filter_;
  PreEmphasis wanted_filter_;
  std::int64_t samples_ = 0;
  // Sums over the samples:
  double error_ = 0;
  double absolute_ = 0;
  double squares_ = 0;
  double filtered_ = 0;
  double wanted_squares_ = 0;
  double wanted_filtered_ = 0;
};

/// The factor by which `dry` is nearest to `wet`, by least squares; 0 of silence.
[[nodiscard]] double best_gain(std::span<const float> dry, std::span<const float> wet) noexcept;

}  // namespace riverrun::models
