#pragma once

#include "riverrun/core/tensor.h"
#include "riverrun/nn/parallel_chunks.h"

namespace riverrun {

// What the layers' backward functions have in common. On all threads; the bits do not depend on
// their number.

/// values *= factor
void scale(Tensor& values, float factor);

/// sum += factor · term. Throws ShapeError unless the shapes are equal.
void add_scaled(Tensor& sum, const Tensor& term, float factor);

}  // namespace riverrun
