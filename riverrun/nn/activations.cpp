#include "riverrun/nn/activations.h"

#include <cmath>
#include <string>
#include <utility>

#include "riverrun/core/error.h"
#include "riverrun/nn/parallel_chunks.h"

namespace riverrun {
namespace {

// y = f(x), and ∂loss/∂x = backward(∂loss/∂y, y): each of these functions has a derivative that its
// value tells.
template <class F, class Backward>
Var map(Var input, F f, Backward backward) {
  Tape& tape = input.tape();
  Tensor output = tape.allocate(input.shape());
  const float* x = input.value().data();
  float* y = output.data();
  parallel_chunks(output.elements(), kElementsPerChunk, [=](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) y[i] = f(x[i]);
  });
  if (!input.requires_grad()) return tape.record(std::move(output), nullptr);
  // The output's memory moves into the tape and stays where it is.
  return tape.record(std::move(output), [&tape, input, y, backward](const Tensor& grad) {
    Tensor grad_input = tape.allocate(input.shape());
    const float* from = grad.data();
    float* to = grad_input.data();
    parallel_chunks(grad.elements(), kElementsPerChunk, [=](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) to[i] = backward(from[i], y[i]);
    });
    tape.add_grad(input, std::move(grad_input));
  });
}

void check(const char* who, Var a, Var b) {
  a.tape().require_own(b);
  if (a.shape() == b.shape()) return;
  throw ShapeError(std::string(who) + ": a is " + a.shape().to_string() + " and b is " +
                   b.shape().to_string() + "; their shapes must be equal");
}

}  // namespace

Var tanh(Var input) {
  return map(
      input, [](float x) { return std::tanh(x); },
      [](float g, float y) { return g * (1.0f - y * y); });
}

Var sigmoid(Var input) {
  return map(
      input, [](float x) { return 1.0f / (1.0f + std::exp(-x)); },
      [](float g, float y) { return g * (y * (1.0f - y)); });
}

Var relu(Var input) {
  // Written so that NaN passes through; where y is 0, so is the gradient, whatever comes from
  // above.
  return map(
      input, [](float x) { return x < 0.0f ? 0.0f : x; },
      [](float g, float y) { return y <= 0.0f ? 0.0f : g; });
}

Var add(Var a, Var b) {
  check("add", a, b);
  Tape& tape = a.tape();
  Tensor output = tape.allocate(a.shape());
  const float* x = a.value().data();
  const float* y = b.value().data();
  float* sum = output.data();
  parallel_chunks(output.elements(), kElementsPerChunk, [=](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) sum[i] = x[i] + y[i];
  });
  if (!a.requires_grad() && !b.requires_grad()) return tape.record(std::move(output), nullptr);
  return tape.record(std::move(output), [&tape, a, b](const Tensor& grad) {
    for (const Var term : {a, b}) {
      if (!term.requires_grad()) continue;
      Tensor copy = tape.allocate(grad.shape());
      std::copy_n(grad.data(), grad.elements(), copy.data());
      tape.add_grad(term, std::move(copy));
    }
  });
}

Var multiply(Var a, Var b) {
  check("multiply", a, b);
  Tape& tape = a.tape();
  const auto product = [&tape](const Tensor& left, const Tensor& right) {
    Tensor result = tape.allocate(left.shape());
    const float* x = left.data();
    const float* y = right.data();
    float* to = result.data();
    parallel_chunks(result.elements(), kElementsPerChunk,
                    [=](std::int64_t begin, std::int64_t end) {
                      for (std::int64_t i = begin; i < end; ++i) to[i] = x[i] * y[i];
                    });
    return result;
  };
  Tensor output = product(a.value(), b.value());
  if (!a.requires_grad() && !b.requires_grad()) return tape.record(std::move(output), nullptr);
  return tape.record(std::move(output), [&tape, a, b, product](const Tensor& grad) {
    if (a.requires_grad()) tape.add_grad(a, product(grad, b.value()));
    if (b.requires_grad()) tape.add_grad(b, product(grad, a.value()));
  });
}

}  // namespace riverrun
