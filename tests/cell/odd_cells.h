#pragma once

#include "riverrun/cell/vocabulary.h"

// Cells that between them use every operation and every form that a cell can have.

namespace riverrun::odd_cells {

/// Every operation that the vocabulary offers, a split gate in the middle, three states.
struct Everything {
  static constexpr auto name = "everything";
  static constexpr auto gates = gate_list("a", split("n"), "d");
  static constexpr auto states = state_list("h", "c", "m");
  static constexpr auto params = param_list("p", "q");

  template <class T>
  static constexpr States<T, 3> step(Gates<T, 4> g, States<T, 3> s, Params<T, 2> weights) {
    const auto [a, n_x, n_h, d] = g;
    const auto [h, c, m] = s;
    const auto [p, q] = weights;
    const T m_next = max(log_sigmoid(a) + m, n_x);
    const T e = exp(log_sigmoid(a) + m - m_next);
    const T mean = sqrt(1.0 + d * d) / (1.0 + abs(n_x));
    const T c_next = select(less(n_x, n_h), e * c + mean, min(c, relu(d))) - p * sigmoid(q);
    return {log(1.0 + exp(c_next)) * -tanh(h), c_next, m_next};
  }
};

/// Every operation that has a derivative, with operands of its own: the gradient of a gate is that
/// of one operation.
struct EachFunction {
  static constexpr auto name = "each_function";
  static constexpr bool recurrent = false;
  static constexpr auto gates =
      gate_list("exp", "log", "tanh", "sigmoid", "log_sigmoid", "sqrt", "abs", "relu", "div_a",
                "div_b", "max_a", "max_b", "min_a", "min_b", "select_a", "select_b");
  static constexpr auto states = state_list("h", "s", "t", "u");

  template <class T>
  static constexpr States<T, 4> step(Gates<T, 16> g, States<T, 4>) {
    return {exp(g[0]) + log(g[1]) + tanh(g[2]) + sigmoid(g[3]),
            log_sigmoid(g[4]) + sqrt(g[5]) + abs(g[6]) + relu(g[7]),
            g[8] / g[9] + max(g[10], g[11]), min(g[12], g[13]) + select(g[14], g[15], 0.5)};
  }
};

/// Exponential gates with a stabilizer (Beck et al. 2024): as many states as there may be.
struct SLSTM {
  static constexpr auto name = "slstm";
  static constexpr auto gates = gate_list("i", "f", "z", "o");
  static constexpr auto states = state_list("h", "c", "n", "m");

  template <class T>
  static constexpr States<T, 4> step(Gates<T, 4> a, States<T, 4> s) {
    const auto [i, f, z, o] = a;
    const auto [h, c, n, m] = s;
    const T m_next = max(log_sigmoid(f) + m, i);
    const T input = exp(i - m_next);
    const T forget = exp(log_sigmoid(f) + m - m_next);
    const T c_next = forget * c + input * tanh(z);
    const T n_next = forget * n + input;
    return {sigmoid(o) * c_next / (1.0 + abs(n_next)), c_next, n_next, m_next};
  }
};

/// Recurrence through a param alone (Li et al. 2018).
struct IndRNN {
  static constexpr auto name = "indrnn";
  static constexpr bool recurrent = false;
  static constexpr auto gates = gate_list("a");
  static constexpr auto states = state_list("h");
  static constexpr auto params = param_list("u");

  template <class T>
  static constexpr States<T, 1> step(Gates<T, 1> a, States<T, 1> h, Params<T, 1> u) {
    return {relu(a[0] + u[0] * h[0])};
  }
};

/// All gates split, and a state that the output does not depend on.
struct AllSplit {
  static constexpr auto name = "all_split";
  static constexpr auto gates = gate_list(split("a"), split("b"));
  static constexpr auto states = state_list("h", "unread");

  template <class T>
  static constexpr States<T, 2> step(Gates<T, 4> g, States<T, 2> s) {
    const auto [a_x, a_h, b_x, b_h] = g;
    return {a_x * tanh(a_h) + sigmoid(b_x) * b_h, 0.5 * s[1] - a_x};
  }
};

/// Outputs that are an input, a constant and the same value twice; a gate that nothing reads.
struct Degenerate {
  static constexpr auto name = "degenerate";
  static constexpr auto gates = gate_list("a", "unread");
  static constexpr auto states = state_list("h", "b", "c", "d");

  template <class T>
  static constexpr States<T, 4> step(Gates<T, 2> g, States<T, 4> s) {
    const T twice = s[2] * s[2] * g[0];
    return {g[0], 0.25, twice, twice};
  }
};

/// An LSTM with one gate for remembering and forgetting, and a peephole (Greff et al. 2017).
struct CoupledLSTM {
  static constexpr auto name = "coupled_lstm";
  static constexpr auto gates = gate_list("f", "g", "o");
  static constexpr auto states = state_list("h", "c");
  static constexpr auto params = param_list("p_o");

  template <class T>
  static constexpr States<T, 2> step(Gates<T, 3> a, States<T, 2> s, Params<T, 1> p) {
    const auto [f, g, o] = a;
    const T forget = sigmoid(f);
    const T c_next = forget * s[1] + (1.0 - forget) * tanh(g);
    return {sigmoid(o + p[0] * c_next) * tanh(c_next), c_next};
  }
};

}  // namespace riverrun::odd_cells
