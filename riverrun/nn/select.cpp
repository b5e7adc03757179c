#include "riverrun/nn/select.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <utility>

#include "riverrun/core/error.h"

namespace riverrun {
namespace {

/// Where the selected numbers lie: `count` pieces of `size`, `stride` apart, the first at `begin`.
struct Pieces {
  Shape shape;  // of the result
  std::int64_t count = 1;
  std::int64_t size = 1;
  std::int64_t stride = 0;
  std::int64_t begin = 0;
};

Pieces find(const Shape& input, int dimension, std::int64_t index) {
  const int rank = input.rank();
  const int place = dimension < 0 ? dimension + rank : dimension;
  if (place < 0 || place >= rank) {
    throw ShapeError("select: dimension is " + std::to_string(dimension) + "; the input is " +
                     input.to_string());
  }
  const std::int64_t extent = input[place];
  const std::int64_t at = index < 0 ? index + extent : index;
  if (at < 0 || at >= extent) {
    throw ShapeError("select: index is " + std::to_string(index) + " in dimension " +
                     std::to_string(dimension) + "; the input is " + input.to_string());
  }
  Pieces pieces;
  std::array<std::int64_t, Shape::kMaxRank> extents{};
  std::size_t kept = 0;
  for (int d = 0; d < rank; ++d) {
    if (d == place) continue;
    extents[kept++] = input[d];
    (d < place ? pieces.count : pieces.size) *= input[d];
  }
  pieces.shape = Shape(std::span(extents).first(kept));
  pieces.stride = extent * pieces.size;
  pieces.begin = at * pieces.size;
  return pieces;
}

void copy(const Pieces& pieces, const Tensor& from, Tensor& to) {
  for (std::int64_t i = 0; i < pieces.count; ++i) {
    std::copy_n(from.data() + pieces.begin + i * pieces.stride, pieces.size,
                to.data() + i * pieces.size);
  }
}

}  // namespace

Tensor select(const Tensor& input, int dimension, std::int64_t index) {
  const Pieces pieces = find(input.shape(), dimension, index);
  Tensor output = Tensor::uninitialized(pieces.shape);
  copy(pieces, input, output);
  return output;
}

Var select(Var input, int dimension, std::int64_t index) {
  const Pieces pieces = find(input.shape(), dimension, index);
  Tape& tape = input.tape();
  Tensor output = tape.allocate(pieces.shape);
  copy(pieces, input.value(), output);
  if (!input.requires_grad()) return tape.record(std::move(output), nullptr);
  return tape.record(std::move(output), [&tape, input, pieces](const Tensor& grad) {
    float* const sums = tape.grad(input).data() + pieces.begin;
    for (std::int64_t i = 0; i < pieces.count; ++i) {
      const float* from = grad.data() + i * pieces.size;
      float* to = sums + i * pieces.stride;
      for (std::int64_t k = 0; k < pieces.size; ++k) to[k] += from[k];
    }
  });
}

}  // namespace riverrun
