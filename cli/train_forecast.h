#pragma once

#include <optional>

#include "riverrun/train/run_folder.h"

#include "cli/command.h"
#include "cli/train_flags.h"

namespace riverrun::cli {

/// What `train` does with time series. `folder` is that of the run that is resumed, if one is.
ExitCode train_forecast(TrainFlags& flags, std::optional<RunFolder> folder);

}  // namespace riverrun::cli
