#pragma once

// All that a model folder holds; not for users.

#include <filesystem>
#include <optional>
#include <string>

#include "riverrun/lm/model_folder.h"
#include "riverrun/lm/saved_training.h"

namespace riverrun::lm {

/// A model, and the run that can be resumed from the checkpoint beside it.
struct SavedRun {
  SavedModel saved;
  std::optional<Measured> measured;
  std::optional<SavedTraining> checkpoint;  // empty if none can be resumed
  std::string checkpoint_problem;           // why not; empty if there is no checkpoint
};

/// Reads all files of the folder, which is opened once. Throws as load_model(); a bad
/// checkpoint is reported, not thrown.
[[nodiscard]] SavedRun load_run(const std::filesystem::path& folder);

}  // namespace riverrun::lm
