#pragma once

#include <cstdint>

#include "riverrun/cell/reference.h"

namespace riverrun::insight {

/// Sequences that a thread takes through all steps together: each weight is then read once for all
/// of them.
inline constexpr std::int64_t kRows = 4;

/// out[r][n] += Σ_k x[r][k]·m[k][n] for kCount rows r, each `x_stride` and m.columns apart. Sums of
/// a few columns are kept in registers.
template <std::int64_t kCount>
void add_product(const double* x, std::int64_t x_stride, const reference::Matrix& m, double* out) {
  const auto columns = [&]<std::int64_t kColumns>(std::int64_t n) {
    double sum[kCount][kColumns] = {};
    for (std::int64_t k = 0; k < m.rows; ++k) {
      const double* row = m.data.data() + k * m.columns + n;
      for (std::int64_t r = 0; r < kCount; ++r) {
        for (std::int64_t c = 0; c < kColumns; ++c) sum[r][c] += x[r * x_stride + k] * row[c];
      }
    }
    for (std::int64_t r = 0; r < kCount; ++r) {
      for (std::int64_t c = 0; c < kColumns; ++c) out[r * m.columns + n + c] += sum[r][c];
    }
  };
  constexpr std::int64_t kWide = 4;
  std::int64_t n = 0;
  for (; n + kWide <= m.columns; n += kWide) columns.template operator()<kWide>(n);
  for (; n < m.columns; ++n) columns.template operator()<1>(n);
}

inline void add_product(std::int64_t rows, const double* x, std::int64_t x_stride,
                        const reference::Matrix& m, double* out) {
  if (rows == kRows) return add_product<kRows>(x, x_stride, m, out);
  for (std::int64_t r = 0; r < rows; ++r) {
    add_product<1>(x + r * x_stride, x_stride, m, out + r * m.columns);
  }
}

}  // namespace riverrun::insight
