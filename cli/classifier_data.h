#pragma once

#include <cstdint>
#include <optional>

#include "riverrun/data/labelled.h"
#include "riverrun/models/classifier_objective.h"

#include "cli/train_flags.h"

namespace riverrun::cli {

/// What a run of a classifier learns from and is judged by.
struct ClassifierData {
  data::LabelledSequences train;
  std::optional<data::LabelledSequences> valid = {};  // of a file of its own
  data::Split split = {};                             // of the first
  std::int64_t cut = 0;                               // texts that are longer than what is read

  [[nodiscard]] models::LabelledPart learnt() const { return {&train, split.train}; }
  [[nodiscard]] models::LabelledPart judged() const {
    return valid ? models::LabelledPart{&*valid, models::all_of(*valid)}
                 : models::LabelledPart{&train, split.valid};
  }
  /// "sequence" or "text"
  [[nodiscard]] const char* example() const { return train.are_texts() ? "text" : "sequence"; }
  /// Encodes all texts, and counts those that are cut.
  void encode(const text::Tokenizer& tokenizer, const models::ClassifierText& options);
};

/// What the flags name, read as `run` says; its model gets the names of the channels that are read,
/// or the form of the labels. Throws ConfigError if what is said of the data, or of how they are to
/// be learnt, does not go with the file; FormatError if there are no labels, or but one class; and
/// as read_sequences().
[[nodiscard]] ClassifierData read_classifier_data(const TrainFlags& flags,
                                                  models::ClassifierRun& run);

/// Notes what a user may not know of the data, and should.
void note_oddities(const ClassifierData& read, const models::Classifier& model);

}  // namespace riverrun::cli
