#include <algorithm>
#include <cassert>
#include <memory>
#include <utility>

#include <fmt/format.h>

#include "riverrun/core/error.h"
#include "riverrun/core/threads.h"
#include "riverrun/nn/recurrent_impl.h"

namespace riverrun {
namespace {

// Operations that take about 100 µs: waking a thread takes some tens.
constexpr std::int64_t kWorkPerShare = 4'000'000;

}  // namespace

struct Stream::Impl {
  struct Layer {
    std::shared_ptr<const RecurrentLayer::Packed> weights;
    std::vector<Tensor> params;
    std::vector<Tensor> states;  // [0] is h
    Tensor h_next;
    Tensor cell_output;
    Tensor gates;
    kernels::StepArgs args;
    std::int64_t shares = 1;  // threads that are worth their hand-over
  };

  const CellDescriptor* cell = nullptr;
  std::int64_t batch = 0;
  std::vector<Layer> layers;
};

Stream Recurrent::stream(std::int64_t batch) const {
  const Impl& net = *impl_;
  if (net.options.bidirectional) {
    throw ConfigError(net.cell->name +
                      ".stream: the network is bidirectional; its output depends on the steps to "
                      "come, so it needs the whole sequence");
  }
  if (batch <= 0) {
    throw ConfigError(
        fmt::format("{}.stream: batch is {}; it must be positive", net.cell->name, batch));
  }
  auto impl = std::make_unique<Stream::Impl>();
  impl->cell = net.cell;
  impl->batch = batch;
  for (const RecurrentLayer& layer : net.layers) {
    const RecurrentLayer::Sizes& sizes = layer.sizes();
    Stream::Impl::Layer& to = impl->layers.emplace_back();
    to.weights = layer.packed(net.inference_weights);
    for (const Parameter& param : layer.params) to.params.push_back(param.value());
    for (std::size_t s = 0; s < net.cell->states.size(); ++s) {
      to.states.emplace_back(Shape{batch, layer.state_size(s)});
    }
    to.h_next = Tensor({batch, sizes.recurrent});
    if (sizes.projected) to.cell_output = Tensor({batch, sizes.hidden});
    to.gates = Tensor({batch, net.cell->layout.values * sizes.hidden});
    kernels::StepArgs& args = to.args;
    args.cell = net.cell;
    args.batch = batch;
    args.input_size = sizes.input;
    args.hidden = sizes.hidden;
    args.recurrent = sizes.recurrent;
    args.bias = to.weights->bias.data();
    args.weight_ih = to.weights->weights_of(to.weights->weight_ih);
    args.weight_hh = to.weights->weights_of(to.weights->weight_hh);
    args.weight_hr = to.weights->weights_of(to.weights->weight_hr);
    for (std::size_t p = 0; p < to.params.size(); ++p) args.params[p] = to.params[p].data();
    for (std::size_t s = 1; s < to.states.size(); ++s) args.states[s] = to.states[s].data();
    args.cell_output = to.cell_output.data();
    args.gates = to.gates.data();
    if (!sizes.projected) {
      to.shares = 2 * batch * net.cell->layout.gates * sizes.hidden *
                  (sizes.input + (net.cell->recurrent ? sizes.recurrent : 0)) / kWorkPerShare;
    }
    if (to.shares > 1)
      parallel_for(num_threads(), [](std::int64_t) {});  // the threads are made now
  }
  return Stream(std::move(impl));
}

Stream::Stream(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Stream::Stream(Stream&&) noexcept = default;
Stream& Stream::operator=(Stream&&) noexcept = default;
Stream::~Stream() = default;

void Stream::step(std::span<const float> input, std::span<float> output) noexcept {
  kernels::Rows<const float> x{input.data(), impl_->layers.front().args.input_size};
  assert(static_cast<std::int64_t>(input.size()) == impl_->batch * x.stride);
  for (Impl::Layer& layer : impl_->layers) {
    layer.args.input = x;
    layer.args.h = layer.states[0].data();
    layer.args.h_next = layer.h_next.data();
    const std::int64_t shares = std::clamp<std::int64_t>(layer.shares, 1, num_threads());
    parallel_for(
        shares, [&](std::int64_t share) { impl_->cell->kernels->step(layer.args, share, shares); });
    std::swap(layer.states[0], layer.h_next);
    x = {layer.states[0].data(), layer.args.recurrent};
  }
  assert(static_cast<std::int64_t>(output.size()) == impl_->batch * x.stride);
  std::copy_n(x.data, impl_->batch * x.stride, output.data());
}

void Stream::reset() noexcept {
  for (Impl::Layer& layer : impl_->layers) {
    for (Tensor& state : layer.states) state.fill(0.0f);
  }
}

State Stream::state() const {
  const auto count = static_cast<std::int64_t>(impl_->layers.size());
  State state;
  for (std::size_t s = 0; s < impl_->cell->states.size(); ++s) {
    const std::int64_t elements = impl_->layers[0].states[s].elements();
    Tensor& all =
        state.tensors.emplace_back(Shape{count, impl_->batch, impl_->layers[0].states[s].size(1)});
    for (std::int64_t l = 0; l < count; ++l) {
      std::copy_n(impl_->layers[static_cast<std::size_t>(l)].states[s].data(), elements,
                  all.data() + l * elements);
    }
  }
  return state;
}

void Stream::set_state(const State& state) {
  if (state.empty()) {
    reset();
    return;
  }
  const auto count = static_cast<std::int64_t>(impl_->layers.size());
  const std::size_t states = impl_->cell->states.size();
  for (std::size_t s = 0; s < std::max(states, state.tensors.size()); ++s) {
    if (states != state.tensors.size()) {
      throw ShapeError(fmt::format("Stream.set_state: {} states came; the cell has {}",
                                   state.tensors.size(), states));
    }
    const Shape expected{count, impl_->batch, impl_->layers[0].states[s].size(1)};
    if (state.tensors[s].shape() != expected) {
      throw ShapeError(fmt::format("Stream.set_state: {} is {}; it must be {}",
                                   impl_->cell->states[s], state.tensors[s].shape().to_string(),
                                   expected.to_string()));
    }
  }
  for (std::size_t s = 0; s < states; ++s) {
    const std::int64_t elements = impl_->layers[0].states[s].elements();
    for (std::int64_t l = 0; l < count; ++l) {
      std::copy_n(state.tensors[s].data() + l * elements, elements,
                  impl_->layers[static_cast<std::size_t>(l)].states[s].data());
    }
  }
}

}  // namespace riverrun
