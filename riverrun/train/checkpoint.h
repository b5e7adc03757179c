#pragma once

// What a stopped run is resumed from; internal.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "riverrun/core/random.h"
#include "riverrun/io/safetensors.h"
#include "riverrun/nn/optimizer.h"
#include "riverrun/nn/schedule.h"
#include "riverrun/train/objective.h"
#include "riverrun/train/trainer.h"
#include "riverrun/train/trainer_options.h"

namespace riverrun {

/// What changes while a model is trained, besides its parameters, the optimiser's tensors and the
/// carried state. Together they are all that a run needs to go on as if it had never stopped.
struct TrainingState {
  std::int64_t step = 0;     // updates so far, which say where in the data it is
  Random::State random;      // of dropout
  double loss = 0;           // sum of the training loss since the last validation
  std::int64_t targets = 0;  // how many targets that sum is over
  ReduceOnPlateau::State plateau;
  /// Evenly spread over the run, kMostValidations of them or fewer, and the last.
  std::vector<Validation> validations;
  std::int64_t validation_count = 0;  // how many there were
  std::int64_t since_best = 0;        // and how many since the best
  std::optional<Validation> best;

  /// Adds a validation, and omits every second of those before if there are too many.
  void add(const Validation& validation);
};

/// More than a chart shows, few enough that a checkpoint after each validation stays cheap.
inline constexpr std::int64_t kMostValidations = 1000;

/// What the metadata of a checkpoint says.
struct CheckpointHeader {
  /// Objective::description() and state().
  std::string objective;
  std::string objective_state;
  TrainerOptions options;
  TrainingState state;
  /// Of the folder that it was written in; see kDigestKey.
  std::optional<std::string> digest;
  /// Of a version whose checkpoints have no digest.
  bool before_digests = false;
};

/// Writes checkpoint.safetensors atomically: the parameters under their own names, the optimiser's
/// tensors as "optimizer.<name>", the carried state as "state.<i>", the validations as
/// "validations" [validations, 7], and the header as JSON in the metadata, beside the digest if
/// there is one. It holds no time of day and no duration, so equal runs write equal files. Throws
/// IoError.
void save_checkpoint(const std::filesystem::path& path, const CheckpointHeader& header,
                     const ConstParameterList& parameters, Optimizer& optimizer,
                     const State& carried);

/// Throws FormatError if something is missing or invalid.
[[nodiscard]] CheckpointHeader checkpoint_header(const io::SafetensorsFile& file);

/// The tensors of a checkpoint; `carried` has the shapes of the objective's zero_state(). Strict:
/// nothing may be missing, extra or misshapen. Throws FormatError, and NumericError as
/// check_checkpoint_numbers(); then nothing has changed.
void load_checkpoint_tensors(const io::SafetensorsFile& file, const ParameterList& parameters,
                             Optimizer& optimizer, State& carried);

/// Throws NumericError, which names the tensor and the element, if a weight or a carried state is
/// NaN or infinite, or a moment of the optimiser NaN. Reads all tensors, one at a time.
void check_checkpoint_numbers(const io::SafetensorsFile& file);

/// Throws FormatError unless a checkpoint beside a config.json with the digest `expected` may be of
/// the same run. `path` is the checkpoint's.
void check_digest(const CheckpointHeader& header, const std::optional<std::string>& expected,
                  const std::string& path);

/// Throws IoError if the folder, or the one that it is to be made in, has no room for the model and
/// its checkpoints beside what is there of them.
void require_space(const std::filesystem::path& folder, const ConstParameterList& parameters,
                   Optimizer& optimizer);

}  // namespace riverrun
