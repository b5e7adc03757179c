#include <atomic>
#include <cmath>
#include <csignal>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "riverrun/core/error.h"
#include "riverrun/core/threads.h"
#include "riverrun/lm/model_folder.h"
#include "riverrun/lm/trainer.h"

#include "cli/command.h"
#include "cli/progress.h"

namespace riverrun::cli {
namespace {

namespace fs = std::filesystem;

constexpr const char* kExample = R"(
Example: ten minutes on a novel, then let the model write
  riverrun train novel.txt --out model --max-minutes 10
  riverrun generate model --prompt "It was"
The Penn Treebank model of Zaremba et al. (2014, small; its sums over 20 steps are means here, so
lr and clip are 20 times and a 20th of the paper's):
  riverrun train ptb.train.txt --valid ptb.valid.txt --out ptb --tokens word --num-layers 2
    --embedding-size 200 --hidden-size 200 --dropout 0 --seq-len 20 --batch-size 20
    --optimizer sgd --lr 20 --clip 0.25 --schedule step --decay-after 4 --decay 0.5 --warmup 0
    --epochs 13 --init-uniform 0.1)";

std::atomic<bool> interrupted{false};

/// The first Ctrl-C asks the trainer to stop; the next one ends the process.
class InterruptGuard {
 public:
  InterruptGuard() {
    struct sigaction action {};
    action.sa_handler = [](int) { interrupted = true; };
    action.sa_flags = SA_RESETHAND | SA_RESTART;
    sigaction(SIGINT, &action, &interrupt_);
    sigaction(SIGTERM, &action, &terminate_);
    // A reader of our output who went away, or a limit on file sizes, is an error to report after
    // the run's files are safe, not a reason to die at once.
    struct sigaction ignore {};
    ignore.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &ignore, &pipe_);
    sigaction(SIGXFSZ, &ignore, &file_size_);
  }
  InterruptGuard(const InterruptGuard&) = delete;
  InterruptGuard& operator=(const InterruptGuard&) = delete;
  ~InterruptGuard() {
    sigaction(SIGINT, &interrupt_, nullptr);
    sigaction(SIGTERM, &terminate_, nullptr);
    sigaction(SIGPIPE, &pipe_, nullptr);
    sigaction(SIGXFSZ, &file_size_, nullptr);
  }

 private:
  struct sigaction interrupt_ {};
  struct sigaction terminate_ {};
  struct sigaction pipe_ {};
  struct sigaction file_size_ {};
};

class TrainCommand {
 public:
  explicit TrainCommand(CLI::App& app);
  ExitCode run();

 private:
  template <class Get>
  void add(CLI::App& app, const char* flag, Get get, const char* help);
  void settle_with(const lm::RunOptions& stored);
  void split_texts();
  void warn(const text::Corpus& corpus, const char* which) const;
  void describe(lm::LanguageModel& model, const text::Tokenizer& tokenizer,
                const text::Corpus& train, const text::Corpus& valid,
                const lm::Trainer& trainer) const;
  ExitCode report(const lm::LanguageModel& model, const text::Tokenizer& tokenizer,
                  const text::Corpus& train, const text::Corpus& valid,
                  const lm::TrainingResult& result, const lm::RunFolder& folder) const;

  std::vector<fs::path> texts_;
  fs::path out_;
  fs::path valid_;
  double valid_fraction_ = 0.1;
  std::string tokens_ = "char";
  std::int64_t vocab_size_ = 0;
  std::uint64_t seed_ = 1;
  double max_minutes_ = 0;
  int threads_ = 0;
  bool resume_ = false;
  bool overwrite_ = false;
  bool json_ = false;
  lm::RunOptions options_;
  CLI::Option* tokens_option_ = nullptr;
  CLI::Option* epochs_option_ = nullptr;
  CLI::Option* seed_option_ = nullptr;
  std::vector<std::function<void(const lm::RunOptions&)>> settle_;
  text::TextSplit split_;
};

/// An option of the run: on --resume it comes from the checkpoint, and may be given again but not
/// changed.
template <class Get>
void TrainCommand::add(CLI::App& app, const char* flag, Get get, const char* help) {
  CLI::Option* option = app.add_option(flag, get(options_), help);
  option->capture_default_str();
  settle_.push_back([this, option, get, flag](const lm::RunOptions& stored) {
    if (option->count() > 0 && get(options_) != get(stored)) {
      throw ConfigError(fmt::format(
          "train: {} differs from that of the run that is resumed; leave it away, or begin anew "
          "with --overwrite or another --out",
          flag));
    }
    get(options_) = get(stored);
  });
}

TrainCommand::TrainCommand(CLI::App& app) {
  app.footer(kExample);
  app.add_option("TEXT", texts_, "Text files to learn from, read one after another")->required();
  app.add_option("--out", out_, "Folder for the model")->required();

  app.add_option("--valid", valid_, "Text to validate on; without it, the end of TEXT");
  app.add_option("--valid-fraction", valid_fraction_, "How much of the end of TEXT that is")
      ->capture_default_str()
      ->excludes("--valid");
  tokens_option_ = app.add_option("--tokens", tokens_, "byte, char or word")->capture_default_str();
  app.add_option("--vocab-size", vocab_size_,
                 "At most so many different tokens, the most frequent ones; 0: all")
      ->capture_default_str();

  add(
      app, "--cell", [](auto& o) -> auto& { return o.model.cell; },
      "lstm, gru, rnn_tanh, rnn_relu or memoryless");
  add(
      app, "--embedding-size", [](auto& o) -> auto& { return o.model.embedding_size; },
      "Numbers that stand for a token");
  add(
      app, "--hidden-size", [](auto& o) -> auto& { return o.model.hidden_size; },
      "Units of a layer");
  add(
      app, "--num-layers", [](auto& o) -> auto& { return o.model.num_layers; }, "Recurrent layers");
  add(
      app, "--dropout", [](auto& o) -> auto& { return o.model.dropout; },
      "Part of the units that is left out while training, in [0, 1)");
  add(
      app, "--forget-bias", [](auto& o) -> auto& { return o.model.forget_bias; },
      "Initial bias of the gate f; not given: as PyTorch");
  add(
      app, "--init-uniform", [](auto& o) -> auto& { return o.model.init_uniform; },
      "All parameters begin uniform in +-X; not given: as PyTorch");

  add(
      app, "--seq-len", [](auto& o) -> auto& { return o.trainer.seq_len; },
      "Steps that gradients flow back through");
  add(
      app, "--batch-size", [](auto& o) -> auto& { return o.trainer.batch_size; },
      "Stretches of the text read side by side");
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
  seed_option_ =
      app.add_option("--seed", seed_, "Same seed, same model, to the bit")->capture_default_str();
  app.add_option("--max-minutes", max_minutes_, "Stop after so many minutes; 0: never")
      ->capture_default_str()
      ->check(CLI::NonNegativeNumber);
  app.add_option("--threads", threads_, "Threads to compute with; 0: one per CPU")
      ->capture_default_str()
      ->check(CLI::Range(0, 1024));
  app.add_flag("--resume", resume_, "Go on with the run in --out; begin if there is none");
  app.add_flag("--overwrite", overwrite_, "Replace the model in --out, once the new one is there")
      ->excludes("--resume");
  app.add_flag("--json", json_, "Print the result as one JSON object");
}

void TrainCommand::settle_with(const lm::RunOptions& stored) {
  for (const auto& settle : settle_) settle(stored);
  if (epochs_option_->count() == 0) options_.trainer.epochs = stored.trainer.epochs;
  if (seed_option_->count() > 0 && seed_ != stored.model.seed) {
    throw ConfigError("train: --seed differs from that of the run that is resumed");
  }
  options_.model.seed = stored.model.seed;
  options_.model.vocab_size = stored.model.vocab_size;
  options_.trainer.seed = stored.trainer.seed;
}

void TrainCommand::split_texts() {
  if (valid_.empty()) {
    const text::CutAt cut = text::parse_token_kind(tokens_) == text::TokenKind::kWord
                                ? text::CutAt::kLine
                                : text::CutAt::kCharacter;
    split_ = text::split_files(texts_, valid_fraction_, cut);
  } else {
    split_.train = text::whole_files(texts_);
    split_.valid = text::whole_files(std::vector<fs::path>{valid_});
  }
}

void TrainCommand::warn(const text::Corpus& corpus, const char* which) const {
  const text::InvalidUtf8& invalid = corpus.invalid();
  if (invalid.sequences > 0 && tokens_ != "byte") {
    note(fmt::format(
        "warning: {}: not UTF-8 at byte {} ({} such places in the {} text, read as U+FFFD); "
        "--tokens byte reads any file as it is",
        invalid.path.string(), invalid.offset, grouped(invalid.sequences), which));
  }
}

void TrainCommand::describe(lm::LanguageModel& model, const text::Tokenizer& tokenizer,
                            const text::Corpus& train, const text::Corpus& valid,
                            const lm::Trainer& trainer) const {
  note(fmt::format("text: {} {} tokens to learn from, {} to validate on; {} different ones",
                   grouped(train.size()), text::to_string(tokenizer.kind()), grouped(valid.size()),
                   grouped(tokenizer.size())));
  if (valid.counts().unknown > 0) {
    note(fmt::format("text: {} tokens of the validation text are not in the vocabulary",
                     grouped(valid.counts().unknown)));
  }
  const lm::LanguageModelOptions& o = model.options();
  note(fmt::format("model: {}, {} x {} units, {} parameters; {} epochs of {} steps, {} threads",
                   o.cell, o.num_layers, o.hidden_size, grouped(model.parameter_count()),
                   options_.trainer.epochs, grouped(trainer.steps_per_epoch()), num_threads()));
}

ExitCode TrainCommand::run() {
  use_threads(threads_);
  options_.model.seed = seed_;
  options_.trainer.seed = seed_;
  std::optional<lm::RunFolder> folder;
  std::optional<text::Tokenizer> tokenizer;
  if (resume_ && lm::RunFolder::can_resume(out_)) {
    folder = lm::RunFolder::resume(out_);
    settle_with(lm::Trainer::checkpoint_options(*folder));
    tokenizer = text::Tokenizer::load(folder->path() / text::kTokenizerFile);
    const std::string kind(text::to_string(tokenizer->kind()));
    if (tokens_option_->count() > 0 && tokens_ != kind) {
      throw ConfigError(
          fmt::format("train: --tokens {}, but the run that is resumed reads {}", tokens_, kind));
    }
    if (vocab_size_ > 0 && vocab_size_ < tokenizer->size()) {
      throw ConfigError(
          fmt::format("train: --vocab-size {}, but the run that is resumed has a vocabulary of {}",
                      vocab_size_, tokenizer->size()));
    }
    tokens_ = kind;
  }
  const bool going_on = folder.has_value();

  // Cheap checks first: nobody should wait for a vocabulary to hear of a mistyped option.
  lm::check(options_.trainer);
  if (!going_on) {
    lm::LanguageModelOptions sizes = options_.model;
    sizes.vocab_size = 1;
    lm::check(sizes);
    lm::RunFolder::check_start(out_, overwrite_);
  }
  split_texts();
  if (!going_on) {
    tokenizer = text::build_tokenizer(text::parse_token_kind(tokens_), split_.train, vocab_size_);
    options_.model.vocab_size = tokenizer->size();
  }
  const text::Corpus train(*tokenizer, split_.train);
  const text::Corpus valid(*tokenizer, split_.valid);
  warn(train, "training");
  warn(valid, "validation");

  lm::LanguageModel model(options_.model);
  lm::Trainer trainer(model, train, valid, options_.trainer);
  const InterruptGuard guard;
  if (going_on) {
    trainer.resume(*folder);
  } else {
    folder = lm::RunFolder::start(out_, overwrite_);
    lm::save_config(folder->path(), options_.model, *tokenizer);
    trainer.begin(*folder);
  }
  describe(model, *tokenizer, train, valid, trainer);

  ProgressDisplay display;
  lm::Trainer::Watch watch;
  watch.progress = [&](const lm::Progress& progress) { display.show(progress); };
  watch.validation = [&](const lm::Validation& validation) { display.show(validation); };
  watch.stop = &interrupted;
  watch.max_seconds = max_minutes_ * 60;
  const lm::TrainingResult result = trainer.run(watch);
  display.finish();
  return report(model, *tokenizer, train, valid, result, *folder);
}

ExitCode TrainCommand::report(const lm::LanguageModel& model, const text::Tokenizer& tokenizer,
                              const text::Corpus& train, const text::Corpus& valid,
                              const lm::TrainingResult& result, const lm::RunFolder& folder) const {
  const char* reason = result.reason == lm::StopReason::kFinished    ? "finished"
                       : result.reason == lm::StopReason::kTimeLimit ? "time limit"
                                                                     : "interrupted";
  std::optional<double> nats;
  if (result.best) nats = result.best->valid_nats;
  if (result.last_valid_nats && (!nats || *result.last_valid_nats < *nats)) {
    nats = result.last_valid_nats;
  }
  if (result.reason != lm::StopReason::kFinished) {
    note(fmt::format("{} after {} steps; the same command with --resume goes on from here", reason,
                     grouped(result.steps)));
  }
  if (!result.model_saved && folder.staged()) {
    note(
        fmt::format("the old model is still in {}; the new run, which has no validated model yet, "
                    "is in {}",
                    out_.string(), folder.path().string()));
  }
  if (json_) {
    nlohmann::ordered_json validations = nlohmann::ordered_json::array();
    for (const lm::Validation& v : result.validations) {
      validations.push_back({{"step", v.step},
                             {"epoch", v.epoch},
                             {"lr", v.lr},
                             {"train_nats_per_token", v.train_nats},
                             {"valid_nats_per_token", v.valid_nats},
                             {"best", v.best}});
    }
    const auto number = [](const std::optional<double>& x) {
      return x ? nlohmann::ordered_json(*x) : nlohmann::ordered_json(nullptr);
    };
    const lm::LanguageModelOptions& o = model.options();
    print_json(
        {{"out", out_.string()},
         {"stopped", reason},
         {"model_saved", result.model_saved},
         {"cell", o.cell},
         {"num_layers", o.num_layers},
         {"embedding_size", o.embedding_size},
         {"hidden_size", o.hidden_size},
         {"parameters", model.parameter_count()},
         {"tokens", text::to_string(tokenizer.kind())},
         {"vocab_size", tokenizer.size()},
         {"train_tokens", train.size()},
         {"valid_tokens", valid.size()},
         {"valid_unknown_tokens", valid.counts().unknown},
         {"steps", result.steps},
         {"epochs", options_.trainer.epochs},
         {"seconds", result.seconds},
         {"tokens_trained", result.tokens},
         {"tokens_per_second",
          result.seconds > 0 ? static_cast<double>(result.tokens) / result.seconds : 0.0},
         {"threads", num_threads()},
         {"best_valid_nats_per_token", number(nats)},
         {"best_valid_perplexity", number(nats ? std::optional(std::exp(*nats)) : std::nullopt)},
         {"best_step", result.best ? nlohmann::ordered_json(result.best->step) : nullptr},
         {"validations", validations}});
  } else if (result.model_saved) {
    print(nats ? fmt::format("{}: validation {:.4f} nats per token, perplexity {:.2f}; {} in {}\n",
                             out_.string(), *nats, std::exp(*nats), grouped(result.tokens),
                             duration(result.seconds))
               : fmt::format("{}: a model of {} steps, not yet validated\n", out_.string(),
                             grouped(result.steps)));
  }
  return result.reason == lm::StopReason::kInterrupted ? kInterrupted : kOk;
}

}  // namespace

void add_train(CLI::App& program, Verb& chosen) {
  CLI::App* app = program.add_subcommand("train", "Train a language model on text files");
  auto command = std::make_shared<TrainCommand>(*app);
  app->callback([&chosen, command] { chosen = [command] { return command->run(); }; });
}

}  // namespace riverrun::cli
