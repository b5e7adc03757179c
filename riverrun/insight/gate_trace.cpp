#include "riverrun/insight/gate_trace.h"

#include <cstddef>

namespace riverrun::insight {

GateTrace::GateTrace(const Recurrent& net) : net_(net), openings_(insight::openings(net_.cell())) {
  const auto hidden = static_cast<std::size_t>(net_.hidden_size());
  values_.assign(net_.layers().size(), std::vector<double>((openings_.size() + 1) * hidden));
}

/// The cell's step of each unit once more, with a derivative: the gates are inputs of the program,
/// and so are held.
void GateTrace::evaluate(std::size_t layer, std::int64_t t) {
  const CellDescriptor& cell = net_.cell();
  const Program& program = cell.programs.forward;
  const auto memory = static_cast<int>(LayerStep::memory_state(cell.states.size()));
  const auto hidden = static_cast<std::size_t>(net_.hidden_size());
  std::vector<double>& values = values_[layer];
  for (std::size_t unit = 0; unit < hidden; ++unit) {
    reference::evaluate(
        program,
        [&](Input kind, int n) -> Dual {
          switch (kind) {
            case Input::kGate:
              return run_.gate(layer, t, 0, n)[unit];
            case Input::kState:
              return {run_.state(layer, t, 0, static_cast<std::size_t>(n))[unit],
                      n == memory ? 1.0 : 0.0};
            default:
              return net_.layers()[layer].params(n, static_cast<std::int64_t>(unit));
          }
        },
        nodes_);
    for (std::size_t o = 0; o < openings_.size(); ++o) {
      values[o * hidden + unit] = nodes_[static_cast<std::size_t>(openings_[o].node)].value.value;
    }
    const int next = cell.programs.next_state(memory);
    values[openings_.size() * hidden + unit] = nodes_[static_cast<std::size_t>(next)].slope.value;
  }
}

void GateTrace::read(const Tensor& x, const Visit& visit) {
  run_ = net_.forward(x, run_.steps > 0 ? &run_ : nullptr);
  const auto hidden = static_cast<std::size_t>(net_.hidden_size());
  std::vector<LayerStep> steps(values_.size());
  for (std::int64_t t = 0; t < run_.steps; ++t) {
    for (std::size_t layer = 0; layer < steps.size(); ++layer) {
      evaluate(layer, t);
      const std::span<const double> values = values_[layer];
      LayerStep& step = steps[layer];
      step.openings = values.first(openings_.size() * hidden);
      step.retention = values.last(hidden);
      step.states.clear();
      for (std::size_t s = 0; s < net_.cell().states.size(); ++s) {
        step.states.push_back(run_.state(layer, t + 1, 0, s));
      }
    }
    visit(steps);
  }
}

}  // namespace riverrun::insight
