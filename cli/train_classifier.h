#pragma once

#include "cli/command.h"
#include "cli/train_flags.h"

namespace riverrun::cli {

/// What `train` does with labelled sequences.
ExitCode train_classifier(TrainFlags& flags);

}  // namespace riverrun::cli
