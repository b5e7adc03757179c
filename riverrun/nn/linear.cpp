#include "riverrun/nn/linear.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <span>
#include <string>
#include <utility>

#include "riverrun/core/error.h"
#include "riverrun/core/random.h"
#include "riverrun/kernels/matmul.h"
#include "riverrun/nn/elementwise.h"

namespace riverrun {

Linear::Linear(const LinearOptions& options) : options_(options) {
  const auto [in, out, bias, seed] = options;
  if (in <= 0 || out <= 0) {
    throw ConfigError("Linear: in_features is " + std::to_string(in) + " and out_features is " +
                      std::to_string(out) + "; both must be positive");
  }
  const float bound = 1.0f / std::sqrt(static_cast<float>(in));
  Random random(seed);
  weight_ = Parameter({out, in});
  random.fill_uniform(weight_.mutable_value().values(), -bound, bound);
  if (bias) {
    bias_ = Parameter({out});
    random.fill_uniform(bias_.mutable_value().values(), -bound, bound);
  }
}

Shape Linear::output_shape(const Shape& input) const {
  if (input.rank() == 0 || input[-1] != options_.in_features) {
    throw ShapeError(
        "Linear.forward: input is " + input.to_string() +
        "; the last dimension must be in_features = " + std::to_string(options_.in_features));
  }
  std::array<std::int64_t, Shape::kMaxRank> extents{};
  for (int i = 0; i < input.rank(); ++i) extents[static_cast<std::size_t>(i)] = input[i];
  extents[static_cast<std::size_t>(input.rank() - 1)] = options_.out_features;
  return Shape(std::span(extents).first(static_cast<std::size_t>(input.rank())));
}

void Linear::multiply(std::int64_t rows, const float* input, float* output) const {
  const auto [in, out, bias, seed] = options_;
  if (bias) {
    const float* values = bias_.value().data();
    parallel_chunks(rows, std::max<std::int64_t>(1, kElementsPerChunk / out),
                    [=, out = out](std::int64_t begin, std::int64_t end) {
                      for (std::int64_t r = begin; r < end; ++r) {
                        std::copy_n(values, out, output + r * out);
                      }
                    });
  }
  kernels::matmul(rows, out, in, {input, in}, {weight_.value().data(), in, true},
                  bias ? 1.0f : 0.0f, output, out);
}

Tensor Linear::forward(const Tensor& input) const {
  Tensor output = Tensor::uninitialized(output_shape(input.shape()));
  multiply(input.elements() / options_.in_features, input.data(), output.data());
  return output;
}

Var Linear::forward(Tape& tape, Var input) {
  Tensor output = tape.allocate(output_shape(input.shape()));
  const std::int64_t rows = input.value().elements() / options_.in_features;
  multiply(rows, input.value().data(), output.data());
  return tape.record(std::move(output), [this, &tape, input, rows](const Tensor& grad) {
    const auto [in, out, bias, seed] = options_;
    kernels::matmul(out, in, rows, {grad.data(), out, true}, {input.value().data(), in}, 1.0f,
                    weight_.mutable_grad().data(), in);
    if (bias) add_column_sums(rows, out, grad.data(), out, bias_.mutable_grad().data());
    if (!input.requires_grad()) return;
    Tensor grad_input = tape.allocate(input.shape());
    kernels::matmul(rows, in, out, {grad.data(), out}, {weight_.value().data(), in}, 0.0f,
                    grad_input.data(), in);
    tape.add_grad(input, std::move(grad_input));
  });
}

ParameterList Linear::parameters() {
  ParameterList list{{"weight", &weight_}};
  if (options_.bias) list.push_back({"bias", &bias_});
  return list;
}

}  // namespace riverrun
