#include "cli/train_flags.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "riverrun/core/error.h"
#include "riverrun/data/text/utf8.h"

#include "cli/options.h"
#include "cli/text.h"

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
/// As the checkpoint keeps it, in UTF-8, which a folder's name need not be.
std::string name_of(const fs::path& folder) {
  const fs::path path = folder.lexically_normal();
  return text::to_valid_utf8((path.has_filename() ? path : path.parent_path()).string());
}

}  // namespace

/// An option of the run: on --resume it comes from the checkpoint, and may be given again but not
/// changed. So does one of the model (kModel) with --from, where those of the weights that it would
/// begin with (kStart) have no meaning.
template <class Get>
CLI::Option* TrainFlags::add(CLI::App& app, const char* flag, Get get, const std::string& help,
                             Of of) {
  CLI::Option* option = app.add_option(flag, get(options), help);
  option->capture_default_str();
  const auto settle = [this, option, get](const lm::RunOptions& stored) {
    const bool differs = option->count() > 0 && get(options) != get(stored);
    get(options) = get(stored);
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

TrainFlags::TrainFlags(CLI::App& app) {
  app.footer(kExample);
  app.add_option("TEXT", texts, kTextHelp)->required();
  app.add_option("--out", out, "Folder for the model")->required();

  app.add_option("--from", from,
                 "Begin with the weights and the vocabulary of this model instead of random ones; "
                 "the text, and how it is learnt from, may be others");
  app.add_option("--valid", valid, "Text to validate on; without it, the end of TEXT");
  add(
      app, "--valid-fraction", [](auto& o) -> auto& { return o.text.valid_fraction; },
      "How much of the end of TEXT that is")
      ->excludes("--valid");
  tokens_option_ = app.add_option("--tokens", tokens, "byte, char or word")->capture_default_str();
  add(
      app, "--vocab-size", [](auto& o) -> auto& { return o.text.vocab_size; },
      "At most so many different tokens, the most frequent ones; 0: all", Of::kStart)
      ->check(whole_number(0, INT64_MAX));

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

  epochs_option_ = app.add_option("--epochs", options.trainer.epochs,
                                  "Passes over the text; with --resume it may be given anew")
                       ->capture_default_str();
  seed_option_ = app.add_option("--seed", seed, "Same seed, same model, to the bit")
                     ->capture_default_str()
                     ->check(whole_number(0, UINT64_MAX));
  app.add_option("--max-minutes", max_minutes, "Stop after so many minutes; 0: never")
      ->capture_default_str()
      ->check(not_negative());
  app.add_option("--reach-every", reach_every,
                 "Updates between measurements of how far back the gradient reaches; 0: such that "
                 "they take less than 1 % of the time")
      ->capture_default_str()
      ->check(whole_number(0, INT64_MAX));
  add_encoding_option(app, encoding);
  add_threads_option(app, threads);
  app.add_flag("--resume", resume, "Go on with the run in --out; begin if there is none");
  app.add_flag("--overwrite", overwrite, "Replace the model in --out, once the new one is there")
      ->excludes("--resume");
  app.add_flag("--json", json, "Print the result as one JSON object");
  add_report_options(app, files);
}

void TrainFlags::settle_with(const lm::RunOptions& stored) {
  for (const auto& settle : settle_) settle(stored);
  if (epochs_option_->count() == 0) options.trainer.epochs = stored.trainer.epochs;
  if (seed_option_->count() > 0 && seed != stored.model.seed) {
    throw ConfigError("train: --seed differs from that of the run that is resumed");
  }
  if (!from.empty() && name_of(from) != stored.from) {
    throw ConfigError(
        stored.from.empty()
            ? "train: the run that is resumed began without --from; omit it"
            : fmt::format("train: --from {}, but the run that is resumed began with {}",
                          from.string(), stored.from));
  }
  options.from = stored.from;
  options.model.seed = stored.model.seed;
  options.model.vocab_size = stored.model.vocab_size;
  options.trainer.seed = stored.trainer.seed;
  const bool had_own_text = options.text.valid_fraction == 0;
  if (had_own_text && valid.empty()) {
    throw ConfigError(
        "train: the run that is resumed validates on a text of its own; give it with --valid");
  }
  if (!had_own_text && !valid.empty()) {
    throw ConfigError("train: the run that is resumed validates on the end of TEXT; omit --valid");
  }
}

void TrainFlags::settle_tokens(const text::Tokenizer& tokenizer, const char* whose) {
  const std::string kind(text::to_string(tokenizer.kind()));
  if (tokens_option_->count() > 0 && tokens != kind) {
    throw ConfigError(fmt::format("train: --tokens {}, but {} reads {}s", tokens, whose, kind));
  }
  tokens = kind;
}

void TrainFlags::check_vocab_size() const {
  const std::int64_t size = options.text.vocab_size;
  const text::TokenKind kind = text::parse_token_kind(tokens);
  constexpr std::int64_t kBytes = 256;
  if (size == 0) return;
  if (kind == text::TokenKind::kByte && size != kBytes) {
    throw ConfigError(
        fmt::format("train: --vocab-size is {}; with --tokens byte there are {}", size, kBytes));
  }
  const std::int64_t least = kind == text::TokenKind::kChar ? 2 : 3;  // with <unk>, <eos>
  if (kind != text::TokenKind::kByte && size < least) {
    throw ConfigError(
        fmt::format("train: --vocab-size is {}; with --tokens {} it must be 0 (all) or at least {}",
                    size, tokens, least));
  }
}

void TrainFlags::settle_with(const lm::SavedModel& model) {
  lm::RunOptions stored;
  stored.model = model.model.options();
  for (const auto& settle : settle_from_) settle(stored);
  if (dropout_option_->count() == 0) options.model.dropout = stored.model.dropout;
  options.model.vocab_size = stored.model.vocab_size;
  options.from = name_of(from);
}

}  // namespace riverrun::cli
