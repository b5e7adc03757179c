#include "riverrun/insight/horizon.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include <fmt/format.h>

#include "riverrun/core/error.h"

namespace riverrun::insight {
namespace {

void check(std::span<const double> lags, std::span<const double> log_norms) {
  if (lags.empty() || lags.size() != log_norms.size()) {
    throw ConfigError(fmt::format(
        "memory_horizon: there are {} lags and {} norms; there must be as many, and at least one",
        lags.size(), log_norms.size()));
  }
  for (std::size_t i = 0; i < lags.size(); ++i) {
    if (!std::isfinite(lags[i]) || (i > 0 && lags[i] <= lags[i - 1])) {
      throw ConfigError(fmt::format("memory_horizon: lag {} of {} is {}; lags must rise", i + 1,
                                    lags.size(), lags[i]));
    }
    if (std::isnan(log_norms[i])) {
      throw ConfigError(
          fmt::format("memory_horizon: the norm at lag {} is NaN; it must be a number", lags[i]));
    }
  }
}

/// The median slope of all pairs of about kPoints points, evenly spread.
std::optional<double> median_slope(std::span<const double> lags,
                                   std::span<const double> log_norms) {
  constexpr std::size_t kPoints = 128;
  std::vector<std::size_t> points;
  for (std::size_t i = 0; i < lags.size(); ++i) {
    if (std::isfinite(log_norms[i])) points.push_back(i);
  }
  const std::size_t apart = points.size() / kPoints + 1;
  std::vector<double> slopes;
  for (std::size_t a = 0; a < points.size(); a += apart) {
    for (std::size_t b = a + apart; b < points.size(); b += apart) {
      slopes.push_back((log_norms[points[b]] - log_norms[points[a]]) /
                       (lags[points[b]] - lags[points[a]]));
    }
  }
  if (slopes.empty()) return std::nullopt;
  const auto middle = slopes.begin() + std::ssize(slopes) / 2;
  std::nth_element(slopes.begin(), middle, slopes.end());
  return *middle;
}

}  // namespace

std::string_view to_string(Fate fate) noexcept {
  switch (fate) {
    case Fate::kNone:
      return "none";
    case Fate::kVanishes:
      return "vanishes";
    case Fate::kCarries:
      return "carries";
    case Fate::kExplodes:
      return "explodes";
  }
  return "";
}

MemoryHorizon memory_horizon(std::span<const double> lags, std::span<const double> log_norms) {
  check(lags, log_norms);
  if (std::isinf(log_norms[0])) {
    if (log_norms[0] < 0) return {.fate = Fate::kNone, .lag = 0.0, .log_growth = {}};
    return {.fate = Fate::kExplodes, .lag = {}, .log_growth = {}};
  }
  MemoryHorizon horizon{
      .fate = Fate::kCarries, .lag = {}, .log_growth = median_slope(lags, log_norms)};
  const double fallen = log_norms[0] - std::log(kHorizonFactor);
  for (std::size_t i = 1; i < lags.size(); ++i) {
    if (log_norms[i] > fallen) continue;
    const double before = log_norms[i - 1];
    // No straight line leads to a norm of 0 or from an infinite one: then the fall is at its lag.
    const double drop = before - log_norms[i];
    const double part = std::isinf(drop) ? 1 : (before - fallen) / drop;
    horizon.lag = lags[i - 1] + part * (lags[i] - lags[i - 1]);
    horizon.fate = Fate::kVanishes;
    return horizon;
  }
  if (log_norms.back() > log_norms[0] + std::log(kHorizonFactor)) horizon.fate = Fate::kExplodes;
  return horizon;
}

}  // namespace riverrun::insight
