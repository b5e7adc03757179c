#include <algorithm>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "riverrun/core/error.h"
#include "riverrun/data/text/corpus.h"
#include "riverrun/insight/text_features.h"
#include "riverrun/lm/inspector.h"
#include "riverrun/lm/model_folder.h"

#include "cli/command.h"
#include "cli/comparison.h"
#include "cli/inspect_kinds.h"
#include "cli/inspection.h"
#include "cli/inspection_figures.h"
#include "cli/kind.h"
#include "cli/mean.h"
#include "cli/model.h"
#include "cli/options.h"
#include "cli/progress.h"
#include "cli/report.h"
#include "cli/terminal.h"
#include "cli/text.h"

namespace riverrun::cli {
namespace {

namespace fs = std::filesystem;

constexpr const char* kExample = R"(
Examples: what happens at each character, and what the units of a model do in a long text
  riverrun inspect model --text "It was the best of times" --over book.txt
  riverrun inspect model --text "It was" --unit 0:37 --html inspect.html
Whether a word is understood by what stands before it:
  riverrun inspect model --compare "the bank of the river" "rob the bank"
What a classifier, a tagger, a forecaster or a signal model goes by:
  riverrun inspect vowels vowels_TEST.ts --sequence 3
  riverrun inspect pos test.conllu --sequence 12 --word 5 --html pos.html
  riverrun inspect load load.csv --target load --step 24)";

struct InspectFlags {
  fs::path model;
  std::string text;
  fs::path file;
  fs::path over;
  std::string encoding;
  std::vector<std::string> units;
  std::vector<std::string> compare;
  std::string at;
  std::size_t top = 3;
  std::size_t rank = 10;
  ReportFiles files;
  int threads = 0;
  bool json = false;
  AnswerFlags answers;
  const CLI::App* app = nullptr;
};

/// "1:37". Throws ConfigError, which says what there is.
insight::Unit parse_unit(const std::string& text, const lm::LanguageModelOptions& model) {
  const std::size_t colon = std::min(text.find(':'), text.size());
  const auto layer = parse_whole_number(std::string_view(text).substr(0, colon));
  const auto index =
      parse_whole_number(std::string_view(text).substr(std::min(colon + 1, text.size())));
  if (!layer || !index || *layer >= static_cast<std::uint64_t>(model.num_layers) ||
      *index >= static_cast<std::uint64_t>(model.hidden_size)) {
    throw ConfigError(
        fmt::format("inspect: there is no unit \"{}\"; it must be LAYER:INDEX, with a layer from 0 "
                    "to {} and an index from 0 to {}",
                    text, model.num_layers - 1, model.hidden_size - 1));
  }
  return {.layer = *layer, .index = *index};
}

/// The tokens of a text, with a note of what the vocabulary lacks.
std::vector<std::int32_t> encode(const text::Tokenizer& tokenizer, const std::string& text) {
  text::Prompt read = text::encode_prompt(tokenizer, text);
  if (read.ids.empty()) throw ConfigError("inspect: the text is empty; there is nothing to read");
  if (const std::string problem = read.problem(); !problem.empty()) note("warning: " + problem);
  return std::move(read.ids);
}

std::string shown_text(const InspectFlags& flags, text::TokenKind kind) {
  return flags.file.empty() ? given_text(flags.text, kind)
                            : read_text(flags.file, kind, flags.encoding);
}

/// Throws ConfigError, before anything is allocated, if the report would not fit in memory.
void check_memory(std::size_t tokens, const lm::LanguageModelOptions& model,
                  const InspectFlags& flags, std::size_t gates, std::size_t states) {
  const auto layers = static_cast<std::size_t>(model.num_layers);
  const std::size_t units = std::max<std::size_t>(flags.units.size(), 1);
  const std::size_t next = std::min(flags.top, static_cast<std::size_t>(model.vocab_size));
  constexpr std::size_t kVector = sizeof(std::vector<double>) + 32;  // with the allocator's part
  const std::size_t token =
      sizeof(InspectedToken) + 5 * kVector + layers * (kVector + (gates + 1) * sizeof(double)) +
      next * sizeof(lm::Likely) + units * (2 * kVector + (gates + states) * sizeof(double));
  constexpr std::size_t kMost = std::size_t{256} << 20;
  if (tokens > kMost / token) {
    throw ConfigError(
        fmt::format("inspect: the text has {} tokens; with these options at most {} fit into the "
                    "memory for a report: cut it, or give it to --over",
                    tokens, kMost / token));
  }
}

/// What the units do over the tokens that `next` hands out, piece by piece, until it is empty.
insight::UnitStatistics statistics_of(lm::SavedModel& saved,
                                      const std::function<std::vector<std::int32_t>()>& next) {
  lm::Inspector inspector(saved.model);
  const lm::LanguageModelOptions& o = saved.model.options();
  insight::UnitStatistics statistics(static_cast<std::size_t>(o.num_layers),
                                     static_cast<std::size_t>(o.hidden_size),
                                     inspector.openings().size(), insight::TextFeatures::kCount);
  insight::TextFeatures features;
  text::Decoder decoder(saved.tokenizer);
  for (auto tokens = next(); !tokens.empty(); tokens = next()) {
    inspector.read(tokens, lm::Inspector::Predict::kNo, [&](const lm::Inspector::Step& step) {
      statistics.add(step.layers, features.push(decoder.push(step.token)));
    });
  }
  return statistics;
}

insight::UnitStatistics statistics_of_file(lm::SavedModel& saved, const InspectFlags& flags) {
  const text::TokenKind kind = saved.tokenizer.kind();
  const text::Corpus corpus(saved.tokenizer,
                            open_texts(std::span(&flags.over, 1), kind, flags.encoding));
  warn_of_invalid_utf8(corpus.invalid(), kind, "text of --over");
  warn_of_unknown(corpus, "text of --over");
  ReadCounter counter(corpus.size());
  std::int64_t done = 0;
  return statistics_of(saved, [&] {
    counter.show(done);
    constexpr std::int64_t kPiece = 512;
    std::vector<std::int32_t> tokens(
        static_cast<std::size_t>(std::min(kPiece, corpus.size() - done)));
    corpus.read(done, tokens);
    done += std::ssize(tokens);
    return tokens;
  });
}

insight::UnitStatistics statistics_of_tokens(lm::SavedModel& saved,
                                             const std::vector<std::int32_t>& tokens) {
  bool read = false;
  return statistics_of(
      saved, [&] { return std::exchange(read, true) ? std::vector<std::int32_t>() : tokens; });
}

void read_tokens(lm::SavedModel& saved, const std::vector<std::int32_t>& tokens, std::size_t top,
                 Inspection& inspection) {
  lm::Inspector inspector(saved.model);
  text::Decoder decoder(saved.tokenizer);
  inspection.tokens.reserve(tokens.size());
  inspector.read(tokens, lm::Inspector::Predict::kYes, [&](const lm::Inspector::Step& step) {
    InspectedToken token;
    token.id = step.token;
    token.text = decoder.push(step.token);
    token.nats = step.nats;
    for (const insight::LayerStep& layer : step.layers) {
      token.openings.emplace_back();
      for (std::size_t g = 0; g < inspection.gates.size(); ++g) {
        token.openings.back().push_back(mean(layer.opening(g)));
      }
      token.memory.push_back(root_mean_square(layer.memory()));
    }
    for (const insight::Unit unit : inspection.units) {
      const insight::LayerStep& layer = step.layers[unit.layer];
      UnitValues values;
      for (std::size_t g = 0; g < inspection.gates.size(); ++g) {
        values.openings.push_back(layer.opening(g)[unit.index]);
      }
      for (const auto state : layer.states) values.states.push_back(state[unit.index]);
      token.units.push_back(std::move(values));
    }
    token.next = lm::likeliest(step.log_probabilities, top);
    inspection.tokens.push_back(std::move(token));
  });
  inspection.tokens.back().text += decoder.finish();
}

ExitCode inspect_text(const InspectFlags& flags) {
  if (flags.file == "-" && flags.over == "-") {
    throw ConfigError("inspect: standard input (-) is given twice; it can be read only once");
  }
  lm::SavedModel saved = load_finite_model(flags.model, "inspect");
  const std::string text = shown_text(flags, saved.tokenizer.kind());
  const lm::LanguageModelOptions& o = saved.model.options();
  const CellDescriptor& cell = saved.model.rnn().cell();
  const std::vector<std::int32_t> tokens = encode(saved.tokenizer, text);
  std::vector<std::string> gates;
  for (const insight::Opening& opening : insight::openings(cell)) gates.push_back(opening.gate);
  check_memory(tokens.size(), o, flags, gates.size(), cell.states.size());
  std::vector<insight::Unit> units;
  for (const std::string& unit : flags.units) {
    units.push_back(parse_unit(unit, o));
    if (std::ranges::count(flags.units, unit) > 1) {
      throw ConfigError(fmt::format("inspect: --unit {} is given twice", unit));
    }
  }

  Inspection inspection{.model = flags.model,
                        .tokenizer = saved.tokenizer,
                        .cell = o.cell.name(),
                        .layers = static_cast<std::size_t>(o.num_layers),
                        .hidden_size = static_cast<std::size_t>(o.hidden_size),
                        .gates = gates,
                        .states = cell.states,
                        .tokens = {},
                        .over = flags.over.empty() ? "this text" : flags.over.string(),
                        .statistics = flags.over.empty() ? statistics_of_tokens(saved, tokens)
                                                         : statistics_of_file(saved, flags),
                        .rank = flags.rank,
                        .units = units};
  if (inspection.units.empty()) {
    const std::vector<Follower> found = followers(inspection.statistics);
    inspection.units = {found.empty() ? insight::Unit{} : found.front().unit};
  }
  read_tokens(saved, tokens, flags.top, inspection);
  if (flags.json) {
    print_json(to_json(inspection));
  } else {
    print_raw(to_text(inspection, can_colour(STDOUT_FILENO)));
  }
  // The picture shows one thing, the page and the numbers all of it.
  write({.html = flags.files.html, .svg = flags.files.svg, .csv = {}},
        flags.units.empty() ? gates_figure(inspection) : memories_figure(inspection),
        [&] { return to_page(inspection); });
  if (!flags.files.csv.empty()) {
    write({.html = {}, .svg = {}, .csv = flags.files.csv}, all_series(inspection), {});
  }
  return kOk;
}

ExitCode compare_texts(const InspectFlags& flags) {
  lm::SavedModel saved = load_finite_model(flags.model, "inspect");
  const text::TokenKind kind = saved.tokenizer.kind();
  const std::vector<std::int32_t> first =
      encode(saved.tokenizer, given_text(flags.compare[0], kind));
  const std::vector<std::int32_t> second =
      encode(saved.tokenizer, given_text(flags.compare[1], kind));
  const SharedWord word = shared_word(saved.tokenizer, first, second, flags.at);
  const Comparison comparison = compare(saved, word, first, second, flags.top);
  if (flags.json) {
    print_json(to_json(comparison));
  } else {
    print(to_text(comparison));
  }
  write(flags.files, predictions_figure(comparison), [&] { return to_page(comparison); });
  return kOk;
}

/// Options that only some kinds have, beside those that all of them have.
struct KindOptions {
  Kind kind;
  std::vector<const char*> options;
};
const std::vector<KindOptions>& options_of_kinds() {
  static const std::vector<KindOptions> all = {
      {Kind::kLanguage,
       {"--text", "--file", "--encoding", "--compare", "--at", "--over", "--unit", "--top"}},
      {Kind::kClassify, {"DATA", "--sequence", "--points", "--examples", "--class"}},
      {Kind::kTag, {"DATA", "--sequence", "--points", "--examples", "--class", "--word"}},
      {Kind::kForecast, {"DATA", "--sequence", "--points", "--examples", "--target", "--step"}},
      {Kind::kTransform, {"DATA", "--sequence", "--points", "--examples"}},
      {Kind::kTask, {"DATA", "--sequence", "--points", "--examples"}}};
  return all;
}

/// Throws ConfigError for an option that is of another kind, and if there is nothing to read.
void check(const InspectFlags& flags, Kind kind) {
  const auto has = [](const KindOptions& of, std::string_view option) {
    return std::ranges::find(of.options, option) != of.options.end();
  };
  const auto own = std::ranges::find(options_of_kinds(), kind, &KindOptions::kind);
  for (const KindOptions& other : options_of_kinds()) {
    for (const char* option : other.options) {
      if (flags.app->count(option) == 0 || has(*own, option)) continue;
      throw ConfigError(fmt::format("inspect: {} is {}, for which there is no {}",
                                    flags.model.string(), noun(kind), option));
    }
  }
  const bool is_language = kind == Kind::kLanguage;
  const std::vector<const char*> sources =
      is_language ? std::vector{"--text", "--file", "--compare"} : std::vector{"DATA"};
  const bool reads = std::ranges::any_of(
      sources, [&](const char* option) { return flags.app->count(option) > 0; });
  if (reads || kind == Kind::kTask) return;
  throw ConfigError(fmt::format(
      "inspect: {} is {}; give {}", flags.model.string(), noun(kind),
      is_language ? "one of --text, --file and --compare" : "DATA for it to read, as for predict"));
}

ExitCode run(const InspectFlags& flags) {
  const Kind kind = kind_of(flags.model);
  check(flags, kind);
  require(flags.files, {flags.model, flags.file, flags.over, flags.answers.data});
  use_threads(flags.threads);
  if (kind != Kind::kLanguage) {
    return inspect_answers(kind, flags.model, flags.answers, flags.rank, flags.files, flags.json);
  }
  return flags.compare.empty() ? inspect_text(flags) : compare_texts(flags);
}

/// Those of all kinds but language models.
void add_answer_options(CLI::App& app, AnswerFlags& flags) {
  const CLI::Validator from_one = whole_number(1, INT64_MAX);
  app.add_option("--sequence", flags.sequence,
                 "Number, from 1, of the sequence to show; of a tagger the sentence, of a "
                 "forecaster the window, of a signal model the sample. Not given: the first; of a "
                 "signal model the loudest")
      ->check(from_one);
  app.add_option("--class", flags.wanted.name,
                 "Class, or tag, whose logit is looked at; not given: what the model says");
  app.add_option("--word", flags.wanted.word,
                 "Of a tagger: number, from 1, of the word; not given: the one in the middle")
      ->check(from_one);
  app.add_option("--target", flags.wanted.target,
                 "Of a forecaster: the target; not given: any, one after the other");
  app.add_option("--step", flags.wanted.step,
                 "Of a forecaster: row of the horizon, from 1; not given: the mean of all")
      ->check(from_one);
  app.add_option("--examples", flags.examples,
                 "Over how many sequences, spread over DATA, means are taken")
      ->capture_default_str()
      ->check(whole_number(1, 1000000));
  app.add_option("--points", flags.points,
                 "Points of integrated gradients; as often as needed they are doubled, up to 1024")
      ->capture_default_str()
      ->check(whole_number(1, 10000));
}

}  // namespace

void add_inspect(CLI::App& program, Verb& chosen) {
  CLI::App* app = program.add_subcommand("inspect", "Show what a model does, and what it goes by");
  auto flags = std::make_shared<InspectFlags>();
  flags->app = app;
  app->footer(kExample);
  app->add_option("MODEL", flags->model, "Folder of a trained model")->required();
  app->add_option(
      "DATA", flags->answers.data,
      "What it reads, as for predict; of a network of `riverrun task` the folder of the "
      "task's files, if it has some; of a language model see --text and --file");
  add_answer_options(*app, flags->answers);
  app->add_option("--text", flags->text, "Text to read");
  app->add_option("--file", flags->file, "File to read, or - for standard input")
      ->excludes("--text");
  add_encoding_option(*app, flags->encoding);
  app->add_option("--compare", flags->compare,
                  "Two texts that share a word: how far apart the states are when it has been "
                  "read, and the predictions")
      ->expected(2)
      // Not the last two of more, nor fewer; and a text may begin with a bracket.
      ->multi_option_policy(CLI::MultiOptionPolicy::Throw)
      ->allow_extra_args(false)
      ->excludes("--text")
      ->excludes("--file");
  app->add_option("--at", flags->at, "That word; not given: the longest that they share")
      ->needs("--compare");
  app->add_option(
         "--over", flags->over,
         "Long text to find out what units remember and follow; not given: the text itself")
      ->excludes("--compare");
  app->add_option(
         "--unit", flags->units,
         "Unit to show in full, and to colour the text by, as LAYER:INDEX; may be repeated")
      ->allow_extra_args(false)
      ->take_all()
      ->excludes("--compare");
  app->add_option("--top", flags->top, "Predictions to show for each token")
      ->capture_default_str()
      ->check(whole_number(1, 1000));
  app->add_option("--rank", flags->rank, "Units to show in a ranking")
      ->capture_default_str()
      ->check(whole_number(1, 1000000));
  add_report_options(*app, flags->files);
  add_threads_option(*app, flags->threads);
  app->add_flag("--json", flags->json, "Print the result as one JSON object");
  app->callback([&chosen, flags] { chosen = [flags] { return run(*flags); }; });
}

}  // namespace riverrun::cli
