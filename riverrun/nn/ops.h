#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "riverrun/core/list_span.h"
#include "riverrun/core/tensor.h"
#include "riverrun/nn/parameter.h"
#include "riverrun/nn/tape.h"

namespace riverrun {

// Functions of values on a tape, of which layers are composed. Names, arguments and results are
// those of torch and torch.nn.functional; where one differs, its comment says so. A dimension may
// be negative: it counts from the end. What is computed is recorded on the tape of the values. All
// throw ShapeError for shapes that do not fit, and Error for values of two tapes or of none.

// Element by element. The shapes of `a` and `b` are broadcast: they are aligned at their last
// dimension, and an extent of 1, or one that is lacking, is repeated.

Var add(Var a, Var b);
Var add(Var input, float term);
Var subtract(Var a, Var b);
Var multiply(Var a, Var b);
Var multiply(Var input, float factor);
Var divide(Var a, Var b);

Var exp(Var input);
/// The natural logarithm.
Var log(Var input);
Var tanh(Var input);
/// 1/(1 + e⁻ˣ)
Var sigmoid(Var input);
Var relu(Var input);

/// `value` where `mask`, whose shape is broadcast to that of the input, is other than 0. No
/// gradient passes there.
Var masked_fill(Var input, const Tensor& mask, float value);

// Shapes.

/// The same elements in row-major order; their number must be kept.
Var reshape(Var input, const Shape& shape);
/// Two dimensions exchanged.
Var transpose(Var input, int dimension0, int dimension1);

/// The part of `input` at place `index` of one dimension, which the result lacks. Negative numbers
/// count from the end. Of a stack of layers, select(state.h(), 0, -1) is the last one's h, [batch,
/// hidden_size]; of outputs [seq_len, batch, features], select(output, 0, -1) is the last step's.
[[nodiscard]] Tensor select(const Tensor& input, int dimension, std::int64_t index);
[[nodiscard]] Var select(Var input, int dimension, std::int64_t index);

/// The slice from `start` (negative: from the end) of `length` places of one dimension.
Var narrow(Var input, int dimension, std::int64_t start, std::int64_t length);
/// The inputs one after the other along a dimension; their other extents must be equal.
Var cat(ListSpan<Var> inputs, int dimension = 0);
/// The places `index` of one dimension, in that order; a place may be taken more than once. Indices
/// must not be negative.
Var index_select(Var input, int dimension, IntSpan index);
/// output[i][j][k] = input[i][index[i][j][k]][k], here for dimension 1: for each position of the
/// other dimensions, elements of its own. `index` is in row-major order; the output has the input's
/// shape but for that dimension, whose extent follows from the number of indices.
Var gather(Var input, int dimension, IntSpan index);

// Sums. With `keepdim` the dimension stays, with extent 1. They are summed in double precision.

/// Of all elements -> [] (rank 0).
Var sum(Var input);
Var sum(Var input, int dimension, bool keepdim = false);
/// Of all elements -> [] (rank 0).
Var mean(Var input);
Var mean(Var input, int dimension, bool keepdim = false);
/// log Σ exp, without overflow; -infinity where all are.
Var logsumexp(Var input, int dimension, bool keepdim = false);
Var softmax(Var input, int dimension);
Var log_softmax(Var input, int dimension);

/// (x - mean)/sqrt(variance + eps) over the last dimension, times `weight`, plus `bias`, both
/// [features] if given (Ba et al. 2016).
Var layer_norm(Var input, std::optional<Var> weight = {}, std::optional<Var> bias = {},
               float eps = 1e-5f);

// Products.

/// a [..., m, k] times b [..., k, n] -> [..., m, n]. The leading dimensions are equal, or b is one
/// matrix [k, n] for all.
Var matmul(Var a, Var b);

struct Conv1dOptions {
  std::int64_t stride = 1;
  /// Zeros before the first step and behind the last.
  std::int64_t padding = 0;
  std::int64_t dilation = 1;
};
/// A convolution along time: input [seq_len, batch, in_channels], in the order of recurrent layers
/// (PyTorch's is [batch, in_channels, seq_len]), weight [out_channels, in_channels, kernel_size] as
/// PyTorch's, bias [out_channels] -> [out_len, batch, out_channels] with
/// out_len = (seq_len + 2·padding - dilation·(kernel_size - 1) - 1)/stride + 1. Throws ConfigError
/// if stride or dilation is not positive, padding is negative, or one of them is above 2^31.
Var conv1d(Var input, Var weight, std::optional<Var> bias = {}, const Conv1dOptions& options = {});

// Parameters.

/// The parameter's value as it is now, copied; its gradient is added to the parameter's. For
/// computing with a parameter that belongs to no layer. Throws ConfigError if it is null.
Var leaf(Tape& tape, const std::shared_ptr<Parameter>& parameter);

}  // namespace riverrun
