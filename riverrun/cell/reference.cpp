#include "riverrun/cell/reference.h"

#include <array>
#include <utility>

namespace riverrun::reference {
namespace {

std::size_t slot(const std::array<int, GateLayout::kMaxGates>& slots, int gate) {
  return static_cast<std::size_t>(slots[static_cast<std::size_t>(gate)]);
}

}  // namespace

Weights::Weights(const CellDescriptor& cell, std::int64_t input_size, std::int64_t hidden_size)
    : weight_ih(std::ssize(cell.gates) * hidden_size, input_size),
      weight_hh(cell.recurrent ? weight_ih.rows : 0, hidden_size),
      bias_ih(static_cast<std::size_t>(weight_ih.rows)),
      bias_hh(static_cast<std::size_t>(weight_hh.rows)),
      params(std::ssize(cell.params), hidden_size) {}

Layer::Layer(const CellDescriptor& cell, Weights weights)
    : cell_(cell), weights_(std::move(weights)), hidden_(weights_.params.columns) {}

/// b_ih + W_ih·x and b_hh + W_hh·h of each gate of one unit, where the step wants them.
std::vector<double> Layer::gate_values(const Matrix& input, std::int64_t t, const Matrix& states,
                                       std::int64_t unit) const {
  std::vector<double> values(static_cast<std::size_t>(cell_.layout.values));
  for (int g = 0; g < cell_.layout.gates; ++g) {
    const std::int64_t row = g * hidden_ + unit;
    double& from_input = values[slot(cell_.layout.input_slot, g)];
    from_input += weights_.bias_ih[static_cast<std::size_t>(row)];
    for (std::int64_t i = 0; i < input.columns; ++i) {
      from_input += weights_.weight_ih(row, i) * input(t, i);
    }
    if (!cell_.recurrent) continue;
    double& from_h = values[slot(cell_.layout.recurrent_slot, g)];
    from_h += weights_.bias_hh[static_cast<std::size_t>(row)];
    for (std::int64_t i = 0; i < hidden_; ++i) {
      from_h += weights_.weight_hh(row, i) * states(0, i);
    }
  }
  return values;
}

Layer::Run Layer::forward(const Matrix& input, const Matrix& initial_states) const {
  Run run{.input = input, .states = {initial_states}, .saved = {}};
  const CellPrograms& programs = cell_.programs;
  for (std::int64_t t = 0; t < input.rows; ++t) {
    const Matrix& before = run.states.back();
    Matrix after(programs.sizes.states, hidden_);
    Matrix saved(programs.saved, hidden_);
    for (std::int64_t unit = 0; unit < hidden_; ++unit) {
      const std::vector<double> gates = gate_values(input, t, before, unit);
      const auto values = evaluate<Real>(programs.forward, [&](Input kind, int n) -> Real {
        if (kind == Input::kGate) return gates[static_cast<std::size_t>(n)];
        return kind == Input::kState ? before(n, unit) : weights_.params(n, unit);
      });
      const auto value = [&](int node) { return values[static_cast<std::size_t>(node)].value; };
      for (int s = 0; s < programs.sizes.states; ++s) {
        after(s, unit) = value(programs.next_state(s));
      }
      for (int k = 0; k < programs.saved; ++k) saved(k, unit) = value(programs.saved_value(k));
    }
    run.states.push_back(std::move(after));
    run.saved.push_back(std::move(saved));
  }
  return run;
}

void Layer::add_gate_gradients(const Run& run, std::int64_t t, std::int64_t unit,
                               const std::vector<double>& grad_gates, Gradients& grad) const {
  const Matrix& before = run.states[static_cast<std::size_t>(t)];
  for (int g = 0; g < cell_.layout.gates; ++g) {
    const std::int64_t row = g * hidden_ + unit;
    const double from_input = grad_gates[slot(cell_.layout.input_slot, g)];
    grad.weights.bias_ih[static_cast<std::size_t>(row)] += from_input;
    for (std::int64_t i = 0; i < run.input.columns; ++i) {
      grad.weights.weight_ih(row, i) += from_input * run.input(t, i);
      grad.input(t, i) += from_input * weights_.weight_ih(row, i);
    }
    if (!cell_.recurrent) continue;
    const double from_h = grad_gates[slot(cell_.layout.recurrent_slot, g)];
    grad.weights.bias_hh[static_cast<std::size_t>(row)] += from_h;
    for (std::int64_t i = 0; i < hidden_; ++i) {
      grad.weights.weight_hh(row, i) += from_h * before(0, i);
      grad.initial_states(0, i) += from_h * weights_.weight_hh(row, i);
    }
  }
}

Layer::Gradients Layer::backward(const Run& run, const Matrix& grad_output,
                                 const Matrix& grad_final_states) const {
  const CellPrograms& programs = cell_.programs;
  Gradients grad{.input = Matrix(run.input.rows, run.input.columns),
                 .initial_states = grad_final_states,
                 .weights = Weights(cell_, run.input.columns, hidden_)};
  for (std::int64_t t = run.input.rows - 1; t >= 0; --t) {
    const auto at = static_cast<std::size_t>(t);
    Matrix grad_after = std::move(grad.initial_states);
    for (std::int64_t unit = 0; unit < hidden_; ++unit) grad_after(0, unit) += grad_output(t, unit);
    grad.initial_states = Matrix(programs.sizes.states, hidden_);
    for (std::int64_t unit = 0; unit < hidden_; ++unit) {
      const auto values = evaluate<Real>(programs.backward, [&](Input kind, int n) -> Real {
        switch (kind) {
          case Input::kState:
            return run.states[at](n, unit);
          case Input::kNextState:
            return run.states[at + 1](n, unit);
          case Input::kParam:
            return weights_.params(n, unit);
          case Input::kSaved:
            return run.saved[at](n, unit);
          default:
            return grad_after(n, unit);
        }
      });
      int output = 0;
      const auto next = [&] {
        return values[static_cast<std::size_t>(programs.backward.output(output++))].value;
      };
      std::vector<double> grad_gates;
      grad_gates.reserve(static_cast<std::size_t>(programs.sizes.gate_values));
      for (int v = 0; v < programs.sizes.gate_values; ++v) grad_gates.push_back(next());
      for (int s = 0; s < programs.sizes.states; ++s) grad.initial_states(s, unit) += next();
      for (int p = 0; p < programs.sizes.params; ++p) grad.weights.params(p, unit) += next();
      add_gate_gradients(run, t, unit, grad_gates, grad);
    }
  }
  return grad;
}

}  // namespace riverrun::reference
