// The same in a layer of fixed size.
#include <array>

#include "riverrun/fixed/recurrent.h"

struct Cell {
  static constexpr auto name = "cell";
  static constexpr auto gates = riverrun::gate_list("a");
  static constexpr auto states = riverrun::state_list("h");
  static constexpr auto params = riverrun::param_list("p", "bias_ih");

  template <class T>
  static constexpr riverrun::States<T, 1> step(riverrun::Gates<T, 1> g, riverrun::States<T, 1> s,
                                               riverrun::Params<T, 2> p) {
    return {g[0] * p[0] + p[1] * s[0]};
  }
};

void run() {
  riverrun::fixed::Recurrent<Cell, 1, 4> layer;
  std::array<float, 1> x = {1.0f};
  std::array<float, 4> y;
  layer.step(x, y);
}
