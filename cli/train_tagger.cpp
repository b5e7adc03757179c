#include "cli/train_tagger.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "riverrun/core/error.h"
#include "riverrun/core/threads.h"
#include "riverrun/data/labelled.h"
#include "riverrun/data/text/lower_case.h"
#include "riverrun/data/word_vectors.h"
#include "riverrun/models/tagger_folder.h"
#include "riverrun/train/trainer.h"

#include "cli/parameters_report.h"
#include "cli/run_report.h"
#include "cli/tagging_report.h"
#include "cli/training.h"

namespace riverrun::cli {
namespace {

namespace fs = std::filesystem;
using data::TaggedSentence;
using data::TaggedSentences;
using models::TaggedPart;
using models::TaggerRun;

/// Of a file of vectors, the first, which are of the most frequent words, are kept beside those of
/// the words that are learnt from.
constexpr std::int64_t kMostVectors = 50'000;

std::size_t at(std::int64_t index) { return static_cast<std::size_t>(index); }

/// What a run learns from and is judged by.
struct Data {
  TaggedSentences train;
  std::optional<TaggedSentences> valid;  // of a file of its own
  data::Split split;                     // of the first

  [[nodiscard]] TaggedPart learnt() const { return {&train, split.train}; }
  [[nodiscard]] TaggedPart judged() const {
    return valid ? TaggedPart{&*valid, models::all_of(*valid)} : TaggedPart{&train, split.valid};
  }
};

Data read_data(const TrainFlags& flags, const TaggerRun& run) {
  if (flags.texts.size() != 1) {
    throw ConfigError(
        fmt::format("train: {} files are given; a tagger learns from one file of tagged sentences",
                    flags.texts.size()));
  }
  Data read{
      .train = data::read_conll(flags.texts.front(), run.model.columns), .valid = {}, .split = {}};
  if (read.train.tags.size() == 1) {
    throw FormatError(
        read.train.path,
        fmt::format("the only tag is \"{}\"; there must be at least two to tell apart",
                    read.train.tags.front()));
  }
  if (flags.valid.empty()) {
    const std::vector<std::int32_t> alike(read.train.sentences.size(), 0);
    read.split = data::stratified_split(alike, run.learning.valid_fraction, run.model.seed);
    return read;
  }
  read.valid = data::read_conll(flags.valid, run.model.columns);
  read.split.train = models::all_of(read.train);
  // A tag that is not learnt from is always wrong, which is measured rather than refused.
  for (const std::string& tag : read.valid->tags) {
    if (std::ranges::find(read.train.tags, tag) == read.train.tags.end()) {
      read.train.tags.push_back(tag);
    }
  }
  return read;
}

data::WordVectors read_vectors(const fs::path& file, const TaggedPart& learnt) {
  std::unordered_set<std::string> words;
  for (const std::int64_t index : learnt.which) {
    for (const std::string& word : learnt.data->sentences[at(index)].words) {
      words.insert(word);
      words.insert(text::lower_case(word));
    }
  }
  std::int64_t place = 0;
  return data::read_word_vectors(file, [&](std::string_view word) {
    return place++ < kMostVectors || words.contains(std::string(word));
  });
}

/// What a user may not know of the data, and should.
void note_oddities(const Data& read, const models::Tagger& model) {
  const models::TaggerOptions& options = model.options();
  std::vector<std::string> unlearnt;
  std::vector<std::string> lonely;
  for (std::size_t i = 0; i < options.tags.size(); ++i) {
    if (options.examples[i] == 0) unlearnt.push_back(options.tags[i]);
    if (options.examples[i] == 1) lonely.push_back(options.tags[i]);
  }
  warn_of("tags without a word to learn from", unlearnt);
  warn_of("tags with a single word to learn from", lonely);
  const auto joined = [](const TaggedSentence& sentence) {
    return fmt::format("{}", fmt::join(sentence.words, " "));
  };
  // Short ones are the same by chance: "Thank you ."
  constexpr std::size_t kLeastWords = 6;
  std::unordered_set<std::string> learnt;
  for (const std::int64_t index : read.split.train) {
    learnt.insert(joined(read.train.sentences[at(index)]));
  }
  const TaggedPart judged = read.judged();
  const auto known = std::ranges::count_if(judged.which, [&](std::int64_t index) {
    const TaggedSentence& sentence = judged.data->sentences[at(index)];
    return sentence.words.size() >= kLeastWords && learnt.contains(joined(sentence));
  });
  if (known * 20 > std::ssize(judged.which)) {
    note(
        fmt::format("warning: {} of the {} to validate on are among those to learn from too, so "
                    "what is measured is too good",
                    known, counted(std::ssize(judged.which), "sentence")));
  }
}

/// The share of the words to validate on that the model knows.
double known_share(const TaggedPart& judged, const models::TaggerVocabulary& vocabulary) {
  std::int64_t known = 0;
  for (const std::int64_t index : judged.which) {
    for (const std::string& word : judged.data->sentences[at(index)].words) {
      known += vocabulary.word(word) != 0 ? 1 : 0;
    }
  }
  return static_cast<double>(known) /
         static_cast<double>(std::max<std::int64_t>(words_of(*judged.data, judged.which), 1));
}

void describe(const Data& read, const TaggerRun& run, const models::Tagger& model,
              const models::TaggerObjective& objective) {
  const models::TaggerOptions& o = run.model;
  const TaggedPart judged = read.judged();
  note(fmt::format("data: {} of {} to learn from, {} to validate on; {} tags",
                   counted(std::ssize(read.split.train), "sentence"),
                   counted(words_of(read.train, read.split.train), "word"),
                   grouped(std::ssize(judged.which)), o.tags.size()));
  if (judged.which.empty()) {
    note(
        "note: with no sentence to validate on, the last weights are kept, and measured on what "
        "they have learnt");
  } else {
    note(fmt::format("words: {} are known, {:.1f} % of those to validate on", grouped(o.words - 1),
                     100 * known_share(judged, model.vocabulary())));
  }
  note(fmt::format(
      "model: {}{}, {} x {}{}{}; {}; {} of {} of {}, {}", o.bidirectional ? "bidirectional " : "",
      o.cell.name(), o.num_layers, counted(o.hidden_size, "unit"),
      o.char_hidden_size > 0 ? fmt::format(", and 2 x {} over characters", o.char_hidden_size) : "",
      o.crf ? ", a conditional random field" : "",
      counted(parameter_count(model.parameters()), "parameter"),
      counted(run.trainer.epochs, "epoch"), counted(objective.updates_per_epoch(), "step"),
      counted(run.trainer.batch_size, "sentence"), counted(num_threads(), "thread")));
  note_oddities(read, model);
}

nlohmann::ordered_json to_json(const TrainFlags& flags, const Data& read, const TaggerRun& run,
                               const models::Tagger& model, const TrainingResult& result) {
  using Json = nlohmann::ordered_json;
  const models::TaggerOptions& o = run.model;
  const TaggedPart judged = read.judged();
  Json json = {{"kind", name(Kind::kTag)},
               {"out", flags.out.string()},
               {"stopped", to_string(result.reason)},
               {"model_saved", result.model_saved},
               {"tags", o.tags},
               {"known_words", o.words - 1},
               {"known_characters", o.characters - 1},
               {"cell", o.cell.name()},
               {"num_layers", o.num_layers},
               {"hidden_size", o.hidden_size},
               {"char_hidden_size", o.char_hidden_size},
               {"embedding_size", o.embedding_size},
               {"crf", o.crf},
               {"parameters", parameter_count(model.parameters())},
               {"train_sentences", read.split.train.size()},
               {"train_words", words_of(read.train, read.split.train)},
               {"valid_sentences", judged.which.size()},
               {"valid_words", words_of(*judged.data, judged.which)}};
  json.update(progress_json(result, run.trainer, "nats_per_word", "words", !judged.which.empty()));
  return json;
}

/// Cheap checks first: nobody should wait for a long file to hear of a mistyped option. Of what
/// follows from the data, anything stands there.
void check_given(TaggerRun run) {
  check(run.trainer);
  check_fields("train", run.learning);
  if (run.model.columns.tag.empty()) {
    throw ConfigError(
        "train: --column says which column of the file has the tags: upos, or its number");
  }
  run.model.tags = {"a", "b"};
  run.model.examples = {1, 1};
  check(run.model);
}

}  // namespace

ExitCode train_tagger(TrainFlags& flags, std::optional<RunFolder> folder) {
  const bool going_on = folder.has_value();
  TaggerRun run;
  std::optional<models::TaggerVocabulary> vocabulary;
  if (going_on) {
    const Folder opened(folder->path());
    models::SavedRun<TaggerRun> saved = models::saved_tagger_run(opened);
    vocabulary = models::load_tagger_vocabulary(opened);
    flags.settle_valid(saved.run.learning.valid_fraction == 0 && saved.valid_examples > 0);
    run = std::move(saved.run);
    flags.settle(run);
  } else {
    flags.apply(run);
    if (!flags.valid.empty()) run.learning.valid_fraction = 0;
    check_given(run);
    flags.check_out(Kind::kTag);
  }
  const Data read = read_data(flags, run);
  data::WordVectors vectors;
  if (!going_on) {
    if (!run.learning.vectors.empty()) {
      vectors = read_vectors(run.learning.vectors, read.learnt());
      if (!flags.gives_embedding_size()) run.model.embedding_size = vectors.dim;
    }
    vocabulary = models::TaggerVocabulary::of(read.train, read.split.train, vectors);
    run = flags.completed(
        models::suggested_run(read.train, read.split.train, *vocabulary, std::move(run)));
  }
  if (run.trainer.patience > 0 && read.judged().which.empty()) {
    throw ConfigError("train: --patience needs sentences to validate on");
  }

  models::Tagger model(run.model, std::move(*vocabulary));
  if (!vectors.words.empty()) model.set_vectors(vectors);
  models::TaggerObjective objective(model, read.learnt(), read.judged(), run.trainer, run.learning);
  Trainer trainer(objective, run.trainer);
  const TaggedPart judged = read.judged();
  const ProgressDisplay::Words words{
      .target = "word",
      .judged = judged.which.empty() ? "what is learnt, unchanged" : "validation",
      .perplexity = false};
  const TrainingResult result = cli::run(
      {.flags = flags,
       .objective = objective,
       .trainer = trainer,
       .folder = folder,
       .save_config =
           [&](const fs::path& path) { models::save_config(path, run.model, model.vocabulary()); },
       .describe = [&] { describe(read, run, model, objective); },
       .words = words});

  std::optional<ValidationReport> score;
  if (result.model_saved && !judged.which.empty()) {
    trainer.take_best();
    score = validation_report(measure(model, *judged.data, judged.which));
  }
  report(flags, to_json(flags, read, run, model, result), result, score, "the words to validate on",
         [&] { return loss_figure(result, "Loss of a word", words.judged); });
  return result.reason == StopReason::kInterrupted ? kInterrupted : kOk;
}

}  // namespace riverrun::cli
