// A number that was recorded in another program.
#include <type_traits>

#include "riverrun/cell/cell.h"

struct Cell {
  static constexpr auto name = "cell";
  static constexpr auto gates = riverrun::gate_list("a", "b");
  static constexpr auto states = riverrun::state_list("h");

  template <class T>
  static constexpr riverrun::States<T, 1> step(riverrun::Gates<T, 2> g, riverrun::States<T, 1> s) {
    if constexpr (std::is_same_v<T, riverrun::Sym>) {
      riverrun::Program other;
      const T foreign(other, other.input(riverrun::Input::kGate, 1));
      return {g[0] + foreign * s[0]};
    } else {
      return {g[0] + g[1] * s[0]};
    }
  }
};

static_assert(riverrun::kPrograms<Cell>.forward.size > 0);
