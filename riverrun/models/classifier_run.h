#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <tuple>

#include "riverrun/core/fields.h"
#include "riverrun/core/folder.h"
#include "riverrun/data/labelled.h"
#include "riverrun/models/classifier.h"
#include "riverrun/models/saved_run.h"
#include "riverrun/train/trainer_options.h"

namespace riverrun::models {

inline constexpr std::array<std::string_view, 2> kClassWeights = {"none", "balanced"};

/// How a classifier learns from sequences, beside what TrainerOptions say.
struct ClassifierTraining {
  /// The part of each class that is validated on in place of being learnt from; 0 if there are
  /// sequences of their own for it, or none: then the last weights are the ones that are kept.
  double valid_fraction = 0.2;
  /// What a sequence counts: "none", each the same; "balanced", n/(classes·n_c) for one of a class
  /// of n_c sequences among n, so that all classes count the same. Validation counts likewise.
  std::string class_weights = "none";
  // Each sequence is changed a little whenever it is learnt from (Um et al. 2017, "Data
  // augmentation of wearable sensor data"), after it was standardised.
  /// Its steps are shifted by up to this part of its length, either way; what would come from
  /// beyond an end is the step at the end.
  double shift = 0.1;
  /// Each channel is multiplied by a number of mean 1 and this standard deviation.
  double scaling = 0.1;
  /// To each value a number of mean 0 and this standard deviation is added.
  double jitter = 0.1;

  friend bool operator==(const ClassifierTraining&, const ClassifierTraining&) = default;
};

}  // namespace riverrun::models

template <>
inline constexpr auto riverrun::kFields<riverrun::models::ClassifierTraining> = [] {
  using O = models::ClassifierTraining;
  return std::tuple{
      Field{"valid_fraction", &O::valid_fraction, from_below(0, 1),
            "Part of each class that is for validation, if not --valid; 0: none"},
      Field{"class_weights", &O::class_weights, one_of(models::kClassWeights),
            "none, or balanced: classes of few examples count as much as others"},
      Field{"shift", &O::shift, from_to(0, 1),
            "Shift each sequence in time by up to this part of its length while training"},
      Field{"scaling", &O::scaling, at_least(0),
            "Standard deviation of a random factor of each channel while training"},
      Field{"jitter", &O::jitter, at_least(0),
            "Standard deviation of the noise on each value while training"},
  };
}();

namespace riverrun::models {

/// What classifiers are trained with, but for the batch and the number of epochs.
[[nodiscard]] TrainerOptions classifier_trainer_options();

/// All that decides which bits a run ends with, besides the files.
struct ClassifierRun {
  ClassifierOptions model;
  TrainerOptions trainer = classifier_trainer_options();
  ClassifierTraining learning;
};

/// `run` with what suits sequences that are learnt from, `learnt` of `data`: the stride of the
/// convolution, the batch, the number of epochs and whether steps are recomputed follow from their
/// number and length, and what describe() puts in. A batch size that `run` has is kept.
[[nodiscard]] ClassifierRun suggested_run(const data::LabelledSequences& data,
                                          std::span<const std::int64_t> learnt,
                                          ClassifierRun run = {});

/// What the checkpoint in a folder says. Throws IoError; FormatError, also if the parameters'
/// shapes are not those of the model that it describes; and NumericError if a number in it is NaN.
[[nodiscard]] SavedRun<ClassifierRun> saved_classifier_run(const Folder& folder);

}  // namespace riverrun::models
