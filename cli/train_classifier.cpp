#include "cli/train_classifier.h"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "riverrun/core/error.h"
#include "riverrun/core/hash.h"
#include "riverrun/core/threads.h"
#include "riverrun/models/classification.h"
#include "riverrun/models/classifier_folder.h"
#include "riverrun/train/trainer.h"

#include "cli/classification_report.h"
#include "cli/parameters_report.h"
#include "cli/run_report.h"
#include "cli/sequences.h"
#include "cli/training.h"

namespace riverrun::cli {
namespace {

namespace fs = std::filesystem;
using data::LabelledSequence;
using data::LabelledSequences;
using models::ClassifierRun;
using models::LabelledPart;

std::size_t at(std::int64_t index) { return static_cast<std::size_t>(index); }

/// What a run learns from and is judged by.
struct Data {
  LabelledSequences train;
  std::optional<LabelledSequences> valid;  // of a file of its own
  data::Split split;                       // of the first

  [[nodiscard]] LabelledPart learnt() const { return {&train, split.train}; }
  [[nodiscard]] LabelledPart judged() const {
    return valid ? LabelledPart{&*valid, models::all_of(*valid)}
                 : LabelledPart{&train, split.valid};
  }
};

LabelledSequences read_labelled(const fs::path& path, models::ClassifierOptions& options) {
  LabelledSequences sequences = read_sequences(path, options.columns);
  if (sequences.classes.empty()) {
    throw FormatError(sequences.path, "the sequences have no labels to learn");
  }
  data::fill_missing(sequences, options.missing);
  return sequences;
}

/// Throws ConfigError unless what is said of the columns goes with the file. What cannot be looked
/// at before it is read, a pipe, or is not there, is left to the reader.
void require_format(const fs::path& file, const data::SequenceColumns& columns) {
  std::error_code error;
  if (data::is_ts(file)) {
    if (columns == data::SequenceColumns{}) return;
    throw ConfigError(fmt::format(
        "train: --label, --series, --time and --channels are of CSV files; {} is of the format ts",
        file.string()));
  }
  if (columns.label.empty() && fs::is_regular_file(file, error)) {
    throw ConfigError(
        fmt::format("train: {} is not of the format ts; of a CSV file, --label says which column "
                    "names the class",
                    file.string()));
  }
}

/// `run` gets the names of the channels that are read.
Data read_data(const TrainFlags& flags, ClassifierRun& run) {
  if (flags.texts.size() != 1) {
    throw ConfigError(fmt::format(
        "train: {} files are given; a classifier learns from one file of labelled sequences",
        flags.texts.size()));
  }
  const fs::path& file = flags.texts.front();
  require_format(file, run.model.columns);
  Data read{.train = read_labelled(file, run.model), .valid = {}, .split = {}};
  if (read.train.classes.size() == 1) {
    throw FormatError(
        read.train.path,
        fmt::format("the only class is \"{}\"; there must be at least two to tell apart",
                    read.train.classes.front()));
  }
  if (!flags.valid.empty()) {
    read.valid = read_labelled(flags.valid, run.model);
    read.split.train = models::all_of(read.train);
    return read;
  }
  std::vector<std::int32_t> labels;
  for (const LabelledSequence& sequence : read.train.sequences) labels.push_back(sequence.label);
  read.split = data::stratified_split(labels, run.learning.valid_fraction, run.model.seed);
  return read;
}

/// What a user may not know of the data, and should.
void note_oddities(const Data& read, const models::ClassifierOptions& model) {
  const LabelledPart judged = read.judged();
  std::set<std::string> validated;
  for (const std::int64_t index : judged.which) {
    const std::int32_t label = judged.data->sequences[at(index)].label;
    if (label >= 0) validated.insert(judged.data->classes[at(label)]);
  }
  std::vector<std::string> unknown;
  std::vector<std::string> lonely;
  std::vector<std::string> unseen;
  for (std::size_t c = 0; c < model.classes.size(); ++c) {
    const std::string& name = model.classes[c];
    if (model.examples[c] == 0) unknown.push_back(name);
    if (model.examples[c] == 1) lonely.push_back(name);
    if (model.examples[c] > 0 && !judged.which.empty() && !validated.contains(name)) {
      unseen.push_back(name);
    }
  }
  warn_of("classes without a sequence to learn from", unknown);
  warn_of("classes with a single sequence to learn from", lonely);
  warn_of("classes without a sequence to validate on", unseen);
  std::vector<std::string> constant;
  for (const std::int64_t channel : models::constant_channels(read.train, read.split.train)) {
    const std::vector<std::string>& names = model.columns.channels;
    constant.push_back(names.empty() ? fmt::format("{}", channel + 1) : names[at(channel)]);
  }
  warn_of("channels that are constant, and so of no use", constant);
  const auto hash = [](const LabelledSequence& sequence) {
    Fnv1a of_values;
    of_values.add(std::as_bytes(std::span(sequence.values)));
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
                    known, counted(std::ssize(judged.which), "sequence")));
  }
}

void describe(const Data& read, const ClassifierRun& run, const models::Classifier& model,
              std::int64_t updates_per_epoch) {
  const models::ClassifierOptions& o = run.model;
  const auto judged = std::ssize(read.judged().which);
  note(fmt::format("data: {} to learn from, {} to validate on; {} and {} classes",
                   counted(std::ssize(read.split.train), "sequence"), grouped(judged),
                   counted(o.channels, "channel"), o.classes.size()));
  if (judged == 0) {
    note(
        "note: with no sequence to validate on, the last weights are kept, and measured on what "
        "they have learnt");
  }
  note(fmt::format(
      "model: {}{}, {} x {}{}; {}; {} of {} of {}, {}", o.bidirectional ? "bidirectional " : "",
      o.cell.name(), o.num_layers, counted(o.hidden_size, "unit"),
      o.conv_channels > 0
          ? fmt::format(", over {} of {} each {}", counted(o.conv_channels, "feature"),
                        counted(o.conv_kernel_size, "step"), counted(o.conv_stride, "step"))
          : "",
      counted(parameter_count(model.parameters()), "parameter"),
      counted(run.trainer.epochs, "epoch"), counted(updates_per_epoch, "step"),
      counted(run.trainer.batch_size, "sequence"), counted(num_threads(), "thread")));
  note_oddities(read, o);
}

/// What the losses at a validation are of.
const char* judged_on(const Data& read) {
  return read.judged().which.empty() ? "what is learnt, unchanged" : "validation";
}

nlohmann::ordered_json to_json(const TrainFlags& flags, const Data& read, const ClassifierRun& run,
                               const models::Classifier& model, const TrainingResult& result) {
  using Json = nlohmann::ordered_json;
  const models::ClassifierOptions& o = run.model;
  Json json = {{"kind", name(Kind::kClassify)},
               {"out", flags.out.string()},
               {"stopped", to_string(result.reason)},
               {"model_saved", result.model_saved},
               {"channels", o.channels},
               {"classes", o.classes},
               {"cell", o.cell.name()},
               {"num_layers", o.num_layers},
               {"hidden_size", o.hidden_size},
               {"conv_channels", o.conv_channels},
               {"conv_kernel_size", o.conv_kernel_size},
               {"conv_stride", o.conv_stride},
               {"parameters", parameter_count(model.parameters())},
               {"train_sequences", read.split.train.size()},
               {"valid_sequences", read.judged().which.size()}};
  json.update(progress_json(result, run.trainer, "nats_per_sequence", "sequences",
                            !read.judged().which.empty()));
  return json;
}

/// Cheap checks first: nobody should wait for a long file to hear of a mistyped option. Of what
/// follows from the data, anything stands there.
void check_given(ClassifierRun run) {
  check(run.trainer);
  check_fields("train", run.learning);
  run.model.channels = std::max<std::int64_t>(1, std::ssize(run.model.columns.channels));
  run.model.mean.assign(at(run.model.channels), 0.0f);
  run.model.scale.assign(at(run.model.channels), 1.0f);
  run.model.classes = {"a", "b"};
  run.model.examples = {1, 1};
  if (run.model.conv_channels == 0) run.model.conv_kernel_size = 1;
  check(run.model);
}

}  // namespace

ExitCode train_classifier(TrainFlags& flags, std::optional<RunFolder> folder) {
  std::optional<ClassifierRun> stored;
  if (folder) {
    const models::SavedRun<models::ClassifierRun> saved =
        models::saved_classifier_run(Folder(folder->path()));
    flags.settle_valid(saved.run.learning.valid_fraction == 0 && saved.valid_examples > 0);
    stored = saved.run;
    flags.settle(*stored);
  }
  const bool going_on = stored.has_value();

  ClassifierRun run;
  if (going_on) {
    run = *stored;
  } else {
    flags.apply(run);
    if (!flags.valid.empty()) run.learning.valid_fraction = 0;
    check_given(run);
    flags.check_out(Kind::kClassify);
  }
  const Data read = read_data(flags, run);
  if (!going_on) {
    run = models::suggested_run(read.train, read.split.train, std::move(run));
    run = flags.completed(run);
  }
  if (run.trainer.patience > 0 && read.judged().which.empty()) {
    throw ConfigError("train: --patience needs sequences to validate on");
  }

  models::Classifier model(run.model);
  models::ClassifierObjective objective(model, read.learnt(), read.judged(), run.trainer,
                                        run.learning);
  Trainer trainer(objective, run.trainer);
  const ProgressDisplay::Words words{
      .target = "sequence", .judged = judged_on(read), .perplexity = false};
  const TrainingResult result =
      cli::run({.flags = flags,
                .objective = objective,
                .trainer = trainer,
                .folder = folder,
                .save_config = [&](const fs::path& path) { models::save_config(path, run.model); },
                .describe = [&] { describe(read, run, model, objective.updates_per_epoch()); },
                .words = words});

  std::optional<ValidationReport> score;
  const LabelledPart judged = read.judged();
  if (result.model_saved && !judged.which.empty()) {
    trainer.take_best();
    const std::vector<std::int32_t> labels = model.labels(*judged.data, judged.which);
    score = validation_report(
        {.nouns = kOfSequences,
         .classes = run.model.classes,
         .score =
             models::score_classification(model.probabilities(*judged.data, judged.which), labels),
         .naive = models::score_naive_classification(run.model.examples, labels)});
  }
  report(flags, to_json(flags, read, run, model, result), result, score,
         "the sequences to validate on",
         [&] { return loss_figure(result, "Loss of a sequence", words.judged); });
  return result.reason == StopReason::kInterrupted ? kInterrupted : kOk;
}

}  // namespace riverrun::cli
