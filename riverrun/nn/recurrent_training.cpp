// Recurrent::forward on a tape: what it keeps for the backward pass, and that pass.

#include <algorithm>
#include <cmath>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "riverrun/core/error.h"
#include "riverrun/nn/dropout.h"
#include "riverrun/nn/packed_batch.h"
#include "riverrun/nn/recurrent_impl.h"

namespace riverrun {
namespace {

/// The steps of a segment, or 0: everything is kept.
std::int64_t segment_steps(std::int64_t asked, const PackedBatch& batch) {
  if (asked == kRecomputeAuto) {
    constexpr std::int64_t kRows = 256;
    const auto root =
        static_cast<std::int64_t>(std::ceil(std::sqrt(static_cast<double>(batch.steps()))));
    asked = std::max(root, (kRows + batch.batch() - 1) / batch.batch());
  }
  return asked < batch.steps() ? asked : 0;
}

/// Of a layer whose parameters borrow `weights`.
void hand_on_gradients(Tape& tape, const RecurrentLayer& layer, std::span<const Var> weights) {
  const std::vector<std::shared_ptr<Parameter>> parameters = layer.parameters();
  for (std::size_t i = 0; i < weights.size(); ++i) {
    Tensor& grad = parameters[i]->nonzero_grad();
    if (weights[i].requires_grad()) tape.add_grad(weights[i], std::move(grad));
  }
}

}  // namespace

Recurrent::VarOutput Recurrent::forward(Tape& tape, Var input, ListSpan<Var> initial,
                                        IntSpan lengths) {
  return record(impl_, tape, input, initial, lengths, {});
}

Recurrent::VarOutput Recurrent::forward_with(Tape& tape, ListSpan<Var> weights, Var input,
                                             ListSpan<Var> initial, IntSpan lengths) const {
  const ConstParameterList replaced = parameters();
  if (weights.size() != replaced.size()) {
    throw ShapeError(fmt::format("{}.forward_with: {} weights are given; the network has {}",
                                 cell().name, weights.size(), replaced.size()));
  }
  for (std::size_t i = 0; i < weights.size(); ++i) {
    tape.require_own(weights[i]);
    const Shape& expected = replaced[i].parameter->value().shape();
    if (weights[i].shape() == expected) continue;
    throw ShapeError(fmt::format("{}.forward_with: {} is {}; it must be {}", cell().name,
                                 replaced[i].name, weights[i].shape().to_string(),
                                 expected.to_string()));
  }
  std::size_t next = 0;
  const auto impl = std::make_shared<Impl>(*impl_, [&](const Parameter&) {
    return std::make_shared<Parameter>(tape.borrow(weights[next++]));
  });
  std::vector<std::vector<Var>> of_layers;
  next = 0;
  for (const RecurrentLayer& layer : impl->layers) {
    std::vector<Var>& of_layer = of_layers.emplace_back();
    for (std::size_t i = layer.parameters().size(); i > 0; --i) {
      of_layer.push_back(weights[next++]);
    }
  }
  return record(impl, tape, input, initial, lengths, std::move(of_layers));
}

// `weights` are the values that the parameters borrow, by layer; none, if they are the network's
// own.
Recurrent::VarOutput Recurrent::record(const std::shared_ptr<Impl>& impl, Tape& tape, Var input,
                                       ListSpan<Var> initial, IntSpan lengths,
                                       std::vector<std::vector<Var>> weights) {
  tape.require_own(input);
  for (const Var& var : initial) tape.require_own(var);
  const Impl& net = *impl;
  const Impl::Input described = net.describe(input.shape());
  auto batch = std::make_shared<const PackedBatch>(net.pack(described, lengths));
  std::vector<const Tensor*> state;
  for (const Var& var : initial) state.push_back(&var.value());
  if (!state.empty()) net.check_state(state, described.batch, described.batched);
  const auto allocate = [&tape](const Shape& shape) { return tape.allocate(shape); };

  // What the layers' backward functions share: the gradients of the final states, which become
  // those of the initial ones.
  struct Shared {
    std::vector<Var> initial;
    std::vector<Tensor> grad_last;  // of each state, as the caller sees it; empty: zeros
    std::vector<std::vector<Var>> weights;
  };
  auto shared = std::make_shared<Shared>();
  shared->initial.assign(initial.begin(), initial.end());
  shared->grad_last.resize(net.cell->states.size());
  shared->weights = std::move(weights);
  std::vector<Tensor> last;
  for (std::size_t s = 0; s < net.cell->states.size(); ++s) {
    last.push_back(tape.allocate(net.state_shape(s, described.batch, described.batched)));
  }

  const std::int64_t features = net.recurrent() * net.directions();
  Var x = input;
  if (!batch->is_identity()) {
    Tensor packed = tape.allocate({batch->rows(), net.options.input_size});
    batch->pack(input.value().data(), net.options.input_size, packed.data());
    const auto unpack = [&tape, input, batch](const Tensor& grad) {
      Tensor grad_input = tape.allocate(input.shape());
      batch->unpack(grad.data(), grad.size(1), grad_input.data());
      tape.add_grad(input, std::move(grad_input));
    };
    x = tape.record(std::move(packed), input.requires_grad() ? Tape::Backward(unpack) : nullptr);
  }

  const bool grad_initial = std::any_of(initial.begin(), initial.end(),
                                        [](const Var& var) { return var.requires_grad(); });
  const std::int64_t segment = segment_steps(net.options.recompute_steps, *batch);
  std::vector<Var> outputs;
  const Shape shape = net.output_shape(described);
  const auto passes_per_layer = static_cast<std::size_t>(net.directions());
  for (std::size_t i = 0; i < net.layers.size(); i += passes_per_layer) {
    if (i > 0) x = dropout(tape, x, net.options.dropout);
    const bool is_result = batch->is_identity() && i + passes_per_layer == net.layers.size();
    Tensor output = tape.allocate(is_result ? shape : Shape{batch->rows(), features});
    float* const h = output.data();
    std::vector<RecurrentLayer::Pass> passes(passes_per_layer);
    for (std::size_t d = 0; d < passes.size(); ++d) {
      passes[d].initial = net.sorted_states(state, i + d, *batch, allocate);
      passes[d].grad_initial = grad_initial;
      const auto column = static_cast<std::int64_t>(d) * net.recurrent();
      const RecurrentLayer& layer = net.layers[i + d];
      const kernels::Rows<float> rows{h + column, features};
      std::vector<Tensor> ends =
          segment > 0
              ? layer.forward_segments(*batch, x.value().data(), rows, passes[d], segment, allocate)
              : layer.forward(*batch, x.value().data(), rows, passes[d], true, allocate);
      for (std::size_t s = 0; s < ends.size(); ++s) {
        batch->unsort(ends[s].data(), ends[s].size(1),
                      last[s].data() + slice(last[s], static_cast<std::int64_t>(i + d)));
      }
    }
    auto kept = std::make_shared<std::vector<RecurrentLayer::Pass>>(std::move(passes));
    outputs.push_back(tape.record(std::move(output), [impl, &tape, batch, shared, kept, x, h, i,
                                                      features, segment,
                                                      allocate](const Tensor& grad_output) {
      const auto recycle = [&tape](Tensor&& tensor) { tape.recycle(std::move(tensor)); };
      Tensor grad_input;
      if (x.requires_grad()) grad_input = tape.allocate({batch->rows(), x.shape()[-1]});
      for (std::size_t d = 0; d < kept->size(); ++d) {
        RecurrentLayer& layer = impl->layers[i + d];
        const auto at = static_cast<std::int64_t>(i + d);
        std::vector<Tensor> grad_states;
        for (std::size_t s = 0; s < shared->grad_last.size(); ++s) {
          const Tensor& grad = shared->grad_last[s];
          const Shape state_shape{batch->batch(), layer.state_size(s)};
          grad_states.push_back(tape.allocate_zeros(state_shape));
          if (grad.empty()) continue;
          batch->sort(grad.data() + slice(grad, at), state_shape[1], grad_states[s].data());
        }
        const auto column = static_cast<std::int64_t>(d) * impl->recurrent();
        const kernels::Rows<const float> grad_rows{grad_output.data() + column, features};
        if (segment > 0) {
          layer.backward_segments(*batch, x.value().data(), grad_rows, (*kept)[d], grad_states,
                                  grad_input.data(), /*add_input=*/d > 0);
        } else {
          layer.backward(*batch, x.value().data(), {h + column, features}, grad_rows, (*kept)[d],
                         grad_states, grad_input.data(), /*add_input=*/d > 0, allocate, recycle);
        }
        if (!shared->weights.empty()) hand_on_gradients(tape, layer, shared->weights[i + d]);
        for (std::size_t s = 0; s < shared->initial.size(); ++s) {
          if (!shared->initial[s].requires_grad()) continue;
          Tensor& sum = tape.grad(shared->initial[s]);
          Tensor grad = tape.allocate(grad_states[s].shape());
          batch->unsort(grad_states[s].data(), grad.size(1), grad.data());
          float* to = sum.data() + slice(sum, at);
          for (std::int64_t e = 0; e < grad.elements(); ++e) to[e] += grad.data()[e];
          recycle(std::move(grad));
        }
        for (Tensor& grad : grad_states) recycle(std::move(grad));
        for (Tensor* tensor : (*kept)[d].tensors()) recycle(std::move(*tensor));
      }
      if (x.requires_grad()) {
        grad_input.reshape(x.shape());
        tape.add_grad(x, std::move(grad_input));
      }
    }));
    x = outputs.back();
  }

  VarOutput result;
  result.output = x;
  if (!batch->is_identity()) {
    Tensor output = tape.allocate(shape);
    batch->unpack(x.value().data(), features, output.data());
    result.output = tape.record(std::move(output), [&tape, batch, x, features](const Tensor& grad) {
      Tensor packed = tape.allocate({batch->rows(), features});
      batch->pack(grad.data(), features, packed.data());
      tape.add_grad(x, std::move(packed));
    });
  }
  for (std::size_t s = 0; s < last.size(); ++s) {
    result.state.push_back(
        tape.record(std::move(last[s]), [&tape, shared, outputs, s](const Tensor& grad) {
          shared->grad_last[s] = grad;
          // A layer is called only if its output has a gradient, be it zero.
          for (const Var& layer : outputs) static_cast<void>(tape.grad(layer));
        }));
  }
  return result;
}

}  // namespace riverrun
