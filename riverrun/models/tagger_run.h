#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <tuple>

#include "riverrun/core/fields.h"
#include "riverrun/core/folder.h"
#include "riverrun/data/tagged.h"
#include "riverrun/models/saved_run.h"
#include "riverrun/models/tagger.h"
#include "riverrun/train/trainer_options.h"

namespace riverrun::models {

/// How a tagger learns from sentences, beside what TrainerOptions say.
struct TaggerTraining {
  /// The part of the sentences that is validated on in place of being learnt from; 0 if there are
  /// sentences of their own for it, or none: then the last weights are the ones that are kept.
  double valid_fraction = 0.1;
  /// How often a word that occurs once is read as one that is not known, so that the network learns
  /// what to make of those (Lample et al. 2016).
  double unknown_fraction = 0.5;
  /// The file of the word vectors that it begins with, as it was given; empty: random ones.
  std::string vectors = {};

  friend bool operator==(const TaggerTraining&, const TaggerTraining&) = default;
};

}  // namespace riverrun::models

template <>
inline constexpr auto riverrun::kFields<riverrun::models::TaggerTraining> = [] {
  using O = models::TaggerTraining;
  return std::tuple{
      Field{"valid_fraction", &O::valid_fraction, from_below(0, 1),
            "Part of the sentences that is for validation, if not --valid; 0: none"},
      Field{"unknown_fraction", &O::unknown_fraction, from_to(0, 1),
            "How often a word that occurs once is read as an unknown one while training"},
      Field{"vectors", &O::vectors, any_value(),
            "Word vectors to begin with, in the text form of GloVe, word2vec or fastText"},
  };
}();

namespace riverrun::models {

/// What taggers are trained with, but for the batch and the number of epochs.
[[nodiscard]] TrainerOptions tagger_trainer_options();

/// All that decides which bits a run ends with, besides the files.
struct TaggerRun {
  TaggerOptions model;
  TrainerOptions trainer = tagger_trainer_options();
  TaggerTraining learning;
};

/// `run` with what suits the sentences that are learnt from, `learnt` of `data`: the batch and the
/// number of epochs follow from the number of their words, and what describe() puts in. A batch
/// size that `run` has is kept.
[[nodiscard]] TaggerRun suggested_run(const data::TaggedSentences& data,
                                      std::span<const std::int64_t> learnt,
                                      const TaggerVocabulary& vocabulary, TaggerRun run = {});

/// What the checkpoint in a folder says. Throws IoError; FormatError, also if the parameters'
/// shapes are not those of the model that it describes; and NumericError if a number in it is NaN.
[[nodiscard]] SavedRun<TaggerRun> saved_tagger_run(const Folder& folder);

}  // namespace riverrun::models
