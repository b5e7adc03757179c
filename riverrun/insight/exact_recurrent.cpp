#include "riverrun/insight/exact_recurrent.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "riverrun/cell/reals.h"
#include "riverrun/core/error.h"
#include "riverrun/core/threads.h"
#include "riverrun/insight/row_product.h"
#include "riverrun/insight/scaled_rows.h"

namespace riverrun::insight {
namespace {

using reference::Matrix;

std::size_t index(std::int64_t i) { return static_cast<std::size_t>(i); }

/// Calls body(unit, count) for stretches of units.
void for_units(std::int64_t hidden, const auto& body) {
  constexpr auto kUnits = static_cast<std::int64_t>(Reals::kUnits);
  for (std::int64_t unit = 0; unit < hidden; unit += kUnits) {
    body(unit, std::min(kUnits, hidden - unit));
  }
}

Reals load(const double* from, std::int64_t count) {
  Reals values;
  std::copy_n(from, count, values.values.begin());
  return values;
}

void store(const Reals& values, std::int64_t count, double* to) {
  std::copy_n(values.values.begin(), count, to);
}

/// One layer's place in a Run, for the sequences that begin with `first`. A row is one sequence's.
struct Place {
  const CellDescriptor& cell;
  const ExactRecurrent::Layer& weights;
  std::int64_t hidden;
  std::int64_t batch;
  std::int64_t first;
  std::int64_t rows;

  [[nodiscard]] std::int64_t values() const { return cell.programs.sizes.gate_values; }
  [[nodiscard]] std::int64_t states() const { return cell.programs.sizes.states; }
  /// Where the first row's gates of step t, or its state s after t steps, begin.
  [[nodiscard]] std::int64_t gates_at(std::int64_t t) const {
    return (t * batch + first) * values() * hidden;
  }
  [[nodiscard]] std::int64_t state_at(std::int64_t t, std::int64_t s) const {
    return ((t * states() + s) * batch + first) * hidden;
  }

  /// The forward program's nodes for some units of one row in step t.
  void run_program(const ExactRecurrent::Run::Layer& run, std::int64_t t, std::int64_t row,
                   std::int64_t unit, std::int64_t count, std::vector<Reals>& nodes) const {
    reference::evaluate(
        cell.programs.forward,
        [&](Input kind, int n) {
          switch (kind) {
            case Input::kGate:
              return load(run.gates.data() + gates_at(t) + (row * values() + n) * hidden + unit,
                          count);
            case Input::kState:
              return load(run.states.data() + state_at(t, n) + row * hidden + unit, count);
            default:
              return load(weights.params.data.data() + n * hidden + unit, count);
          }
        },
        nodes);
  }
};

/// One step. `x` are the rows' inputs, `x_stride` apart.
void forward_step(const Place& place, const double* x, std::int64_t x_stride, std::int64_t t,
                  ExactRecurrent::Run::Layer& run, std::vector<Reals>& nodes) {
  const CellPrograms& programs = place.cell.programs;
  const std::vector<double>& bias = place.weights.bias;
  double* gates = run.gates.data() + place.gates_at(t);
  for (std::int64_t r = 0; r < place.rows; ++r) {
    std::copy(bias.begin(), bias.end(), gates + r * std::ssize(bias));
  }
  add_product(place.rows, x, x_stride, place.weights.weight_ih, gates);
  if (place.cell.recurrent) {
    add_product(place.rows, run.states.data() + place.state_at(t, 0), place.hidden,
                place.weights.weight_hh, gates);
  }
  for (std::int64_t r = 0; r < place.rows; ++r) {
    for_units(place.hidden, [&](std::int64_t unit, std::int64_t count) {
      place.run_program(run, t, r, unit, count, nodes);
      for (int s = 0; s < programs.sizes.states; ++s) {
        store(nodes[index(programs.next_state(s))], count,
              run.states.data() + place.state_at(t + 1, s) + r * place.hidden + unit);
      }
    });
  }
}

/// What the network itself, which computes in float32, cannot hold must not be analysed either.
void require_float32(const Place& place, const ExactRecurrent::Run::Layer& run, std::int64_t t) {
  const auto require = [&](const double* begin, std::int64_t count, const std::string& what) {
    const double* const end = begin + count;
    const double* const beyond = std::find_if(begin, end, [](double value) {
      return !(std::abs(value) <= std::numeric_limits<float>::max());
    });
    if (beyond == end) return;
    throw NumericError(fmt::format("{}: {} is {} after step {}, beyond the range of float32",
                                   place.cell.name, what, *beyond, t));
  };
  require(run.gates.data() + place.gates_at(t - 1), place.rows * place.values() * place.hidden,
          "a gate's preactivation");
  for (std::int64_t s = 0; s < place.states(); ++s) {
    require(run.states.data() + place.state_at(t, s), place.rows * place.hidden,
            "the state " + place.cell.states[index(s)]);
  }
}

/// The gradient of one step: `grad` [S] holds that of the states after step t and gets that of the
/// states before it; `grad_gates` [rows, V*H] that of the gate values.
void backward_step(const Place& place, const ExactRecurrent::Run::Layer& run, std::int64_t t,
                   ScaledRows& grad, std::vector<double>& grad_gates, std::vector<Reals>& nodes,
                   std::vector<Reals>& saved) {
  const CellPrograms& programs = place.cell.programs;
  const std::int64_t hidden = place.hidden;
  saved.resize(index(programs.saved));
  for (std::int64_t r = 0; r < place.rows; ++r) {
    for_units(hidden, [&](std::int64_t unit, std::int64_t count) {
      // Computed once more: it is cheap beside the products, and keeping it takes much memory.
      place.run_program(run, t, r, unit, count, nodes);
      for (int k = 0; k < programs.saved; ++k) {
        saved[index(k)] = nodes[index(programs.saved_value(k))];
      }
      const auto state = [&](std::int64_t step, int s) {
        return load(run.states.data() + place.state_at(step, s) + r * hidden + unit, count);
      };
      reference::evaluate(
          programs.backward,
          [&](Input kind, int n) {
            switch (kind) {
              case Input::kState:
                return state(t, n);
              case Input::kNextState:
                return state(t + 1, n);
              case Input::kParam:
                return load(place.weights.params.data.data() + n * hidden + unit, count);
              case Input::kSaved:
                return saved[index(n)];
              default:
                return load(grad.at(n, r) + unit, count);
            }
          },
          nodes);
      int output = 0;
      const auto next = [&](double* to) {
        store(nodes[index(programs.backward.output(output++))], count, to + unit);
      };
      for (std::int64_t v = 0; v < place.values(); ++v) {
        next(grad_gates.data() + (r * place.values() + v) * hidden);
      }
      for (std::int64_t s = 0; s < place.states(); ++s) next(grad.at(s, r));
    });
  }
  if (place.cell.recurrent) {
    add_product(place.rows, grad_gates.data(), place.values() * hidden,
                place.weights.weight_hh_transposed, grad.at(0, 0));
  }
}

Matrix transposed(const Matrix& m) {
  Matrix result(m.columns, m.rows);
  for (std::int64_t r = 0; r < m.rows; ++r) {
    for (std::int64_t c = 0; c < m.columns; ++c) result(c, r) = m(r, c);
  }
  return result;
}

/// `weight` [G*H, K] as [K, V*H], gate g in the column block slots[g].
Matrix by_gate_value(const Tensor& weight, const CellDescriptor& cell,
                     const std::array<int, GateLayout::kMaxGates>& slots, std::int64_t hidden) {
  const std::int64_t inputs = weight.size(1);
  Matrix result(inputs, cell.layout.values * hidden);
  for (std::int64_t row = 0; row < weight.size(0); ++row) {
    const std::int64_t column = slots[index(row / hidden)] * hidden + row % hidden;
    for (std::int64_t k = 0; k < inputs; ++k) result(k, column) = weight.data()[row * inputs + k];
  }
  return result;
}

}  // namespace

std::span<const double> ExactRecurrent::Run::gate(std::size_t layer, std::int64_t t,
                                                  std::int64_t sequence, int value) const {
  const std::vector<double>& all = layers[layer].gates;
  const std::int64_t row = std::ssize(all) / (steps * batch);
  return std::span(all).subspan(index((t * batch + sequence) * row + value * hidden_size),
                                index(hidden_size));
}

std::span<const double> ExactRecurrent::Run::state(std::size_t layer, std::int64_t t,
                                                   std::int64_t sequence, std::size_t s) const {
  const std::vector<double>& all = layers[layer].states;
  const std::int64_t row = std::ssize(all) / (steps + 1);
  const std::int64_t place = static_cast<std::int64_t>(s) * batch + sequence;
  return std::span(all).subspan(index(t * row + place * hidden_size), index(hidden_size));
}

double ExactRecurrent::StateGradient::log_norm() const {
  // Of a state whose gradient is far below that of the others, the squares could be lost.
  double largest = 0;
  for (const double value : values) largest = std::max(largest, std::abs(value));
  if (largest == 0) return -std::numeric_limits<double>::infinity();
  double squares = 0;
  for (const double value : values) squares += (value / largest) * (value / largest);
  return std::log(largest) + 0.5 * std::log(squares) + exponent * std::numbers::ln2;
}

ExactRecurrent::ExactRecurrent(const Recurrent& net)
    : cell_(net.cell()), input_(net.options().input_size), hidden_(net.options().hidden_size) {
  const auto refuse = [&](const char* what) {
    throw ConfigError(fmt::format(
        "{}: the network {}; only one that runs forward without a projection can be looked into",
        cell_.name, what));
  };
  if (net.options().bidirectional) refuse("is bidirectional");
  if (net.options().proj_size > 0) refuse("has a projection");

  const ConstParameterList parameters = net.parameters();
  for (std::int64_t l = 0; l < net.options().num_layers; ++l) {
    const auto find = [&](const std::string& name) -> const Tensor* {
      const std::string full = fmt::format("{}_l{}", name, l);
      for (const NamedConstParameter& named : parameters) {
        if (named.name == full) return &named.parameter->value();
      }
      return nullptr;
    };
    Layer layer;
    const GateLayout& layout = cell_.layout;
    layer.weight_ih = by_gate_value(*find("weight_ih"), cell_, layout.input_slot, hidden_);
    layer.weight_ih_transposed = transposed(layer.weight_ih);
    if (cell_.recurrent) {
      layer.weight_hh = by_gate_value(*find("weight_hh"), cell_, layout.recurrent_slot, hidden_);
      layer.weight_hh_transposed = transposed(layer.weight_hh);
    }
    layer.bias.resize(index(layout.values * hidden_));
    const auto add_bias = [&](const char* name, const auto& slots) {
      const Tensor* bias = find(name);
      for (std::int64_t row = 0; bias != nullptr && row < bias->elements(); ++row) {
        layer.bias[index(slots[index(row / hidden_)] * hidden_ + row % hidden_)] +=
            bias->data()[row];
      }
    };
    add_bias("bias_ih", layout.input_slot);
    add_bias("bias_hh", layout.recurrent_slot);
    layer.params = Matrix(std::ssize(cell_.params), hidden_);
    for (std::size_t p = 0; p < cell_.params.size(); ++p) {
      const Tensor& values = *find(cell_.params[p]);
      std::copy_n(values.data(), hidden_,
                  layer.params.data.begin() + static_cast<std::int64_t>(p) * hidden_);
    }
    layers_.push_back(std::move(layer));
  }
}

ExactRecurrent::Memory ExactRecurrent::memory(const CellDescriptor& cell,
                                              const RecurrentOptions& options) noexcept {
  const auto values = static_cast<double>(cell.layout.values);
  const auto states = static_cast<double>(cell.states.size());
  const auto hidden = static_cast<double>(options.hidden_size);
  const auto layers = static_cast<double>(options.num_layers);
  const double read = static_cast<double>(options.input_size) + (2 * layers - 1) * hidden;
  // Each weight stands there transposed too; a layer hands a gradient to the one below.
  return {.weights = 2 * read * values * hidden * sizeof(double),
          .step = ((values + states) * layers + 1) * hidden * sizeof(double)};
}

ExactRecurrent::Run ExactRecurrent::forward(const Tensor& x, const Run* before) const {
  const bool goes_on = before != nullptr;
  if (x.rank() != 3 || x.size(2) != input_ || x.elements() == 0 ||
      (goes_on && x.size(1) != before->batch)) {
    throw ShapeError(fmt::format(
        "ExactRecurrent.forward: x is {}; it must be [seq_len, batch{}, input_size = {}], not "
        "empty",
        x.shape().to_string(), goes_on ? fmt::format(" = {}", before->batch) : "", input_));
  }
  Run run{.steps = x.size(0), .batch = x.size(1), .hidden_size = hidden_, .layers = {}};
  const std::int64_t states = std::ssize(cell_.states);
  for (std::size_t l = 0; l < layers_.size(); ++l) {
    run.layers.push_back(
        {.gates = std::vector<double>(index(run.steps * run.batch * cell_.layout.values * hidden_)),
         .states = std::vector<double>(index((run.steps + 1) * states * run.batch * hidden_))});
    if (!goes_on) continue;
    const std::vector<double>& last = before->layers[l].states;
    std::copy(last.end() - states * run.batch * hidden_, last.end(),
              run.layers.back().states.begin());
  }
  parallel_for((run.batch + kRows - 1) / kRows, [&](std::int64_t task) {
    const std::int64_t first = task * kRows;
    const std::int64_t rows = std::min(kRows, run.batch - first);
    std::vector<Reals> nodes;
    std::vector<double> widened(index(rows * input_));
    for (std::size_t l = 0; l < layers_.size(); ++l) {
      const Place place{cell_, layers_[l], hidden_, run.batch, first, rows};
      for (std::int64_t t = 0; t < run.steps; ++t) {
        if (l == 0) {
          std::copy_n(x.data() + (t * run.batch + first) * input_, rows * input_, widened.begin());
          forward_step(place, widened.data(), input_, t, run.layers[l], nodes);
        } else {
          const double* below = run.layers[l - 1].states.data() + place.state_at(t + 1, 0);
          forward_step(place, below, hidden_, t, run.layers[l], nodes);
        }
        require_float32(place, run.layers[l], t + 1);
      }
    }
  });
  return run;
}

void ExactRecurrent::backward(const Run& run, std::span<const double> grad_output,
                              const Visit& visit) const {
  if (std::ssize(grad_output) != run.batch * hidden_) {
    throw ShapeError(
        fmt::format("ExactRecurrent.backward: grad_output has {} numbers; it must be [batch = {}, "
                    "hidden_size = {}]",
                    grad_output.size(), run.batch, hidden_));
  }
  parallel_for((run.batch + kRows - 1) / kRows, [&](std::int64_t task) {
    const std::int64_t first = task * kRows;
    const std::int64_t rows = std::min(kRows, run.batch - first);
    std::vector<Reals> nodes;
    std::vector<Reals> saved;
    std::vector<double> grad_gates(index(rows * cell_.layout.values * hidden_));
    // Of the output of each step, from the layer above.
    std::vector<ScaledRows> from_above(index(run.steps), ScaledRows(1, rows, hidden_));
    std::copy_n(grad_output.begin() + first * hidden_, rows * hidden_,
                from_above.back().values.begin());
    for (std::size_t l = layers_.size(); l-- > 0;) {
      const Place place{cell_, layers_[l], hidden_, run.batch, first, rows};
      const bool is_last = l + 1 == layers_.size();
      ScaledRows grad(place.states(), rows, hidden_);
      for (std::int64_t t = run.steps; t >= 0; --t) {
        for (std::int64_t r = 0; r < rows; ++r) {
          if (is_last && t == run.steps) add(grad, from_above.back(), r);
          if (!grad.is_finite(r)) {
            throw NumericError(fmt::format("{}: the gradient is not finite {} steps back",
                                           cell_.name, run.steps - t));
          }
          grad.normalize(r);
          for (std::int64_t s = 0; s < place.states(); ++s) {
            visit({.layer = l,
                   .state = index(s),
                   .lag = run.steps - t,
                   .sequence = first + r,
                   .values = {grad.at(s, r), index(hidden_)},
                   .exponent = grad.exponent(r)});
          }
          if (!is_last && t > 0) add(grad, from_above[index(t - 1)], r);
        }
        if (t == 0) break;
        backward_step(place, run.layers[l], t - 1, grad, grad_gates, nodes, saved);
        if (l == 0) continue;
        ScaledRows& below = from_above[index(t - 1)];
        below = ScaledRows(1, rows, hidden_);
        below.exponents = grad.exponents;
        add_product(rows, grad_gates.data(), place.values() * hidden_,
                    layers_[l].weight_ih_transposed, below.values.data());
      }
    }
  });
}

}  // namespace riverrun::insight
