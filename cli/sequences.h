#pragma once

#include <filesystem>

#include "riverrun/data/labelled.h"
#include "riverrun/models/classifier.h"

namespace riverrun::cli {

/// The sequences of a file, for a classifier of that name: with as many channels as it reads, and
/// missing values treated as it was trained. Throws as data::read_ts() and data::fill_missing(),
/// and FormatError.
[[nodiscard]] data::LabelledSequences read_sequences(const std::filesystem::path& file,
                                                     const models::Classifier& model);

}  // namespace riverrun::cli
