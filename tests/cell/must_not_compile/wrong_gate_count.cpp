// A step that takes three gate values of a cell with two gates.
#include "riverrun/cell/cell.h"

struct Cell {
  static constexpr auto name = "cell";
  static constexpr auto gates = riverrun::gate_list("a", "b");
  static constexpr auto states = riverrun::state_list("h");

  template <class T>
  static constexpr riverrun::States<T, 1> step(riverrun::Gates<T, 3> g, riverrun::States<T, 1>) {
    return {tanh(g[0])};
  }
};

static_assert(riverrun::kPrograms<Cell>.forward.size > 0);
