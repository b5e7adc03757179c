#include "cli/classifier_data.h"

#include <algorithm>
#include <filesystem>
#include <set>
#include <span>
#include <string>
#include <system_error>
#include <vector>

#include <fmt/format.h>

#include "riverrun/core/error.h"
#include "riverrun/core/hash.h"

#include "cli/command.h"
#include "cli/run_report.h"
#include "cli/sequences.h"

namespace riverrun::cli {
namespace {

namespace fs = std::filesystem;
using data::LabelledSequence;
using data::LabelledSequences;
using models::ClassifierRun;
using models::LabelledPart;

std::size_t at(std::int64_t index) { return static_cast<std::size_t>(index); }

LabelledSequences read_labelled(const fs::path& path, models::ClassifierOptions& options,
                                std::optional<data::LabelForm>& form) {
  LabelledSequences sequences = read_sequences(path, options.columns, form);
  if (sequences.classes.empty()) {
    throw FormatError(sequences.path, "the sequences have no labels to learn");
  }
  data::fill_missing(sequences, options.missing);
  return sequences;
}

/// Throws ConfigError unless what is said of the columns goes with the file. What cannot be looked
/// at before it is read, a pipe, is left to the reader.
void require_format(const fs::path& file, const data::SequenceColumns& columns) {
  if (columns == data::SequenceColumns{}) return;
  const bool is_ts = data::is_ts(file);
  if (is_ts || data::is_labelled_text(file)) {
    throw ConfigError(fmt::format(
        "train: --label, --series, --time, --channels and --text-column are of CSV files; {} {}",
        file.string(), is_ts ? "is of the format ts" : "has the labels in its lines"));
  }
  if (columns.label.empty()) {
    throw ConfigError(
        fmt::format("train: {} is read as a CSV file; --label says which of its "
                    "columns names the class",
                    file.string()));
  }
}

/// Throws ConfigError if options are given that have no meaning for what the file has.
void require_meaning(const LabelledSequences& data, const ClassifierRun& run) {
  const ClassifierRun other;
  if (data.are_texts()) {
    if (run.model.missing == other.model.missing && run.learning.shift == other.learning.shift &&
        run.learning.scaling == other.learning.scaling &&
        run.learning.jitter == other.learning.jitter) {
      return;
    }
    throw ConfigError(
        fmt::format("train: --missing, --shift, --scaling and --jitter are of sequences of "
                    "numbers; {} has texts",
                    data.path));
  }
  if (run.model.text == other.model.text &&
      run.learning.token_dropout == other.learning.token_dropout && run.learning.vectors.empty()) {
    return;
  }
  throw ConfigError(
      fmt::format("train: --tokens, --min-count, --vocab-size, --embedding-size, --max-tokens, "
                  "--token-dropout and --vectors are of texts; {} has sequences of numbers",
                  data.path));
}

}  // namespace

void ClassifierData::encode(const text::Tokenizer& tokenizer,
                            const models::ClassifierText& options) {
  cut = models::encode(train, tokenizer, options);
  if (valid) cut += models::encode(*valid, tokenizer, options);
}

ClassifierData read_classifier_data(const TrainFlags& flags, ClassifierRun& run) {
  if (flags.texts.size() != 1) {
    throw ConfigError(fmt::format(
        "train: {} files are given; a classifier learns from one file of labelled sequences or "
        "texts",
        flags.texts.size()));
  }
  const fs::path& file = flags.texts.front();
  require_format(file, run.model.columns);
  std::optional<data::LabelForm> form;
  if (run.model.reads_texts()) form = run.model.text.label_form;
  ClassifierData read{.train = read_labelled(file, run.model, form)};
  if (!run.model.reads_texts()) require_meaning(read.train, run);
  if (form) run.model.text.label_form = *form;
  if (read.train.classes.size() == 1) {
    throw FormatError(
        read.train.path,
        fmt::format("the only class is \"{}\"; there must be at least two to tell apart",
                    read.train.classes.front()));
  }
  if (!flags.valid.empty()) {
    read.valid = read_labelled(flags.valid, run.model, form);
    read.split.train = models::all_of(read.train);
    return read;
  }
  std::vector<std::int32_t> labels;
  for (const LabelledSequence& sequence : read.train.sequences) labels.push_back(sequence.label);
  read.split = data::stratified_split(labels, run.learning.valid_fraction, run.model.seed);
  return read;
}

void note_oddities(const ClassifierData& read, const models::Classifier& model) {
  const models::ClassifierOptions& options = model.options();
  const LabelledPart judged = read.judged();
  std::set<std::string> validated;
  for (const std::int64_t index : judged.which) {
    const std::int32_t label = judged.data->sequences[at(index)].label;
    if (label >= 0) validated.insert(judged.data->classes[at(label)]);
  }
  std::vector<std::string> unknown;
  std::vector<std::string> lonely;
  std::vector<std::string> unseen;
  for (std::size_t c = 0; c < options.classes.size(); ++c) {
    const std::string& name = options.classes[c];
    if (options.examples[c] == 0) unknown.push_back(name);
    if (options.examples[c] == 1) lonely.push_back(name);
    if (options.examples[c] > 0 && !judged.which.empty() && !validated.contains(name)) {
      unseen.push_back(name);
    }
  }
  const char* const example = read.example();
  warn_of(fmt::format("classes without a {} to learn from", example).c_str(), unknown);
  warn_of(fmt::format("classes with a single {} to learn from", example).c_str(), lonely);
  warn_of(fmt::format("classes without a {} to validate on", example).c_str(), unseen);
  std::vector<std::string> constant;
  for (const std::int64_t channel : models::constant_channels(read.train, read.split.train)) {
    const std::vector<std::string>& names = options.columns.channels;
    constant.push_back(names.empty() ? fmt::format("{}", channel + 1) : names[at(channel)]);
  }
  warn_of("channels that are constant, and so of no use", constant);
  const auto hash = [](const LabelledSequence& sequence) {
    Fnv1a of_values;
    of_values.add(std::as_bytes(std::span(sequence.values)));
    of_values.add(sequence.text);
    return of_values.value();
  };
  std::set<std::uint64_t> learnt;
  for (const std::int64_t index : read.split.train) {
    learnt.insert(hash(read.train.sequences[at(index)]));
  }
  const auto known = std::ranges::count_if(judged.which, [&](std::int64_t index) {
    return learnt.contains(hash(judged.data->sequences[at(index)]));
  });
  if (known > 0) {
    note(
        fmt::format("warning: {} of the {} to validate on are among those to learn from too, so "
                    "what is measured is too good",
                    known, counted(std::ssize(judged.which), example)));
  }
  if (read.cut > 0) {
    note(fmt::format("note: {} of more than {} (--max-tokens): only that many are read of each",
                     counted(read.cut, "text"), counted(options.text.max_tokens, "token")));
  }
}

}  // namespace riverrun::cli
