#include "cli/train_language.h"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "riverrun/core/error.h"
#include "riverrun/core/threads.h"
#include "riverrun/data/conll_format.h"
#include "riverrun/data/labelled.h"
#include "riverrun/data/text/split.h"
#include "riverrun/lm/language_objective.h"
#include "riverrun/lm/model_folder.h"
#include "riverrun/train/trainer.h"

#include "cli/command.h"
#include "cli/interrupt.h"
#include "cli/model.h"
#include "cli/progress.h"
#include "cli/reach_report.h"
#include "cli/report.h"
#include "cli/text.h"
#include "cli/train_figures.h"
#include "cli/train_report.h"

namespace riverrun::cli {
namespace {

namespace fs = std::filesystem;

/// Both must have the same sizes.
void copy_weights(lm::LanguageModel& from, lm::LanguageModel& to) {
  const ParameterList source = from.parameters();
  const ParameterList target = to.parameters();
  for (std::size_t i = 0; i < source.size(); ++i) {
    target[i].parameter->mutable_value() = source[i].parameter->value();
  }
}

/// What came from a pipe shows only now what it is. Throws ConfigError for labelled sequences,
/// which
/// --kind says to be read as a text.
void refuse_sequences(text::TextPart part) {
  constexpr std::int64_t kHead = 1 << 16;
  part.end = std::min(text::size_of(part), kHead);
  std::string head;
  text::for_each_piece(part, [&head](std::string_view piece) { head += piece; });
  const bool is_ts = data::begins_as_ts(head);
  if (!is_ts && !data::begins_as_conllu(head)) return;
  throw ConfigError(fmt::format(
      "train: {} begins as a file of {}; give --kind {} for {}, or --kind language to learn it as "
      "text",
      part.path.string(), is_ts ? "labelled sequences (.ts)" : "tagged sentences (CoNLL-U)",
      name(is_ts ? Kind::kClassify : Kind::kTag), noun(is_ts ? Kind::kClassify : Kind::kTag)));
}

class LanguageTraining {
 public:
  explicit LanguageTraining(TrainFlags& flags) : flags_(flags) {}
  ExitCode run(std::optional<RunFolder> folder);

 private:
  void split_texts();
  void check_texts(const text::Tokenizer& tokenizer, const text::Corpus& train,
                   const text::Corpus& valid) const;
  void describe(lm::LanguageModel& model, const text::Tokenizer& tokenizer,
                const text::Corpus& train, const text::Corpus& valid,
                const lm::LanguageObjective& objective) const;
  void advise_on_batch_size(const text::Corpus& train, std::int64_t batch_size,
                            std::int64_t total_steps) const;

  TrainFlags& flags_;
  text::TextSplit split_;
};

void LanguageTraining::split_texts() {
  const text::TokenKind kind = text::parse_token_kind(flags_.tokens);
  if (flags_.valid.empty()) {
    if (const double part = flags_.options.text.valid_fraction; !(part > 0 && part < 1)) {
      throw ConfigError(
          fmt::format("train: --valid-fraction is {}; it must be between 0 and 1", part));
    }
    const text::CutAt cut =
        kind == text::TokenKind::kWord ? text::CutAt::kWhiteSpace : text::CutAt::kCharacter;
    split_ = text::split_texts(open_texts(flags_.texts, kind, flags_.encoding),
                               flags_.options.text.valid_fraction, cut);
    return;
  }
  split_.train = open_texts(flags_.texts, kind, flags_.encoding);
  split_.valid = open_texts(std::span(&flags_.valid, 1), kind, flags_.encoding);
}

void LanguageTraining::check_texts(const text::Tokenizer& tokenizer, const text::Corpus& train,
                                   const text::Corpus& valid) const {
  const bool is_cut = flags_.valid.empty();
  require_two_tokens(train, split_.train.front().path, "the training text",
                     is_cut ? "; give more text, or another --valid-fraction" : "");
  require_two_tokens(valid, split_.valid.front().path, "the validation text",
                     is_cut ? "; give more text, a larger --valid-fraction, or a text of its own "
                              "with --valid"
                            : "");
  if (const std::int64_t batch_size = flags_.options.trainer.batch_size;
      train.size() <= batch_size) {
    throw ConfigError(
        fmt::format("train: {} has {} to learn from; --batch-size {} needs at least {}",
                    split_.train.front().path.string(), counted(train.size(), "token"), batch_size,
                    batch_size + 1));
  }
  constexpr const char* kHint = "; --tokens byte reads any file that is not gzip as it is";
  warn_of_invalid_utf8(train.invalid(), tokenizer.kind(), "training text", kHint);
  warn_of_invalid_utf8(valid.invalid(), tokenizer.kind(), "validation text", kHint);
}

void LanguageTraining::describe(lm::LanguageModel& model, const text::Tokenizer& tokenizer,
                                const text::Corpus& train, const text::Corpus& valid,
                                const lm::LanguageObjective& objective) const {
  note(fmt::format("text: {} {} tokens to learn from, {} to validate on; {} different ones",
                   grouped(train.size()), text::to_string(tokenizer.kind()), grouped(valid.size()),
                   grouped(tokenizer.size())));
  // With --vocab-size, that is what was asked for.
  if (flags_.options.text.vocab_size == 0) warn_of_unknown(train, "training text");
  warn_of_unknown(valid, "validation text");
  const lm::LanguageModelOptions& o = model.options();
  note(fmt::format("model: {}, {} x {}, {}; {} of {} of {} x {} tokens, {}", o.cell.name(),
                   o.num_layers, counted(o.hidden_size, "unit"),
                   counted(model.parameter_count(), "parameter"),
                   counted(flags_.options.trainer.epochs, "epoch"),
                   counted(objective.updates_per_epoch(), "step"), objective.batch_size(),
                   flags_.options.trainer.seq_len, counted(num_threads(), "thread")));
}

/// Whoever gives a batch size to a short text should know what it costs.
void LanguageTraining::advise_on_batch_size(const text::Corpus& train, std::int64_t batch_size,
                                            std::int64_t total_steps) const {
  constexpr std::int64_t kFew = 64;
  TrainerOptions chosen = flags_.options.trainer;
  chosen.batch_size = 0;
  const std::int64_t smaller = lm::chosen_batch_size(chosen, train.size());
  if (total_steps >= kFew || smaller >= batch_size) return;
  note(
      fmt::format("note: only {} in all, as the text is short; --batch-size 0 would choose {}, "
                  "and make {}",
                  counted(total_steps, "update"), smaller,
                  grouped(chosen.epochs * lm::updates_per_epoch(chosen, train.size()))));
}

ExitCode LanguageTraining::run(std::optional<RunFolder> folder) {
  flags_.options.model.seed = flags_.seed;
  flags_.options.trainer.seed = flags_.seed;
  std::optional<text::Tokenizer> tokenizer;
  if (folder) {
    flags_.settle_with(lm::checkpoint_options(folder->path()));
    tokenizer = lm::load_tokenizer(folder->path(), flags_.options.model);
    flags_.settle_tokens(*tokenizer, "the run that is resumed");
  }
  const bool going_on = folder.has_value();
  const bool had_no_model = going_on && !fs::exists(folder->path() / kWeightsFile);

  // Cheap checks first: nobody should wait for a vocabulary to hear of a mistyped option.
  check(flags_.options.trainer);
  if (!going_on) {
    lm::LanguageModelOptions sizes = flags_.options.model;
    sizes.vocab_size = 1;
    lm::check(sizes);
    flags_.check_vocab_size();
    if (!flags_.valid.empty()) flags_.options.text.valid_fraction = 0;
    flags_.check_out(Kind::kLanguage);
  }
  std::optional<lm::SavedModel> from;
  if (!going_on && !flags_.from.empty()) {
    from = load_finite_model(flags_.from, "train --from");
    flags_.settle_with(*from);
    tokenizer = from->tokenizer;
    flags_.settle_tokens(*tokenizer, "the model of --from");
  }
  split_texts();
  if (flags_.kind_name.empty() && !going_on) refuse_sequences(split_.train.front());
  if (!tokenizer) {
    tokenizer = text::build_tokenizer(text::parse_token_kind(flags_.tokens), split_.train,
                                      flags_.options.text.vocab_size);
    flags_.options.model.vocab_size = tokenizer->size();
  }
  const text::Corpus train(*tokenizer, split_.train);
  const text::Corpus valid(*tokenizer, split_.valid);
  check_texts(*tokenizer, train, valid);
  split_ = {};  // what was kept of pipes and of gzip

  lm::LanguageModel model(flags_.options.model);
  if (from) copy_weights(from->model, model);
  from.reset();
  lm::LanguageObjective objective(model, train, valid, flags_.options.trainer, flags_.options.text,
                                  flags_.options.from);
  Trainer trainer(objective, flags_.options.trainer);
  const InterruptGuard guard;
  if (going_on) {
    trainer.resume(*folder);
  } else {
    trainer.check_space(flags_.out);
    folder = RunFolder::start(flags_.out, flags_.overwrite);
    lm::save_config(folder->path(), flags_.options.model, *tokenizer);
    trainer.begin(*folder);
  }
  describe(model, *tokenizer, train, valid, objective);
  if (!going_on) advise_on_batch_size(train, objective.batch_size(), trainer.total_steps());

  ProgressDisplay display;
  Trainer::Watch watch;
  ReachReport reach_report(flags_.options);
  const auto warn = [&](const std::optional<std::string>& warning) {
    if (!warning) return;
    display.finish();
    note(*warning);
  };
  watch.progress = [&](const Progress& progress) {
    warn(reach_report.take(progress));
    display.show(progress, reach_report.figures());
  };
  watch.validation = [&](const Validation& validation) {
    display.show(validation, reach_report.figures());
  };
  objective.watch_reach([&](const lm::Reach& reach) { warn(reach_report.take(reach)); },
                        flags_.reach_every);
  watch.stop = &guard.interrupted();
  watch.max_seconds = flags_.max_minutes * 60;
  const TrainingResult result = trainer.run(watch);
  display.finish();
  const EndedRun ended{.out = flags_.out,
                       .folder = *folder,
                       .model = model,
                       .tokenizer = *tokenizer,
                       .train = train,
                       .valid = valid,
                       .from = flags_.options.from,
                       .epochs = flags_.options.trainer.epochs,
                       .seq_len = flags_.options.trainer.seq_len,
                       .batch_size = objective.batch_size(),
                       .had_no_model = had_no_model,
                       .result = result,
                       .reach = reach_report};
  report(ended, flags_.json);
  write(flags_.files, reach_figure(ended), [&] { return to_page(ended); });
  return result.reason == StopReason::kInterrupted ? kInterrupted : kOk;
}

}  // namespace

ExitCode train_language(TrainFlags& flags, std::optional<RunFolder> folder) {
  return LanguageTraining(flags).run(std::move(folder));
}

}  // namespace riverrun::cli
