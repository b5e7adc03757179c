#include "cli/sequences.h"

namespace riverrun::cli {

data::LabelledSequences read_sequences(const std::filesystem::path& file,
                                       data::SequenceColumns& columns, data::LabelColumn label) {
  const bool is_csv = columns != data::SequenceColumns{} && !data::is_ts(file);
  return is_csv ? data::read_labelled_csv(file, columns, label) : data::read_ts(file);
}

data::LabelledSequences read_sequences(const std::filesystem::path& file,
                                       const models::Classifier& model) {
  data::SequenceColumns columns = model.options().columns;
  data::LabelledSequences sequences = read_sequences(file, columns, data::LabelColumn::kIfThere);
  data::fill_missing(sequences, model.options().missing);
  return sequences;
}

}  // namespace riverrun::cli
