#pragma once

// What run_description.h declares; for the source of each Run.

#include <string>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "riverrun/core/error.h"
#include "riverrun/core/folder.h"
#include "riverrun/io/fields_json.h"
#include "riverrun/io/parameters.h"
#include "riverrun/io/safetensors.h"
#include "riverrun/models/run_description.h"
#include "riverrun/models/saved_run.h"
#include "riverrun/train/checkpoint.h"
#include "riverrun/train/model_files.h"

namespace riverrun::models {

template <class Run>
std::string to_json(const RunDescription<Run>& description) {
  return io::fields_to_json(description).dump();
}

template <class Run>
RunDescription<Run> parse_description(const std::string& json, const std::string& path) {
  try {
    RunDescription<Run> description;
    io::read_value(nlohmann::ordered_json::parse(json), "objective", description);
    check(description.model);
    check_fields("objective", description);
    return description;
  } catch (const ConfigError& error) {
    throw FormatError(path, 0, fmt::format("not a valid checkpoint: {}", error.what()));
  }
}

/// Of the checkpoint in a folder, as the declarations for each Run have it.
template <class Run>
SavedRun<Run> read_saved_run(const Folder& folder) {
  const io::SafetensorsFile file(folder.open(kCheckpointFile));
  CheckpointHeader header = checkpoint_header(file);
  check_digest(header, config_digest(folder), file.path());
  RunDescription<Run> description = parse_description<Run>(header.objective, file.path());
  io::check_shapes(file, parameter_shapes(description.model), "its metadata");
  check_checkpoint_numbers(file);
  return {.run = {.model = std::move(description.model),
                  .trainer = std::move(header.options),
                  .learning = std::move(description.learning)},
          .train_examples = description.train_examples,
          .valid_examples = description.valid_examples,
          .step = header.state.step,
          .best = header.state.best};
}

}  // namespace riverrun::models
