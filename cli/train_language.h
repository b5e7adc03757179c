#pragma once

#include "cli/command.h"
#include "cli/train_flags.h"

namespace riverrun::cli {

/// What `train` does with texts.
ExitCode train_language(TrainFlags& flags);

}  // namespace riverrun::cli
