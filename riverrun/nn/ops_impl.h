#pragma once

// What the files of nn/ops.h have in common.

#include <array>
#include <cstdint>
#include <span>
#include <string>

#include "riverrun/core/error.h"
#include "riverrun/core/tensor.h"

namespace riverrun::ops {

/// The dimension's place counted from the front. Throws ShapeError.
inline int place_of(const char* who, const Shape& shape, int dimension) {
  const int place = dimension < 0 ? dimension + shape.rank() : dimension;
  if (place >= 0 && place < shape.rank()) return place;
  throw ShapeError(std::string(who) + ": dimension is " + std::to_string(dimension) +
                   "; the input is " + shape.to_string());
}

/// A tensor seen from one of its dimensions: [outer, extent, inner].
struct Axis {
  int place = 0;
  std::int64_t outer = 1;
  std::int64_t extent = 1;
  std::int64_t inner = 1;

  Axis(const char* who, const Shape& shape, int dimension)
      : place(place_of(who, shape, dimension)), extent(shape[place]) {
    for (int d = 0; d < shape.rank(); ++d) {
      if (d != place) (d < place ? outer : inner) *= shape[d];
    }
  }
};

/// `shape` with another extent at `place`.
inline Shape with_extent(const Shape& shape, int place, std::int64_t extent) {
  std::array<std::int64_t, Shape::kMaxRank> extents{};
  for (int d = 0; d < shape.rank(); ++d) {
    extents[static_cast<std::size_t>(d)] = d == place ? extent : shape[d];
  }
  return Shape(std::span(extents).first(static_cast<std::size_t>(shape.rank())));
}

/// `shape` without the dimension at `place`.
inline Shape without(const Shape& shape, int place) {
  std::array<std::int64_t, Shape::kMaxRank> extents{};
  std::size_t kept = 0;
  for (int d = 0; d < shape.rank(); ++d) {
    if (d != place) extents[kept++] = shape[d];
  }
  return Shape(std::span(extents).first(kept));
}

}  // namespace riverrun::ops
