#include "cli/train_classifier.h"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "riverrun/core/error.h"
#include "riverrun/core/threads.h"
#include "riverrun/models/classification.h"
#include "riverrun/models/classifier_folder.h"
#include "riverrun/train/trainer.h"

#include "cli/classification_report.h"
#include "cli/classifier_data.h"
#include "cli/parameters_report.h"
#include "cli/run_report.h"
#include "cli/training.h"

namespace riverrun::cli {
namespace {

namespace fs = std::filesystem;
using models::ClassifierRun;
using models::LabelledPart;

std::size_t at(std::int64_t index) { return static_cast<std::size_t>(index); }

/// Of the tokens to validate on, if there are any: " (2.1 % of those to validate on are not)".
std::string unknown_share(const ClassifierData& read, const text::Tokenizer& tokenizer) {
  const LabelledPart judged = read.judged();
  std::int64_t tokens = 0;
  std::int64_t unknown = 0;
  for (const std::int64_t index : judged.which) {
    const data::LabelledSequence& text = judged.data->sequences[at(index)];
    tokens += text.seq_len;
    unknown += models::count_unknown(text, tokenizer);
  }
  if (tokens == 0) return "";
  return fmt::format(" ({:.1f} % of those to validate on are not)",
                     100 * static_cast<double>(unknown) / static_cast<double>(tokens));
}

void describe(const ClassifierData& read, const ClassifierRun& run, const models::Classifier& model,
              std::int64_t updates_per_epoch) {
  const models::ClassifierOptions& o = run.model;
  const char* const example = read.example();
  const auto judged = std::ssize(read.judged().which);
  note(fmt::format("data: {} to learn from, {} to validate on; {} and {} classes",
                   counted(std::ssize(read.split.train), example), grouped(judged),
                   o.reads_texts()
                       ? fmt::format("{} known {}s{}", grouped(o.text.num_embeddings),
                                     o.text.tokens, unknown_share(read, *model.tokenizer()))
                       : counted(o.channels, "channel"),
                   o.classes.size()));
  if (judged == 0) {
    note(
        fmt::format("note: with no {} to validate on, the last weights are kept, and measured on "
                    "what they have learnt",
                    example));
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
      counted(run.trainer.batch_size, example), counted(num_threads(), "thread")));
  note_oddities(read, model);
}

/// What the losses at a validation are of.
const char* judged_on(const ClassifierData& read) {
  return read.judged().which.empty() ? "what is learnt, unchanged" : "validation";
}

nlohmann::ordered_json to_json(const TrainFlags& flags, const ClassifierData& read,
                               const ClassifierRun& run, const models::Classifier& model,
                               const TrainingResult& result) {
  using Json = nlohmann::ordered_json;
  const models::ClassifierOptions& o = run.model;
  const std::string example = read.example();
  Json json = {{"kind", name(Kind::kClassify)},
               {"out", flags.out.string()},
               {"stopped", to_string(result.reason)},
               {"model_saved", result.model_saved},
               {"channels", o.channels},
               {"known_tokens", o.text.num_embeddings},
               {"classes", o.classes},
               {"cell", o.cell.name()},
               {"num_layers", o.num_layers},
               {"hidden_size", o.hidden_size},
               {"conv_channels", o.conv_channels},
               {"conv_kernel_size", o.conv_kernel_size},
               {"conv_stride", o.conv_stride},
               {"parameters", parameter_count(model.parameters())},
               {fmt::format("train_{}s", example), read.split.train.size()},
               {fmt::format("valid_{}s", example), read.judged().which.size()}};
  json.update(progress_json(result, run.trainer, fmt::format("nats_per_{}", example).c_str(),
                            fmt::format("{}s", example).c_str(), !read.judged().which.empty()));
  return json;
}

/// Cheap checks first: nobody should wait for a long file to hear of a mistyped option. Of what
/// follows from the data, anything stands there.
void check_given(ClassifierRun run) {
  check(run.trainer);
  check(run.learning);
  run.model.channels = std::max<std::int64_t>(1, std::ssize(run.model.columns.channels));
  run.model.mean.assign(at(run.model.channels), 0.0f);
  run.model.scale.assign(at(run.model.channels), 1.0f);
  run.model.classes = {"a", "b"};
  run.model.examples = {1, 1};
  if (run.model.conv_channels == 0) run.model.conv_kernel_size = 1;
  check(run.model);
}

/// A run that begins: its options, its data, and how it reads texts.
struct Beginning {
  ClassifierRun run;
  ClassifierData read;
  std::optional<text::Tokenizer> tokenizer = {};
  data::WordVectors vectors = {};
};

Beginning begin(const TrainFlags& flags) {
  ClassifierRun run;
  const auto apply = [&] {
    flags.apply(run);
    if (!flags.valid.empty()) run.learning.valid_fraction = 0;
  };
  apply();
  check_given(run);
  flags.check_out(Kind::kClassify);
  Beginning beginning{.run = {}, .read = read_classifier_data(flags, run)};
  ClassifierData& read = beginning.read;
  if (read.train.are_texts()) {
    const models::ClassifierText as_read = run.model.text;
    run = models::text_classifier_run();
    apply();
    models::ClassifierText& text = run.model.text;
    text.label_form = as_read.label_form;
    if (!run.learning.vectors.empty()) {
      beginning.vectors = models::read_vectors(run.learning.vectors, read.train, read.split.train);
      if (!flags.gives_embedding_size()) text.embedding_size = beginning.vectors.dim;
    }
    beginning.tokenizer =
        models::make_tokenizer(read.train, read.split.train, text, beginning.vectors);
    text.num_embeddings = beginning.tokenizer->size();
    read.encode(*beginning.tokenizer, text);
  }
  run = models::suggested_run(read.train, read.split.train, std::move(run));
  beginning.run = flags.completed(run);
  return beginning;
}

/// The same of a run that goes on.
Beginning go_on(const TrainFlags& flags, const RunFolder& folder) {
  const Folder opened(folder.path());
  const models::SavedRun<ClassifierRun> saved = models::saved_classifier_run(opened);
  flags.settle_valid(saved.run.learning.valid_fraction == 0 && saved.valid_examples > 0);
  ClassifierRun run = saved.run;
  flags.settle(run);
  std::optional<text::Tokenizer> tokenizer = models::load_classifier_tokenizer(opened);
  ClassifierData read = read_classifier_data(flags, run);
  if (tokenizer && read.train.are_texts()) read.encode(*tokenizer, run.model.text);
  return {.run = std::move(run), .read = std::move(read), .tokenizer = std::move(tokenizer)};
}

}  // namespace

ExitCode train_classifier(TrainFlags& flags, std::optional<RunFolder> folder) {
  const Beginning beginning = folder ? go_on(flags, *folder) : begin(flags);
  const ClassifierRun& run = beginning.run;
  const ClassifierData& read = beginning.read;
  const std::string example = read.example();
  if (run.trainer.patience > 0 && read.judged().which.empty()) {
    throw ConfigError(fmt::format("train: --patience needs {}s to validate on", example));
  }

  models::Classifier model(run.model, beginning.tokenizer);
  if (!beginning.vectors.words.empty()) model.set_vectors(beginning.vectors);
  models::ClassifierObjective objective(model, read.learnt(), read.judged(), run.trainer,
                                        run.learning);
  Trainer trainer(objective, run.trainer);
  const ProgressDisplay::Words words{
      .target = example.c_str(), .judged = judged_on(read), .perplexity = false};
  const TrainingResult result = cli::run(
      {.flags = flags,
       .objective = objective,
       .trainer = trainer,
       .folder = folder,
       .save_config =
           [&](const fs::path& path) { models::save_config(path, run.model, beginning.tokenizer); },
       .describe = [&] { describe(read, run, model, objective.updates_per_epoch()); },
       .words = words});

  std::optional<ValidationReport> score;
  const LabelledPart judged = read.judged();
  if (result.model_saved && !judged.which.empty()) {
    trainer.take_best();
    const std::vector<std::int32_t> labels = model.labels(*judged.data, judged.which);
    score = validation_report(
        {.nouns = nouns_of(model),
         .classes = run.model.classes,
         .score =
             models::score_classification(model.probabilities(*judged.data, judged.which), labels),
         .naive = models::score_naive_classification(run.model.examples, labels)});
  }
  report(flags, to_json(flags, read, run, model, result), result, score,
         fmt::format("the {}s to validate on", example),
         [&] { return loss_figure(result, fmt::format("Loss of a {}", example), words.judged); });
  return result.reason == StopReason::kInterrupted ? kInterrupted : kOk;
}

}  // namespace riverrun::cli
