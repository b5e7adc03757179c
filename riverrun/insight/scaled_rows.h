#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace riverrun::insight {

/// Gradients of some sequences (rows), each with an exponent of its own, so that they can vanish or
/// explode beyond a double's: values · 2^exponent. Of each row there are some parts, [size].
struct ScaledRows {
  ScaledRows(std::int64_t p, std::int64_t r, std::int64_t n)
      : parts(p),
        rows(r),
        size(n),
        values(static_cast<std::size_t>(p * r * n)),
        exponents(static_cast<std::size_t>(r)) {}

  [[nodiscard]] double* at(std::int64_t part, std::int64_t row) {
    return values.data() + (part * rows + row) * size;
  }
  [[nodiscard]] int& exponent(std::int64_t row) { return exponents[static_cast<std::size_t>(row)]; }

  void for_each(std::int64_t row, const auto& body) {
    for (std::int64_t p = 0; p < parts; ++p) std::for_each(at(p, row), at(p, row) + size, body);
  }
  [[nodiscard]] bool is_finite(std::int64_t row) {
    bool finite = true;
    for_each(row, [&](double value) { finite = finite && std::isfinite(value); });
    return finite;
  }
  /// The exponent of the largest of a row's values; nothing if all are 0.
  [[nodiscard]] std::optional<int> magnitude(std::int64_t row) {
    double largest = 0;
    for_each(row, [&](double value) { largest = std::max(largest, std::abs(value)); });
    return largest > 0 ? std::optional(std::ilogb(largest)) : std::nullopt;
  }
  /// Moves 2^by from the values to the exponent.
  void shift(std::int64_t row, int by) {
    for_each(row, [&](double& value) { value = std::ldexp(value, -by); });
    exponent(row) += by;
  }
  /// Keeps the values far from the ends of a double's range. Powers of two change no digit.
  void normalize(std::int64_t row) {
    constexpr int kFar = 200;
    const std::optional<int> now = magnitude(row);
    if (now && std::abs(*now) > kFar) shift(row, *now);
  }

  std::int64_t parts;
  std::int64_t rows;
  std::int64_t size;
  std::vector<double> values;  // [parts, rows, size]
  std::vector<int> exponents;  // [rows]
};

/// Adds a row of `term`, which has one part, to the first part of `sum`'s.
inline void add(ScaledRows& sum, ScaledRows& term, std::int64_t row) {
  term.normalize(row);
  if (term.is_finite(row) && !term.magnitude(row)) return;  // NaN has no magnitude, and must stay
  const int exponent = term.exponent(row);
  if (!sum.magnitude(row)) sum.exponent(row) = exponent;
  // The smaller one may vanish here, if it is below the other's last digit.
  if (exponent > sum.exponent(row)) sum.shift(row, exponent - sum.exponent(row));
  const double factor = std::ldexp(1.0, exponent - sum.exponent(row));
  for (std::int64_t i = 0; i < sum.size; ++i) sum.at(0, row)[i] += term.at(0, row)[i] * factor;
}

}  // namespace riverrun::insight
