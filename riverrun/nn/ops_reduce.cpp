#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>

#include "riverrun/nn/ops.h"
#include "riverrun/nn/ops_impl.h"
#include "riverrun/nn/parallel_chunks.h"

namespace riverrun {
namespace {

using ops::Axis;

constexpr std::int64_t kWidth = 32;
using Doubles = std::array<double, kWidth>;

// Some neighbouring columns of [outer, extent, inner], which are reduced side by side.
struct Columns {
  std::int64_t first = 0;    // the element at place 0 of the first column
  std::int64_t stride = 1;   // from place to place
  std::int64_t reduced = 0;  // of the first column, where the dimension has gone
  std::size_t count = 1;

  // `visit(i, j)` for each element i, which is of column j, in the order of memory.
  template <class Visit>
  void each(std::int64_t extent, Visit visit) const {
    for (std::int64_t e = 0; e < extent; ++e) {
      const std::int64_t row = first + e * stride;
      for (std::size_t j = 0; j < count; ++j) visit(row + static_cast<std::int64_t>(j), j);
    }
  }
  // `visit(i, j)` for each column j, which is element i where the dimension has gone.
  template <class Visit>
  void each_column(Visit visit) const {
    for (std::size_t j = 0; j < count; ++j) visit(reduced + static_cast<std::int64_t>(j), j);
  }
};

// Calls `body(columns)` for all columns, on all threads.
template <class Body>
void for_columns(const Axis& axis, Body body) {
  const std::int64_t blocks = (axis.inner + kWidth - 1) / kWidth;
  const std::int64_t elements =
      std::max<std::int64_t>(1, axis.extent * std::min(axis.inner, kWidth));
  parallel_chunks(
      axis.outer * blocks, std::max<std::int64_t>(1, kElementsPerChunk / elements),
      [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t b = begin; b < end; ++b) {
          const std::int64_t outer = b / blocks;
          const std::int64_t column = b % blocks * kWidth;
          body(Columns{.first = outer * axis.extent * axis.inner + column,
                       .stride = axis.inner,
                       .reduced = outer * axis.inner + column,
                       .count = static_cast<std::size_t>(std::min(kWidth, axis.inner - column))});
        }
      });
}

Shape reduced_shape(const Shape& shape, int place, bool keepdim) {
  return keepdim ? ops::with_extent(shape, place, 1) : ops::without(shape, place);
}

// factor · Σ, in both directions.
Var scaled_sum(Var input, const Axis& axis, const Shape& shape, double factor) {
  Tape& tape = input.tape();
  Tensor output = tape.allocate(shape);
  const float* x = input.value().data();
  float* y = output.data();
  for_columns(axis, [&](const Columns& c) {
    Doubles sums{};
    c.each(axis.extent, [&](std::int64_t i, std::size_t j) { sums[j] += x[i]; });
    c.each_column(
        [&](std::int64_t i, std::size_t j) { y[i] = static_cast<float>(factor * sums[j]); });
  });
  if (!input.requires_grad()) return tape.record(std::move(output), nullptr);
  return tape.record(std::move(output), [&tape, input, axis, factor](const Tensor& grad) {
    Tensor grad_input = tape.allocate(input.shape());
    for_columns(axis, [&](const Columns& c) {
      const float* of_column = grad.data() + c.reduced;
      c.each(axis.extent, [&](std::int64_t i, std::size_t j) {
        grad_input.data()[i] = static_cast<float>(factor) * of_column[j];
      });
    });
    tape.add_grad(input, std::move(grad_input));
  });
}

// All elements as one column.
Axis all_of(Var input) { return Axis("sum", Shape{input.value().elements()}, 0); }

// Of each column the largest element, and the sum of exponentials of the others' distance from it.
struct Exponentials {
  std::array<float, kWidth> most;
  Doubles sums{};

  Exponentials(const Axis& axis, const Columns& c, const float* x) {
    most.fill(-std::numeric_limits<float>::infinity());
    // Written so that a NaN stays.
    c.each(axis.extent,
           [&](std::int64_t i, std::size_t j) { most[j] = x[i] <= most[j] ? most[j] : x[i]; });
    c.each(axis.extent, [&](std::int64_t i, std::size_t j) {
      sums[j] += static_cast<double>(std::exp(x[i] - most[j]));
    });
  }
};

// The weight of an element in its column, whose logsumexp is `log_sum`; 0 of -infinity, even where
// all are.
float weight_of(float x, float log_sum) {
  return x == -std::numeric_limits<float>::infinity() ? 0.0f : std::exp(x - log_sum);
}

}  // namespace

Var sum(Var input) { return scaled_sum(input, all_of(input), Shape{}, 1.0); }

Var sum(Var input, int dimension, bool keepdim) {
  const Axis axis("sum", input.shape(), dimension);
  return scaled_sum(input, axis, reduced_shape(input.shape(), axis.place, keepdim), 1.0);
}

Var mean(Var input) {
  return scaled_sum(input, all_of(input), Shape{},
                    1.0 / static_cast<double>(input.value().elements()));
}

Var mean(Var input, int dimension, bool keepdim) {
  const Axis axis("mean", input.shape(), dimension);
  return scaled_sum(input, axis, reduced_shape(input.shape(), axis.place, keepdim),
                    1.0 / static_cast<double>(axis.extent));
}

Var logsumexp(Var input, int dimension, bool keepdim) {
  Tape& tape = input.tape();
  const Axis axis("logsumexp", input.shape(), dimension);
  Tensor output = tape.allocate(reduced_shape(input.shape(), axis.place, keepdim));
  const float* x = input.value().data();
  float* y = output.data();
  for_columns(axis, [&](const Columns& c) {
    const Exponentials of(axis, c, x);
    // Two infinities have no difference.
    c.each_column([&](std::int64_t i, std::size_t j) {
      y[i] = std::isinf(of.most[j]) ? of.most[j]
                                    : static_cast<float>(of.most[j] + std::log(of.sums[j]));
    });
  });
  if (!input.requires_grad()) return tape.record(std::move(output), nullptr);
  return tape.record(std::move(output), [&tape, input, axis, x, y](const Tensor& grad) {
    Tensor grad_input = tape.allocate(input.shape());
    for_columns(axis, [&](const Columns& c) {
      const float* of_column = grad.data() + c.reduced;
      const float* log_sums = y + c.reduced;
      c.each(axis.extent, [&](std::int64_t i, std::size_t j) {
        grad_input.data()[i] = of_column[j] * weight_of(x[i], log_sums[j]);
      });
    });
    tape.add_grad(input, std::move(grad_input));
  });
}

Var softmax(Var input, int dimension) {
  Tape& tape = input.tape();
  const Axis axis("softmax", input.shape(), dimension);
  Tensor output = tape.allocate(input.shape());
  const float* x = input.value().data();
  float* y = output.data();
  for_columns(axis, [&](const Columns& c) {
    const Exponentials of(axis, c, x);
    c.each(axis.extent, [&](std::int64_t i, std::size_t j) {
      // As in PyTorch, NaN where every element is -infinity: it has no weights.
      y[i] = static_cast<float>(std::exp(x[i] - of.most[j]) / of.sums[j]);
    });
  });
  if (!input.requires_grad()) return tape.record(std::move(output), nullptr);
  return tape.record(std::move(output), [&tape, input, axis, y](const Tensor& grad) {
    Tensor grad_input = tape.allocate(input.shape());
    for_columns(axis, [&](const Columns& c) {
      Doubles means{};
      c.each(axis.extent, [&](std::int64_t i, std::size_t j) {
        means[j] += static_cast<double>(y[i]) * grad.data()[i];
      });
      c.each(axis.extent, [&](std::int64_t i, std::size_t j) {
        grad_input.data()[i] = y[i] * (grad.data()[i] - static_cast<float>(means[j]));
      });
    });
    tape.add_grad(input, std::move(grad_input));
  });
}

Var log_softmax(Var input, int dimension) {
  Tape& tape = input.tape();
  const Axis axis("log_softmax", input.shape(), dimension);
  Tensor output = tape.allocate(input.shape());
  const float* x = input.value().data();
  float* y = output.data();
  for_columns(axis, [&](const Columns& c) {
    const Exponentials of(axis, c, x);
    Doubles logs{};
    for (std::size_t j = 0; j < c.count; ++j) logs[j] = std::log(of.sums[j]);
    c.each(axis.extent, [&](std::int64_t i, std::size_t j) {
      y[i] = static_cast<float>(x[i] - of.most[j] - logs[j]);
    });
  });
  if (!input.requires_grad()) return tape.record(std::move(output), nullptr);
  return tape.record(std::move(output), [&tape, input, axis, y](const Tensor& grad) {
    Tensor grad_input = tape.allocate(input.shape());
    for_columns(axis, [&](const Columns& c) {
      Doubles sums{};
      c.each(axis.extent, [&](std::int64_t i, std::size_t j) { sums[j] += grad.data()[i]; });
      c.each(axis.extent, [&](std::int64_t i, std::size_t j) {
        grad_input.data()[i] = grad.data()[i] - std::exp(y[i]) * static_cast<float>(sums[j]);
      });
    });
    tape.add_grad(input, std::move(grad_input));
  });
}

Var layer_norm(Var input, std::optional<Var> weight, std::optional<Var> bias, float eps) {
  Tape& tape = input.tape();
  const Axis axis("layer_norm", input.shape(), -1);
  const std::int64_t features = axis.extent;
  for (const auto& [name, given] : {std::pair{"weight", weight}, std::pair{"bias", bias}}) {
    if (!given) continue;
    tape.require_own(*given);
    if (given->shape() == Shape{features}) continue;
    throw ShapeError(std::string("layer_norm: ") + name + " is " + given->shape().to_string() +
                     "; it must be [" + std::to_string(features) +
                     "], the last dimension of the input, " + input.shape().to_string());
  }
  Tensor normalized = tape.allocate(input.shape());
  Tensor scales = tape.allocate({axis.outer});  // 1/sqrt(variance + eps)
  const float* x = input.value().data();
  float* y = normalized.data();
  for_columns(axis, [&](const Columns& c) {
    const float* row = x + c.first;
    double sum = 0.0;
    for (std::int64_t e = 0; e < features; ++e) sum += row[e];
    const double mean = sum / static_cast<double>(features);
    double squares = 0.0;
    for (std::int64_t e = 0; e < features; ++e) squares += (row[e] - mean) * (row[e] - mean);
    const double scale = 1.0 / std::sqrt(squares / static_cast<double>(features) + eps);
    for (std::int64_t e = 0; e < features; ++e) {
      y[c.first + e] = static_cast<float>((row[e] - mean) * scale);
    }
    scales.data()[c.reduced] = static_cast<float>(scale);
  });
  // What follows the normalisation is made of other functions, gradients too.
  Var output;
  if (!input.requires_grad()) {
    tape.recycle(std::move(scales));
    output = tape.record(std::move(normalized), nullptr);
  } else {
    output =
        tape.record(std::move(normalized),
                    [&tape, input, axis, y, kept = std::move(scales)](const Tensor& grad) mutable {
                      Tensor grad_input = tape.allocate(input.shape());
                      for_columns(axis, [&](const Columns& c) {
                        const float* g = grad.data() + c.first;
                        const float* n = y + c.first;
                        double sum = 0.0;
                        double along = 0.0;
                        for (std::int64_t e = 0; e < axis.extent; ++e) {
                          sum += g[e];
                          along += static_cast<double>(g[e]) * n[e];
                        }
                        const auto count = static_cast<double>(axis.extent);
                        for (std::int64_t e = 0; e < axis.extent; ++e) {
                          grad_input.data()[c.first + e] = static_cast<float>(
                              kept.data()[c.reduced] * (g[e] - sum / count - n[e] * along / count));
                        }
                      });
                      tape.add_grad(input, std::move(grad_input));
                      tape.recycle(std::move(kept));
                    });
  }
  if (weight) output = multiply(output, *weight);
  if (bias) output = add(output, *bias);
  return output;
}

}  // namespace riverrun
