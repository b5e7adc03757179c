// Two gates of one name.
#include "riverrun/cell/cell.h"

struct Cell {
  static constexpr auto name = "cell";
  static constexpr auto gates = riverrun::gate_list("z", "z");
  static constexpr auto states = riverrun::state_list("h");

  template <class T>
  static constexpr riverrun::States<T, 1> step(riverrun::Gates<T, 2> g, riverrun::States<T, 1> s) {
    return {g[0] + g[1] * s[0]};
  }
};

static_assert(riverrun::kPrograms<Cell>.forward.size > 0);
