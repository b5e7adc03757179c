#pragma once

#include <string>
#include <vector>

#include "riverrun/cell/cell.h"

namespace riverrun {

namespace kernels {
struct CellKernels;  // kernels/cell_kernels.h
}

/// A cell as run-time data: all that the layers above know of it.
struct CellDescriptor {
  static constexpr int kMaxStates = 4;
  static constexpr int kMaxParams = 8;

  std::string name;                 // "lstm"
  std::vector<std::string> gates;   // row blocks of weight_ih and weight_hh: i, f, g, o
  std::vector<std::string> states;  // states[0] is the output: h, c
  std::vector<std::string> params;  // one number per hidden unit each; none for most cells
  bool recurrent = true;            // false: no W_hh·h
  GateLayout layout;
  CellPrograms programs;
  const kernels::CellKernels* kernels = nullptr;

  /// A projection W_hr·h takes the place of h, so the step itself must not read h.
  [[nodiscard]] bool allows_projection() const {
    return recurrent && !programs.forward.reads(Input::kState, 0);
  }
};

/// The descriptor of cell C with its compiled kernels: `Recurrent net(cell<cells::LSTM>(), …)`.
/// Defined where riverrun_add_cell (CMake) had the cell compiled.
template <class C>
[[nodiscard]] const CellDescriptor& cell();

/// The descriptor of cell C, to be run by `kernels`.
template <class C>
[[nodiscard]] CellDescriptor describe(const kernels::CellKernels& kernels) {
  CellDescriptor cell;
  cell.name = C::name;
  for (const Gate& gate : C::gates.items) cell.gates.emplace_back(gate.name);
  for (const std::string_view state : C::states.items) cell.states.emplace_back(state);
  for (const std::string_view param : params_of<C>().items) cell.params.emplace_back(param);
  cell.recurrent = is_recurrent<C>();
  cell.layout = kGateLayout<C>;
  cell.programs = kPrograms<C>;
  cell.kernels = &kernels;
  return cell;
}

}  // namespace riverrun
