// Two states of one name.
#include "riverrun/cell/cell.h"

struct Cell {
  static constexpr auto name = "cell";
  static constexpr auto gates = riverrun::gate_list("a", "b");
  static constexpr auto states = riverrun::state_list("h", "h");

  template <class T>
  static constexpr riverrun::States<T, 2> step(riverrun::Gates<T, 2> g, riverrun::States<T, 2> s) {
    return {g[0] + s[1], g[1] * s[0]};
  }
};

static_assert(riverrun::kPrograms<Cell>.forward.size > 0);
