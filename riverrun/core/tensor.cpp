#include "riverrun/core/tensor.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "riverrun/core/error.h"

namespace riverrun {
namespace {

std::string bracketed(std::span<const std::int64_t> extents) {
  return fmt::format("[{}]", fmt::join(extents, ", "));
}

}  // namespace

Shape::Shape(std::initializer_list<std::int64_t> extents)
    : Shape(std::span<const std::int64_t>(extents.begin(), extents.size())) {}

Shape::Shape(std::span<const std::int64_t> extents) : rank_(static_cast<int>(extents.size())) {
  if (extents.size() > kMaxRank) {
    throw ShapeError(fmt::format("Shape: {} has {} dimensions; at most {} are supported",
                                 bracketed(extents), extents.size(), kMaxRank));
  }
  std::int64_t elements = 1;
  for (std::int64_t extent : extents) {
    if (extent < 0) {
      throw ShapeError(
          fmt::format("Shape: {}; an extent must not be negative", bracketed(extents)));
    }
    if (__builtin_mul_overflow(elements, extent, &elements)) {
      throw ShapeError(
          fmt::format("Shape: {}; the number of elements must fit in 63 bits", bracketed(extents)));
    }
  }
  std::copy(extents.begin(), extents.end(), extents_.begin());
}

std::int64_t Shape::operator[](int dimension) const {
  int index = dimension < 0 ? dimension + rank_ : dimension;
  if (index < 0 || index >= rank_) {
    throw ShapeError(
        fmt::format("Shape: dimension {} of {}, which has {}", dimension, to_string(), rank_));
  }
  return extents_[static_cast<std::size_t>(index)];
}

std::int64_t Shape::elements() const noexcept {
  std::int64_t elements = 1;
  for (int i = 0; i < rank_; ++i) elements *= extents_[static_cast<std::size_t>(i)];
  return elements;
}

std::string Shape::to_string() const {
  return bracketed(std::span(extents_).first(static_cast<std::size_t>(rank_)));
}

Tensor::Tensor(const Shape& shape) {
  resize(shape);
  fill(0.0f);
}

Tensor::Tensor(const Shape& shape, std::span<const float> values) {
  if (static_cast<std::int64_t>(values.size()) != shape.elements()) {
    throw ShapeError(fmt::format("Tensor: {} values for {}; it must have {}", values.size(),
                                 shape.to_string(), shape.elements()));
  }
  resize(shape);
  std::copy(values.begin(), values.end(), data());
}

Tensor::Tensor(const Shape& shape, std::initializer_list<float> values)
    : Tensor(shape, std::span<const float>(values.begin(), values.size())) {}

Tensor Tensor::uninitialized(const Shape& shape) {
  Tensor tensor;
  tensor.resize(shape);
  return tensor;
}

Tensor Tensor::borrow(const Shape& shape, float* data, std::shared_ptr<const void> lender) {
  if (data == nullptr) throw ConfigError("Tensor.borrow: data is null; there must be memory");
  Tensor tensor;
  tensor.shape_ = shape;
  tensor.elements_ = shape.elements();
  tensor.data_ = borrow_memory(data, static_cast<std::size_t>(tensor.elements_), std::move(lender));
  return tensor;
}

Tensor::Tensor(const Tensor& other) { *this = other; }

Tensor& Tensor::operator=(const Tensor& other) {
  if (this == &other) return *this;
  if (other.empty()) return *this = Tensor();
  resize(other.shape_);
  std::copy_n(other.data(), other.elements_, data());
  return *this;
}

Tensor::Tensor(Tensor&& other) noexcept
    : shape_(std::exchange(other.shape_, Shape())),
      elements_(std::exchange(other.elements_, 0)),
      data_(std::move(other.data_)) {}

Tensor& Tensor::operator=(Tensor&& other) noexcept {
  if (this == &other) return *this;
  shape_ = std::exchange(other.shape_, Shape());
  elements_ = std::exchange(other.elements_, 0);
  data_ = std::move(other.data_);
  return *this;
}

void Tensor::fill(float value) noexcept { std::fill_n(data(), elements_, value); }

void Tensor::reshape(const Shape& shape) {
  if (shape.elements() != elements_) {
    throw ShapeError(fmt::format("Tensor.reshape: {} of {} elements to {}; the number must be kept",
                                 shape_.to_string(), elements_, shape.to_string()));
  }
  shape_ = shape;
}

void Tensor::resize(const Shape& shape) {
  std::int64_t elements = shape.elements();
  // A tensor without elements owns memory too: that is what tells it from an empty() one.
  std::size_t needed = std::max<std::size_t>(static_cast<std::size_t>(elements), 1);
  if (needed > capacity()) data_ = allocate_memory(needed);
  shape_ = shape;
  elements_ = elements;
}

}  // namespace riverrun
