#include "riverrun/nn/elementwise.h"

#include "riverrun/core/error.h"

namespace riverrun {

void scale(Tensor& values, float factor) {
  float* to = values.data();
  parallel_chunks(values.elements(), kElementsPerChunk, [=](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) to[i] *= factor;
  });
}

void add_scaled(Tensor& sum, const Tensor& term, float factor) {
  if (sum.shape() != term.shape()) {
    throw ShapeError("add_scaled: sum is " + sum.shape().to_string() + " and term is " +
                     term.shape().to_string() + "; their shapes must be equal");
  }
  float* to = sum.data();
  const float* from = term.data();
  parallel_chunks(sum.elements(), kElementsPerChunk, [=](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) to[i] += factor * from[i];
  });
}

}  // namespace riverrun
