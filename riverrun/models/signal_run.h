#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <tuple>

#include "riverrun/core/fields.h"
#include "riverrun/core/folder.h"
#include "riverrun/models/saved_run.h"
#include "riverrun/models/signal_model.h"
#include "riverrun/train/trainer_options.h"

namespace riverrun::models {

/// How a signal is learnt, beside what TrainerOptions say.
struct SignalTraining {
  /// The part of the signal, at its end, that is validated on in place of being learnt from; 0 if
  /// there is a signal of its own for it, or none: then the last weights are the ones that are
  /// kept.
  double valid_fraction = 0.2;
  /// The signal is learnt in stretches of about so many samples, over which the state is carried
  /// on; each epoch takes them in another order.
  std::int64_t stretch = 16384;
  /// So many samples before a stretch are read, and count for nothing: with them the network has
  /// the state that it would have there.
  std::int64_t lead_in = 1024;

  friend bool operator==(const SignalTraining&, const SignalTraining&) = default;
};

}  // namespace riverrun::models

template <>
inline constexpr auto riverrun::kFields<riverrun::models::SignalTraining> = [] {
  using O = models::SignalTraining;
  return std::tuple{
      Field{"valid_fraction", &O::valid_fraction, from_below(0, 1),
            "Part of the end of the signal that is for validation, if not --valid; 0: none"},
      Field{"stretch", &O::stretch, from_to(1, kMostUpdates),
            "Samples that are learnt one after the other, with the state carried on"},
      Field{"lead_in", &O::lead_in, from_to(0, kMostUpdates),
            "Samples before a stretch that are read and not learnt, for the state there"},
  };
}();

namespace riverrun::models {

/// What models of signals are trained with, but for the batch and the number of epochs.
[[nodiscard]] TrainerOptions signal_trainer_options();

/// All that decides which bits a run ends with, besides the files.
struct SignalRun {
  SignalOptions model;
  TrainerOptions trainer = signal_trainer_options();
  SignalTraining learning;
};

/// What goes into a device and what comes out of it, which must outlive whoever is given them; as
/// many samples of both.
struct SignalPart {
  std::span<const float> dry;
  std::span<const float> wet;
  /// Of what is validated on, how many samples at its beginning are read and do not count; not set:
  /// SignalTraining::lead_in, but at most half of it.
  std::optional<std::int64_t> lead_in = {};
};

/// A signal in two parts: what is learnt from, and what is validated on.
struct SignalSplit {
  SignalPart train;
  /// Begins up to lead_in samples before the end of `train`: they are read and do not count. Empty
  /// without a valid_fraction.
  SignalPart valid;
};
/// Throws ConfigError if a part would be empty.
[[nodiscard]] SignalSplit split(const SignalPart& whole, const SignalTraining& learning);

/// How a signal is cut into batches: an epoch has groups of batch_size stretches side by side, each
/// of which is learnt in chunks of seq_len samples.
struct SignalBatches {
  std::int64_t groups = 0;
  std::int64_t chunks = 0;  ///< of a stretch
  std::int64_t spare = 0;   ///< samples that an epoch leaves out; which ones is drawn
};
/// Throws ConfigError if there are fewer than batch_size · seq_len samples, or batch_size is 0.
[[nodiscard]] SignalBatches signal_batches(std::int64_t samples, const TrainerOptions& options,
                                           const SignalTraining& learning);

/// `run` with what suits the signal that is learnt from: the naive gain, the batch and the number
/// of epochs, and a lead_in that is no longer than the signal. A batch size that `run` has is kept.
[[nodiscard]] SignalRun suggested_run(const SignalPart& learnt, std::int64_t sample_rate,
                                      SignalRun run = {});

/// What the checkpoint in a folder says. Throws IoError; FormatError, also if the parameters'
/// shapes are not those of the model that it describes; and NumericError if a number in it is NaN.
[[nodiscard]] SavedRun<SignalRun> saved_signal_run(const Folder& folder);

}  // namespace riverrun::models
