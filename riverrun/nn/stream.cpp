#include <algorithm>
#include <cassert>
#include <chrono>
#include <memory>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "riverrun/core/error.h"
#include "riverrun/core/team.h"
#include "riverrun/core/threads.h"
#include "riverrun/nn/recurrent_impl.h"

namespace riverrun {
namespace {

// Operations that take about 100 µs: waking a thread takes some tens.
constexpr std::int64_t kWorkThatWakes = 4'000'000;
// The same if the thread is awake still, because it has just helped with the step before.
constexpr std::int64_t kWorkPerShare = 150'000;
constexpr std::chrono::microseconds kAwake{20};

using Clock = std::chrono::steady_clock;

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
  };

  std::shared_ptr<const CellDescriptor> cell;
  std::int64_t batch = 0;
  std::vector<Layer> layers;

  // The units of each layer are shared by threads, if there are any that are worth it: if they are
  // awake, or have to be waked.
  std::int64_t shares_if_awake = 1;
  std::int64_t shares_if_asleep = 1;
  std::unique_ptr<Team> team;
  std::int64_t phases = 0;  // that the team has gone through
  Clock::time_point last_step;

  [[nodiscard]] std::int64_t shares_now() const noexcept {
    if (shares_if_awake == 1 || num_threads() == 1) return 1;
    return Clock::now() - last_step < kAwake ? shares_if_awake : shares_if_asleep;
  }
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
  std::int64_t work = 0;  // operations
  for (const RecurrentLayer& layer : net.layers) {
    const RecurrentLayer::Sizes& sizes = layer.sizes();
    Stream::Impl::Layer& to = impl->layers.emplace_back();
    to.weights = layer.packed(net.inference_weights, RecurrentLayer::Packing::kUnits);
    for (const auto& param : layer.params) to.params.push_back(param->value());
    for (std::size_t s = 0; s < net.cell->states.size(); ++s) {
      to.states.emplace_back(Shape{batch, layer.state_size(s)});
    }
    to.h_next = Tensor({batch, sizes.recurrent});
    if (sizes.projected) to.cell_output = Tensor({batch, sizes.hidden});
    to.gates = Tensor({batch, net.cell->layout.values * sizes.hidden});
    kernels::StepArgs& args = to.args;
    args.cell = net.cell.get();
    args.batch = batch;
    args.input_size = sizes.input;
    args.hidden = sizes.hidden;
    args.recurrent = sizes.recurrent;
    args.bias = to.weights->bias.data();
    args.weight_ih = to.weights->weight_ih.front().weights;
    if (net.cell->recurrent) args.weight_hh = to.weights->weight_hh.front().weights;
    args.weight_hr = to.weights->weight_hr;
    for (std::size_t p = 0; p < to.params.size(); ++p) args.params[p] = to.params[p].data();
    for (std::size_t s = 1; s < to.states.size(); ++s) args.states[s] = to.states[s].data();
    args.cell_output = to.cell_output.data();
    args.gates = to.gates.data();
    work += 2 * batch * net.cell->layout.gates * sizes.hidden *
            (sizes.input + (net.cell->recurrent ? sizes.recurrent : 0));
  }
  if (net.options.proj_size == 0) {
    const auto shares = [&](std::int64_t work_per_share) {
      return std::clamp<std::int64_t>(work / work_per_share, 1, num_threads());
    };
    impl->shares_if_awake = shares(kWorkPerShare);
    impl->shares_if_asleep = shares(kWorkThatWakes);
  }
  if (impl->shares_if_awake > 1) {
    impl->team = std::make_unique<Team>(impl->shares_if_awake);
    parallel_for(num_threads(), [](std::int64_t) {});  // the threads are made now
  }
  Stream stream(std::move(impl));
  // The first steps of a process choose the SIMD target and have code and memory mapped, which may
  // take as long as a hundred steps: here nobody waits. The second finds the threads awake.
  const std::vector<float> x(static_cast<std::size_t>(batch * net.options.input_size));
  std::vector<float> y(static_cast<std::size_t>(batch * net.recurrent()));
  for (int step = 0; step < 2; ++step) stream.step(x, y);
  stream.reset();
  return stream;
}

Stream::Stream(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Stream::Stream(Stream&&) noexcept = default;
Stream& Stream::operator=(Stream&&) noexcept = default;
Stream::~Stream() = default;

void Stream::step(std::span<const float> input, std::span<float> output) noexcept {
  Impl& net = *impl_;
  kernels::Rows<const float> x{input.data(), net.layers.front().args.input_size};
  assert(static_cast<std::int64_t>(input.size()) == net.batch * x.stride);
  for (Impl::Layer& layer : net.layers) {
    layer.args.input = x;
    layer.args.h = layer.states[0].data();
    layer.args.h_next = layer.h_next.data();
    x = {layer.args.h_next, layer.args.recurrent};
  }
  if (net.shares_now() == 1) {
    for (Impl::Layer& layer : net.layers) net.cell->kernels->step(layer.args, 0, 1);
  } else {
    const std::int64_t shares = net.team->shares();
    parallel_for_if_ready(shares, [&](std::int64_t index) {
      Team::Member member(net.team.get(), index, net.phases);
      for (Impl::Layer& layer : net.layers) {
        member.phase(
            [&](std::int64_t share) { net.cell->kernels->step(layer.args, share, shares); });
      }
    });
    net.phases += static_cast<std::int64_t>(net.layers.size());
  }
  for (Impl::Layer& layer : net.layers) std::swap(layer.states[0], layer.h_next);
  assert(static_cast<std::int64_t>(output.size()) == net.batch * x.stride);
  std::copy_n(x.data, net.batch * x.stride, output.data());
  if (net.shares_if_awake > 1) net.last_step = Clock::now();
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
