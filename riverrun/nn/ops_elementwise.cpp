#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "riverrun/nn/ops.h"
#include "riverrun/nn/ops_impl.h"
#include "riverrun/nn/parallel_chunks.h"

namespace riverrun {
namespace {

// y = f(x), and ∂loss/∂x = backward(∂loss/∂y, x, y).
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
  return tape.record(std::move(output), [&tape, input, x, y, backward](const Tensor& grad) {
    Tensor grad_input = tape.allocate(input.shape());
    const float* from = grad.data();
    float* to = grad_input.data();
    parallel_chunks(grad.elements(), kElementsPerChunk, [=](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) to[i] = backward(from[i], x[i], y[i]);
    });
    tape.add_grad(input, std::move(grad_input));
  });
}

// Two operands whose shapes are broadcast to a third. A stride of 0 repeats.
struct Broadcast {
  static constexpr int kLast = Shape::kMaxRank - 1;
  using Extents = std::array<std::int64_t, Shape::kMaxRank>;

  Shape shape;
  Extents extents{};  // aligned at the last dimension, 1 in front
  Extents a_strides{};
  Extents b_strides{};
  bool is_equal = false;

  Broadcast(const char* who, const Shape& a, const Shape& b) : is_equal(a == b) {
    const int rank = std::max(a.rank(), b.rank());
    std::int64_t a_stride = 1;
    std::int64_t b_stride = 1;
    for (int d = kLast; d >= 0; --d) {
      const int from_end = Shape::kMaxRank - d;
      const std::int64_t of_a = from_end <= a.rank() ? a[-from_end] : 1;
      const std::int64_t of_b = from_end <= b.rank() ? b[-from_end] : 1;
      if (of_a != of_b && of_a != 1 && of_b != 1) {
        throw ShapeError(std::string(who) + ": a is " + a.to_string() + " and b is " +
                         b.to_string() + "; aligned at the end, extents must be equal or 1");
      }
      const auto i = static_cast<std::size_t>(d);
      extents[i] = of_a == 1 ? of_b : of_a;
      a_strides[i] = of_a == 1 ? 0 : a_stride;
      b_strides[i] = of_b == 1 ? 0 : b_stride;
      a_stride *= of_a;
      b_stride *= of_b;
    }
    shape = Shape(std::span(extents).last(static_cast<std::size_t>(rank)));
  }

  [[nodiscard]] std::int64_t row_size() const { return extents[kLast]; }
  [[nodiscard]] std::int64_t rows() const { return extents[0] * extents[1] * extents[2]; }
  // Where row `row` of the result is in an operand.
  [[nodiscard]] std::int64_t offset(std::int64_t row, const Extents& strides) const {
    return row % extents[2] * strides[2] + row / extents[2] % extents[1] * strides[1] +
           row / (extents[2] * extents[1]) * strides[0];
  }
};

// to[i] = f(i, x, y) for all elements of the result.
template <class F>
void apply(const Broadcast& both, const float* x, const float* y, float* to, F f) {
  if (both.is_equal) {
    parallel_chunks(both.shape.elements(), kElementsPerChunk,
                    [=](std::int64_t begin, std::int64_t end) {
                      for (std::int64_t i = begin; i < end; ++i) to[i] = f(i, x[i], y[i]);
                    });
    return;
  }
  const std::int64_t n = both.row_size();
  if (n == 0) return;
  const std::int64_t x_step = both.a_strides[Broadcast::kLast];
  const std::int64_t y_step = both.b_strides[Broadcast::kLast];
  parallel_chunks(both.rows(), std::max<std::int64_t>(1, kElementsPerChunk / n),
                  [&](std::int64_t begin, std::int64_t end) {
                    for (std::int64_t row = begin; row < end; ++row) {
                      const float* a = x + both.offset(row, both.a_strides);
                      const float* b = y + both.offset(row, both.b_strides);
                      const std::int64_t first = row * n;
                      for (std::int64_t j = 0; j < n; ++j) {
                        to[first + j] = f(first + j, a[j * x_step], b[j * y_step]);
                      }
                    }
                  });
}

// The gradient of an operand, from that of the result's elements: summed where it was repeated.
void add_summed(Tape& tape, Var operand, const Broadcast& both, const Broadcast::Extents& strides,
                Tensor&& grad) {
  if (grad.shape() == operand.shape()) {
    tape.add_grad(operand, std::move(grad));
    return;
  }
  std::vector<double> sums(static_cast<std::size_t>(operand.value().elements()));
  const std::int64_t n = both.row_size();
  const std::int64_t step = strides[Broadcast::kLast];
  for (std::int64_t row = 0; n > 0 && row < both.rows(); ++row) {
    const float* from = grad.data() + row * n;
    double* to = sums.data() + both.offset(row, strides);
    for (std::int64_t j = 0; j < n; ++j) to[j * step] += from[j];
  }
  Tensor summed = tape.allocate(operand.shape());
  std::transform(sums.begin(), sums.end(), summed.data(),
                 [](double s) { return static_cast<float>(s); });
  tape.recycle(std::move(grad));
  tape.add_grad(operand, std::move(summed));
}

// f(a, b), whose gradients are grad·by_a(a, b) and grad·by_b(a, b).
template <class F, class ByA, class ByB>
Var combine(const char* who, Var a, Var b, F f, ByA by_a, ByB by_b) {
  Tape& tape = a.tape();
  tape.require_own(a);
  tape.require_own(b);
  const Broadcast both(who, a.shape(), b.shape());
  Tensor output = tape.allocate(both.shape);
  apply(both, a.value().data(), b.value().data(), output.data(),
        [f](std::int64_t, float x, float y) { return f(x, y); });
  if (!a.requires_grad() && !b.requires_grad()) return tape.record(std::move(output), nullptr);
  return tape.record(std::move(output), [&tape, a, b, both, by_a, by_b](const Tensor& grad) {
    const auto pass = [&](Var operand, const Broadcast::Extents& strides, auto partial) {
      if (!operand.requires_grad()) return;
      Tensor terms = tape.allocate(both.shape);
      const float* from = grad.data();
      apply(both, a.value().data(), b.value().data(), terms.data(),
            [=](std::int64_t i, float x, float y) { return from[i] * partial(x, y); });
      add_summed(tape, operand, both, strides, std::move(terms));
    };
    pass(a, both.a_strides, by_a);
    pass(b, both.b_strides, by_b);
  });
}

}  // namespace

Var add(Var a, Var b) {
  const auto one = [](float, float) { return 1.0f; };
  return combine(
      "add", a, b, [](float x, float y) { return x + y; }, one, one);
}

Var add(Var input, float term) {
  return map(
      input, [term](float x) { return x + term; }, [](float g, float, float) { return g; });
}

Var subtract(Var a, Var b) {
  return combine(
      "subtract", a, b, [](float x, float y) { return x - y; }, [](float, float) { return 1.0f; },
      [](float, float) { return -1.0f; });
}

Var multiply(Var a, Var b) {
  return combine(
      "multiply", a, b, [](float x, float y) { return x * y; }, [](float, float y) { return y; },
      [](float x, float) { return x; });
}

Var multiply(Var input, float factor) {
  return map(
      input, [factor](float x) { return x * factor; },
      [factor](float g, float, float) { return g * factor; });
}

Var divide(Var a, Var b) {
  return combine(
      "divide", a, b, [](float x, float y) { return x / y; },
      [](float, float y) { return 1.0f / y; }, [](float x, float y) { return -x / y / y; });
}

Var exp(Var input) {
  return map(
      input, [](float x) { return std::exp(x); }, [](float g, float, float y) { return g * y; });
}

Var log(Var input) {
  return map(
      input, [](float x) { return std::log(x); }, [](float g, float x, float) { return g / x; });
}

Var tanh(Var input) {
  return map(
      input, [](float x) { return std::tanh(x); },
      [](float g, float, float y) { return g * (1.0f - y * y); });
}

Var sigmoid(Var input) {
  return map(
      input, [](float x) { return 1.0f / (1.0f + std::exp(-x)); },
      [](float g, float, float y) { return g * (y * (1.0f - y)); });
}

Var relu(Var input) {
  // Written so that NaN passes through; where y is 0, so is the gradient, whatever comes from
  // above.
  return map(
      input, [](float x) { return x < 0.0f ? 0.0f : x; },
      [](float g, float, float y) { return y <= 0.0f ? 0.0f : g; });
}

Var masked_fill(Var input, const Tensor& mask, float value) {
  Tape& tape = input.tape();
  const Broadcast both("masked_fill", input.shape(), mask.shape());
  if (both.shape != input.shape()) {
    throw ShapeError("masked_fill: mask is " + mask.shape().to_string() + "; the input is " +
                     input.shape().to_string() + ", and is not repeated");
  }
  Tensor output = tape.allocate(both.shape);
  apply(both, input.value().data(), mask.data(), output.data(),
        [value](std::int64_t, float x, float m) { return m != 0.0f ? value : x; });
  if (!input.requires_grad()) return tape.record(std::move(output), nullptr);
  return tape.record(std::move(output), [&tape, input, both, mask](const Tensor& grad) {
    Tensor grad_input = tape.allocate(both.shape);
    apply(both, grad.data(), mask.data(), grad_input.data(),
          [](std::int64_t, float g, float m) { return m != 0.0f ? 0.0f : g; });
    tape.add_grad(input, std::move(grad_input));
  });
}

Var leaf(Tape& tape, const std::shared_ptr<Parameter>& parameter) {
  if (parameter == nullptr) throw ConfigError("leaf: parameter is null");
  Tensor value = tape.allocate(parameter->value().shape());
  std::copy_n(parameter->value().data(), value.elements(), value.data());
  return tape.record(std::move(value), [&tape, parameter](const Tensor& grad) {
    Tensor copy = tape.allocate(grad.shape());
    std::copy_n(grad.data(), grad.elements(), copy.data());
    tape.recycle(parameter->add_grad(std::move(copy)));
  });
}

}  // namespace riverrun
