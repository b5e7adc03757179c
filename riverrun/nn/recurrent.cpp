#include "riverrun/nn/recurrent.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "riverrun/cell/gru.h"
#include "riverrun/cell/lstm.h"
#include "riverrun/cell/rnn.h"
#include "riverrun/core/error.h"
#include "riverrun/core/random.h"
#include "riverrun/nn/init.h"
#include "riverrun/nn/packed_batch.h"
#include "riverrun/nn/recurrent_impl.h"

namespace riverrun {
namespace {

void check(const CellDescriptor& cell, const RecurrentOptions& o) {
  const auto fail = [&](const std::string& what) { throw ConfigError(cell.name + ": " + what); };
  check_fields(cell.name.c_str(), o);
  if (o.proj_size >= o.hidden_size) {
    fail(fmt::format("proj_size is {}; it must be 0 (none) or less than hidden_size = {}",
                     o.proj_size, o.hidden_size));
  }
  if (o.proj_size > 0 && !cell.allows_projection()) {
    fail(
        fmt::format("proj_size is {}, but the cell's step reads h itself, which a projection "
                    "would make shorter than hidden_size",
                    o.proj_size));
  }
  if (o.forget_bias && std::find(cell.gates.begin(), cell.gates.end(), "f") == cell.gates.end()) {
    fail("forget_bias is set, but the cell has no gate \"f\"");
  }
  if (o.forget_bias && !o.bias) fail("forget_bias is set, but bias is false");
}

}  // namespace

Recurrent::Impl::Impl(CellDescriptor c, const RecurrentOptions& o)
    : cell(std::make_shared<const CellDescriptor>(std::move(c))), options(o) {
  check(*cell, o);
  const std::int64_t recurrent = o.proj_size > 0 ? o.proj_size : o.hidden_size;
  for (std::int64_t l = 0; l < o.num_layers; ++l) {
    for (std::int64_t d = 0; d < directions(); ++d) {
      layers.emplace_back(
          *cell, RecurrentLayer::Sizes{.input = l == 0 ? o.input_size : recurrent * directions(),
                                       .hidden = o.hidden_size,
                                       .recurrent = recurrent,
                                       .projected = o.proj_size > 0,
                                       .bias = o.bias,
                                       .reverse = d == 1});
    }
  }
  Random random(o.seed);
  const float bound = 1.0f / std::sqrt(static_cast<float>(o.hidden_size));
  for (const NamedParameter& named : parameters()) {
    random.fill_uniform(named.parameter->mutable_value().values(), -bound, bound);
  }
}

Recurrent::Impl::Impl(const Impl& other)
    : Impl(other, [](const Parameter& parameter) { return parameter.clone(); }) {}

Recurrent::Impl::Impl(const Impl& other, const RecurrentLayer::Other& replaced)
    : cell(other.cell), options(other.options), inference_weights(other.inference_weights) {
  for (const RecurrentLayer& layer : other.layers) layers.push_back(layer.with(replaced));
}

ParameterList Recurrent::Impl::parameters() const {
  ParameterList list;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const RecurrentLayer& layer = layers[i];
    const auto l = static_cast<std::int64_t>(i) / directions();
    const std::string suffix = "_l" + std::to_string(l) + (layer.sizes().reverse ? "_reverse" : "");
    const auto add = [&](const std::string& name, const std::shared_ptr<Parameter>& parameter) {
      if (!parameter->value().empty()) list.push_back({name + suffix, parameter});
    };
    add("weight_ih", layer.weight_ih);
    add("weight_hh", layer.weight_hh);
    add("bias_ih", layer.bias_ih);
    add("bias_hh", layer.bias_hh);
    add("weight_hr", layer.weight_hr);
    for (std::size_t p = 0; p < layer.params.size(); ++p) {
      add(cell->params[p], layer.params[p]);
    }
  }
  return list;
}

Recurrent::Impl::Input Recurrent::Impl::describe(const Shape& shape) const {
  if (shape.rank() != 2 && shape.rank() != 3) {
    throw ShapeError(
        fmt::format("{}.forward: input is {}; it must have 3 dimensions, or 2 without a batch",
                    cell->name, shape.to_string()));
  }
  if (shape[-1] != options.input_size) {
    throw ShapeError(
        fmt::format("{}.forward: input is {}; the last dimension must be input_size = {}",
                    cell->name, shape.to_string(), options.input_size));
  }
  Input input;
  input.batched = shape.rank() == 3;
  input.steps = input.batched && options.batch_first ? shape[1] : shape[0];
  input.batch = !input.batched ? 1 : options.batch_first ? shape[0] : shape[1];
  if (input.steps == 0 || input.batch == 0) {
    throw ShapeError(fmt::format("{}.forward: input is {}; seq_len and batch must be positive",
                                 cell->name, shape.to_string()));
  }
  return input;
}

PackedBatch Recurrent::Impl::pack(const Input& input, IntSpan lengths) const {
  if (!lengths.empty() && static_cast<std::int64_t>(lengths.size()) != input.batch) {
    throw ShapeError(
        fmt::format("{}.forward: there are {} lengths; there must be one for each of "
                    "the {} sequences of the batch",
                    cell->name, lengths.size(), input.batch));
  }
  std::vector<std::int64_t> numbers(lengths.size());
  for (std::size_t i = 0; i < lengths.size(); ++i) {
    const std::int64_t length = numbers[i] = lengths[i];
    if (length < 1 || length > input.steps) {
      throw ShapeError(fmt::format("{}.forward: a length is {}; it must be from 1 to seq_len = {}",
                                   cell->name, length, input.steps));
    }
  }
  return {input.steps, input.batch, input.batched && options.batch_first, numbers};
}

Shape Recurrent::Impl::output_shape(const Input& input) const {
  const std::int64_t features = recurrent() * directions();
  if (!input.batched) return {input.steps, features};
  if (options.batch_first) return {input.batch, input.steps, features};
  return {input.steps, input.batch, features};
}

Shape Recurrent::Impl::state_shape(std::size_t s, std::int64_t batch, bool batched) const {
  const auto count = static_cast<std::int64_t>(layers.size());
  const std::int64_t features = layers[0].state_size(s);
  if (batched) return {count, batch, features};
  return {count, features};
}

void Recurrent::Impl::check_state(std::span<const Tensor* const> state, std::int64_t batch,
                                  bool batched) const {
  if (state.size() != cell->states.size()) {
    throw ShapeError(fmt::format("{}.forward: {} initial states were given; the cell has {}: {}",
                                 cell->name, state.size(), cell->states.size(),
                                 fmt::join(cell->states, ", ")));
  }
  for (std::size_t s = 0; s < state.size(); ++s) {
    const Shape expected = state_shape(s, batch, batched);
    if (state[s]->shape() != expected) {
      throw ShapeError(fmt::format("{}.forward: {}_0 is {}; it must be {}", cell->name,
                                   cell->states[s], state[s]->shape().to_string(),
                                   expected.to_string()));
    }
  }
}

std::vector<Tensor> Recurrent::Impl::sorted_states(std::span<const Tensor* const> state,
                                                   std::size_t layer, const PackedBatch& batch,
                                                   const RecurrentLayer::Allocate& allocate) const {
  std::vector<Tensor> sorted;
  for (std::size_t s = 0; s < cell->states.size(); ++s) {
    const std::int64_t features = layers[layer].state_size(s);
    sorted.push_back(allocate({batch.batch(), features}));
    if (state.empty()) {
      sorted.back().fill(0.0f);
    } else {
      batch.sort(state[s]->data() + slice(*state[s], static_cast<std::int64_t>(layer)), features,
                 sorted.back().data());
    }
  }
  return sorted;
}

Recurrent::Recurrent(CellDescriptor cell, const RecurrentOptions& options)
    : impl_(std::make_shared<Impl>(std::move(cell), options)) {
  initialize(*this, {.forget_bias = options.forget_bias}, options.seed);
}
Recurrent::Recurrent(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
Recurrent::Recurrent(Recurrent&&) noexcept = default;
Recurrent& Recurrent::operator=(Recurrent&&) noexcept = default;
Recurrent::~Recurrent() = default;
Recurrent Recurrent::clone() const { return Recurrent(std::make_shared<Impl>(*impl_)); }

ParameterList Recurrent::parameters() { return impl_->parameters(); }
ConstParameterList Recurrent::parameters() const { return impl_->parameters(); }
const RecurrentOptions& Recurrent::options() const noexcept { return impl_->options; }
const CellDescriptor& Recurrent::cell() const noexcept { return *impl_->cell; }

void Recurrent::set_inference_weights(WeightType type) {
  static_cast<void>(name(type));
  impl_->inference_weights = type;
}
WeightType Recurrent::inference_weights() const noexcept { return impl_->inference_weights; }

State Recurrent::zero_state(std::int64_t batch) const {
  State state;
  for (std::size_t s = 0; s < impl_->cell->states.size(); ++s) {
    state.tensors.emplace_back(impl_->state_shape(s, batch, true));
  }
  return state;
}

Recurrent::Output Recurrent::forward(const Tensor& input, const State& initial,
                                     IntSpan lengths) const {
  const Impl& net = *impl_;
  const Impl::Input described = net.describe(input.shape());
  const PackedBatch batch = net.pack(described, lengths);
  std::vector<const Tensor*> state;
  for (const Tensor& tensor : initial.tensors) state.push_back(&tensor);
  if (!state.empty()) net.check_state(state, described.batch, described.batched);

  Output result{.output = {}, .state = {}};
  for (std::size_t s = 0; s < net.cell->states.size(); ++s) {
    result.state.tensors.emplace_back(net.state_shape(s, described.batch, described.batched));
  }
  const std::int64_t features = net.recurrent() * net.directions();
  Tensor x;
  const float* layer_input = input.data();
  if (!batch.is_identity()) {
    x = Tensor::uninitialized({batch.rows(), net.options.input_size});
    batch.pack(input.data(), net.options.input_size, x.data());
    layer_input = x.data();
  }
  for (std::size_t i = 0; i < net.layers.size();) {
    Tensor output = Tensor::uninitialized({batch.rows(), features});
    for (std::int64_t d = 0; d < net.directions(); ++d, ++i) {
      RecurrentLayer::Pass pass;
      pass.weights = net.inference_weights;
      pass.initial = net.sorted_states(state, i, batch, Tensor::uninitialized);
      const std::vector<Tensor> last =
          net.layers[i].forward(batch, layer_input, {output.data() + d * net.recurrent(), features},
                                pass, false, Tensor::uninitialized);
      for (std::size_t s = 0; s < last.size(); ++s) {
        Tensor& to = result.state.tensors[s];
        batch.unsort(last[s].data(), last[s].size(1),
                     to.data() + slice(to, static_cast<std::int64_t>(i)));
      }
    }
    x = std::move(output);
    layer_input = x.data();
  }
  const Shape shape = net.output_shape(described);
  if (batch.is_identity()) {
    result.output = std::move(x);
    result.output.reshape(shape);
  } else {
    result.output = Tensor::uninitialized(shape);
    batch.unpack(x.data(), features, result.output.data());
  }
  return result;
}

LSTM::LSTM(const RecurrentOptions& options) : Recurrent(riverrun::cell<cells::LSTM>(), options) {}
GRU::GRU(const RecurrentOptions& options) : Recurrent(riverrun::cell<cells::GRU>(), options) {}
RNN::RNN(const RecurrentOptions& options, Nonlinearity nonlinearity)
    : Recurrent(nonlinearity == Nonlinearity::kTanh ? riverrun::cell<cells::RNNTanh>()
                                                    : riverrun::cell<cells::RNNRelu>(),
                options) {}

}  // namespace riverrun
