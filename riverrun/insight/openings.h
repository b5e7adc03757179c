#pragma once

#include <string>
#include <vector>

#include "riverrun/cell/descriptor.h"

namespace riverrun::insight {

/// How far a gate is open, in (0, 1): a sigmoid in the cell's step of a gate value, or of a sum
/// with one, as of a gate with a peephole.
struct Opening {
  std::string gate;
  int node = 0;  ///< of the cell's forward program
};

/// Those of a cell, in the order of its gates; none for a cell whose gates only squash, such as a
/// plain recurrent network.
[[nodiscard]] std::vector<Opening> openings(const CellDescriptor& cell);

}  // namespace riverrun::insight
