#pragma once

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <vector>

#include "riverrun/cell/descriptor.h"
#include "riverrun/cell/dual.h"
#include "riverrun/cell/program.h"
#include "riverrun/cell/real.h"

// The plainest way to run a cell: one number at a time, in double precision. Slow, and what every
// kernel is compared with. Dimension letters: T steps, I input_size, H hidden_size, G gates,
// S states, P params.

namespace riverrun::reference {

/// The value of every node of a program, in memory that is used again. `input(kind, number)` gives
/// the inputs; V is Real, Reals or Dual.
template <class V, class InputOf>
void evaluate(const Program& program, const InputOf& input, std::vector<V>& values) {
  values.resize(static_cast<std::size_t>(program.size));
  const auto value = [&](int node) { return values[static_cast<std::size_t>(node)]; };
  const auto compute = [&](const Node& n) -> V {
    switch (n.op) {
      case Op::kInput:
        return input(n.input, static_cast<int>(n.a));
      case Op::kConstant:
        return n.constant;
      case Op::kAdd:
        return value(n.a) + value(n.b);
      case Op::kSub:
        return value(n.a) - value(n.b);
      case Op::kMul:
        return value(n.a) * value(n.b);
      case Op::kDiv:
        return value(n.a) / value(n.b);
      case Op::kNeg:
        return -value(n.a);
      case Op::kExp:
        return exp(value(n.a));
      case Op::kLog:
        return log(value(n.a));
      case Op::kTanh:
        return tanh(value(n.a));
      case Op::kSigmoid:
        return sigmoid(value(n.a));
      case Op::kLogSigmoid:
        return log_sigmoid(value(n.a));
      case Op::kSqrt:
        return sqrt(value(n.a));
      case Op::kAbs:
        return abs(value(n.a));
      case Op::kRelu:
        return relu(value(n.a));
      case Op::kMax:
        return max(value(n.a), value(n.b));
      case Op::kMin:
        return min(value(n.a), value(n.b));
      case Op::kLess:
        return less(value(n.a), value(n.b));
      case Op::kSelect:
        return select(value(n.a), value(n.b), value(n.c));
    }
    throw std::logic_error("evaluate: unknown operation");
  };
  for (int i = 0; i < program.size; ++i) values[static_cast<std::size_t>(i)] = compute(program[i]);
}

template <class V, class InputOf>
[[nodiscard]] std::vector<V> evaluate(const Program& program, const InputOf& input) {
  std::vector<V> values;
  evaluate(program, input, values);
  return values;
}

/// A row-major matrix.
struct Matrix {
  std::int64_t rows = 0;
  std::int64_t columns = 0;
  std::vector<double> data;

  Matrix() = default;
  Matrix(std::int64_t r, std::int64_t c)
      : rows(r), columns(c), data(static_cast<std::size_t>(r * c)) {}
  [[nodiscard]] double& operator()(std::int64_t r, std::int64_t c) {
    return data[static_cast<std::size_t>(r * columns + c)];
  }
  [[nodiscard]] double operator()(std::int64_t r, std::int64_t c) const {
    return data[static_cast<std::size_t>(r * columns + c)];
  }
};

/// The weights of a layer; also their gradients.
struct Weights {
  Weights(const CellDescriptor& cell, std::int64_t input_size, std::int64_t hidden_size);

  Matrix weight_ih;             // [G*H, I]
  Matrix weight_hh;             // [G*H, H]; no rows if the cell is not recurrent
  std::vector<double> bias_ih;  // [G*H]
  std::vector<double> bias_hh;  // [G*H]; empty if the cell is not recurrent
  Matrix params;                // [P, H]
};

/// One layer, one direction, one sequence. Indices are not checked.
class Layer {
 public:
  /// `cell` must live as long as the layer.
  Layer(const CellDescriptor& cell, Weights weights);

  struct Run {
    Matrix input;                // [T, I]
    std::vector<Matrix> states;  // T+1 times [S, H]: before the first step, after each
    std::vector<Matrix> saved;   // T times [K, H]: what the forward program saves

    [[nodiscard]] double output(std::int64_t t, std::int64_t unit) const {
      return states[static_cast<std::size_t>(t + 1)](0, unit);
    }
  };
  /// input [T, I], initial_states [S, H].
  [[nodiscard]] Run forward(const Matrix& input, const Matrix& initial_states) const;

  struct Gradients {
    Matrix input;           // [T, I]
    Matrix initial_states;  // [S, H]
    Weights weights;
  };
  /// From ∂loss/∂output [T, H] and ∂loss/∂(final states) [S, H].
  [[nodiscard]] Gradients backward(const Run& run, const Matrix& grad_output,
                                   const Matrix& grad_final_states) const;

 private:
  [[nodiscard]] std::vector<double> gate_values(const Matrix& input, std::int64_t t,
                                                const Matrix& states, std::int64_t unit) const;
  void add_gate_gradients(const Run& run, std::int64_t t, std::int64_t unit,
                          const std::vector<double>& grad_gates, Gradients& grad) const;

  const CellDescriptor& cell_;
  Weights weights_;
  std::int64_t hidden_;
};

}  // namespace riverrun::reference
