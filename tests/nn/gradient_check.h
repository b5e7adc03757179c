#pragma once

#include <functional>
#include <vector>

#include "riverrun/nn/parameter.h"
#include "riverrun/nn/tape.h"

namespace riverrun::test {

/// A tensor of normally distributed numbers.
[[nodiscard]] Tensor random_tensor(const Shape& shape, std::uint64_t seed = 1);

/// Records something of the inputs on the tape.
using Function = std::function<Var(Tape& tape, const std::vector<Var>& inputs)>;

/// Compares, with EXPECT, the gradients of Σ output·w, for random w, by all inputs and parameters
/// with central differences of step `h`. An error may be `tolerance` times the tensor's largest
/// gradient.
void check_gradients(const Function& function, std::vector<Tensor> inputs,
                     const ParameterList& parameters = {}, double tolerance = 2e-3, float h = 1e-2f,
                     bool training = true);

}  // namespace riverrun::test
