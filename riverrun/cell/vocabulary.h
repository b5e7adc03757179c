#pragma once

#include <array>
#include <cstddef>
#include <string_view>

// The words in which a cell is written: gates, states, parameters, and what a step may do with
// them. See docs/cells.md; the cells themselves (lstm.h, gru.h, …) are the examples.

namespace riverrun {

/// The numbers that a step gets and gives for one hidden unit of one sequence. T is Sym, Real or
/// Dual (sym.h, real.h, dual.h), never a vector.
template <class T, std::size_t N>
using Gates = std::array<T, N>;
template <class T, std::size_t N>
using States = std::array<T, N>;
template <class T, std::size_t N>
using Params = std::array<T, N>;

struct Gate {
  std::string_view name;
  /// A split gate arrives as two numbers, W_ih·x + b_ih and W_hh·h + b_hh; any other as their sum.
  bool is_split = false;

  constexpr Gate(const char* n) : name(n) {}  // NOLINT(google-explicit-constructor): "i", "f", …
  constexpr Gate(const char* n, bool split) : name(n), is_split(split) {}
};

[[nodiscard]] constexpr Gate split(const char* name) { return {name, true}; }

template <std::size_t N>
struct GateList {
  std::array<Gate, N> items;

  [[nodiscard]] static constexpr std::size_t size() { return N; }
  /// How many numbers a step gets: one for a gate, two for a split gate.
  [[nodiscard]] constexpr std::size_t values() const {
    std::size_t n = N;
    for (const Gate& gate : items) n += gate.is_split ? 1 : 0;
    return n;
  }
};

template <std::size_t N>
struct NameList {
  std::array<std::string_view, N> items;
  [[nodiscard]] static constexpr std::size_t size() { return N; }
};

/// The gates in the order of the row blocks of weight_ih and weight_hh.
template <class... Names>
[[nodiscard]] constexpr GateList<sizeof...(Names)> gate_list(Names... names) {
  return {{Gate(names)...}};
}

/// The states; the first is the output, and what the recurrent product W_hh·h reads.
template <class... Names>
[[nodiscard]] constexpr NameList<sizeof...(Names)> state_list(Names... names) {
  return {{std::string_view(names)...}};
}

/// Trained numbers, one per hidden unit: a peephole, a decay.
template <class... Names>
[[nodiscard]] constexpr NameList<sizeof...(Names)> param_list(Names... names) {
  return {{std::string_view(names)...}};
}

}  // namespace riverrun
