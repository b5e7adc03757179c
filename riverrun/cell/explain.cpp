#include "riverrun/cell/explain.h"

#include <algorithm>
#include <cstddef>

#include "riverrun/cell/formula.h"

namespace riverrun {
namespace {

using formula::aligned;
using formula::is_operation;
using formula::Lines;
using formula::NamedProgram;
using formula::padded;
using formula::padded_left;

bool is_transcendental(Op op) {
  return op == Op::kExp || op == Op::kLog || op == Op::kTanh || op == Op::kSigmoid ||
         op == Op::kLogSigmoid;
}

/// 525312 -> "525 312"
std::string grouped(std::int64_t value) {
  std::string digits = std::to_string(value);
  for (std::ptrdiff_t i = std::ssize(digits) - 3; i > 0; i -= 3) {
    digits.insert(static_cast<std::size_t>(i), " ");
  }
  return digits;
}

/// The names of a cell's inputs, and of the numbers its gates bring.
class CellNames {
 public:
  explicit CellNames(const CellDescriptor& cell) : cell_(cell) {
    gate_values_.resize(static_cast<std::size_t>(cell.layout.values));
    for (int g = 0; g < cell.layout.gates; ++g) {
      const auto at = static_cast<std::size_t>(g);
      const bool is_split = cell.layout.is_split(g);
      slot(cell.layout.input_slot[at]) = cell.gates[at] + (is_split ? "_x" : "");
      if (is_split) slot(cell.layout.recurrent_slot[at]) = cell.gates[at] + "_h";
    }
  }

  [[nodiscard]] const std::vector<std::string>& gate_values() const { return gate_values_; }

  /// Of all inputs but kSaved.
  [[nodiscard]] std::string input(Input kind, int number) const {
    const auto n = static_cast<std::size_t>(number);
    switch (kind) {
      case Input::kGate:
        return gate_values_[n];
      case Input::kState:
        return cell_.states[n];
      case Input::kParam:
        return cell_.params[n];
      case Input::kNextState:
        return cell_.states[n] + "'";
      case Input::kGradNextState:
        return "∂" + cell_.states[n] + "'";
      case Input::kSaved:
        break;
    }
    return {};
  }

  /// `letter`, repeated until no input is called the letters and a number.
  [[nodiscard]] std::string prefix(char letter) const {
    std::string result(1, letter);
    const auto clashes = [&](const std::string& name) {
      return name.size() > result.size() && name.compare(0, result.size(), result) == 0 &&
             name.find_first_not_of("0123456789", result.size()) == std::string::npos;
    };
    const auto any = [&](const std::vector<std::string>& names) {
      return std::any_of(names.begin(), names.end(), clashes);
    };
    while (any(gate_values_) || any(cell_.states) || any(cell_.params)) result += letter;
    return result;
  }

 private:
  std::string& slot(int number) { return gate_values_[static_cast<std::size_t>(number)]; }

  const CellDescriptor& cell_;
  std::vector<std::string> gate_values_;
};

/// Both programs of a cell with names: a value of the forward has the same in the backward.
class Explainer {
 public:
  explicit Explainer(const CellDescriptor& cell)
      : cell_(cell),
        names_(cell),
        step_(step_only(cell.programs)),
        forward_(step_, forward_names(), next_state_names()) {
    match_backward();
  }

  [[nodiscard]] CellExplanation parts() const {
    CellExplanation result;
    result.gates = aligned(gates());
    result.equations = aligned(forward_.equations(named_in_equations_));
    const Program& backward = cell_.programs.backward;
    const std::vector<bool> none(static_cast<std::size_t>(backward.size), false);
    result.gradients =
        aligned(NamedProgram(backward, backward_names(true), gradient_names()).equations(none));
    result.forward = aligned(forward_.operations());
    const NamedProgram straight(backward, backward_names(false), gradient_names());
    result.backward = aligned(straight.operations());
    for (int i = 0; i < step_.size; ++i) {
      if (is_saved(i)) result.saved.push_back(definition(i));
    }
    for (const int node : recomputed_) result.recomputed.push_back(definition(node));
    return result;
  }

 private:
  /// The forward without the values to save as outputs.
  static Program step_only(const CellPrograms& programs) {
    Program step = programs.forward;
    step.output_count = programs.sizes.states;
    return step;
  }

  [[nodiscard]] std::vector<std::string> next_state_names() const {
    std::vector<std::string> result;
    for (const std::string& state : cell_.states) result.push_back(state + "'");
    return result;
  }

  [[nodiscard]] std::vector<std::string> gradient_names() const {
    std::vector<std::string> result;
    for (const auto* names : {&names_.gate_values(), &cell_.states, &cell_.params}) {
      for (const std::string& name : *names) result.push_back("∂" + name);
    }
    return result;
  }

  [[nodiscard]] std::vector<std::string> forward_names() const {
    std::vector<std::string> result(static_cast<std::size_t>(step_.size));
    const std::string prefix = names_.prefix('v');
    int number = 0;
    for (int i = 0; i < step_.size; ++i) {
      const Node& node = step_[i];
      std::string& name = result[static_cast<std::size_t>(i)];
      if (node.op == Op::kInput) name = names_.input(node.input, node.a);
      if (is_operation(node)) name = prefix + std::to_string(++number);
    }
    return result;
  }

  /// Finds the forward's values in the backward.
  void match_backward() {
    const CellPrograms& programs = cell_.programs;
    forward_node_.assign(static_cast<std::size_t>(programs.backward.size), -1);
    named_in_equations_.assign(static_cast<std::size_t>(step_.size), false);
    std::vector<int> counterpart(static_cast<std::size_t>(step_.size), -1);
    for (int i = 0; i < step_.size; ++i) {
      const int found = find_in_backward(i, counterpart);
      counterpart[static_cast<std::size_t>(i)] = found;
      if (found < 0) continue;
      forward_node_[static_cast<std::size_t>(found)] = i;
      if (is_operation(programs.backward[found])) recomputed_.push_back(i);
    }
    for (int k = 0; k < programs.saved; ++k) {
      const int i = programs.saved_value(k);
      const Node& node = step_[i];
      const bool is_short = operands(node.op) == 1 && is_named(node.a);
      named_in_equations_[static_cast<std::size_t>(i)] = is_operation(node) && !is_short;
    }
  }

  [[nodiscard]] bool is_saved(int i) const {
    for (int k = 0; k < cell_.programs.saved; ++k) {
      if (cell_.programs.saved_value(k) == i) return true;
    }
    return false;
  }

  [[nodiscard]] bool is_named(int i) const {
    return step_[i].op == Op::kInput || forward_.is_output(i);
  }

  [[nodiscard]] int find_in_backward(int i, const std::vector<int>& counterpart) const {
    const CellPrograms& programs = cell_.programs;
    const auto find = [&](const Node& wanted) {
      for (int j = 0; j < programs.backward.size; ++j) {
        if (programs.backward[j] == wanted) return j;
      }
      return -1;
    };
    const auto input = [&](Input kind, int number) {
      return find({.op = Op::kInput, .input = kind, .a = static_cast<std::int16_t>(number)});
    };
    for (int s = 0; s < programs.sizes.states; ++s) {
      if (programs.next_state(s) == i && is_operation(step_[i])) {
        return input(Input::kNextState, s);
      }
    }
    for (int k = 0; k < programs.saved; ++k) {
      if (programs.saved_value(k) == i) return input(Input::kSaved, k);
    }
    Node node = step_[i];
    if (node.op == Op::kInput && node.input == Input::kGate) return -1;
    if (is_operation(node)) {
      const int count = operands(node.op);
      const auto move = [&](std::int16_t& operand) {
        operand = static_cast<std::int16_t>(counterpart[static_cast<std::size_t>(operand)]);
        return operand >= 0;
      };
      if (!move(node.a)) return -1;
      if (count > 1 && !move(node.b)) return -1;
      if (count > 2 && !move(node.c)) return -1;
    }
    return find(node);
  }

  /// In equations a saved σ(f) is shown as that; in the straight-line form as v1.
  [[nodiscard]] std::vector<std::string> backward_names(bool in_equations) const {
    const Program& backward = cell_.programs.backward;
    std::vector<std::string> result(static_cast<std::size_t>(backward.size));
    const std::string prefix = names_.prefix('d');
    int number = 0;
    for (int j = 0; j < backward.size; ++j) {
      const auto at = static_cast<std::size_t>(j);
      const Node& node = backward[j];
      if (node.op == Op::kInput) {
        result[at] = node.input == Input::kSaved
                         ? saved_name(cell_.programs.saved_value(node.a), in_equations)
                         : names_.input(node.input, node.a);
      } else if (is_operation(node)) {
        result[at] = forward_node_[at] >= 0 ? forward_.name(forward_node_[at])
                                            : prefix + std::to_string(++number);
      }
    }
    return result;
  }

  [[nodiscard]] std::string saved_name(int i, bool in_equations) const {
    const auto at = static_cast<std::size_t>(i);
    const bool has_line =
        !is_operation(step_[i]) || named_in_equations_[at] || step_.uses()[at] > 1;
    return in_equations && !has_line ? forward_.right_side(i) : forward_.name(i);
  }

  [[nodiscard]] std::string definition(int i) const {
    return is_operation(step_[i]) ? forward_.name(i) + " = " + forward_.right_side(i)
                                  : forward_.name(i);
  }

  [[nodiscard]] Lines gates() const {
    Lines lines;
    for (int g = 0; g < cell_.layout.gates; ++g) {
      const auto at = static_cast<std::size_t>(g);
      const auto slot = [&](int value) -> const std::string& {
        return names_.gate_values()[static_cast<std::size_t>(value)];
      };
      const std::string& input = slot(cell_.layout.input_slot[at]);
      if (!cell_.layout.is_split(g)) {
        lines.emplace_back(input,
                           cell_.recurrent ? "W_ih·x + b_ih + W_hh·h + b_hh" : "W_ih·x + b_ih");
      } else {
        lines.emplace_back(input, "W_ih·x + b_ih");
        lines.emplace_back(slot(cell_.layout.recurrent_slot[at]),
                           cell_.recurrent ? "W_hh·h + b_hh" : "0");
      }
    }
    return lines;
  }

  const CellDescriptor& cell_;
  CellNames names_;
  Program step_;
  NamedProgram forward_;
  std::vector<int> forward_node_;         // of each node of the backward; -1: a gradient
  std::vector<bool> named_in_equations_;  // of the forward, beside what is used twice
  std::vector<int> recomputed_;           // nodes of the forward
};

void count_operations(const Program& program, int& operations, int& functions) {
  for (int i = 0; i < program.size; ++i) {
    if (is_operation(program[i])) ++(is_transcendental(program[i].op) ? functions : operations);
  }
}

std::string joined(const std::vector<std::string>& items) {
  std::string result;
  for (const std::string& item : items) result += (result.empty() ? "" : ", ") + item;
  return result;
}

std::vector<std::string> or_nothing(const std::vector<std::string>& lines) {
  return lines.empty() ? std::vector<std::string>{"nothing"} : lines;
}

/// "4·" of "4·H", "" of "H".
std::string times(std::int64_t factor) { return factor == 1 ? "" : std::to_string(factor) + "·"; }

std::vector<std::string> cost_table(const CellDescriptor& cell, std::int64_t input_size,
                                    std::int64_t hidden_size) {
  const CellCost cost = cell_cost(cell, input_size, hidden_size);
  const std::int64_t per_unit = cost.parameters / hidden_size - cost.forward_products / hidden_size;
  const std::int64_t gates = std::ssize(cell.gates);
  const auto products = [&](std::int64_t factor) {
    return times(factor) + "H·I" + (cell.recurrent ? " + " + times(factor) + "H·H" : "");
  };
  std::vector<std::string> lines;
  const auto row = [&](const std::string& what, const std::string& formula,
                       const std::string& value) {
    lines.push_back(padded(what, 40) + padded(formula, 24) + padded_left(value, 16));
  };
  const auto row_for_units = [&](const std::string& what, std::int64_t count) {
    row(what, count == 0 ? "0" : times(count) + "H", grouped(count * hidden_size));
  };
  row("", "", "H = " + std::to_string(hidden_size) + ", I = " + std::to_string(input_size));
  row("parameters", products(gates) + " + " + times(per_unit) + "H", grouped(cost.parameters));
  row("multiply-adds of products, forward", products(gates), grouped(cost.forward_products));
  row("multiply-adds of products, backward", products(2 * gates), grouped(cost.backward_products));
  row_for_units("operations, forward", cost.forward_operations);
  row_for_units("operations, backward", cost.backward_operations);
  row_for_units("exp, ln, tanh, σ, forward", cost.forward_functions);
  row_for_units("exp, ln, tanh, σ, backward", cost.backward_functions);
  row_for_units("bytes saved", cost.saved_bytes);
  row_for_units("bytes of states", cost.state_bytes);
  return lines;
}

}  // namespace

CellCost cell_cost(const CellDescriptor& cell, std::int64_t input_size, std::int64_t hidden_size) {
  const auto gates = std::ssize(cell.gates);
  const std::int64_t recurrent = cell.recurrent ? hidden_size : 0;
  const int biases = cell.recurrent ? 2 : 1;
  CellCost cost;
  cost.forward_products = gates * hidden_size * (input_size + recurrent);
  // The gradients of the weights, and those of x and h.
  cost.backward_products = 2 * cost.forward_products;
  cost.parameters =
      cost.forward_products + hidden_size * (biases * gates + std::ssize(cell.params));
  count_operations(cell.programs.forward, cost.forward_operations, cost.forward_functions);
  count_operations(cell.programs.backward, cost.backward_operations, cost.backward_functions);
  constexpr int kBytes = sizeof(float);
  cost.saved_bytes = kBytes * cell.programs.saved;
  cost.state_bytes = kBytes * cell.programs.sizes.states;
  return cost;
}

CellExplanation explain_parts(const CellDescriptor& cell) { return Explainer(cell).parts(); }

std::string explain(const CellDescriptor& cell, std::int64_t input_size, std::int64_t hidden_size) {
  const CellExplanation parts = explain_parts(cell);
  std::string page = cell.name + "\n";
  const auto section = [&](const std::string& title, const std::vector<std::string>& lines) {
    page += "\n" + title + "\n";
    for (const std::string& line : lines) page += "  " + line + "\n";
  };
  section("Equations of one hidden unit; c' is c after the step, σ the sigmoid", parts.equations);
  const bool has_split = cell.layout.values > cell.layout.gates;
  section(std::string("Gates, in the order of the row blocks of the weights") +
              (has_split ? "; a split gate is two numbers" : ""),
          parts.gates);
  if (!cell.params.empty()) {
    section("Parameters beside the weights, one number for each hidden unit",
            {joined(cell.params)});
  }
  section("Gradients, derived; ∂c is ∂loss/∂c. What reaches h by W_hh comes on top",
          parts.gradients);
  section("Forward, one operation a line", parts.forward);
  section("Backward, one operation a line", parts.backward);
  section("What the forward keeps for the backward, beside the states", or_nothing(parts.saved));
  section("What the backward computes once more", or_nothing(parts.recomputed));
  section("Cost of one step of one sequence; H = hidden_size, I = input_size",
          cost_table(cell, input_size, hidden_size));
  return page;
}

}  // namespace riverrun
