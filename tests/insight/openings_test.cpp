#include "riverrun/insight/openings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "riverrun/nn/cells.h"

#include "tests/insight/networks.h"

namespace riverrun::insight {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> gates_of(const CellDescriptor& cell) {
  std::vector<std::string> gates;
  for (const Opening& opening : openings(cell)) {
    EXPECT_EQ(cell.programs.forward[opening.node].op, Op::kSigmoid);
    gates.push_back(opening.gate);
  }
  return gates;
}

TEST(Openings, AreTheSigmoidsOfGates) {
  EXPECT_THAT(gates_of(find_cell("lstm")), ElementsAre("i", "f", "o"));
  EXPECT_THAT(gates_of(find_cell("gru")), ElementsAre("r", "z"));
  for (const char* cell : {"rnn_tanh", "rnn_relu", "memoryless"}) {
    EXPECT_THAT(gates_of(find_cell(cell)), IsEmpty()) << cell;
  }
}

TEST(Openings, OfAGateWithAPeepholeAndNotOfAParameter) {
  const auto kernels = kernels::interpreter_kernels();
  EXPECT_THAT(gates_of(describe<odd_cells::CoupledLSTM>(kernels)), ElementsAre("f", "o"));
  EXPECT_THAT(gates_of(describe<odd_cells::Everything>(kernels)), IsEmpty());
}

}  // namespace
}  // namespace riverrun::insight
