#include "riverrun/lm/saved_run.h"

#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "riverrun/core/error.h"
#include "riverrun/io/safetensors.h"

namespace riverrun::lm {
namespace {

/// Throws Error if the checkpoint cannot be gone on from.
SavedTraining read_checkpoint(const Folder& folder, const LoadedModel& loaded) {
  const io::SafetensorsFile file(folder.open(kCheckpointFile));
  check_digest(checkpoint_header(file), loaded.digest, file.path());
  SavedTraining training = read_training(file);
  const auto sizes = [](const LanguageModelOptions& o) {
    return std::tie(o.cell, o.vocab_size, o.embedding_size, o.hidden_size, o.num_layers);
  };
  if (sizes(training.options.model) != sizes(loaded.saved.model.options())) {
    throw FormatError(file.path(), 0, "it is of a model of other sizes");
  }
  check_checkpoint_numbers(file);
  return training;
}

}  // namespace

SavedRun load_run(const std::filesystem::path& folder) {
  std::optional<SavedRun> run;
  read_model_folder(folder, [&run](const Folder& opened) {
    LoadedModel loaded = load_model(opened);
    std::optional<SavedTraining> checkpoint;
    std::string problem;
    if (opened.contains(kCheckpointFile)) {
      try {
        checkpoint = read_checkpoint(opened, loaded);
      } catch (const Error& error) {
        problem = error.what();
      }
    }
    run = {std::move(loaded.saved), loaded.measured, std::move(checkpoint), std::move(problem)};
  });
  return std::move(*run);
}

}  // namespace riverrun::lm
