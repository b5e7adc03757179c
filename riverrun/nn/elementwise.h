#pragma once

#include <cstdint>

#include "riverrun/core/tensor.h"
#include "riverrun/nn/parallel_chunks.h"

namespace riverrun {

// What the layers' backward functions have in common. On all threads; the bits do not depend on
// their number.

/// values *= factor
void scale(Tensor& values, float factor);

/// sum += factor · term. Throws ShapeError unless the shapes are equal.
void add_scaled(Tensor& sum, const Tensor& term, float factor);

/// sums[columns] += Σ over the rows of matrix [rows, columns], the first row first; `stride` is the
/// distance between rows.
void add_column_sums(std::int64_t rows, std::int64_t columns, const float* matrix,
                     std::int64_t stride, float* sums);

}  // namespace riverrun
