#include "riverrun/nn/linear.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "riverrun/core/error.h"
#include "riverrun/core/random.h"
#include "riverrun/kernels/product.h"

namespace riverrun {

Linear::Linear(const LinearOptions& options) : options_(options) {
  const auto [in, out, bias, seed] = options;
  if (in <= 0 || out <= 0) {
    throw ConfigError("Linear: in_features is " + std::to_string(in) + " and out_features is " +
                      std::to_string(out) + "; both must be positive");
  }
  const float bound = 1.0f / std::sqrt(static_cast<float>(in));
  Random random(seed);
  weight_ = std::make_shared<Parameter>(Shape{out, in});
  random.fill_uniform(weight_->mutable_value().values(), -bound, bound);
  bias_ = bias ? std::make_shared<Parameter>(Shape{out}) : std::make_shared<Parameter>();
  random.fill_uniform(bias_->mutable_value().values(), -bound, bound);
}

Linear::Linear(const Linear& other)
    : options_(other.options_),
      weight_(other.weight_->clone()),
      bias_(other.bias_->clone()),
      inference_weights_(other.inference_weights_) {}

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

void Linear::share_weight(std::shared_ptr<Parameter> weight) {
  if (weight == nullptr) throw ConfigError("Linear.share_weight: weight is null");
  const Shape& shape = weight_->value().shape();
  if (weight->value().shape() != shape) {
    throw ShapeError("Linear.share_weight: weight is " + weight->value().shape().to_string() +
                     "; it must be [out_features, in_features], " + shape.to_string());
  }
  weight_ = std::move(weight);
}

void Linear::set_inference_weights(WeightType type) {
  static_cast<void>(name(type));
  inference_weights_ = type;
}

void Linear::multiply(std::int64_t rows, const float* input, float* output, bool with_bias,
                      WeightType type) const {
  const auto [in, out, bias, seed] = options_;
  const kernels::GateColumns columns{.hidden = out, .few_rows = rows < kernels::kManyRows};
  const std::shared_ptr<const Tensor> packed = packed_.of(*weight_, type, columns.few_rows);
  kernels::product(columns, rows, in, {input, in}, {packed->data(), type},
                   bias && with_bias ? bias_->value().data() : nullptr, false, {output, out});
}

LinearStream Linear::stream(std::int64_t batch) const {
  if (batch <= 0) {
    throw ConfigError("Linear.stream: batch is " + std::to_string(batch) + "; it must be positive");
  }
  const auto [in, out, bias, seed] = options_;
  LinearStream stream;
  stream.batch_ = batch;
  stream.in_ = in;
  stream.out_ = out;
  stream.type_ = inference_weights_;
  stream.weight_ = packed_.of(*weight_, inference_weights_, batch < kernels::kManyRows);
  if (bias) stream.bias_ = bias_->value();
  // The first step of a process chooses the SIMD target: as in Recurrent::stream, nobody waits
  // here.
  const Tensor input({batch, in});
  Tensor output({batch, out});
  stream.step(input.values(), output.values());
  return stream;
}

void LinearStream::step(std::span<const float> input, std::span<float> output) const noexcept {
  assert(static_cast<std::int64_t>(input.size()) == batch_ * in_);
  assert(static_cast<std::int64_t>(output.size()) == batch_ * out_);
  const kernels::GateColumns columns{.hidden = out_, .few_rows = batch_ < kernels::kManyRows};
  kernels::product_if_ready(columns, batch_, in_, {input.data(), in_}, {weight_->data(), type_},
                            bias_.empty() ? nullptr : bias_.data(), false, {output.data(), out_});
}

Tensor Linear::forward(const Tensor& input) const {
  Tensor output = Tensor::uninitialized(output_shape(input.shape()));
  multiply(input.elements() / options_.in_features, input.data(), output.data());
  return output;
}

Var Linear::forward(Tape& tape, Var input) {
  tape.require_own(input);
  Tensor output = tape.allocate(output_shape(input.shape()));
  const std::int64_t rows = input.value().elements() / options_.in_features;
  multiply(rows, input.value().data(), output.data(), /*with_bias=*/true, WeightType::kFloat32);
  return tape.record(std::move(output), [options = options_, weight = weight_,
                                         bias_parameter = bias_, &tape, input,
                                         rows](const Tensor& grad) {
    const auto [in, out, bias, seed] = options;
    Tensor room = tape.allocate({kernels::right_operand_size({in}, rows)});
    const auto [grad_weight, add] = weight->grad_target();
    const std::array<kernels::Term, 1> terms{
        {{in,
          kernels::right_operand({in}, input.value().data(), rows, room.data()),
          {grad_weight.data(), in},
          add}}};
    kernels::transposed_product(out, rows, {grad.data(), out}, terms,
                                bias ? bias_parameter->mutable_grad().data() : nullptr);
    tape.recycle(std::move(room));
    if (!input.requires_grad()) return;
    const kernels::Behind behind = kernels::behind(weight->value());
    room = tape.allocate({kernels::right_operand_size({in}, out, behind)});
    Tensor grad_input = tape.allocate(input.shape());
    kernels::product({in}, rows, out, {grad.data(), out},
                     kernels::right_operand({in}, weight->value().data(), out, room.data(), behind),
                     nullptr, false, {grad_input.data(), in});
    tape.recycle(std::move(room));
    tape.add_grad(input, std::move(grad_input));
  });
}

ParameterList Linear::list() const {
  ParameterList list{{"weight", weight_}};
  if (options_.bias) list.push_back({"bias", bias_});
  return list;
}

}  // namespace riverrun
