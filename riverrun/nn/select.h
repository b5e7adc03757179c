#pragma once

#include <cstdint>

#include "riverrun/core/tensor.h"
#include "riverrun/nn/tape.h"

namespace riverrun {

/// The part of `input` at place `index` of one dimension, which the result lacks, as torch.select.
/// Negative numbers count from the end. Of a stack of layers, select(state.h(), 0, -1) is the last
/// one's h, [batch, hidden_size]; of outputs [seq_len, batch, features], select(output, 0, -1) is
/// the last step's. Throws ShapeError if there is no such dimension or place.
[[nodiscard]] Tensor select(const Tensor& input, int dimension, std::int64_t index);
/// The same on the input's tape, with its gradient.
[[nodiscard]] Var select(Var input, int dimension, std::int64_t index);

}  // namespace riverrun
