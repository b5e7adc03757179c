#include "riverrun/models/classifier_run.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "riverrun/core/error.h"
#include "riverrun/io/fields_json.h"
#include "riverrun/io/parameters.h"
#include "riverrun/io/safetensors.h"
#include "riverrun/models/classifier_description.h"
#include "riverrun/train/checkpoint.h"
#include "riverrun/train/model_files.h"

namespace riverrun::models {

ClassifierRun suggested_run(const data::LabelledSequences& data,
                            std::span<const std::int64_t> learnt) {
  ClassifierRun run;
  describe(data, learnt, run.model);
  std::int64_t longest = 1;
  for (const std::int64_t index : learnt) {
    longest = std::max(longest, data.sequences[static_cast<std::size_t>(index)].seq_len);
  }
  // Some 32 steps are enough to tell short sequences apart; the convolution's kernel must cover
  // those between.
  constexpr std::int64_t kSteps = 32;
  constexpr std::int64_t kLargestStride = 8;
  run.model.conv_stride =
      std::clamp<std::int64_t>((longest + kSteps / 2) / kSteps, 1, kLargestStride);
  // Few sequences are learnt often, in small batches; many, at least some times.
  constexpr std::int64_t kUpdates = 1000;
  constexpr std::int64_t kLeastEpochs = 20;
  const auto count = static_cast<std::int64_t>(learnt.size());
  run.trainer.batch_size = count < 2000 ? 16 : count < 20000 ? 32 : 64;
  const std::int64_t updates = (count - 1) / run.trainer.batch_size + 1;
  run.trainer.epochs =
      std::max(kLeastEpochs, (kUpdates - 1) / std::max<std::int64_t>(updates, 1) + 1);
  run.trainer.optimizer = "adamw";
  run.trainer.lr = 2e-3;
  run.trainer.weight_decay = 0.01;
  run.trainer.warmup = 50;
  return run;
}

std::string to_json(const ClassifierDescription& description) {
  return io::fields_to_json(description).dump();
}

ClassifierDescription parse_description(const std::string& json, const std::string& path) {
  try {
    ClassifierDescription description;
    io::read_value(nlohmann::ordered_json::parse(json), "objective", description);
    check(description.model);
    check_fields("ClassifierObjective", description);
    return description;
  } catch (const ConfigError& error) {
    throw FormatError(path, 0, fmt::format("not a valid checkpoint: {}", error.what()));
  }
}

SavedClassifierRun checkpoint_run(const Folder& folder) {
  const io::SafetensorsFile file(folder.open(kCheckpointFile));
  CheckpointHeader header = checkpoint_header(file);
  check_digest(header, config_digest(folder), file.path());
  ClassifierDescription description = parse_description(header.objective, file.path());
  io::check_shapes(file, parameter_shapes(sequence_options(description.model)), "its metadata");
  return {.run = {.model = std::move(description.model),
                  .trainer = std::move(header.options),
                  .learning = std::move(description.learning)},
          .train_sequences = description.train_sequences,
          .valid_sequences = description.valid_sequences,
          .step = header.state.step,
          .best = header.state.best};
}

}  // namespace riverrun::models
