#include "riverrun/nn/parameter.h"

#include <algorithm>
#include <utility>

namespace riverrun {

void Parameter::begin_grad() {
  if (!grad_.empty()) return;
  grad_ = spare_.empty() ? Tensor::uninitialized(value_.shape()) : std::move(spare_);
  spare_ = Tensor();
}

Parameter::GradTarget Parameter::grad_target() {
  const bool add = !grad_.empty();
  if (add) {
    grad_rows_.clear();
  } else {
    spare_is_zero_ = false;
  }
  begin_grad();
  return {grad_, add};
}

Tensor& Parameter::mutable_grad() {
  const bool is_zero = spare_is_zero_;
  const auto [grad, add] = grad_target();
  if (!add && !is_zero) grad.fill(0.0f);
  return grad;
}

Tensor& Parameter::mutable_grad_rows(std::span<const std::int32_t> rows) {
  const bool sparse = !rows.empty() && (grad_.empty() || !grad_rows_.empty());
  if (grad_.empty()) {
    const bool is_zero = spare_is_zero_ && !spare_.empty();
    begin_grad();
    if (!is_zero) grad_.fill(0.0f);
  }
  if (sparse) {
    grad_rows_.insert(grad_rows_.end(), rows.begin(), rows.end());
    std::sort(grad_rows_.begin(), grad_rows_.end());
    grad_rows_.erase(std::unique(grad_rows_.begin(), grad_rows_.end()), grad_rows_.end());
    // Beyond this, row by row is not less work.
    if (2 * static_cast<std::int64_t>(grad_rows_.size()) > grad_.size(0)) grad_rows_.clear();
  }
  return grad_;
}

Tensor Parameter::add_grad(Tensor&& term) {
  auto [grad, add] = grad_target();
  if (!add) {
    std::swap(grad, term);
    return std::move(term);
  }
  for (std::int64_t i = 0; i < grad.elements(); ++i) grad.data()[i] += term.data()[i];
  return std::move(term);
}

void Parameter::zero_grad() noexcept {
  if (grad_.empty()) return;
  const std::int64_t width = grad_.elements() / grad_.size(0);
  spare_is_zero_ = !grad_rows_.empty();
  for (const std::int32_t row : grad_rows_) std::fill_n(grad_.data() + row * width, width, 0.0f);
  grad_rows_.clear();
  spare_ = std::move(grad_);
  grad_ = Tensor();
}

ParameterList prefixed(const std::string& prefix, ParameterList list) {
  for (NamedParameter& entry : list) entry.name = prefix + "." + entry.name;
  return list;
}

void zero_grad(const ParameterList& parameters) noexcept {
  for (const NamedParameter& entry : parameters) entry.parameter->zero_grad();
}

}  // namespace riverrun
