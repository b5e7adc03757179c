#pragma once

#include <cstdint>

namespace riverrun::kernels {

/// `rows` rows of `classes` logits, dense, and what they should have predicted.
struct CrossEntropyRows {
  std::int64_t rows;
  std::int64_t classes;
  const float* logits;
  const float* bias;  // [classes], added to each row of logits; may be null
  const std::int32_t* targets;
  std::int32_t ignore_index;  // rows with this target have loss 0 and gradient 0
};

/// nats[row] = -log softmax(logits + bias)[target]. Targets must be in range. A row with a NaN or
/// +∞, or with nothing but -∞, gives NaN. One thread; the bits of a row depend on that row alone.
void cross_entropy(const CrossEntropyRows& rows, double* nats);

/// The same, and grad[row] = scale · (softmax(logits + bias) - onehot(target)); grad may be the
/// logits themselves.
void cross_entropy_with_grad(const CrossEntropyRows& rows, float scale, float* grad, double* nats);

}  // namespace riverrun::kernels
