#include "riverrun/insight/openings.h"

#include <algorithm>
#include <cstddef>
#include <optional>

namespace riverrun::insight {
namespace {

/// The gate whose value `node` is, or is a sum with.
std::optional<std::size_t> gate_of(const CellDescriptor& cell, int node) {
  const Node& n = cell.programs.forward[node];
  if (n.op == Op::kAdd || n.op == Op::kSub) {
    const std::optional<std::size_t> first = gate_of(cell, n.a);
    return first ? first : gate_of(cell, n.b);
  }
  if (n.op != Op::kInput || n.input != Input::kGate) return std::nullopt;
  for (std::size_t g = 0; g < cell.gates.size(); ++g) {
    if (cell.layout.input_slot[g] == n.a || cell.layout.recurrent_slot[g] == n.a) return g;
  }
  return std::nullopt;
}

}  // namespace

std::vector<Opening> openings(const CellDescriptor& cell) {
  std::vector<std::vector<Opening>> by_gate(cell.gates.size());
  for (int node = 0; node < cell.programs.forward.size; ++node) {
    const Node& n = cell.programs.forward[node];
    if (n.op != Op::kSigmoid) continue;
    if (const std::optional<std::size_t> gate = gate_of(cell, n.a)) {
      by_gate[*gate].push_back({cell.gates[*gate], node});
    }
  }
  std::vector<Opening> result;
  for (const std::vector<Opening>& of_gate : by_gate) {
    result.insert(result.end(), of_gate.begin(), of_gate.end());
  }
  return result;
}

}  // namespace riverrun::insight
