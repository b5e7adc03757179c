#pragma once

#include <cstdint>
#include <vector>

#include "riverrun/cell/descriptor.h"
#include "riverrun/core/random.h"
#include "riverrun/kernels/cell_kernels.h"
#include "riverrun/nn/cells.h"

#include "tests/cell/odd_cells.h"

namespace riverrun::test {

/// The registered cells, and odd ones that between them have every form a cell can have.
inline const std::vector<const CellDescriptor*>& all_cells() {
  static const std::vector<CellDescriptor> odd = {
      describe<odd_cells::Everything>(kernels::interpreter_kernels()),
      describe<odd_cells::SLSTM>(kernels::interpreter_kernels()),
      describe<odd_cells::IndRNN>(kernels::interpreter_kernels()),
      describe<odd_cells::AllSplit>(kernels::interpreter_kernels()),
      describe<odd_cells::CoupledLSTM>(kernels::interpreter_kernels())};
  static const std::vector<const CellDescriptor*> all = [] {
    std::vector<const CellDescriptor*> cells;
    for (const std::string& name : cell_names()) cells.push_back(&find_cell(name));
    for (const CellDescriptor& cell : odd) cells.push_back(&cell);
    return cells;
  }();
  return all;
}

/// Standard normal numbers.
inline Tensor noise(const Shape& shape, std::uint64_t seed = 1) {
  Tensor tensor(shape);
  Random random(seed);
  random.fill_normal(tensor.values(), 0.0f, 1.0f);
  return tensor;
}

}  // namespace riverrun::test
