// A param with the name of a parameter of the layer.
#include "riverrun/cell/cell.h"

struct Cell {
  static constexpr auto name = "cell";
  static constexpr auto gates = riverrun::gate_list("a");
  static constexpr auto states = riverrun::state_list("h");
  static constexpr auto params = riverrun::param_list("p", "weight_hh_gain");

  template <class T>
  static constexpr riverrun::States<T, 1> step(riverrun::Gates<T, 1> g, riverrun::States<T, 1> s,
                                               riverrun::Params<T, 2> p) {
    return {g[0] * p[0] + p[1] * s[0]};
  }
};

static_assert(riverrun::kPrograms<Cell>.forward.size > 0);
