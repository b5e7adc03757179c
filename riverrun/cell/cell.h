#pragma once

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <string_view>
#include <utility>

#include "riverrun/cell/adjoint.h"
#include "riverrun/cell/dual.h"
#include "riverrun/cell/gate_layout.h"
#include "riverrun/cell/program.h"
#include "riverrun/cell/real.h"
#include "riverrun/cell/sym.h"
#include "riverrun/cell/vocabulary.h"

namespace riverrun {

/// The params of a cell, none if it does not name any.
template <class C>
[[nodiscard]] constexpr auto params_of() {
  if constexpr (requires { C::params; }) {
    return C::params;
  } else {
    return NameList<0>{};
  }
}

/// Whether the gates get W_hh·h: so unless the cell says `static constexpr bool recurrent = false`.
template <class C>
[[nodiscard]] constexpr bool is_recurrent() {
  if constexpr (requires { C::recurrent; }) {
    return C::recurrent;
  } else {
    return true;
  }
}

template <class C>
inline constexpr std::size_t kGateCount = C::gates.size();
template <class C>
inline constexpr std::size_t kGateValues = C::gates.values();
template <class C>
inline constexpr std::size_t kStateCount = C::states.size();
template <class C>
inline constexpr std::size_t kParamCount = params_of<C>().size();

template <class C>
inline constexpr GateLayout kGateLayout = [] {
  GateLayout layout;
  for (const Gate& gate : C::gates.items) layout.add_gate(gate.is_split);
  return layout;
}();

namespace detail {

/// The names of a cell's gates, states and params, in this order.
template <class C>
[[nodiscard]] constexpr auto names_of() {
  std::array<std::string_view, kGateCount<C> + kStateCount<C> + kParamCount<C>> names;
  auto* next = names.data();
  for (const Gate& gate : C::gates.items) *next++ = gate.name;
  for (const std::string_view state : C::states.items) *next++ = state;
  for (const std::string_view param : params_of<C>().items) *next++ = param;
  return names;
}

template <std::size_t N>
[[nodiscard]] constexpr bool all_named(const std::array<std::string_view, N>& names) {
  return std::none_of(names.begin(), names.end(), [](std::string_view n) { return n.empty(); });
}

template <std::size_t N>
[[nodiscard]] constexpr bool all_different(const std::array<std::string_view, N>& names) {
  for (auto name = names.begin(); name != names.end(); ++name) {
    if (std::find(names.begin(), name, *name) != name) return false;
  }
  return true;
}

/// Whether a param would be taken for one of the layer's own parameters, which files and what looks
/// parameters up know by how their names begin: "weight_hh_gain" too.
[[nodiscard]] constexpr bool is_name_of_layer(std::string_view param) {
  constexpr std::array<std::string_view, 5> kOwn = {"weight_ih", "weight_hh", "weight_hr",
                                                    "bias_ih", "bias_hh"};
  return std::any_of(kOwn.begin(), kOwn.end(),
                     [param](std::string_view own) { return param.starts_with(own); });
}

template <std::size_t N>
[[nodiscard]] constexpr bool none_of_layer(const NameList<N>& params) {
  return std::none_of(params.items.begin(), params.items.end(), is_name_of_layer);
}

/// What make_cell (runtime_cell.h) asks of a definition, asked of C.
template <class C>
constexpr void check_definition() {
  static_assert(kGateCount<C> > 0 && kStateCount<C> > 0,
                "a cell must have at least one gate and one state");
  static_assert(all_named(names_of<C>()), "a gate, state or param of a cell has no name");
  static_assert(all_different(names_of<C>()),
                "the names of a cell's gates, states and params must all differ");
  static_assert(none_of_layer(params_of<C>()),
                "a cell has a param whose name begins like a parameter of the layer: weight_ih, "
                "weight_hh, weight_hr, bias_ih or bias_hh");
  static_assert(is_recurrent<C>() || kGateValues<C> == kGateCount<C>,
                "a cell with recurrent = false must not split a gate: it has no W_hh·h");
}

}  // namespace detail

/// One step of cell C for one hidden unit.
template <class C, class T>
[[nodiscard]] constexpr States<T, kStateCount<C>> cell_step(
    const Gates<T, kGateValues<C>>& gates, const States<T, kStateCount<C>>& states,
    const Params<T, kParamCount<C>>& params) {
  constexpr bool takes_gates_and_states = requires {
    { C::template step<T>(gates, states) } -> std::same_as<States<T, kStateCount<C>>>;
  };
  constexpr bool takes_params = requires {
    { C::template step<T>(gates, states, params) } -> std::same_as<States<T, kStateCount<C>>>;
  };
  static_assert(kParamCount<C> > 0 ? takes_params : takes_gates_and_states,
                "a cell's step must be step(Gates<T, G>, States<T, S>) -> States<T, S>, with "
                "Params<T, P> as third argument if the cell names params; G is the number of "
                "gates (a split gate counts twice), S that of states, P that of params");
  if constexpr (takes_params) {
    return C::template step<T>(gates, states, params);
  } else if constexpr (takes_gates_and_states) {
    return C::template step<T>(gates, states);
  } else {
    return {};
  }
}

/// Records one step of cell C.
template <class C>
[[nodiscard]] constexpr Program trace() {
  detail::check_definition<C>();
  Program program;
  const auto inputs = [&]<std::size_t N>(Input kind, std::array<Sym, N>& symbols) {
    for (std::size_t i = 0; i < N; ++i) {
      symbols[i] = Sym(program, program.input(kind, static_cast<int>(i)));
    }
  };
  Gates<Sym, kGateValues<C>> gates;
  States<Sym, kStateCount<C>> states;
  Params<Sym, kParamCount<C>> params;
  inputs(Input::kGate, gates);
  inputs(Input::kState, states);
  inputs(Input::kParam, params);
  for (const Sym& next : cell_step<C, Sym>(gates, states, params)) {
    program.add_output(next.node(program));
  }
  return program;
}

/// The forward and backward programs of cell C, made by the compiler.
template <class C>
inline constexpr CellPrograms kPrograms =
    differentiate(trace<C>(), {.gate_values = static_cast<int>(kGateValues<C>),
                               .states = static_cast<int>(kStateCount<C>),
                               .params = static_cast<int>(kParamCount<C>)});

}  // namespace riverrun
