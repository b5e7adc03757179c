#pragma once

#include "riverrun/cell/vocabulary.h"

namespace riverrun::cells {

/// Simple recurrent network (Elman 1990).
///   h' = tanh(a)
struct RNNTanh {
  static constexpr auto name = "rnn_tanh";
  static constexpr auto gates = gate_list("a");
  static constexpr auto states = state_list("h");

  template <class T>
  static constexpr States<T, 1> step(Gates<T, 1> a, States<T, 1>) {
    return {tanh(a[0])};
  }
};

/// The same with a rectifier, which neither bounds h nor flattens its gradient (Le et al. 2015).
///   h' = max(a, 0)
struct RNNRelu {
  static constexpr auto name = "rnn_relu";
  static constexpr auto gates = gate_list("a");
  static constexpr auto states = state_list("h");

  template <class T>
  static constexpr States<T, 1> step(Gates<T, 1> a, States<T, 1>) {
    return {relu(a[0])};
  }
};

}  // namespace riverrun::cells
