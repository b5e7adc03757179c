#pragma once

#include "riverrun/cell/vocabulary.h"

/// An LSTM that forgets as much as it takes in (coupled gates: Greff et al. 2017), and whose output
/// gate sees the new memory (peephole: Gers & Schmidhuber 2000).
///   c' = σ(f)·c + (1 - σ(f))·tanh(g)      h' = σ(o + p_o·c')·tanh(c')
struct CoupledLSTM {
  static constexpr auto name = "coupled_lstm";
  static constexpr auto gates = riverrun::gate_list("f", "g", "o");
  static constexpr auto states = riverrun::state_list("h", "c");
  static constexpr auto params = riverrun::param_list("p_o");

  template <class T>
  static constexpr auto step(riverrun::Gates<T, 3> a, riverrun::States<T, 2> s,
                             riverrun::Params<T, 1> p) -> riverrun::States<T, 2> {
    const auto [f, g, o] = a;
    const T c_next = sigmoid(f) * s[1] + (1.0 - sigmoid(f)) * tanh(g);
    return {sigmoid(o + p[0] * c_next) * tanh(c_next), c_next};
  }
};
