#pragma once

#include <optional>
#include <span>
#include <string_view>

namespace riverrun::insight {

/// What becomes of a gradient on its way back.
enum class Fate {
  kNone,      ///< it is exactly 0 at the first lag: there is no way back
  kVanishes,  ///< it falls to a hundredth of its value at the first lag
  kCarries,   ///< neither, within the sequence
  kExplodes,  ///< at the last lag it is more than a hundred times its value at the first, or
              ///< infinite at the first
};
/// "none", "vanishes", "carries", "explodes"
[[nodiscard]] std::string_view to_string(Fate fate) noexcept;

/// What a fall or a rise is measured by: a hundredth, a hundredfold.
inline constexpr double kHorizonFactor = 100;

/// How far back a gradient reaches.
struct MemoryHorizon {
  Fate fate = Fate::kNone;
  /// The first lag at which the norm is a hundredth of that at the first lag, between two lags
  /// interpolated on a straight line of its logarithm; nothing if there is none. 0 with kNone.
  std::optional<double> lag;
  /// The factor by which the norm is multiplied with each further step, as its logarithm: the
  /// median of the slopes between all pairs of lags (Theil 1950; Sen 1968), of some hundred of them
  /// spread over the whole. Nothing if fewer than two norms are positive.
  std::optional<double> log_growth;
};

/// From the natural logarithms of a gradient's norms at some lags, −∞ for a norm of 0 and ∞ for one
/// that overflowed. The lags must rise, and the first is what the others are compared with: 1, as a
/// rule. Throws ConfigError if there are none, another number of norms, lags that do not rise, or a
/// NaN.
[[nodiscard]] MemoryHorizon memory_horizon(std::span<const double> lags,
                                           std::span<const double> log_norms);

}  // namespace riverrun::insight
