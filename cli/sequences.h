#pragma once

#include <filesystem>

#include "riverrun/data/labelled_csv.h"
#include "riverrun/models/classifier.h"

namespace riverrun::cli {

/// The sequences of a file: of the format ts, or CSV if `columns` says what its columns are and the
/// file is not evidently of the other format. Throws as data::read_ts() and
/// data::read_labelled_csv().
[[nodiscard]] data::LabelledSequences read_sequences(
    const std::filesystem::path& file, data::SequenceColumns& columns,
    data::LabelColumn label = data::LabelColumn::kRequired);

/// The same for a classifier: with the columns that it reads, and missing values treated as it was
/// trained; labels need not be there. Throws also as data::fill_missing().
[[nodiscard]] data::LabelledSequences read_sequences(const std::filesystem::path& file,
                                                     const models::Classifier& model);

}  // namespace riverrun::cli
