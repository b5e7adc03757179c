#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "riverrun/cell/program.h"

namespace riverrun {

/// How many of each there are in a cell.
struct CellSizes {
  int gate_values = 0;
  int states = 0;
  int params = 0;
};

/// A cell's two programs and what passes between them.
struct CellPrograms {
  static constexpr int kMaxSaved = Program::kMaxOutputs;

  CellSizes sizes;
  /// Inputs kGate, kState, kParam. Outputs: the next states, then the values to save.
  Program forward;
  int saved = 0;
  /// Inputs kState, kNextState, kParam, kSaved, kGradNextState. Outputs: the gradients of the gate
  /// values, of the states before the step (through the step itself, not through W_hh·h), and of
  /// the params.
  Program backward;

  [[nodiscard]] constexpr int next_state(int s) const { return forward.output(s); }
  [[nodiscard]] constexpr int saved_value(int k) const { return forward.output(sizes.states + k); }
};

namespace detail {

/// Builds the backward program by reverse-mode differentiation (Linnainmaa 1970; Speelpenning
/// 1980). Values of the forward that it needs are taken, in this order of preference, from the
/// states before and after the step, which are kept anyway; from what the forward saved, if they
/// are dear or a gate's preactivation; or computed once more.
///
/// Where an operation has no derivative, or an operand is NaN, the gradient is PyTorch's: 0 at |0|
/// and relu(0), half for each operand of max(a, a), and a NaN that comes from above passes on.
/// Those of tanh and sigmoid are taken from the function's value, as PyTorch's are: they are exact
/// to about 1e-7 (float32) of the largest, and so 0 where less than that is left. All others are
/// exact to a few units in the last place.
class AdjointBuilder {
 public:
  constexpr AdjointBuilder(const Program& forward, const CellSizes& sizes)
      : forward_(forward), sizes_(sizes) {
    primal_.fill(-1);
    adjoint_.fill(-1);
  }

  constexpr CellPrograms build() {
    for (int s = 0; s < sizes_.states; ++s) {
      accumulate(forward_.output(s), backward_.input(Input::kGradNextState, s));
    }
    for (int i = forward_.size - 1; i >= 0; --i) {
      if (at(adjoint_, i) >= 0) propagate(i);
    }
    output_gradients(Input::kGate, sizes_.gate_values);
    output_gradients(Input::kState, sizes_.states);
    output_gradients(Input::kParam, sizes_.params);

    CellPrograms result;
    result.sizes = sizes_;
    result.backward = without_dead_code(backward_);
    keep_saved_values_in_use(result);
    return result;
  }

 private:
  using Map = std::array<int, Program::kMaxNodes>;

  static constexpr int& at(Map& map, int node) { return map[static_cast<std::size_t>(node)]; }

  constexpr void accumulate(int node, int gradient) {
    int& sum = at(adjoint_, node);
    sum = sum < 0 ? gradient : backward_.binary(Op::kAdd, sum, gradient);
  }

  /// The node of the backward program that has the forward node's value.
  constexpr int primal(int node) {
    if (at(primal_, node) < 0) at(primal_, node) = find_primal(node);
    return at(primal_, node);
  }

  constexpr int find_primal(int node) {
    const Node& n = forward_[node];
    if (n.op == Op::kConstant) return backward_.constant(n.constant);
    if (n.op == Op::kInput && n.input != Input::kGate) return backward_.input(n.input, n.a);
    for (int s = 0; s < sizes_.states; ++s) {
      if (forward_.output(s) == node) return backward_.input(Input::kNextState, s);
    }
    if (n.op == Op::kInput || is_expensive(n.op)) {
      saved_[static_cast<std::size_t>(saved_count_)] = node;
      return backward_.input(Input::kSaved, saved_count_++);
    }
    const int count = operands(n.op);
    const int a = primal(n.a);
    if (count == 1) return backward_.unary(n.op, a);
    const int b = primal(n.b);
    if (count == 2) return backward_.binary(n.op, a, b);
    return backward_.select(a, b, primal(n.c));
  }

  /// Adds to the operands' adjoints what the chain rule gives for forward node i.
  constexpr void propagate(int i) {
    const Node& n = forward_[i];
    const int g = at(adjoint_, i);
    Program& p = backward_;
    const auto mul = [&](int x, int y) { return p.binary(Op::kMul, x, y); };
    const auto div = [&](int x, int y) { return p.binary(Op::kDiv, x, y); };
    const auto sub = [&](int x, int y) { return p.binary(Op::kSub, x, y); };
    const auto less = [&](int x, int y) { return p.binary(Op::kLess, x, y); };
    const auto neg = [&](int x) { return p.unary(Op::kNeg, x); };
    const auto zero = [&] { return p.constant(0); };
    const auto one = [&] { return p.constant(1); };
    switch (n.op) {
      case Op::kInput:
      case Op::kConstant:
      case Op::kLess:  // piecewise constant
        break;
      case Op::kAdd:
        accumulate(n.a, g);
        accumulate(n.b, g);
        break;
      case Op::kSub:
        accumulate(n.a, g);
        accumulate(n.b, neg(g));
        break;
      case Op::kMul:
        accumulate(n.a, mul(g, primal(n.b)));
        accumulate(n.b, mul(g, primal(n.a)));
        break;
      case Op::kDiv: {  // y = a/b: ∂y/∂a = 1/b, ∂y/∂b = -y/b
        const int over_b = div(g, primal(n.b));
        accumulate(n.a, over_b);
        accumulate(n.b, neg(mul(over_b, primal(i))));
        break;
      }
      case Op::kNeg:
        accumulate(n.a, neg(g));
        break;
      case Op::kExp:
        accumulate(n.a, mul(g, primal(i)));
        break;
      case Op::kLog:
        accumulate(n.a, div(g, primal(n.a)));
        break;
      case Op::kTanh:  // 1 - y²
        accumulate(n.a, mul(g, sub(one(), mul(primal(i), primal(i)))));
        break;
      case Op::kSigmoid:  // y (1 - y)
        accumulate(n.a, mul(g, mul(primal(i), sub(one(), primal(i)))));
        break;
      case Op::kLogSigmoid:  // σ(-a); 1 - exp(y), which is the same, would cancel
        accumulate(n.a, mul(g, p.unary(Op::kSigmoid, neg(primal(n.a)))));
        break;
      case Op::kSqrt:  // 1 / (2y)
        accumulate(n.a, div(mul(p.constant(0.5), g), primal(i)));
        break;
      case Op::kAbs: {  // the sign
        const int a = primal(n.a);
        accumulate(n.a, mul(g, sub(less(zero(), a), less(a, zero()))));
        break;
      }
      case Op::kRelu:  // 1 unless y is 0
        accumulate(n.a, p.select(primal(i), g, zero()));
        break;
      case Op::kMax:
      case Op::kMin: {
        const int a = primal(n.a);
        const int b = primal(n.b);
        const int a_wins = n.op == Op::kMax ? less(b, a) : less(a, b);
        const int b_wins = n.op == Op::kMax ? less(a, b) : less(b, a);
        // If neither does, they are equal, or one is NaN, and so is the value. Not a - b, which is
        // NaN for equal infinities too.
        const int is_number = less(p.constant(-1), p.unary(Op::kAbs, primal(i)));
        const int if_neither = p.select(is_number, mul(p.constant(0.5), g), g);
        accumulate(n.a, p.select(b_wins, zero(), p.select(a_wins, g, if_neither)));
        accumulate(n.b, p.select(a_wins, zero(), p.select(b_wins, g, if_neither)));
        break;
      }
      case Op::kSelect:
        accumulate(n.b, p.select(primal(n.a), g, zero()));
        accumulate(n.c, p.select(primal(n.a), zero(), g));
        break;
    }
  }

  constexpr void output_gradients(Input kind, int count) {
    for (int number = 0; number < count; ++number) {
      int gradient = -1;
      for (int i = 0; i < forward_.size; ++i) {
        const Node& n = forward_[i];
        if (n.op == Op::kInput && n.input == kind && n.a == number) gradient = at(adjoint_, i);
      }
      backward_.add_output(gradient < 0 ? backward_.constant(0) : gradient);
    }
  }

  /// Simplification may have left some saved value unused; renumbers the others, and makes them
  /// outputs of the forward program.
  constexpr void keep_saved_values_in_use(CellPrograms& result) {
    result.forward = forward_;
    for (int k = 0; k < saved_count_; ++k) {
      for (int i = 0; i < result.backward.size; ++i) {
        Node& n = result.backward.nodes[static_cast<std::size_t>(i)];
        if (n.op != Op::kInput || n.input != Input::kSaved || n.a != k) continue;
        n.a = static_cast<std::int16_t>(result.saved++);
        result.forward.add_output(saved_[static_cast<std::size_t>(k)]);
        break;
      }
    }
  }

  const Program& forward_;
  CellSizes sizes_;
  Program backward_;
  Map primal_{};
  Map adjoint_{};
  Map saved_{};
  int saved_count_ = 0;
};

}  // namespace detail

/// The programs of a cell from its step: `forward` has the inputs kGate, kState and kParam and one
/// output for each state.
[[nodiscard]] constexpr CellPrograms differentiate(const Program& forward, const CellSizes& sizes) {
  const Program clean = without_dead_code(forward);
  return detail::AdjointBuilder(clean, sizes).build();
}

}  // namespace riverrun
