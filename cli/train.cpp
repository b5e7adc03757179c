#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "riverrun/core/error.h"
#include "riverrun/core/threads.h"
#include "riverrun/lm/model_folder.h"
#include "riverrun/lm/trainer.h"
#include "riverrun/text/split.h"

#include "cli/command.h"
#include "cli/interrupt.h"
#include "cli/model.h"
#include "cli/options.h"
#include "cli/progress.h"
#include "cli/reach_report.h"
#include "cli/report.h"
#include "cli/text.h"
#include "cli/train_figures.h"
#include "cli/train_report.h"

namespace riverrun::cli {
namespace {

namespace fs = std::filesystem;

constexpr const char* kExample = R"(
Example: ten minutes on a novel, then let the model write
  riverrun train novel.txt --out model --max-minutes 10
  riverrun generate model --prompt "It was"
Go on with its weights, another text and a lower learning rate
  riverrun train letters.txt --from model --out letters --lr 1e-3
The Penn Treebank model of Zaremba et al. (2014, small; its sums over 20 steps are means here, so
lr and clip are 20 times and a 20th of the paper's):
  riverrun train ptb.train.txt --valid ptb.valid.txt --out ptb --tokens word --num-layers 2
    --embedding-size 200 --hidden-size 200 --dropout 0 --seq-len 20 --batch-size 20
    --optimizer sgd --lr 20 --clip 0.25 --schedule step --decay-after 4 --decay 0.5 --warmup 0
    --epochs 13 --init-uniform 0.1)";

/// A folder as the checkpoint names it, whether or not a slash was written behind it.
std::string name_of(const fs::path& folder) {
  const fs::path path = folder.lexically_normal();
  return (path.has_filename() ? path : path.parent_path()).string();
}

/// Both must have the same sizes.
void copy_weights(lm::LanguageModel& from, lm::LanguageModel& to) {
  const ParameterList source = from.parameters();
  const ParameterList target = to.parameters();
  for (std::size_t i = 0; i < source.size(); ++i) {
    target[i].parameter->mutable_value() = source[i].parameter->value();
  }
}

class TrainCommand {
 public:
  explicit TrainCommand(CLI::App& app);
  ExitCode run();

 private:
  /// Of a model that the run begins with, whether an option may be another.
  enum class Of { kRun, kModel, kStart };
  template <class Get>
  CLI::Option* add(CLI::App& app, const char* flag, Get get, const std::string& help,
                   Of of = Of::kRun);
  void settle_tokens(const text::Tokenizer& tokenizer, const char* whose);
  void settle_with(const lm::RunOptions& stored);
  void settle_with(const lm::SavedModel& from);
  void check_out() const;
  void split_texts();
  void check_texts(const text::Tokenizer& tokenizer, const text::Corpus& train,
                   const text::Corpus& valid) const;
  void describe(lm::LanguageModel& model, const text::Tokenizer& tokenizer,
                const text::Corpus& train, const text::Corpus& valid,
                const lm::Trainer& trainer) const;

  std::vector<fs::path> texts_;
  fs::path out_;
  fs::path valid_;
  fs::path from_;
  std::string encoding_;
  std::string tokens_ = "char";
  std::uint64_t seed_ = 1;
  double max_minutes_ = 0;
  std::int64_t reach_every_ = 0;
  int threads_ = 0;
  bool resume_ = false;
  bool overwrite_ = false;
  bool json_ = false;
  ReportFiles files_;
  lm::RunOptions options_;
  CLI::Option* tokens_option_ = nullptr;
  CLI::Option* dropout_option_ = nullptr;
  CLI::Option* epochs_option_ = nullptr;
  CLI::Option* seed_option_ = nullptr;
  std::vector<std::function<void(const lm::RunOptions&)>> settle_;
  std::vector<std::function<void(const lm::RunOptions&)>> settle_from_;
  text::TextSplit split_;
};

/// An option of the run: on --resume it comes from the checkpoint, and may be given again but not
/// changed. So does one of the model (kModel) with --from, where those of the weights that it would
/// begin with (kStart) have no meaning.
template <class Get>
CLI::Option* TrainCommand::add(CLI::App& app, const char* flag, Get get, const std::string& help,
                               Of of) {
  CLI::Option* option = app.add_option(flag, get(options_), help);
  option->capture_default_str();
  const auto settle = [this, option, get](const lm::RunOptions& stored) {
    const bool differs = option->count() > 0 && get(options_) != get(stored);
    get(options_) = get(stored);
    return !differs;
  };
  settle_.push_back([settle, flag](const lm::RunOptions& stored) {
    if (settle(stored)) return;
    throw ConfigError(
        fmt::format("train: {} differs from that of the run that is resumed; omit it, or begin "
                    "anew with --overwrite or another --out",
                    flag));
  });
  if (of == Of::kModel) {
    settle_from_.push_back([settle, flag](const lm::RunOptions& stored) {
      if (settle(stored)) return;
      throw ConfigError(fmt::format(
          "train: {} differs from that of the model of --from, which keeps its own; omit it",
          flag));
    });
  } else if (of == Of::kStart) {
    option->excludes("--from");
  }
  return option;
}

TrainCommand::TrainCommand(CLI::App& app) {
  app.footer(kExample);
  app.add_option("TEXT", texts_, kTextHelp)->required();
  app.add_option("--out", out_, "Folder for the model")->required();

  app.add_option("--from", from_,
                 "Begin with the weights and the vocabulary of this model instead of random ones; "
                 "the text, and how it is learnt from, may be others");
  app.add_option("--valid", valid_, "Text to validate on; without it, the end of TEXT");
  add(
      app, "--valid-fraction", [](auto& o) -> auto& { return o.text.valid_fraction; },
      "How much of the end of TEXT that is")
      ->excludes("--valid");
  tokens_option_ = app.add_option("--tokens", tokens_, "byte, char or word")->capture_default_str();
  add(
      app, "--vocab-size", [](auto& o) -> auto& { return o.text.vocab_size; },
      "At most so many different tokens, the most frequent ones; 0: all", Of::kStart);

  add(
      app, "--cell", [](auto& o) -> auto& { return o.model.cell; }, known_cells(), Of::kModel);
  add(
      app, "--embedding-size", [](auto& o) -> auto& { return o.model.embedding_size; },
      "Numbers that stand for a token", Of::kModel);
  add(
      app, "--hidden-size", [](auto& o) -> auto& { return o.model.hidden_size; },
      "Units of a layer", Of::kModel);
  add(
      app, "--num-layers", [](auto& o) -> auto& { return o.model.num_layers; }, "Recurrent layers",
      Of::kModel);
  dropout_option_ = add(
      app, "--dropout", [](auto& o) -> auto& { return o.model.dropout; },
      "Part of the units that is left out while training, in [0, 1)");
  add(
      app, "--forget-bias", [](auto& o) -> auto& { return o.model.forget_bias; },
      "Initial bias of the gate f; not given: as PyTorch", Of::kStart);
  add(
      app, "--init-uniform", [](auto& o) -> auto& { return o.model.init_uniform; },
      "All parameters begin uniform in +-X; not given: as PyTorch", Of::kStart);

  add(
      app, "--seq-len", [](auto& o) -> auto& { return o.trainer.seq_len; },
      "Steps that gradients flow back through");
  add(
      app, "--batch-size", [](auto& o) -> auto& { return o.trainer.batch_size; },
      "Stretches of the text read side by side; 0: 32, or fewer for a short text");
  add(
      app, "--optimizer", [](auto& o) -> auto& { return o.trainer.optimizer; },
      "sgd, adam, adamw or rmsprop");
  add(
      app, "--lr", [](auto& o) -> auto& { return o.trainer.lr; }, "Learning rate");
  add(
      app, "--momentum", [](auto& o) -> auto& { return o.trainer.momentum; }, "Of sgd and rmsprop");
  add(
      app, "--weight-decay", [](auto& o) -> auto& { return o.trainer.weight_decay; },
      "Pull of the weights towards 0");
  add(
      app, "--schedule", [](auto& o) -> auto& { return o.trainer.schedule; },
      "Of the learning rate: constant, step, cosine or plateau");
  add(
      app, "--warmup", [](auto& o) -> auto& { return o.trainer.warmup; },
      "Updates during which the learning rate rises");
  add(
      app, "--decay", [](auto& o) -> auto& { return o.trainer.decay; },
      "What step and plateau multiply it by");
  add(
      app, "--decay-after", [](auto& o) -> auto& { return o.trainer.decay_after; },
      "step: epochs before the first decay");
  add(
      app, "--clip", [](auto& o) -> auto& { return o.trainer.clip; },
      "Largest norm of a gradient; 0: any");
  add(
      app, "--valid-every", [](auto& o) -> auto& { return o.trainer.valid_every; },
      "Updates between validations within an epoch; 0: chosen by the texts' sizes");

  epochs_option_ = app.add_option("--epochs", options_.trainer.epochs,
                                  "Passes over the text; with --resume it may be given anew")
                       ->capture_default_str();
  seed_option_ = app.add_option("--seed", seed_, "Same seed, same model, to the bit")
                     ->capture_default_str()
                     ->check(whole_number(0, UINT64_MAX));
  app.add_option("--max-minutes", max_minutes_, "Stop after so many minutes; 0: never")
      ->capture_default_str()
      ->check(not_negative());
  app.add_option("--reach-every", reach_every_,
                 "Updates between measurements of how far back the gradient reaches; 0: such that "
                 "they take less than 1 % of the time")
      ->capture_default_str()
      ->check(whole_number(0, INT64_MAX));
  add_encoding_option(app, encoding_);
  add_threads_option(app, threads_);
  app.add_flag("--resume", resume_, "Go on with the run in --out; begin if there is none");
  app.add_flag("--overwrite", overwrite_, "Replace the model in --out, once the new one is there")
      ->excludes("--resume");
  app.add_flag("--json", json_, "Print the result as one JSON object");
  add_report_options(app, files_);
}

void TrainCommand::settle_with(const lm::RunOptions& stored) {
  for (const auto& settle : settle_) settle(stored);
  if (epochs_option_->count() == 0) options_.trainer.epochs = stored.trainer.epochs;
  if (seed_option_->count() > 0 && seed_ != stored.model.seed) {
    throw ConfigError("train: --seed differs from that of the run that is resumed");
  }
  if (!from_.empty() && name_of(from_) != stored.from) {
    throw ConfigError(
        stored.from.empty()
            ? "train: the run that is resumed began without --from; omit it"
            : fmt::format("train: --from {}, but the run that is resumed began with {}",
                          from_.string(), stored.from));
  }
  options_.from = stored.from;
  options_.model.seed = stored.model.seed;
  options_.model.vocab_size = stored.model.vocab_size;
  options_.trainer.seed = stored.trainer.seed;
  const bool had_own_text = options_.text.valid_fraction == 0;
  if (had_own_text && valid_.empty()) {
    throw ConfigError(
        "train: the run that is resumed validates on a text of its own; give it with --valid");
  }
  if (!had_own_text && !valid_.empty()) {
    throw ConfigError("train: the run that is resumed validates on the end of TEXT; omit --valid");
  }
}

void TrainCommand::settle_tokens(const text::Tokenizer& tokenizer, const char* whose) {
  const std::string kind(text::to_string(tokenizer.kind()));
  if (tokens_option_->count() > 0 && tokens_ != kind) {
    throw ConfigError(fmt::format("train: --tokens {}, but {} reads {}s", tokens_, whose, kind));
  }
  tokens_ = kind;
}

void TrainCommand::settle_with(const lm::SavedModel& from) {
  lm::RunOptions stored;
  stored.model = from.model.options();
  for (const auto& settle : settle_from_) settle(stored);
  if (dropout_option_->count() == 0) options_.model.dropout = stored.model.dropout;
  options_.model.vocab_size = stored.model.vocab_size;
  options_.from = name_of(from_);
}

/// Throws ConfigError or IoError unless a run can begin in --out.
void TrainCommand::check_out() const {
  try {
    lm::RunFolder::check_start(out_, overwrite_);
  } catch (const lm::OccupiedFolder& occupied) {
    throw ConfigError(fmt::format(
        "{}; {}, overwrite it ({}), or choose another --out", occupied.what(),
        occupied.resumable()
            ? std::string("go on with it (--resume)")
            : fmt::format("begin with its weights in another folder (--from {})", out_.string()),
        resume_ ? "--overwrite in place of --resume" : "--overwrite"));
  }
}

void TrainCommand::split_texts() {
  const text::TokenKind kind = text::parse_token_kind(tokens_);
  if (valid_.empty()) {
    if (const double part = options_.text.valid_fraction; !(part > 0 && part < 1)) {
      throw ConfigError(
          fmt::format("train: --valid-fraction is {}; it must be between 0 and 1", part));
    }
    const text::CutAt cut =
        kind == text::TokenKind::kWord ? text::CutAt::kWhiteSpace : text::CutAt::kCharacter;
    split_ =
        text::split_texts(open_texts(texts_, kind, encoding_), options_.text.valid_fraction, cut);
    return;
  }
  if (valid_ == "-" && std::ranges::find(texts_, valid_) != texts_.end()) {
    throw ConfigError(
        "train: standard input (-) is given as TEXT and with --valid; it can be read only once");
  }
  split_.train = open_texts(texts_, kind, encoding_);
  split_.valid = open_texts(std::span(&valid_, 1), kind, encoding_);
}

void TrainCommand::check_texts(const text::Tokenizer& tokenizer, const text::Corpus& train,
                               const text::Corpus& valid) const {
  require_two_tokens(train, split_.train.front().path);
  require_two_tokens(valid, split_.valid.front().path);
  if (const std::int64_t batch_size = options_.trainer.batch_size; train.size() <= batch_size) {
    throw ConfigError(
        fmt::format("train: {} has {} to learn from; --batch-size {} needs at least {}",
                    split_.train.front().path.string(), counted(train.size(), "token"), batch_size,
                    batch_size + 1));
  }
  constexpr const char* kHint = "; --tokens byte reads any file as it is";
  warn_of_invalid_utf8(train, tokenizer.kind(), "training text", kHint);
  warn_of_invalid_utf8(valid, tokenizer.kind(), "validation text", kHint);
}

void TrainCommand::describe(lm::LanguageModel& model, const text::Tokenizer& tokenizer,
                            const text::Corpus& train, const text::Corpus& valid,
                            const lm::Trainer& trainer) const {
  note(fmt::format("text: {} {} tokens to learn from, {} to validate on; {} different ones",
                   grouped(train.size()), text::to_string(tokenizer.kind()), grouped(valid.size()),
                   grouped(tokenizer.size())));
  // With --vocab-size, that is what was asked for.
  if (options_.text.vocab_size == 0) warn_of_unknown(train, "training text");
  warn_of_unknown(valid, "validation text");
  const lm::LanguageModelOptions& o = model.options();
  note(fmt::format("model: {}, {} x {}, {}; {} of {} of {} x {} tokens, {}", o.cell, o.num_layers,
                   counted(o.hidden_size, "unit"), counted(model.parameter_count(), "parameter"),
                   counted(options_.trainer.epochs, "epoch"),
                   counted(trainer.steps_per_epoch(), "step"), trainer.batch_size(),
                   options_.trainer.seq_len, counted(num_threads(), "thread")));
}

ExitCode TrainCommand::run() {
  std::vector<fs::path> read = texts_;
  read.insert(read.end(), {valid_, out_, from_});
  require(files_, read);
  use_threads(threads_);
  options_.model.seed = seed_;
  options_.trainer.seed = seed_;
  std::optional<lm::RunFolder> folder;
  std::optional<text::Tokenizer> tokenizer;
  if (resume_ && lm::RunFolder::can_resume(out_)) {
    folder = lm::RunFolder::resume(out_);
    settle_with(lm::Trainer::checkpoint_options(*folder));
    tokenizer = text::Tokenizer::load(folder->path() / text::kTokenizerFile);
    settle_tokens(*tokenizer, "the run that is resumed");
  }
  const bool going_on = folder.has_value();
  const bool had_no_model = going_on && !fs::exists(folder->path() / lm::kWeightsFile);

  // Cheap checks first: nobody should wait for a vocabulary to hear of a mistyped option.
  lm::check(options_.trainer);
  if (!going_on) {
    lm::LanguageModelOptions sizes = options_.model;
    sizes.vocab_size = 1;
    lm::check(sizes);
    if (!valid_.empty()) options_.text.valid_fraction = 0;
    check_out();
  }
  std::optional<lm::SavedModel> from;
  if (!going_on && !from_.empty()) {
    from = load_finite_model(from_);
    settle_with(*from);
    tokenizer = from->tokenizer;
    settle_tokens(*tokenizer, "the model of --from");
  }
  split_texts();
  if (!tokenizer) {
    tokenizer = text::build_tokenizer(text::parse_token_kind(tokens_), split_.train,
                                      options_.text.vocab_size);
    options_.model.vocab_size = tokenizer->size();
  }
  const text::Corpus train(*tokenizer, split_.train);
  const text::Corpus valid(*tokenizer, split_.valid);
  check_texts(*tokenizer, train, valid);
  split_ = {};  // what was kept of pipes and of gzip

  lm::LanguageModel model(options_.model);
  if (from) copy_weights(from->model, model);
  from.reset();
  lm::Trainer trainer(model, train, valid, options_.trainer);
  const InterruptGuard guard;
  if (going_on) {
    trainer.resume(*folder);
  } else {
    trainer.check_space(out_);
    folder = lm::RunFolder::start(out_, overwrite_);
    lm::save_config(folder->path(), options_.model, *tokenizer);
    trainer.begin(*folder, options_.text, options_.from);
  }
  describe(model, *tokenizer, train, valid, trainer);

  ProgressDisplay display;
  lm::Trainer::Watch watch;
  ReachReport reach_report(options_);
  const auto warn = [&](const std::optional<std::string>& warning) {
    if (!warning) return;
    display.finish();
    note(*warning);
  };
  watch.progress = [&](const lm::Progress& progress) {
    warn(reach_report.take(progress));
    display.show(progress, reach_report.figures());
  };
  watch.validation = [&](const lm::Validation& validation) {
    display.show(validation, reach_report.figures());
  };
  watch.reach = [&](const lm::Reach& reach) { warn(reach_report.take(reach)); };
  watch.reach_every = reach_every_;
  watch.stop = &guard.interrupted();
  watch.max_seconds = max_minutes_ * 60;
  const lm::TrainingResult result = trainer.run(watch);
  display.finish();
  if (!folder->leftover().empty()) {
    note(fmt::format("warning: the old model could not be removed; what is left of it is in {}",
                     folder->leftover().string()));
  }
  const EndedRun ended{.out = out_,
                       .folder = *folder,
                       .model = model,
                       .tokenizer = *tokenizer,
                       .train = train,
                       .valid = valid,
                       .from = options_.from,
                       .epochs = options_.trainer.epochs,
                       .seq_len = options_.trainer.seq_len,
                       .batch_size = trainer.batch_size(),
                       .had_no_model = had_no_model,
                       .result = result,
                       .reach = reach_report};
  report(ended, json_);
  write(files_, reach_figure(ended), [&] { return to_page(ended); });
  return result.reason == lm::StopReason::kInterrupted ? kInterrupted : kOk;
}

}  // namespace

void add_train(CLI::App& program, Verb& chosen) {
  CLI::App* app = program.add_subcommand("train", "Train a language model on text files");
  auto command = std::make_shared<TrainCommand>(*app);
  app->callback([&chosen, command] { chosen = [command] { return command->run(); }; });
}

}  // namespace riverrun::cli
