#include "riverrun/nn/parameter.h"

#include <algorithm>
#include <atomic>
#include <unordered_set>
#include <utility>

#include "riverrun/core/error.h"

namespace riverrun {
namespace {

template <class List>
void erase_repeated(List& list) {
  std::unordered_set<const Parameter*> seen;
  const auto repeated = [&](const auto& entry) {
    return !seen.insert(entry.parameter.get()).second;
  };
  list.erase(std::remove_if(list.begin(), list.end(), repeated), list.end());
}

}  // namespace

// One count for all parameters: a layer that is given another parameter, or another's value, then
// sees that what it has packed is stale, without knowing whose it was.
std::uint64_t Parameter::new_version() noexcept {
  static std::atomic<std::uint64_t> last{0};
  return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

std::shared_ptr<Parameter> Parameter::clone() const {
  auto copy = std::make_shared<Parameter>();
  copy->value_ = value_;
  return copy;
}

void Parameter::set_value(Tensor value) {
  if (value.shape() != value_.shape() || value.empty() != value_.empty()) {
    throw ShapeError("Parameter.set_value: value is " + value.shape().to_string() +
                     "; it must have the shape of the parameter, " + value_.shape().to_string());
  }
  Tensor& mine = mutable_value();
  if (mine.is_borrowed() && !value.is_borrowed()) {
    mine = value;
  } else {
    mine = std::move(value);
  }
}

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
  const std::int64_t count = value_.rank() > 0 ? value_.size(0) : 0;
  for (const std::int32_t row : rows) {
    if (row >= 0 && row < count) continue;
    throw ShapeError("Parameter.mutable_grad_rows: row is " + std::to_string(row) +
                     "; the value is " + value_.shape().to_string());
  }
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
  spare_is_zero_ = !grad_rows_.empty();
  if (!grad_rows_.empty()) {  // else it may be a scalar, which has no rows
    const std::int64_t width = grad_.elements() / grad_.size(0);
    for (const std::int32_t row : grad_rows_) std::fill_n(grad_.data() + row * width, width, 0.0f);
    grad_rows_.clear();
  }
  spare_ = std::move(grad_);
  grad_ = Tensor();
}

ConstParameterList::ConstParameterList(const ParameterList& list) {
  reserve(list.size());
  for (const NamedParameter& entry : list) push_back({entry.name, entry.parameter});
}

ParameterList prefixed(const std::string& prefix, ParameterList list) {
  for (NamedParameter& entry : list) entry.name = prefix + "." + entry.name;
  return list;
}

ConstParameterList prefixed(const std::string& prefix, ConstParameterList list) {
  for (NamedConstParameter& entry : list) entry.name = prefix + "." + entry.name;
  return list;
}

ParameterList operator+(ParameterList first, const ParameterList& second) {
  first += second;
  return first;
}

ConstParameterList operator+(ConstParameterList first, const ConstParameterList& second) {
  first += second;
  return first;
}

ParameterList& operator+=(ParameterList& list, const ParameterList& more) {
  list.insert(list.end(), more.begin(), more.end());
  return list;
}

ConstParameterList& operator+=(ConstParameterList& list, const ConstParameterList& more) {
  list.insert(list.end(), more.begin(), more.end());
  return list;
}

ParameterList distinct(ParameterList list) {
  erase_repeated(list);
  return list;
}

ConstParameterList distinct(ConstParameterList list) {
  erase_repeated(list);
  return list;
}

void zero_grad(const ParameterList& parameters) noexcept {
  for (const NamedParameter& entry : parameters) entry.parameter->zero_grad();
}

}  // namespace riverrun
