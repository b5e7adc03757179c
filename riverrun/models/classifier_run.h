#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include "riverrun/core/fields.h"
#include "riverrun/core/folder.h"
#include "riverrun/data/labelled.h"
#include "riverrun/models/classifier.h"
#include "riverrun/models/saved_run.h"
#include "riverrun/train/trainer_options.h"

namespace riverrun::models {

/// How a classifier learns from sequences or texts, beside what TrainerOptions say.
struct ClassifierTraining {
  /// The part of each class that is validated on in place of being learnt from; 0 if there are
  /// sequences of their own for it, or none: then the last weights are the ones that are kept.
  double valid_fraction = 0.2;
  /// What a sequence counts: "none", each the same; "balanced", n/(classes·n_c) for one of a class
  /// of n_c sequences among n, so that all classes count the same; or what those of some classes
  /// do, "rare=5,common=0.5", where the others count 1. Validation counts likewise.
  std::string class_weights = "none";
  // Each sequence of numbers is changed a little whenever it is learnt from (Um et al. 2017, "Data
  // augmentation of wearable sensor data"), after it was standardised.
  /// Its steps are shifted by up to this part of its length, either way; what would come from
  /// beyond an end is the step at the end.
  double shift = 0.1;
  /// Each channel is multiplied by a number of mean 1 and this standard deviation.
  double scaling = 0.1;
  /// To each value a number of mean 0 and this standard deviation is added.
  double jitter = 0.1;
  /// Of a text, instead: how often a word or a character is read as one that is not known (as the
  /// word dropout of Iyyer et al. 2015, "Deep Unordered Composition Rivals Syntactic Methods").
  double token_dropout = 0.1;
  /// The file of the word vectors that a classifier of texts begins with, as it was given; empty:
  /// random ones.
  std::string vectors = {};

  friend bool operator==(const ClassifierTraining&, const ClassifierTraining&) = default;
};

}  // namespace riverrun::models

template <>
inline constexpr auto riverrun::kFields<riverrun::models::ClassifierTraining> = [] {
  using O = models::ClassifierTraining;
  return std::tuple{
      Field{"valid_fraction", &O::valid_fraction, from_below(0, 1),
            "Part of each class that is for validation, if not --valid; 0: none"},
      Field{"class_weights", &O::class_weights, any_value(),
            "none; balanced: classes of few examples count as much as others; or what an example "
            "of a class counts, such as rare=5,common=1"},
      Field{"shift", &O::shift, from_to(0, 1),
            "Shift each sequence in time by up to this part of its length while training"},
      Field{"scaling", &O::scaling, at_least(0),
            "Standard deviation of a random factor of each channel while training"},
      Field{"jitter", &O::jitter, at_least(0),
            "Standard deviation of the noise on each value while training"},
      Field{"token_dropout", &O::token_dropout, from_below(0, 1),
            "Part of a text's tokens that is read as unknown while training, in [0, 1)"},
      Field{"vectors", &O::vectors, any_value(),
            "Word vectors to begin with, in the text form of GloVe, word2vec or fastText"},
  };
}();

namespace riverrun::models {

/// Throws ConfigError if a field is out of range, or class_weights are of none of the three forms.
void check(const ClassifierTraining& learning);

/// What a sequence of each class counts, as ClassifierTraining::class_weights says it of the
/// classes and examples of `model`. Throws ConfigError for a class that it does not have or that is
/// named twice, and for a weight that is not a number greater than 0.
[[nodiscard]] std::vector<float> class_weights(const ClassifierOptions& model,
                                               const std::string& how);

/// What classifiers are trained with, but for the batch and the number of epochs.
[[nodiscard]] TrainerOptions classifier_trainer_options();

/// All that decides which bits a run ends with, besides the files.
struct ClassifierRun {
  ClassifierOptions model;
  TrainerOptions trainer = classifier_trainer_options();
  ClassifierTraining learning;
};

/// What suits texts, whatever they are: no convolution, and what was better for them.
[[nodiscard]] ClassifierRun text_classifier_run();

/// `run` with what suits sequences or encoded texts that are learnt from, `learnt` of `data`: the
/// stride of the convolution, the batch, the number of epochs and whether steps are recomputed
/// follow from their number and length, and what describe() puts in. A batch size that `run` has is
/// kept.
[[nodiscard]] ClassifierRun suggested_run(const data::LabelledSequences& data,
                                          std::span<const std::int64_t> learnt,
                                          ClassifierRun run = {});

/// What the checkpoint in a folder says. Throws IoError; FormatError, also if the parameters'
/// shapes are not those of the model that it describes; and NumericError if a number in it is NaN.
[[nodiscard]] SavedRun<ClassifierRun> saved_classifier_run(const Folder& folder);

}  // namespace riverrun::models
