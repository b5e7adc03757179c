// A branch on a number that is not known when the step is traced.
#include "riverrun/cell/cell.h"

struct Cell {
  static constexpr auto name = "cell";
  static constexpr auto gates = riverrun::gate_list("a", "b");
  static constexpr auto states = riverrun::state_list("h");

  template <class T>
  static constexpr riverrun::States<T, 1> step(riverrun::Gates<T, 2> g, riverrun::States<T, 1> s) {
    if (g[0]) return {tanh(g[1])};
    return s;
  }
};

static_assert(riverrun::kPrograms<Cell>.forward.size > 0);
