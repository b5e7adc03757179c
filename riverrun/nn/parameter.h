#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "riverrun/core/tensor.h"

namespace riverrun {

/// A tensor that is trained, and its gradient.
///
/// A parameter has an identity: it is neither copied nor moved. Layers and lists share it
/// (std::shared_ptr), so it stays where it is when a layer is moved, and lives as long as an
/// optimiser or a recording that uses it. clone() makes another one, set_value() copies a value.
class Parameter {
 public:
  /// Without elements.
  Parameter() = default;
  /// Zeros.
  explicit Parameter(const Shape& shape) : value_(shape) {}
  /// With that value, which may be borrowed: then it is read and trained where it is. If its lender
  /// changes it, a call of mutable_value() must follow.
  explicit Parameter(Tensor value) : value_(std::move(value)) {}
  Parameter(const Parameter&) = delete;
  Parameter& operator=(const Parameter&) = delete;

  /// A new parameter of the same value, without a gradient.
  [[nodiscard]] std::shared_ptr<Parameter> clone() const;

  [[nodiscard]] const Tensor& value() const noexcept { return value_; }
  /// For changing the value, at once: call it for each change, and DO NOT KEEP THE REFERENCE. The
  /// layers keep packed copies of weights and see only by version(), which this call raises, that
  /// they are stale. A change through a reference from before the network was last used goes
  /// unnoticed, and the network goes on computing with the old weights.
  [[nodiscard]] Tensor& mutable_value() noexcept {
    version_ = new_version();
    return value_;
  }
  /// Takes on `value`: b.set_value(a.value()). One that is borrowed is used where it is, from now
  /// on; any other is written to where a borrowed value is. Throws ShapeError unless it has
  /// value()'s shape.
  void set_value(Tensor value);
  /// Differs after each change, and from that of every other parameter of the process.
  [[nodiscard]] std::uint64_t version() const noexcept { return version_; }

  /// The sum of all gradients since zero_grad(); empty if there were none.
  [[nodiscard]] const Tensor& grad() const noexcept { return grad_; }
  /// The rows (first dimension) of grad() that may be other than zero, in rising order, of a
  /// gradient to which mutable_grad_rows() alone has added; else empty, and all may be.
  [[nodiscard]] std::span<const std::int32_t> grad_rows() const noexcept { return grad_rows_; }

  /// The gradient for adding to; zeros at first.
  [[nodiscard]] Tensor& mutable_grad();
  /// The same for adding to some rows only, in any order and more than once: an embedding's.
  /// Throws ShapeError if the value has no such row.
  [[nodiscard]] Tensor& mutable_grad_rows(std::span<const std::int32_t> rows);
  /// The gradient for adding to, or with `add` false for writing all of it.
  struct GradTarget {
    Tensor& grad;
    bool add;
  };
  [[nodiscard]] GradTarget grad_target();
  /// The gradient for changing what is other than zero.
  [[nodiscard]] Tensor& nonzero_grad() noexcept { return grad_; }
  /// Adds `term`, which has the shape of the value. Returns a tensor that is free for other use.
  Tensor add_grad(Tensor&& term);
  /// Empties the gradient; its memory is kept.
  void zero_grad() noexcept;

 private:
  static std::uint64_t new_version() noexcept;
  void begin_grad();

  Tensor value_;
  Tensor grad_;
  std::vector<std::int32_t> grad_rows_;
  Tensor spare_;  // where the next gradient goes, if grad_ is empty
  bool spare_is_zero_ = false;
  std::uint64_t version_ = new_version();
};

/// A parameter under the name that a file gives it: "rnn.weight_ih_l0".
struct NamedParameter {
  std::string name;
  std::shared_ptr<Parameter> parameter;
};
using ParameterList = std::vector<NamedParameter>;

/// What a parameter that is not made yet will be.
struct NamedShape {
  std::string name;
  Shape shape;
};

/// The same for reading only, as a const model gives it.
struct NamedConstParameter {
  std::string name;
  std::shared_ptr<const Parameter> parameter;
};
class ConstParameterList : public std::vector<NamedConstParameter> {
 public:
  using std::vector<NamedConstParameter>::vector;
  ConstParameterList(const ParameterList& list);  // NOLINT(google-explicit-constructor): may change
};

/// `list` with `prefix` and a dot before each name.
[[nodiscard]] ParameterList prefixed(const std::string& prefix, ParameterList list);
[[nodiscard]] ConstParameterList prefixed(const std::string& prefix, ConstParameterList list);

/// One list after the other: prefixed("rnn", rnn.parameters()) + prefixed("head",
/// head.parameters())
[[nodiscard]] ParameterList operator+(ParameterList first, const ParameterList& second);
[[nodiscard]] ConstParameterList operator+(ConstParameterList first,
                                           const ConstParameterList& second);
ParameterList& operator+=(ParameterList& list, const ParameterList& more);
ConstParameterList& operator+=(ConstParameterList& list, const ConstParameterList& more);

/// `list` with each parameter once, under its first name.
[[nodiscard]] ParameterList distinct(ParameterList list);
[[nodiscard]] ConstParameterList distinct(ConstParameterList list);

/// Empties every gradient, as PyTorch's optimizer.zero_grad().
void zero_grad(const ParameterList& parameters) noexcept;

}  // namespace riverrun
