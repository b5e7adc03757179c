#include "riverrun/cell/runtime_cell.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <set>
#include <stdexcept>

namespace riverrun {
namespace {

[[noreturn]] void refuse(const CellDefinition& definition, const std::string& what) {
  throw std::invalid_argument("make_cell: cell \"" + definition.name + "\" " + what);
}

thread_local std::uint64_t trace_of_this_thread = 0;

/// Makes a number that belongs to this trace (Sym) known as such, while it lives.
class TraceOnThisThread {
 public:
  TraceOnThisThread() {
    static std::atomic<std::uint64_t> traces{0};
    trace_of_this_thread = ++traces;
  }
  TraceOnThisThread(const TraceOnThisThread&) = delete;
  TraceOnThisThread& operator=(const TraceOnThisThread&) = delete;
  ~TraceOnThisThread() { trace_of_this_thread = outer_; }

 private:
  std::uint64_t outer_ = trace_of_this_thread;
};

int gate_values(const CellDefinition& definition) {
  int values = 0;
  for (const CellDefinition::Gate& gate : definition.gates) values += gate.is_split ? 2 : 1;
  return values;
}

void check(const CellDefinition& definition) {
  const auto check_count = [&](std::size_t count, int least, int most, const char* what) {
    if (static_cast<std::int64_t>(count) >= least && static_cast<std::int64_t>(count) <= most) {
      return;
    }
    refuse(definition, "has " + std::to_string(count) + " " + what + "; there must be " +
                           std::to_string(least) + " to " + std::to_string(most));
  };
  if (definition.name.empty()) refuse(definition, "has no name");
  check_count(definition.gates.size(), 1, GateLayout::kMaxGates, "gates");
  check_count(definition.states.size(), 1, CellDescriptor::kMaxStates, "states");
  check_count(definition.params.size(), 0, CellDescriptor::kMaxParams, "params");

  std::set<std::string> names;
  const auto check_name = [&](const std::string& name) {
    if (name.empty()) refuse(definition, "has a gate, state or param without a name");
    if (!names.insert(name).second) {
      refuse(definition, "has two things called \"" + name + "\"; names must differ");
    }
  };
  for (const CellDefinition::Gate& gate : definition.gates) {
    check_name(gate.name);
    if (gate.is_split && !definition.recurrent) {
      refuse(definition, "splits gate \"" + gate.name +
                             "\"; without a recurrent product there is nothing to split");
    }
  }
  std::for_each(definition.states.begin(), definition.states.end(), check_name);
  for (const std::string& param : definition.params) {
    check_name(param);
    if (detail::is_name_of_layer(param)) {
      refuse(definition, "has a param called \"" + param +
                             "\"; names that begin with weight_ih, weight_hh, weight_hr, bias_ih "
                             "or bias_hh are the layer's own");
    }
  }
}

/// The kernels compute in float32; what overflows there is not what the program says.
bool is_number_for_kernels(double constant) {
  return std::isinf(constant) || std::abs(constant) <= std::numeric_limits<float>::max();
}

/// How many inputs of a kind a forward program has.
int input_count(const CellDefinition& definition, Input kind) {
  switch (kind) {
    case Input::kGate:
      return gate_values(definition);
    case Input::kState:
      return static_cast<int>(definition.states.size());
    case Input::kParam:
      return static_cast<int>(definition.params.size());
    default:
      return 0;
  }
}

void check(const CellDefinition& definition, const Program& forward) {
  if (forward.size < 0 || forward.size > Program::kMaxNodes) {
    refuse(definition, "has a program of " + std::to_string(forward.size) + " nodes");
  }
  for (int i = 0; i < forward.size; ++i) {
    const Node& node = forward[i];
    const auto refuse_node = [&](const std::string& what) {
      refuse(definition, "has a program in which node " + std::to_string(i) + " " + what);
    };
    if (node.op > Op::kSelect) refuse_node("has no known operation");
    if (node.op == Op::kInput && (node.a < 0 || node.a >= input_count(definition, node.input))) {
      refuse_node("reads an input that the cell does not have");
    }
    const std::array<int, 3> operand = {node.a, node.b, node.c};
    const auto* end = operand.begin() + operands(node.op);
    if (std::any_of(operand.begin(), end, [i](int a) { return a < 0 || a >= i; })) {
      refuse_node("uses a node that is not before it");
    }
    if (node.op == Op::kConstant && !is_number_for_kernels(node.constant)) {
      refuse_node("is the constant " + std::to_string(node.constant) +
                  "; it must be a number that float32 can hold, or infinite");
    }
  }
  if (forward.output_count != std::ssize(definition.states)) {
    refuse(definition, "has a step that gives " + std::to_string(forward.output_count) +
                           " states; it has " + std::to_string(definition.states.size()));
  }
  for (int i = 0; i < forward.output_count; ++i) {
    if (forward.output(i) < 0 || forward.output(i) >= forward.size) {
      refuse(definition, "has a program whose output " + std::to_string(i) + " is no node");
    }
  }
}

}  // namespace

CellDefinition definition_of(const CellDescriptor& cell) {
  CellDefinition definition{.name = cell.name,
                            .gates = {},
                            .states = cell.states,
                            .params = cell.params,
                            .recurrent = cell.recurrent};
  for (std::size_t g = 0; g < cell.gates.size(); ++g) {
    definition.gates.emplace_back(cell.gates[g], cell.layout.is_split(static_cast<int>(g)));
  }
  return definition;
}

Program step_of(const CellDescriptor& cell) {
  Program step = cell.programs.forward;
  step.output_count = static_cast<int>(cell.states.size());  // what the backward needs follows them
  return without_dead_code(step);
}

bool is_same_cell(const CellDescriptor& a, const CellDescriptor& b) {
  return definition_of(a) == definition_of(b) && step_of(a) == step_of(b);
}

std::uint64_t detail::current_trace() noexcept { return trace_of_this_thread; }

CellDescriptor make_cell(const CellDefinition& definition, const RuntimeStep& step,
                         const kernels::CellKernels& kernels) {
  check(definition);
  const TraceOnThisThread trace;
  Program program;
  const auto inputs = [&](Input kind) {
    const int count = input_count(definition, kind);
    std::vector<Sym> symbols;
    symbols.reserve(static_cast<std::size_t>(count));
    for (int i = 0; i < count; ++i) {
      symbols.emplace_back(program, program.input(kind, i));
    }
    return symbols;
  };
  const std::vector<Sym> gates = inputs(Input::kGate);
  const std::vector<Sym> states = inputs(Input::kState);
  const std::vector<Sym> params = inputs(Input::kParam);
  for (const Sym& next : step(gates, states, params)) program.add_output(next.node(program));
  return make_cell(definition, program, kernels);
}

CellDescriptor make_cell(const CellDefinition& definition, const Program& forward,
                         const kernels::CellKernels& kernels) {
  check(definition);
  check(definition, forward);
  CellDescriptor cell;
  cell.name = definition.name;
  for (const CellDefinition::Gate& gate : definition.gates) {
    cell.gates.push_back(gate.name);
    cell.layout.add_gate(gate.is_split);
  }
  cell.states = definition.states;
  cell.params = definition.params;
  cell.recurrent = definition.recurrent;
  cell.programs = differentiate(forward, {.gate_values = cell.layout.values,
                                          .states = static_cast<int>(cell.states.size()),
                                          .params = static_cast<int>(cell.params.size())});
  cell.kernels = &kernels;
  return cell;
}

}  // namespace riverrun
