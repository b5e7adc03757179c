#include "riverrun/nn/parameter.h"

namespace riverrun {

Tensor& Parameter::mutable_grad() {
  if (grad_.empty()) grad_ = Tensor(value_.shape());
  return grad_;
}

void Parameter::zero_grad() noexcept { grad_.fill(0.0f); }

ParameterList prefixed(const std::string& prefix, ParameterList list) {
  for (NamedParameter& entry : list) entry.name = prefix + "." + entry.name;
  return list;
}

void zero_grad(const ParameterList& parameters) noexcept {
  for (const NamedParameter& entry : parameters) entry.parameter->zero_grad();
}

}  // namespace riverrun
