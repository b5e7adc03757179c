#pragma once

#include "riverrun/cell/vocabulary.h"

namespace riverrun::cells {

/// Long short-term memory (Hochreiter & Schmidhuber 1997; forget gate: Gers et al. 2000).
///   c' = σ(f)·c + σ(i)·tanh(g)      h' = σ(o)·tanh(c')
struct LSTM {
  static constexpr auto name = "lstm";
  static constexpr auto gates = gate_list("i", "f", "g", "o");
  static constexpr auto states = state_list("h", "c");

  template <class T>
  static constexpr States<T, 2> step(Gates<T, 4> a, States<T, 2> s) {
    const auto [i, f, g, o] = a;
    const auto [h, c] = s;
    const T c_next = sigmoid(f) * c + sigmoid(i) * tanh(g);
    return {sigmoid(o) * tanh(c_next), c_next};
  }
};

}  // namespace riverrun::cells
