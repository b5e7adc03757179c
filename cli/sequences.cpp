#include "cli/sequences.h"

namespace riverrun::cli {
namespace {

using data::LabelColumn;
using data::LabelForm;

data::LabelledSequences read_for(const std::filesystem::path& file,
                                 const models::ClassifierOptions& model) {
  data::SequenceColumns columns = model.columns;
  const bool is_csv = columns != data::SequenceColumns{};
  if (data::is_ts(file) || (!model.reads_texts() && !is_csv)) return data::read_ts(file);
  // Of a file whose labels say what it is, no columns are needed.
  if (is_csv && !(model.reads_texts() && data::is_labelled_text(file))) {
    return data::read_labelled_csv(file, columns, LabelColumn::kIfThere);
  }
  std::optional<LabelForm> form = is_csv ? LabelForm::kPrefix : model.text.label_form;
  return data::read_labelled_text(file, form, LabelColumn::kIfThere);
}

}  // namespace

data::LabelledSequences read_sequences(const std::filesystem::path& file,
                                       data::SequenceColumns& columns,
                                       std::optional<LabelForm>& form) {
  const bool is_csv = columns != data::SequenceColumns{} && !data::is_ts(file);
  return is_csv ? data::read_labelled_csv(file, columns) : data::read_labelled(file, form);
}

data::LabelledSequences read_sequences(const std::filesystem::path& file,
                                       const models::Classifier& model) {
  data::LabelledSequences sequences = read_for(file, model.options());
  data::fill_missing(sequences, model.options().missing);
  if (model.tokenizer() && sequences.are_texts()) {
    models::encode(sequences, *model.tokenizer(), model.options().text);
  }
  return sequences;
}

}  // namespace riverrun::cli
