#include "cli/sequences.h"

#include <fmt/format.h>

#include "riverrun/core/error.h"

namespace riverrun::cli {

data::LabelledSequences read_sequences(const std::filesystem::path& file,
                                       const models::Classifier& model) {
  data::LabelledSequences sequences = data::read_ts(file);
  if (sequences.channels != model.options().channels) {
    throw FormatError(sequences.path, 0,
                      fmt::format("{} channels; the model reads {}", sequences.channels,
                                  model.options().channels));
  }
  data::fill_missing(sequences, model.options().missing);
  return sequences;
}

}  // namespace riverrun::cli
