#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "riverrun/nn/ops.h"
#include "riverrun/nn/ops_impl.h"

namespace riverrun {
namespace {

using ops::Axis;

/// A range of places of one dimension, as memory: `count` pieces of `size` elements, `stride`
/// apart, the first at `begin`.
struct Pieces {
  std::int64_t count = 1;
  std::int64_t size = 1;
  std::int64_t stride = 0;
  std::int64_t begin = 0;

  Pieces(const Axis& axis, std::int64_t start, std::int64_t length)
      : count(axis.outer),
        size(length * axis.inner),
        stride(axis.extent * axis.inner),
        begin(start * axis.inner) {}

  // The range of `whole`, densely.
  void copy_out(const float* whole, float* dense) const {
    for (std::int64_t i = 0; i < count; ++i) {
      std::copy_n(whole + begin + i * stride, size, dense + i * size);
    }
  }
  void copy_in(const float* dense, float* whole) const {
    for (std::int64_t i = 0; i < count; ++i) {
      std::copy_n(dense + i * size, size, whole + begin + i * stride);
    }
  }
  void add_in(const float* dense, float* whole) const {
    for (std::int64_t i = 0; i < count; ++i) {
      float* to = whole + begin + i * stride;
      for (std::int64_t k = 0; k < size; ++k) to[k] += dense[i * size + k];
    }
  }
};

/// A place of a dimension counted from the front.
std::int64_t index_of(const char* who, const Shape& shape, const Axis& axis, std::int64_t index) {
  const std::int64_t at = index < 0 ? index + axis.extent : index;
  if (at >= 0 && at < axis.extent) return at;
  throw ShapeError(std::string(who) + ": index is " + std::to_string(index) + " in dimension " +
                   std::to_string(axis.place) + "; the input is " + shape.to_string());
}

Var narrow_to(Var input, const Pieces& pieces, const Shape& shape) {
  Tape& tape = input.tape();
  Tensor output = tape.allocate(shape);
  pieces.copy_out(input.value().data(), output.data());
  if (!input.requires_grad()) return tape.record(std::move(output), nullptr);
  return tape.record(std::move(output), [&tape, input, pieces](const Tensor& grad) {
    pieces.add_in(grad.data(), tape.grad(input).data());
  });
}

// Checked, so that they can be kept in a recording.
std::vector<std::int64_t> indices_of(const char* who, const Shape& shape, const Axis& axis,
                                     IntSpan index) {
  std::vector<std::int64_t> indices(index.size());
  for (std::size_t i = 0; i < index.size(); ++i) {
    if (index[i] < 0 || index[i] >= axis.extent) {
      throw ShapeError(std::string(who) + ": index " + std::to_string(i) + " is " +
                       std::to_string(index[i]) + "; the input is " + shape.to_string() +
                       ", and the dimension is " + std::to_string(axis.place));
    }
    indices[i] = index[i];
  }
  return indices;
}

}  // namespace

Var reshape(Var input, const Shape& shape) {
  Tape& tape = input.tape();
  const Tensor& from = input.value();
  if (from.elements() != shape.elements()) {
    throw ShapeError("reshape: the input is " + from.shape().to_string() + "; " +
                     shape.to_string() + " must have as many elements");
  }
  const auto copy = [&tape](const Tensor& source, const Shape& as) {
    Tensor to = tape.allocate(as);
    std::copy_n(source.data(), source.elements(), to.data());
    return to;
  };
  Tensor output = copy(from, shape);
  if (!input.requires_grad()) return tape.record(std::move(output), nullptr);
  return tape.record(std::move(output), [&tape, input, copy](const Tensor& grad) {
    tape.add_grad(input, copy(grad, input.shape()));
  });
}

Var transpose(Var input, int dimension0, int dimension1) {
  Tape& tape = input.tape();
  const Shape& shape = input.shape();
  const int first = std::min(ops::place_of("transpose", shape, dimension0),
                             ops::place_of("transpose", shape, dimension1));
  const int second = std::max(ops::place_of("transpose", shape, dimension0),
                              ops::place_of("transpose", shape, dimension1));
  if (first == second) return input;
  const Shape exchanged =
      ops::with_extent(ops::with_extent(shape, first, shape[second]), second, shape[first]);
  // As [outer, m, middle, n, inner] -> [outer, n, middle, m, inner].
  const Axis front("transpose", shape, first);
  const Axis back("transpose", shape, second);
  std::int64_t middle = 1;
  for (int d = first + 1; d < second; ++d) middle *= shape[d];
  const auto exchange = [&tape, outer = front.outer, middle, inner = back.inner](
                            const Tensor& source, const Shape& as, std::int64_t m, std::int64_t n) {
    Tensor to = tape.allocate(as);
    float* out = to.data();
    for (std::int64_t o = 0; o < outer; ++o) {
      const float* block = source.data() + o * m * middle * n * inner;
      for (std::int64_t j = 0; j < n; ++j) {
        for (std::int64_t k = 0; k < middle; ++k) {
          for (std::int64_t i = 0; i < m; ++i) {
            out = std::copy_n(block + ((i * middle + k) * n + j) * inner, inner, out);
          }
        }
      }
    }
    return to;
  };
  Tensor output = exchange(input.value(), exchanged, front.extent, back.extent);
  if (!input.requires_grad()) return tape.record(std::move(output), nullptr);
  return tape.record(std::move(output), [&tape, input, exchange, m = front.extent,
                                         n = back.extent](const Tensor& grad) {
    tape.add_grad(input, exchange(grad, input.shape(), n, m));
  });
}

Tensor select(const Tensor& input, int dimension, std::int64_t index) {
  const Axis axis("select", input.shape(), dimension);
  const Pieces pieces(axis, index_of("select", input.shape(), axis, index), 1);
  Tensor output = Tensor::uninitialized(ops::without(input.shape(), axis.place));
  pieces.copy_out(input.data(), output.data());
  return output;
}

Var select(Var input, int dimension, std::int64_t index) {
  const Axis axis("select", input.shape(), dimension);
  const Pieces pieces(axis, index_of("select", input.shape(), axis, index), 1);
  return narrow_to(input, pieces, ops::without(input.shape(), axis.place));
}

Var narrow(Var input, int dimension, std::int64_t start, std::int64_t length) {
  const Axis axis("narrow", input.shape(), dimension);
  const std::int64_t from = start < 0 ? start + axis.extent : start;
  if (from < 0 || length < 0 || from > axis.extent || length > axis.extent - from) {
    throw ShapeError("narrow: start is " + std::to_string(start) + " and length is " +
                     std::to_string(length) + " in dimension " + std::to_string(axis.place) +
                     "; the input is " + input.shape().to_string());
  }
  return narrow_to(input, Pieces(axis, from, length),
                   ops::with_extent(input.shape(), axis.place, length));
}

Var cat(ListSpan<Var> inputs, int dimension) {
  if (inputs.empty()) throw ShapeError("cat: no inputs; there must be at least one");
  Tape& tape = inputs.front().tape();
  const Shape& first = inputs.front().shape();
  const int place = ops::place_of("cat", first, dimension);
  std::int64_t extent = 0;
  bool requires_grad = false;
  for (const Var input : inputs) {
    tape.require_own(input);
    const Shape& shape = input.shape();
    if (shape.rank() != first.rank() || ops::with_extent(shape, place, first[place]) != first) {
      throw ShapeError("cat: the inputs are " + first.to_string() + " and " + shape.to_string() +
                       "; all extents but that of dimension " + std::to_string(place) +
                       " must be equal");
    }
    extent += shape[place];
    requires_grad = requires_grad || input.requires_grad();
  }
  Tensor output = tape.allocate(ops::with_extent(first, place, extent));
  const Axis whole("cat", output.shape(), place);
  std::int64_t start = 0;
  for (const Var input : inputs) {
    Pieces(whole, start, input.shape()[place]).copy_in(input.value().data(), output.data());
    start += input.shape()[place];
  }
  if (!requires_grad) return tape.record(std::move(output), nullptr);
  return tape.record(
      std::move(output),
      [&tape, whole, kept = std::vector<Var>(inputs.begin(), inputs.end())](const Tensor& grad) {
        std::int64_t at = 0;
        for (const Var input : kept) {
          const std::int64_t length = input.shape()[whole.place];
          if (input.requires_grad()) {
            Tensor part = tape.allocate(input.shape());
            Pieces(whole, at, length).copy_out(grad.data(), part.data());
            tape.add_grad(input, std::move(part));
          }
          at += length;
        }
      });
}

Var index_select(Var input, int dimension, IntSpan index) {
  Tape& tape = input.tape();
  const Axis axis("index_select", input.shape(), dimension);
  std::vector<std::int64_t> indices = indices_of("index_select", input.shape(), axis, index);
  const auto taken = static_cast<std::int64_t>(indices.size());
  Tensor output = tape.allocate(ops::with_extent(input.shape(), axis.place, taken));
  float* to = output.data();
  for (std::int64_t o = 0; o < axis.outer; ++o) {
    const float* block = input.value().data() + o * axis.extent * axis.inner;
    for (const std::int64_t i : indices) to = std::copy_n(block + i * axis.inner, axis.inner, to);
  }
  if (!input.requires_grad()) return tape.record(std::move(output), nullptr);
  return tape.record(std::move(output),
                     [&tape, input, axis, kept = std::move(indices)](const Tensor& grad) {
                       float* sums = tape.grad(input).data();
                       const float* from = grad.data();
                       for (std::int64_t o = 0; o < axis.outer; ++o) {
                         float* block = sums + o * axis.extent * axis.inner;
                         for (const std::int64_t i : kept) {
                           float* row = block + i * axis.inner;
                           for (std::int64_t k = 0; k < axis.inner; ++k) row[k] += *from++;
                         }
                       }
                     });
}

Var gather(Var input, int dimension, IntSpan index) {
  Tape& tape = input.tape();
  const Axis axis("gather", input.shape(), dimension);
  std::vector<std::int64_t> indices = indices_of("gather", input.shape(), axis, index);
  const std::int64_t others = axis.outer * axis.inner;
  const auto count = static_cast<std::int64_t>(indices.size());
  if (others == 0 ? count != 0 : count % others != 0) {
    throw ShapeError("gather: there are " + std::to_string(count) + " indices; the input is " +
                     input.shape().to_string() + ", so it must be a multiple of " +
                     std::to_string(others));
  }
  const std::int64_t taken = others == 0 ? 0 : count / others;
  Tensor output = tape.allocate(ops::with_extent(input.shape(), axis.place, taken));
  // Of output element i, the input's element.
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int64_t outer = i / (taken * axis.inner);
    std::int64_t& at = indices[static_cast<std::size_t>(i)];
    at = (outer * axis.extent + at) * axis.inner + i % axis.inner;
    output.data()[i] = input.value().data()[at];
  }
  if (!input.requires_grad()) return tape.record(std::move(output), nullptr);
  return tape.record(std::move(output),
                     [&tape, input, kept = std::move(indices)](const Tensor& grad) {
                       float* sums = tape.grad(input).data();
                       for (std::size_t i = 0; i < kept.size(); ++i) {
                         sums[kept[i]] += grad.values()[i];
                       }
                     });
}

}  // namespace riverrun
