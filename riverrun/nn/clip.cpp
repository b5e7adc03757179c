#include "riverrun/nn/clip.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <vector>

#include "riverrun/core/error.h"
#include "riverrun/nn/elementwise.h"

namespace riverrun {
namespace {

double sum_of_squares(const float* values, std::int64_t n) {
  std::vector<double> pieces(
      static_cast<std::size_t>((n + kElementsPerChunk - 1) / kElementsPerChunk));
  parallel_chunks(n, kElementsPerChunk, [&](std::int64_t begin, std::int64_t end) {
    // Several sums at once, which the processor adds side by side.
    std::array<double, 8> sums{};
    std::int64_t i = begin;
    for (; i + 8 <= end; i += 8) {
      for (std::size_t k = 0; k < 8; ++k) {
        const double x = values[i + static_cast<std::int64_t>(k)];
        sums[k] += x * x;
      }
    }
    for (; i < end; ++i) sums[0] += static_cast<double>(values[i]) * values[i];
    double total = 0.0;
    for (const double sum : sums) total += sum;
    pieces[static_cast<std::size_t>(begin / kElementsPerChunk)] = total;
  });
  double total = 0.0;
  for (const double piece : pieces) total += piece;
  return total;
}

/// body(values, n) for the stretches of a gradient that may be other than zero.
template <class Body>
void for_stretches(const Parameter& parameter, Body&& body) {
  const Tensor& grad = parameter.grad();
  if (grad.empty()) return;
  if (parameter.grad_rows().empty()) return body(0, grad.elements());
  const std::int64_t width = grad.elements() / grad.size(0);
  for (const std::int32_t row : parameter.grad_rows()) body(row * width, width);
}

}  // namespace

double clip_grad_norm(const ParameterList& parameters, double max_norm) {
  if (!(max_norm > 0.0)) {
    throw ConfigError("clip_grad_norm: max_norm is " + std::to_string(max_norm) +
                      "; it must be positive");
  }
  const ParameterList each = distinct(parameters);
  double total = 0.0;
  for (const NamedParameter& entry : each) {
    for_stretches(*entry.parameter, [&](std::int64_t begin, std::int64_t n) {
      total += sum_of_squares(entry.parameter->grad().data() + begin, n);
    });
  }
  const double norm = std::sqrt(total);
  // PyTorch's constant, which keeps the quotient finite.
  const double factor = max_norm / (norm + 1e-6);
  if (!std::isfinite(norm) || factor >= 1.0) return norm;
  for (const NamedParameter& entry : each) {
    if (entry.parameter->grad().empty()) continue;
    scale(entry.parameter->nonzero_grad(), static_cast<float>(factor));
  }
  return norm;
}

void clip_grad_value(const ParameterList& parameters, float clip_value) {
  if (!(clip_value > 0.0f)) {
    throw ConfigError("clip_grad_value: clip_value is " + std::to_string(clip_value) +
                      "; it must be positive");
  }
  for (const NamedParameter& entry : parameters) {
    if (entry.parameter->grad().empty()) continue;
    Tensor& grad = entry.parameter->nonzero_grad();
    float* values = grad.data();
    parallel_chunks(grad.elements(), kElementsPerChunk, [=](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) {
        values[i] = std::clamp(values[i], -clip_value, clip_value);
      }
    });
  }
}

}  // namespace riverrun
