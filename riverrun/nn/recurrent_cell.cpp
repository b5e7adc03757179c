#include "riverrun/nn/recurrent_cell.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "riverrun/cell/gru.h"
#include "riverrun/cell/lstm.h"
#include "riverrun/cell/rnn.h"
#include "riverrun/core/error.h"

namespace riverrun {
namespace {

// A step is a sequence of one step through one layer: tensors get a leading 1, and lose it again.
constexpr std::string_view kSuffix = "_l0";

Shape with_leading_one(const Shape& shape) {
  return shape.rank() == 1 ? Shape{1, shape[0]} : Shape{1, shape[0], shape[1]};
}

Shape without_leading_one(const Shape& shape) {
  return shape.rank() == 2 ? Shape{shape[1]} : Shape{shape[1], shape[2]};
}

template <class List>
List without_suffix(List list) {
  for (auto& named : list) named.name.resize(named.name.size() - kSuffix.size());
  return list;
}

void check(const CellDescriptor& cell, const RecurrentCellOptions& options, const Shape& input,
           std::span<const Tensor* const> state) {
  const int rank = input.rank();
  if (rank != 1 && rank != 2) {
    throw ShapeError(
        fmt::format("{}_cell.forward: input is {}; it must have 2 dimensions, or 1 without a batch",
                    cell.name, input.to_string()));
  }
  if (input[-1] != options.input_size) {
    throw ShapeError(
        fmt::format("{}_cell.forward: input is {}; the last dimension must be input_size = {}",
                    cell.name, input.to_string(), options.input_size));
  }
  if (input[0] == 0) {
    throw ShapeError(fmt::format("{}_cell.forward: input is {}; batch must be positive", cell.name,
                                 input.to_string()));
  }
  if (state.empty()) return;
  if (state.size() != cell.states.size()) {
    throw ShapeError(fmt::format("{}_cell.forward: {} states came; the cell has {}: {}", cell.name,
                                 state.size(), cell.states.size(), fmt::join(cell.states, ", ")));
  }
  const Shape expected =
      rank == 1 ? Shape{options.hidden_size} : Shape{input[0], options.hidden_size};
  for (std::size_t s = 0; s < state.size(); ++s) {
    if (state[s]->shape() == expected) continue;
    throw ShapeError(fmt::format("{}_cell.forward: {} is {}; it must be {}", cell.name,
                                 cell.states[s], state[s]->shape().to_string(),
                                 expected.to_string()));
  }
}

Tensor reshaped(Tensor tensor, const Shape& shape) {
  tensor.reshape(shape);
  return tensor;
}

Var reshaped(Tape& tape, Var v, const Shape& shape) {
  const auto copy = [&tape](const Tensor& from, const Shape& to_shape) {
    Tensor to = tape.allocate(to_shape);
    std::copy(from.values().begin(), from.values().end(), to.values().begin());
    return to;
  };
  const auto backward = [&tape, copy, v](const Tensor& grad) {
    tape.add_grad(v, copy(grad, v.shape()));
  };
  return tape.record(copy(v.value(), shape),
                     v.requires_grad() ? Tape::Backward(backward) : nullptr);
}

}  // namespace

RecurrentCell::RecurrentCell(CellDescriptor cell, const RecurrentCellOptions& options)
    : options_(options),
      network_(std::move(cell), {.input_size = options.input_size,
                                 .hidden_size = options.hidden_size,
                                 .bias = options.bias,
                                 .forget_bias = options.forget_bias,
                                 .seed = options.seed}) {}

State RecurrentCell::forward(const Tensor& input, const State& state) const {
  std::vector<const Tensor*> tensors;
  for (const Tensor& tensor : state.tensors) tensors.push_back(&tensor);
  check(cell(), options_, input.shape(), tensors);
  State before;
  for (const Tensor& tensor : state.tensors) {
    before.tensors.push_back(reshaped(tensor, with_leading_one(tensor.shape())));
  }
  State after = network_.forward(reshaped(input, with_leading_one(input.shape())), before).state;
  for (Tensor& tensor : after.tensors) tensor.reshape(without_leading_one(tensor.shape()));
  return after;
}

std::vector<Var> RecurrentCell::forward(Tape& tape, Var input, ListSpan<Var> state) {
  tape.require_own(input);
  for (const Var& var : state) tape.require_own(var);
  std::vector<const Tensor*> tensors;
  for (const Var& var : state) tensors.push_back(&var.value());
  check(cell(), options_, input.shape(), tensors);
  std::vector<Var> before;
  for (const Var& var : state) {
    before.push_back(reshaped(tape, var, with_leading_one(var.shape())));
  }
  std::vector<Var> after =
      network_.forward(tape, reshaped(tape, input, with_leading_one(input.shape())), before).state;
  for (Var& var : after) var = reshaped(tape, var, without_leading_one(var.shape()));
  return after;
}

ParameterList RecurrentCell::parameters() { return without_suffix(network_.parameters()); }
ConstParameterList RecurrentCell::parameters() const {
  return without_suffix(network_.parameters());
}

LSTMCell::LSTMCell(const RecurrentCellOptions& options)
    : RecurrentCell(riverrun::cell<cells::LSTM>(), options) {}
GRUCell::GRUCell(const RecurrentCellOptions& options)
    : RecurrentCell(riverrun::cell<cells::GRU>(), options) {}
RNNCell::RNNCell(const RecurrentCellOptions& options, Nonlinearity nonlinearity)
    : RecurrentCell(nonlinearity == Nonlinearity::kTanh ? riverrun::cell<cells::RNNTanh>()
                                                        : riverrun::cell<cells::RNNRelu>(),
                    options) {}

}  // namespace riverrun
