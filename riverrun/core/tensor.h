#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>

#include "riverrun/core/memory.h"

namespace riverrun {

/// The extents of a tensor, outermost first; at most four, by value, never on the heap.
class Shape {
 public:
  static constexpr int kMaxRank = 4;

  constexpr Shape() = default;
  /// Throws ShapeError if there are more than four extents, one is negative, or their product does
  /// not fit in 63 bits.
  Shape(std::initializer_list<std::int64_t> extents);
  explicit Shape(std::span<const std::int64_t> extents);

  [[nodiscard]] int rank() const noexcept { return rank_; }
  /// Negative counts from the end: shape[-1] is the last extent. Throws ShapeError out of range.
  [[nodiscard]] std::int64_t operator[](int dimension) const;
  /// The number of elements; 1 for rank 0.
  [[nodiscard]] std::int64_t elements() const noexcept;
  /// "[16, 4, 100]"
  [[nodiscard]] std::string to_string() const;

  friend bool operator==(const Shape&, const Shape&) = default;

 private:
  std::array<std::int64_t, kMaxRank> extents_{};
  int rank_ = 0;
};

/// A dense float32 array in row-major order that owns its memory (aligned to 64 bytes), unless it
/// was made by borrow().
/// A value: copying copies the elements (into the memory that the target has, if it is enough),
/// moving leaves the source empty. Throws std::bad_alloc where there is no memory.
class Tensor {
 public:
  Tensor() = default;
  /// Allocates and fills with zeros.
  explicit Tensor(const Shape& shape);
  /// Copies `values`, whose number must be shape.elements(); throws ShapeError otherwise.
  Tensor(const Shape& shape, std::span<const float> values);
  Tensor(const Shape& shape, std::initializer_list<float> values);
  /// Allocates without filling.
  [[nodiscard]] static Tensor uninitialized(const Shape& shape);
  /// A tensor in memory of somebody else: of a NumPy array, a PyTorch tensor, a mapped file. It
  /// need only be aligned as a float is, and nothing outside the elements is read or written. Held
  /// with it is `lender`, whatever keeps the memory; without one, the memory must outlive the
  /// tensor. A copy owns its elements, and moving moves the loan. What is assigned by copying, if
  /// there is room for it, is written to that memory; what is moved into it takes its place.
  /// Throws ConfigError if `data` is null.
  [[nodiscard]] static Tensor borrow(const Shape& shape, float* data,
                                     std::shared_ptr<const void> lender = nullptr);

  Tensor(const Tensor& other);
  Tensor& operator=(const Tensor& other);
  Tensor(Tensor&& other) noexcept;
  Tensor& operator=(Tensor&& other) noexcept;
  ~Tensor() = default;

  [[nodiscard]] const Shape& shape() const noexcept { return shape_; }
  [[nodiscard]] int rank() const noexcept { return shape_.rank(); }
  /// shape()[dimension]
  [[nodiscard]] std::int64_t size(int dimension) const { return shape_[dimension]; }
  [[nodiscard]] std::int64_t elements() const noexcept { return elements_; }
  /// True for a tensor that was default-constructed or moved from.
  [[nodiscard]] bool empty() const noexcept { return data_ == nullptr; }

  [[nodiscard]] bool is_borrowed() const noexcept {
    return !empty() && data_.get_deleter().lender != nullptr;
  }

  [[nodiscard]] float* data() noexcept { return data_.get(); }
  [[nodiscard]] const float* data() const noexcept { return data_.get(); }
  [[nodiscard]] std::span<float> values() noexcept {
    return {data_.get(), static_cast<std::size_t>(elements_)};
  }
  [[nodiscard]] std::span<const float> values() const noexcept {
    return {data_.get(), static_cast<std::size_t>(elements_)};
  }

  void fill(float value) noexcept;
  /// Changes the shape and nothing else; throws ShapeError unless the number of elements is kept.
  void reshape(const Shape& shape);

  /// How many elements fit without allocating; at least elements().
  [[nodiscard]] std::size_t capacity() const noexcept {
    return empty() ? 0 : data_.get_deleter().capacity;
  }
  /// Takes on `shape`, with undefined values; allocates only beyond the capacity.
  void resize(const Shape& shape);

 private:
  Shape shape_;
  std::int64_t elements_ = 0;
  Memory data_;
};

}  // namespace riverrun
