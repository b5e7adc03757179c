#pragma once

#include "riverrun/cell/vocabulary.h"

namespace riverrun::cells {

/// The standard network, for contrast: what came before does not reach it.
///   h' = tanh(a),  a = W_ih·x + b
struct Memoryless {
  static constexpr auto name = "memoryless";
  static constexpr bool recurrent = false;  // no W_hh
  static constexpr auto gates = gate_list("a");
  static constexpr auto states = state_list("h");

  template <class T>
  static constexpr States<T, 1> step(Gates<T, 1> a, States<T, 1>) {
    return {tanh(a[0])};
  }
};

}  // namespace riverrun::cells
