#pragma once

#include <optional>

#include "riverrun/train/run_folder.h"

#include "cli/command.h"
#include "cli/train_flags.h"

namespace riverrun::cli {

/// What `train` does with what goes into a device and what comes out. `folder` is that of the run
/// that is resumed, if one is.
ExitCode train_transform(TrainFlags& flags, std::optional<RunFolder> folder);

}  // namespace riverrun::cli
