#pragma once

#include "riverrun/cell/vocabulary.h"

namespace riverrun::cells {

/// Gated recurrent unit (Cho et al. 2014), with the reset gate after the product, as cuDNN and
/// PyTorch have it.
///   n' = tanh(n_x + σ(r)·n_h)      h' = (1 - σ(z))·n' + σ(z)·h
struct GRU {
  static constexpr auto name = "gru";
  static constexpr auto gates = gate_list("r", "z", split("n"));
  static constexpr auto states = state_list("h");

  template <class T>
  static constexpr States<T, 1> step(Gates<T, 4> a, States<T, 1> s) {
    const auto [r, z, n_x, n_h] = a;
    const auto [h] = s;
    const T n = tanh(n_x + sigmoid(r) * n_h);
    return {n + sigmoid(z) * (h - n)};
  }
};

}  // namespace riverrun::cells
