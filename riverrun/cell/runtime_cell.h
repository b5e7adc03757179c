#pragma once

#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "riverrun/cell/descriptor.h"
#include "riverrun/cell/program.h"
#include "riverrun/cell/sym.h"

namespace riverrun {

/// What a cell's struct says beside its step, as run-time data.
struct CellDefinition {
  struct Gate {
    std::string name;
    bool is_split = false;

    Gate(const char* n) : name(n) {}  // NOLINT(google-explicit-constructor): "i", "f", …
    Gate(std::string n, bool split) : name(std::move(n)), is_split(split) {}
    friend bool operator==(const Gate&, const Gate&) = default;
  };

  std::string name;
  std::vector<Gate> gates;
  std::vector<std::string> states;
  std::vector<std::string> params = {};
  bool recurrent = true;

  friend bool operator==(const CellDefinition&, const CellDefinition&) = default;
};

/// What make_cell made, or a compiler, a cell of.
[[nodiscard]] CellDefinition definition_of(const CellDescriptor& cell);

/// The forward program, with the next states as its only outputs.
[[nodiscard]] Program step_of(const CellDescriptor& cell);

/// Whether two cells are one: under the same names, the same program, whatever runs it.
[[nodiscard]] bool is_same_cell(const CellDescriptor& a, const CellDescriptor& b);

/// A step at run time: gate values (two for a split gate), states and params of one hidden unit to
/// the next states. It is called once.
using RuntimeStep = std::function<std::vector<Sym>(
    std::span<const Sym> gates, std::span<const Sym> states, std::span<const Sym> params)>;

/// A cell made while the program runs, with no compiler; run it with
/// kernels::interpreter_kernels(). Throws std::invalid_argument if a name is missing or given
/// twice, that of a param begins like one of the layer's own (weight_hh), there are too many gates,
/// states or params, or the step gives another number of states; std::length_error if a program
/// would have more than 256 nodes or 32 outputs; and std::logic_error if the step uses a Sym that
/// it kept from another call.
[[nodiscard]] CellDescriptor make_cell(const CellDefinition& definition, const RuntimeStep& step,
                                       const kernels::CellKernels& kernels);

/// The same from a forward program: inputs kGate, kState and kParam, one output for each state.
/// It may come from a file: its nodes are checked, and brought into the form that Program::add
/// gives them.
[[nodiscard]] CellDescriptor make_cell(const CellDefinition& definition, const Program& forward,
                                       const kernels::CellKernels& kernels);

}  // namespace riverrun
