#pragma once

#include <cstdint>

namespace riverrun::kernels {

/// A matrix in row-major order; `stride` is the distance between rows, in elements.
struct Matrix {
  const float* data;
  std::int64_t stride;
  bool transposed = false;
};

/// c[m, n] = beta·c + a[m, k]·b[k, n], where a `transposed` operand is stored the other way round.
/// The product is cut into pieces by its size alone and the pieces are spread over the threads, so
/// the bits do not depend on their number. With beta = 0, c may hold anything.
void matmul(std::int64_t m, std::int64_t n, std::int64_t k, Matrix a, Matrix b, float beta,
            float* c, std::int64_t c_stride);

}  // namespace riverrun::kernels
