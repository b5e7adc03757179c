#pragma once

#include <filesystem>
#include <optional>

#include "riverrun/data/labelled_csv.h"
#include "riverrun/data/labelled_text.h"
#include "riverrun/models/classifier.h"

namespace riverrun::cli {

/// The labelled sequences or texts of a file, to learn from: CSV if `columns` says what its columns
/// are and the file is not evidently of the format ts, else ts or texts, of which `form` is that of
/// the labels (read_labelled_text()). Throws as data::read_labelled() and
/// data::read_labelled_csv().
[[nodiscard]] data::LabelledSequences read_sequences(const std::filesystem::path& file,
                                                     data::SequenceColumns& columns,
                                                     std::optional<data::LabelForm>& form);

/// Those of a file for a classifier: with the columns that it reads, missing values treated as it
/// was trained, and texts encoded; labels need not be there. Throws also as data::fill_missing().
[[nodiscard]] data::LabelledSequences read_sequences(const std::filesystem::path& file,
                                                     const models::Classifier& model);

}  // namespace riverrun::cli
