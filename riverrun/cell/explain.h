#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "riverrun/cell/descriptor.h"

namespace riverrun {

/// What a layer of a cell costs, biases included, without a projection.
struct CellCost {
  std::int64_t parameters = 0;
  // Multiply-adds of the matrix products, for one step of one sequence.
  std::int64_t forward_products = 0;
  std::int64_t backward_products = 0;
  // For one step of one hidden unit. Functions are exp, ln, tanh, σ and ln σ; operations all else.
  int forward_operations = 0;
  int forward_functions = 0;
  int backward_operations = 0;
  int backward_functions = 0;
  // What the forward keeps for the backward, in single precision.
  int saved_bytes = 0;
  int state_bytes = 0;
};

[[nodiscard]] CellCost cell_cost(const CellDescriptor& cell, std::int64_t input_size,
                                 std::int64_t hidden_size);

/// A cell in words. Formulas are UTF-8: c' is c after the step, ∂c is ∂loss/∂c, σ the sigmoid. A
/// value has the same name (v1, v2, … of the forward, d1, d2, … of the backward) in all of them.
struct CellExplanation {
  std::vector<std::string> gates;  // "i = W_ih·x + b_ih + W_hh·h + b_hh"; a split gate has two
  std::vector<std::string> equations;  // "c' = σ(f)·c + σ(i)·tanh(g)"
  std::vector<std::string> gradients;  // "∂o = ∂h'·tanh(c')·σ(o)·(1 - σ(o))"
  std::vector<std::string> forward;    // one operation each: "v1 = σ(f)"
  std::vector<std::string> backward;
  std::vector<std::string> saved;       // what the forward keeps beside the states: "v1 = σ(f)"
  std::vector<std::string> recomputed;  // what the backward computes once more
};

[[nodiscard]] CellExplanation explain_parts(const CellDescriptor& cell);

/// All of it as a page of text, at most 100 columns wide for cells with short names, with the cost
/// at these sizes.
[[nodiscard]] std::string explain(const CellDescriptor& cell, std::int64_t input_size = 256,
                                  std::int64_t hidden_size = 256);

}  // namespace riverrun
