#pragma once

// All that a model folder holds; not for users.

#include <filesystem>
#include <optional>
#include <string>

#include "riverrun/lm/model_folder.h"
#include "riverrun/lm/saved_training.h"

namespace riverrun::lm {

/// A model, and the run that the checkpoint beside it goes on with.
struct SavedRun {
  SavedModel saved;
  std::optional<Measured> measured;
  std::optional<SavedTraining> checkpoint;  // nothing if there is none that can be gone on from
  std::string checkpoint_problem;           // why not; empty if there is no checkpoint
};

/// Reads all files of the folder, which is opened once. Throws as load_model(); what is wrong with
/// the checkpoint is no error.
[[nodiscard]] SavedRun load_run(const std::filesystem::path& folder);

}  // namespace riverrun::lm
