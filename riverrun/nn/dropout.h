#pragma once

#include "riverrun/nn/tape.h"

namespace riverrun {

/// While training, each element is 0 with probability p and otherwise multiplied by 1/(1 - p), as
/// torch.nn.Dropout; else, or with p = 0, the input itself. Draws from tape.random(), one 32-bit
/// number for each element. The result has the input's shape. Throws ConfigError unless p is in
/// [0, 1), and Error if the input is of another tape.
Var dropout(Tape& tape, Var input, float p);

}  // namespace riverrun
