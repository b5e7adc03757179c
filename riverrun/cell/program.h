#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <stdexcept>

#include "riverrun/cell/fail.h"

namespace riverrun {

/// What a node of a Program computes. The comment gives its value; a, b and c are earlier nodes.
enum class Op : std::uint8_t {
  kInput,       // inputs of kind `input`, number a
  kConstant,    // constant
  kAdd,         // a + b
  kSub,         // a - b
  kMul,         // a * b
  kDiv,         // a / b
  kNeg,         // -a
  kExp,         // exp(a)
  kLog,         // ln(a)
  kTanh,        // tanh(a)
  kSigmoid,     // 1 / (1 + exp(-a))
  kLogSigmoid,  // ln(sigmoid(a))
  kSqrt,        // √a
  kAbs,         // |a|
  kRelu,        // max(a, 0)
  kMax,         // max(a, b)
  kMin,         // min(a, b)
  kLess,        // a < b ? 1 : 0
  kSelect,      // a != 0 ? b : c
};
// NaN is what PyTorch makes of it: an operand that is NaN makes the result NaN, of kRelu, kMax and
// kMin too; a < b is then 0, and a condition that is NaN is not 0.

/// How many operands an operation has.
[[nodiscard]] constexpr int operands(Op op) {
  switch (op) {
    case Op::kInput:
    case Op::kConstant:
      return 0;
    case Op::kAdd:
    case Op::kSub:
    case Op::kMul:
    case Op::kDiv:
    case Op::kMax:
    case Op::kMin:
    case Op::kLess:
      return 2;
    case Op::kSelect:
      return 3;
    default:
      return 1;
  }
}

/// Operations so dear that the forward pass saves their value rather than have it computed twice.
[[nodiscard]] constexpr bool is_expensive(Op op) {
  switch (op) {
    case Op::kDiv:
    case Op::kExp:
    case Op::kLog:
    case Op::kTanh:
    case Op::kSigmoid:
    case Op::kLogSigmoid:
    case Op::kSqrt:
      return true;
    default:
      return false;
  }
}

/// Where an input of a Program comes from. All are numbers of one hidden unit at one step.
enum class Input : std::uint8_t {
  kGate,           // a gate's preactivation (forward)
  kState,          // a state before the step
  kParam,          // a parameter of the unit
  kNextState,      // a state after the step (backward)
  kSaved,          // what the forward saved (backward)
  kGradNextState,  // ∂loss/∂(a state after the step) (backward)
};

struct Node {
  Op op = Op::kConstant;
  Input input = Input::kGate;
  std::int16_t a = -1;
  std::int16_t b = -1;
  std::int16_t c = -1;
  double constant = 0.0;
  friend constexpr bool operator==(const Node&, const Node&) = default;
};

/// The same node, with the fields that its operation does not use as they are in a new Node: only
/// then is == about what a node computes. A program from a file may hold anything in them.
[[nodiscard]] constexpr Node normalized(const Node& node) {
  Node result{.op = node.op};
  if (node.op == Op::kInput) result.input = node.input;
  if (node.op == Op::kConstant) result.constant = node.constant;
  const int count = node.op == Op::kInput ? 1 : operands(node.op);
  if (count > 0) result.a = node.a;
  if (count > 1) result.b = node.b;
  if (count > 2) result.c = node.c;
  return result;
}

/// Straight-line code: each node uses only nodes before it, and a value that is used twice is one
/// node. A literal type, so that a Program can be traced, differentiated and optimised by the
/// compiler, and the kernels generated from it.
struct Program {
  static constexpr int kMaxNodes = 256;
  static constexpr int kMaxOutputs = 32;

  std::array<Node, kMaxNodes> nodes{};
  int size = 0;
  std::array<std::int16_t, kMaxOutputs> outputs{};
  int output_count = 0;

  constexpr void add_output(int node) {
    if (output_count == kMaxOutputs) fail<std::length_error>("a cell has too many outputs");
    outputs[static_cast<std::size_t>(output_count++)] = static_cast<std::int16_t>(node);
  }

  /// Appends a node and returns its number; an equal one that is there already serves again, and
  /// what can be computed or omitted now is: 2 + 3, x + 0, x * 1, --x. (Not x * 0, as x may be
  /// NaN.)
  constexpr int add(Node node);

  constexpr int input(Input kind, int number) {
    return add({.op = Op::kInput, .input = kind, .a = static_cast<std::int16_t>(number)});
  }
  constexpr int constant(double value) { return add({.op = Op::kConstant, .constant = value}); }
  constexpr int unary(Op op, int a) { return add({.op = op, .a = static_cast<std::int16_t>(a)}); }
  constexpr int binary(Op op, int a, int b) {
    return add({.op = op, .a = static_cast<std::int16_t>(a), .b = static_cast<std::int16_t>(b)});
  }
  constexpr int select(int condition, int if_true, int if_false) {
    return add({.op = Op::kSelect,
                .a = static_cast<std::int16_t>(condition),
                .b = static_cast<std::int16_t>(if_true),
                .c = static_cast<std::int16_t>(if_false)});
  }

  [[nodiscard]] constexpr const Node& operator[](int node) const {
    return nodes[static_cast<std::size_t>(node)];
  }
  [[nodiscard]] constexpr int output(int number) const {
    return outputs[static_cast<std::size_t>(number)];
  }
  [[nodiscard]] constexpr bool is_constant(int node, double value) const {
    return (*this)[node].op == Op::kConstant && (*this)[node].constant == value;
  }
  friend constexpr bool operator==(const Program& a, const Program& b) {
    return std::equal(a.nodes.begin(), a.nodes.begin() + a.size, b.nodes.begin(),
                      b.nodes.begin() + b.size) &&
           std::equal(a.outputs.begin(), a.outputs.begin() + a.output_count, b.outputs.begin(),
                      b.outputs.begin() + b.output_count);
  }
  /// True if any output depends on the input.
  [[nodiscard]] constexpr bool reads(Input kind, int number) const;
  /// How many nodes, of those that outputs depend on, use each node, plus the outputs that are it.
  [[nodiscard]] constexpr std::array<int, kMaxNodes> uses() const;

 private:
  constexpr int simplified(const Node& node);
};

constexpr int Program::simplified(const Node& node) {
  const auto both_constant = [&] {
    return (*this)[node.a].op == Op::kConstant && (*this)[node.b].op == Op::kConstant;
  };
  const auto value = [&](int n) { return (*this)[n].constant; };
  switch (node.op) {
    case Op::kAdd:
      if (both_constant()) return constant(value(node.a) + value(node.b));
      if (is_constant(node.a, 0)) return node.b;
      if (is_constant(node.b, 0)) return node.a;
      if ((*this)[node.b].op == Op::kNeg) return binary(Op::kSub, node.a, (*this)[node.b].a);
      if ((*this)[node.a].op == Op::kNeg) return binary(Op::kSub, node.b, (*this)[node.a].a);
      break;
    case Op::kSub:
      if (both_constant()) return constant(value(node.a) - value(node.b));
      if (is_constant(node.b, 0)) return node.a;
      if (is_constant(node.a, 0)) return unary(Op::kNeg, node.b);
      if ((*this)[node.b].op == Op::kNeg) return binary(Op::kAdd, node.a, (*this)[node.b].a);
      break;
    case Op::kMul:
      if (both_constant()) return constant(value(node.a) * value(node.b));
      if (is_constant(node.a, 1)) return node.b;
      if (is_constant(node.b, 1)) return node.a;
      break;
    case Op::kDiv:
      if (is_constant(node.b, 1)) return node.a;
      break;
    case Op::kNeg:
      if ((*this)[node.a].op == Op::kConstant) return constant(-value(node.a));
      if ((*this)[node.a].op == Op::kNeg) return (*this)[node.a].a;
      break;
    case Op::kSelect:
      if (node.b == node.c) return node.b;
      break;
    default:
      break;
  }
  return -1;
}

constexpr int Program::add(Node node) {
  node = normalized(node);
  if (const int known = simplified(node); known >= 0) return known;
  const bool commutes = node.op == Op::kAdd || node.op == Op::kMul;
  for (int i = 0; i < size; ++i) {
    const Node& other = (*this)[i];
    if (other == node) return i;
    if (commutes && other.op == node.op && other.a == node.b && other.b == node.a) return i;
  }
  if (size == kMaxNodes) fail<std::length_error>("a cell's program has more than 256 nodes");
  nodes[static_cast<std::size_t>(size)] = node;
  return size++;
}

constexpr std::array<int, Program::kMaxNodes> Program::uses() const {
  std::array<int, kMaxNodes> count{};
  for (int i = 0; i < output_count; ++i) ++count[static_cast<std::size_t>(output(i))];
  for (int i = size - 1; i >= 0; --i) {
    if (count[static_cast<std::size_t>(i)] == 0) continue;
    const Node& node = (*this)[i];
    const int n = operands(node.op);
    if (n > 0) ++count[static_cast<std::size_t>(node.a)];
    if (n > 1) ++count[static_cast<std::size_t>(node.b)];
    if (n > 2) ++count[static_cast<std::size_t>(node.c)];
  }
  return count;
}

constexpr bool Program::reads(Input kind, int number) const {
  const auto count = uses();
  for (int i = 0; i < size; ++i) {
    const Node& node = (*this)[i];
    if (node.op == Op::kInput && node.input == kind && node.a == number) {
      return count[static_cast<std::size_t>(i)] > 0;
    }
  }
  return false;
}

/// The same program without the nodes that no output depends on, and with each value only once,
/// whoever made the program.
[[nodiscard]] constexpr Program without_dead_code(const Program& program) {
  const auto count = program.uses();
  std::array<int, Program::kMaxNodes> moved{};
  Program result;
  for (int i = 0; i < program.size; ++i) {
    if (count[static_cast<std::size_t>(i)] == 0) continue;
    Node node = program[i];
    const int n = operands(node.op);
    const auto move = [&](std::int16_t& operand) {
      operand = static_cast<std::int16_t>(moved[static_cast<std::size_t>(operand)]);
    };
    if (n > 0) move(node.a);
    if (n > 1) move(node.b);
    if (n > 2) move(node.c);
    moved[static_cast<std::size_t>(i)] = result.add(node);
  }
  for (int i = 0; i < program.output_count; ++i) {
    result.add_output(moved[static_cast<std::size_t>(program.output(i))]);
  }
  return result;
}

}  // namespace riverrun
