#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "riverrun/core/tensor.h"

namespace riverrun {

/// A tensor that is trained, and its gradient.
class Parameter {
 public:
  Parameter() = default;
  explicit Parameter(const Shape& shape) : value_(shape) {}

  [[nodiscard]] const Tensor& value() const noexcept { return value_; }
  /// For changing the value, at once: call it for each change, and DO NOT KEEP THE REFERENCE. The
  /// layers keep packed copies of weights and see only by version(), which this call raises, that
  /// they are stale. A change through a reference from before the network was last used goes
  /// unnoticed, and the network goes on computing with the old weights.
  [[nodiscard]] Tensor& mutable_value() noexcept {
    ++version_;
    return value_;
  }
  [[nodiscard]] std::uint64_t version() const noexcept { return version_; }

  /// The sum of all gradients since zero_grad(); empty before the first backward pass.
  [[nodiscard]] const Tensor& grad() const noexcept { return grad_; }
  /// The gradient for adding to; zeros at first.
  [[nodiscard]] Tensor& mutable_grad();
  void zero_grad() noexcept;

 private:
  Tensor value_;
  Tensor grad_;
  std::uint64_t version_ = 1;
};

/// A parameter under the name that a file gives it: "rnn.weight_ih_l0".
struct NamedParameter {
  std::string name;
  Parameter* parameter = nullptr;
};
using ParameterList = std::vector<NamedParameter>;

/// `list` with `prefix` and a dot before each name.
[[nodiscard]] ParameterList prefixed(const std::string& prefix, ParameterList list);

/// Sets every gradient to zero, as PyTorch's optimizer.zero_grad(set_to_none=False).
void zero_grad(const ParameterList& parameters) noexcept;

}  // namespace riverrun
