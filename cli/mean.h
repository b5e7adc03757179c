#pragma once

#include <cmath>
#include <numeric>
#include <span>

namespace riverrun::cli {

[[nodiscard]] inline double mean(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

[[nodiscard]] inline double root_mean_square(std::span<const double> values) {
  const double squares = std::inner_product(values.begin(), values.end(), values.begin(), 0.0);
  return std::sqrt(squares / static_cast<double>(values.size()));
}

}  // namespace riverrun::cli
