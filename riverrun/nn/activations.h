#pragma once

#include "riverrun/nn/tape.h"

namespace riverrun {

// Elementwise functions on a tape, for composing layers. The result has the input's shape.

Var tanh(Var input);
/// 1/(1 + e⁻ˣ)
Var sigmoid(Var input);
Var relu(Var input);

/// The sum of two values of one shape, for residual connections. Throws ShapeError, and Error if
/// they are of two tapes.
Var add(Var a, Var b);
/// The elementwise product of two values of one shape, for gates. Throws as add.
Var multiply(Var a, Var b);

}  // namespace riverrun
