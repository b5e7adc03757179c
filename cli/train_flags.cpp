#include "cli/train_flags.h"

#include <algorithm>
#include <filesystem>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "riverrun/core/error.h"
#include "riverrun/core/fields.h"
#include "riverrun/data/audio.h"
#include "riverrun/data/labelled.h"
#include "riverrun/data/labelled_text.h"
#include "riverrun/data/tagged.h"
#include "riverrun/data/text/utf8.h"
#include "riverrun/train/run_folder.h"

#include "cli/field_option.h"
#include "cli/options.h"
#include "cli/run_report.h"
#include "cli/text.h"

namespace riverrun::cli {
namespace {

namespace fs = std::filesystem;

constexpr const char* kExample = R"(
Example: ten minutes on a novel, then let the model write
  riverrun train novel.txt --out model --max-minutes 10
  riverrun generate model --prompt "It was"
Which of the speakers, gestures, states … is it? One label for each sequence of sensor readings:
  riverrun train vowels_TRAIN.ts --out vowels
  riverrun evaluate vowels vowels_TEST.ts
Which part of speech is each word, which words are a name? One tag for each word of a sentence:
  riverrun train train.conllu --column upos --valid dev.conllu --vectors glove.6B.100d.txt --out pos
How does a time series go on? From a CSV file of what was measured, a row for each time:
  riverrun train load.csv --target load --horizon 48 --out load
  riverrun predict load load.csv --out next.csv --html next.html
What does an amplifier or an effect do to a signal? From a recording of what goes in and of what comes out:
  riverrun train dry.wav wet.wav --out amp
  riverrun predict amp guitar.wav --out amplified.wav
Go on with the weights of a language model, another text and a lower learning rate
  riverrun train letters.txt --from model --out letters --lr 1e-3
The Penn Treebank model of Zaremba et al. (2014, small; its sums over 20 steps are means here, so
lr and clip are 20 times and a 20th of the paper's):
  riverrun train ptb.train.txt --valid ptb.valid.txt --out ptb --tokens word --num-layers 2
    --embedding-size 200 --hidden-size 200 --dropout 0 --seq-len 20 --batch-size 20
    --optimizer sgd --lr 20 --clip 0.25 --schedule step --decay-after 4 --decay 0.5 --warmup 0
    --epochs 13 --init-uniform 0.1)";

/// A folder as the checkpoint names it, whether or not a slash was written behind it, and in UTF-8,
/// which a folder's name need not be.
std::string name_of(const fs::path& folder) {
  const fs::path path = folder.lexically_normal();
  return text::to_valid_utf8((path.has_filename() ? path : path.parent_path()).string());
}

}  // namespace

/// On --resume an option comes from the checkpoint, and may be given again but not changed, unless
/// it is one of the call (kCall). So does one of the model (kModel) with --from, where those of the
/// weights that it would begin with (kStart) have no meaning.
template <class Part, class FieldOfPart>
CLI::Option* TrainFlags::add(CLI::App& app, Part lm::RunOptions::*part, const FieldOfPart& field,
                             Of of) {
  const auto member = field.member;
  const auto get = [ part, member ](auto& run) -> auto& { return run.*part.*member; };
  CLI::Option* option = add_field_option(app, field, get(options));
  const auto settle = [this, option, get](const lm::RunOptions& stored) {
    const bool differs = option->count() > 0 && get(options) != get(stored);
    get(options) = get(stored);
    return !differs;
  };
  const std::string flag = option->get_name();
  settle_.push_back([this, settle, flag, option, get, of](const lm::RunOptions& stored) {
    if (of == Of::kCall) {
      if (option->count() == 0) get(options) = get(stored);
      return;
    }
    if (settle(stored)) return;
    throw differs_from_run(flag);
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

TrainFlags::TrainFlags(CLI::App& app) : app_(app) {
  app.footer(kExample);
  app.add_option(
         "DATA", texts,
         "Texts, read one after another: files, pipes, - for standard input; gzip is "
         "unpacked. Or a file of labelled sequences (.ts, or CSV with --label), for a "
         "classifier; "
         "of tagged sentences (CoNLL with --column), for a tagger; or of time series (CSV with "
         "--horizon), for a forecaster. Or two audio files, what "
         "goes into a device and what comes out, for a signal model")
      ->required();
  app.add_option("--out", out, "Folder for the model")->required();
  app.add_option(
      "--kind", kind_name,
      "language, of texts; classify, of labelled sequences; tag, of tagged sentences; "
      "forecast, of time series; or transform, of signals; if not given, it follows from DATA");

  app.add_option(
      "--from", from,
      "Begin with the weights and the vocabulary of this language model instead of random ones; "
      "the text, and how it is learnt from, may be others");
  app.add_option("--valid", valid,
                 "Data to validate on; without it, the end of the text, the signal or each time "
                 "series, a part "
                 "of each class, or some of the sentences");
  tokens_option_ = app.add_option("--tokens", tokens, "byte, char or word")->capture_default_str();
  for_each_field<lm::TextOptions>([&](const auto& field) {
    const bool is_fraction = field.name == std::string_view("valid_fraction");
    CLI::Option* option =
        add(app, &lm::RunOptions::text, field, is_fraction ? Of::kRun : Of::kStart);
    if (is_fraction) {
      option->excludes("--valid");
    } else {
      option->check(whole_number(0, INT64_MAX));
    }
  });
  for_each_field<lm::LanguageModelOptions>([&](const auto& field) {
    const std::string_view name = field.name;
    if (name == "vocab_size" || name == "seed") return;  // the text has the first, --seed is below
    const bool is_dropout = name == "dropout";
    CLI::Option* option = add(app, &lm::RunOptions::model, field,
                              field.initial ? Of::kStart
                              : is_dropout  ? Of::kRun
                                            : Of::kModel);
    if (is_dropout) dropout_option_ = option;
    if (name == "cell") option->description(known_cells());
  });
  for_each_field<TrainerOptions>([&](const auto& field) {
    const std::string_view name = field.name;
    if (name == "seed") return;
    add(app, &lm::RunOptions::trainer, field,
        name == "epochs" || name == "patience" ? Of::kCall : Of::kRun);
  });

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
  for (const char* flag :
       {"--from", "--tokens", "--vocab-size", "--embedding-size", "--forget-bias", "--init-uniform",
        "--seq-len", "--reach-every", "--encoding"}) {
    belongs(*app.get_option(flag), Kind::kLanguage);
  }
  belongs(*dropout_option_, Kind::kLanguage);
  belongs(*app.get_option("--seq-len"), Kind::kTransform);
  add_sequence_options(app);
  add_threads_option(app, threads);
  app.add_flag("--resume", resume, "Go on with the run in --out; begin if there is none");
  app.add_flag("--overwrite", overwrite, "Replace the model in --out, once the new one is there")
      ->excludes("--resume");
  app.add_flag("--json", json, "Print the result as one JSON object");
  add_report_options(app, files);
}

Kind TrainFlags::kind(const std::optional<RunFolder>& resumed) const {
  const bool is_given = !kind_name.empty();
  const bool has_texts =
      app_.count("--text-column") > 0 || std::ranges::any_of(texts, data::is_labelled_text);
  const bool has_sequences =
      has_texts || app_.count("--label") > 0 || std::ranges::any_of(texts, data::is_ts);
  const bool has_sentences =
      app_.count("--column") > 0 || std::ranges::any_of(texts, data::is_conllu);
  const bool has_horizon = app_.count("--horizon") > 0 || app_.count("--target") > 0;
  const bool has_audio = std::ranges::any_of(texts, data::is_audio);
  const Kind kind = resumed         ? kind_of(resumed->path())
                    : is_given      ? parse_kind(kind_name)
                    : has_sequences ? Kind::kClassify
                    : has_sentences ? Kind::kTag
                    : has_horizon   ? Kind::kForecast
                    : has_audio     ? Kind::kTransform
                                    : Kind::kLanguage;
  if (is_given && parse_kind(kind_name) != kind) {
    throw ConfigError(fmt::format("train: --kind is {}, but the run that is resumed is of {}",
                                  kind_name, noun(kind)));
  }
  if (kind == Kind::kTask) {
    throw ConfigError(fmt::format("train: the run in {} is of {}, which alone goes on with it",
                                  resumed->path().string(), noun(kind)));
  }
  for (const CLI::Option* option : app_.get_options()) {
    const auto found = kinds_.find(option);
    if (found == kinds_.end() || option->count() == 0 || found->second.contains(kind)) continue;
    std::vector<const char*> others;
    for (const Kind other : found->second) others.push_back(noun(other));
    throw ConfigError(fmt::format(
        "train: {} is an option of {}; {}", option->get_name(), fmt::join(others, " and of "),
        resumed    ? fmt::format("the run that is resumed is of {}", noun(kind))
        : is_given ? fmt::format("--kind is {}", name(kind))
                   : fmt::format("DATA is {}, so {} is trained; --kind says otherwise",
                                 has_texts       ? "labelled texts"
                                 : has_sequences ? "labelled sequences"
                                 : has_sentences ? "tagged sentences"
                                 : has_horizon   ? "time series"
                                 : has_audio     ? "audio"
                                                 : "text",
                                 noun(kind))));
  }
  return kind;
}

void TrainFlags::check_out(Kind kind) const {
  cli::check_out(
      out, resume, overwrite,
      kind == Kind::kLanguage
          ? fmt::format("begin with its weights in another folder (--from {}), ", out.string())
          : "");
}

void TrainFlags::settle_with(const lm::RunOptions& stored) {
  for (const auto& settle : settle_) settle(stored);
  if (seed_option_->count() > 0 && seed != stored.model.seed) {
    throw differs_from_run("--seed");
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
