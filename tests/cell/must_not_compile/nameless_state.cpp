// A state without a name.
#include "riverrun/cell/cell.h"

struct Cell {
  static constexpr auto name = "cell";
  static constexpr auto gates = riverrun::gate_list("a", "b");
  static constexpr auto states = riverrun::state_list("");

  template <class T>
  static constexpr riverrun::States<T, 1> step(riverrun::Gates<T, 2> g, riverrun::States<T, 1> s) {
    return {g[0] + g[1] * s[0]};
  }
};

static_assert(riverrun::kPrograms<Cell>.forward.size > 0);
