#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "riverrun/core/random.h"
#include "riverrun/data/text/batches.h"
#include "riverrun/io/safetensors.h"
#include "riverrun/lm/trainer.h"
#include "riverrun/nn/optimizer.h"
#include "riverrun/nn/recurrent.h"
#include "riverrun/nn/schedule.h"

namespace riverrun::lm {

/// What changes while a model is trained, besides its parameters and the optimiser's tensors.
/// Together they are all that a run needs to go on as if it had never stopped.
struct TrainingState {
  std::int64_t step = 0;             // updates so far
  text::Batches::Position position;  // of the next chunk
  Random::State random;              // of dropout
  State carried;                     // the recurrent state at the next chunk's beginning
  double nats = 0;                   // sum of the training loss since the last validation
  std::int64_t nats_tokens = 0;      // how many tokens that sum is over
  ReduceOnPlateau::State plateau;
  /// Evenly spread over the run, kMostValidations of them or fewer, and the last.
  std::vector<Validation> validations;
  std::int64_t validation_count = 0;  // how many there were
  std::optional<Validation> best;

  /// Adds a validation, and omits every second of those before if there are too many.
  void add(const Validation& validation);
};

/// More than a chart shows, few enough that a checkpoint after each validation stays cheap.
inline constexpr std::int64_t kMostValidations = 1000;

/// Which text a run was made with: compared when it is resumed.
struct Fingerprint {
  std::int64_t tokens = 0;
  std::uint64_t hash = 0;
  friend bool operator==(const Fingerprint&, const Fingerprint&) = default;
};
struct Fingerprints {
  Fingerprint train;
  Fingerprint valid;
  friend bool operator==(const Fingerprints&, const Fingerprints&) = default;
};

/// Reads the corpus once. Throws IoError.
[[nodiscard]] Fingerprint fingerprint(const text::Corpus& corpus);

/// Writes checkpoint.safetensors atomically: the parameters under their own names, the optimiser's
/// tensors as "optimizer.<name>", the carried state as "state.<i>", the validations as
/// "validations" [validations, 6], and the rest as JSON in the metadata, beside the digest of the
/// folder's files (see kDigestKey) if they have one. It holds no time of day and no duration, so
/// equal runs write equal files. Throws IoError.
void save_checkpoint(const std::filesystem::path& path, const RunOptions& options,
                     const Fingerprints& texts, const ConstParameterList& parameters,
                     Optimizer& optimizer, const TrainingState& state,
                     const std::optional<std::string>& digest);

/// What the metadata of a checkpoint says.
struct CheckpointHeader {
  RunOptions options;
  Fingerprints texts;
  TrainingState state;  // `carried` is empty
  /// Of the folder that it was written in; see kDigestKey.
  std::optional<std::string> digest;
};
/// Throws FormatError if something is missing or invalid, or the parameters' shapes are not those
/// of the model that the metadata describe, so that the model may be made.
[[nodiscard]] CheckpointHeader checkpoint_header(const io::SafetensorsFile& file);

/// The tensors of a checkpoint. Strict: nothing may be missing, extra or misshapen. Throws
/// FormatError, and NumericError as check_checkpoint_numbers(); then nothing has changed.
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

}  // namespace riverrun::lm
