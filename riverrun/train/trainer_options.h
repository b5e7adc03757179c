#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>

#include "riverrun/core/fields.h"
#include "riverrun/nn/optimizer.h"
#include "riverrun/nn/parameter.h"
#include "riverrun/nn/schedule.h"

namespace riverrun {

/// How a model is trained. The defaults go with those of lm::LanguageModelOptions.
struct TrainerOptions {
  /// Of long sequences, the steps of a chunk: gradients flow through so many, the state is carried
  /// on (truncated back-propagation through time, Williams & Peng 1990).
  std::int64_t seq_len = 128;
  /// Sequences, or stretches of a long one, that are read side by side; 0: as the data suggest.
  std::int64_t batch_size = 0;
  std::int64_t epochs = 8;
  /// "sgd", "adam", "adamw" or "rmsprop".
  std::string optimizer = "adamw";
  double lr = 3e-3;
  /// Of sgd and rmsprop; below 1.
  double momentum = 0;
  double weight_decay = 0;
  /// "constant", "step", "cosine" (to 0 at the end of the last epoch) or "plateau".
  std::string schedule = "cosine";
  /// Updates during which lr rises linearly to its value; not with "plateau".
  std::int64_t warmup = 100;
  /// What lr is multiplied by: by "step" at the end of each epoch from the `decay_after`-th on, by
  /// "plateau" after each validation that is no improvement.
  double decay = 0.5;
  std::int64_t decay_after = 4;
  /// The global norm that gradients are scaled down to (Pascanu et al. 2013); 0 for none.
  double clip = 1.0;
  /// Updates between validations, in addition to the one after each epoch; 0: such that they take
  /// about a tenth of the time.
  std::int64_t valid_every = 0;
  /// Training ends after so many validations in a row that were no improvement ("early stopping",
  /// Prechelt 1998); 0: never before the last epoch.
  std::int64_t patience = 0;
  /// Of dropout.
  std::uint64_t seed = 1;

  friend bool operator==(const TrainerOptions&, const TrainerOptions&) = default;
};

inline constexpr std::array<std::string_view, 4> kOptimizers = {"sgd", "adam", "adamw", "rmsprop"};
inline constexpr std::array<std::string_view, 4> kSchedules = {"constant", "step", "cosine",
                                                               "plateau"};
/// Of whole numbers: products of them are computed as 64-bit numbers.
inline constexpr double kMostUpdates = 1 << 30;

template <>
inline constexpr auto kFields<TrainerOptions> = [] {
  using O = TrainerOptions;
  return std::tuple{
      Field{"seq_len", &O::seq_len, from_to(1, kMostUpdates),
            "Steps that gradients flow back through"},
      Field{"batch_size", &O::batch_size, from_to(0, kMostUpdates),
            "Stretches of a text or a signal, sequences or sentences side by side; 0: by the data"},
      Field{"epochs", &O::epochs, from_to(1, kMostUpdates),
            "Passes over the data; with --resume it may be given anew"},
      Field{"optimizer", &O::optimizer, one_of(kOptimizers), "sgd, adam, adamw or rmsprop"},
      Field{"lr", &O::lr, at_least(0), "Learning rate"},
      Field{"momentum", &O::momentum, from_below(0, 1), "Of sgd and rmsprop"},
      Field{"weight_decay", &O::weight_decay, at_least(0), "Pull of the weights towards 0"},
      Field{"schedule", &O::schedule, one_of(kSchedules),
            "Of the learning rate: constant, step, cosine or plateau"},
      Field{"warmup", &O::warmup, from_to(0, kMostUpdates),
            "Updates during which the learning rate rises"},
      Field{"decay", &O::decay, between(0, 1), "What step and plateau multiply it by"},
      Field{"decay_after", &O::decay_after, from_to(1, kMostUpdates),
            "step: epochs before the first decay"},
      Field{"clip", &O::clip, at_least(0), "Largest norm of a gradient; 0: any"},
      Field{"valid_every", &O::valid_every, from_to(0, kMostUpdates),
            "Updates between validations within an epoch; 0: chosen by the data's sizes"},
      Field{"patience", &O::patience, from_to(0, kMostUpdates),
            "End after so many validations in a row without improvement; 0: never"},
      Field{"seed", &O::seed},
  };
}();

/// Throws ConfigError if an option is out of range; the message names it.
void check(const TrainerOptions& options);

/// The optimiser that the options name.
[[nodiscard]] std::unique_ptr<Optimizer> make_optimizer(const TrainerOptions& options,
                                                        const ParameterList& parameters);

/// The learning rate over all steps of a run; empty for "plateau", whose rate depends on what is
/// measured.
[[nodiscard]] Schedule make_schedule(const TrainerOptions& options, std::int64_t steps_per_epoch);

}  // namespace riverrun
