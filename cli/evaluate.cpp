#include "riverrun/lm/evaluate.h"

#include <chrono>
#include <cmath>
#include <filesystem>
#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "riverrun/core/error.h"
#include "riverrun/core/weight_type.h"
#include "riverrun/data/text/corpus.h"
#include "riverrun/lm/evaluate_lines.h"

#include "cli/command.h"
#include "cli/evaluate_classifier.h"
#include "cli/evaluate_forecast.h"
#include "cli/evaluate_tagger.h"
#include "cli/evaluate_transform.h"
#include "cli/kind.h"
#include "cli/model.h"
#include "cli/options.h"
#include "cli/progress.h"
#include "cli/report.h"
#include "cli/text.h"

namespace riverrun::cli {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr const char* kExample = R"(
Of a language model: one pass over the whole text with the state carried on: each token but the first is predicted once,
from all tokens before it.

Examples: how surprising is a chapter that the model has not seen?
  riverrun evaluate model chapter.txt
Which of many sentences, one a line, does the model find likeliest?
  zcat sentences.gz | riverrun evaluate model - --lines | tail -n +2 | sort -g -k 5 | head
How often is a classifier right, and which classes does it confuse?
  riverrun evaluate vowels vowels_TEST.ts --html vowels.html
How often does a tagger name the right part of speech?
  riverrun evaluate pos test.conllu
How good are forecasts, beside naive ones?
  riverrun evaluate load load_2024.csv
How near does a signal model come to its device?
  riverrun evaluate amp dry_test.wav wet_test.wav)";

struct EvaluateFlags {
  CLI::App* app = nullptr;
  fs::path model;
  std::vector<fs::path> texts;
  std::string encoding;
  std::string weights = "float32";
  ForecastWindows windows;
  int threads = 0;
  bool lines = false;
  bool json = false;
  ReportFiles files;
};

void require_finite(const lm::Evaluation& result, const EvaluateFlags& flags) {
  if (result.tokens == 0) return;
  const bool has_loss = std::isfinite(result.nats);
  if (has_loss && std::isfinite(result.perplexity())) return;
  throw NumericError(fmt::format("evaluate: the {}; the weights in {} are damaged",
                                 has_loss
                                     ? fmt::format("perplexity is {} at {:.3g} nats per token",
                                                   result.perplexity(), result.nats_per_token())
                                     : fmt::format("loss is {}", result.nats),
                                 flags.model.string()));
}

/// For people: " (12.34 without <unk>)" if some tokens are unknown and others are not.
std::string without_unknown(const lm::Evaluation& result) {
  if (result.known_tokens == result.tokens || result.known_tokens == 0) return {};
  return fmt::format(" ({:.2f} without <unk>)", result.known_perplexity());
}

/// What is said of any number of tokens.
nlohmann::ordered_json scores(const lm::Evaluation& result) {
  return {{"tokens", result.tokens},
          {"unknown_tokens", result.tokens - result.known_tokens},
          {"nats", result.nats},
          {"nats_per_token", result.nats_per_token()},
          {"perplexity", result.perplexity()},
          {"perplexity_without_unknown", result.known_perplexity()}};
}

/// All figures of the whole. `white_space` are the characters that no token stands for.
nlohmann::ordered_json to_json(const EvaluateFlags& flags, const lm::Evaluation& result,
                               std::int64_t unknown, std::int64_t invalid, std::int64_t white_space,
                               double seconds) {
  nlohmann::ordered_json texts = nlohmann::ordered_json::array();
  for (const fs::path& path : flags.texts) texts.push_back(path.string());
  return {{"kind", name(Kind::kLanguage)},
          {"model", flags.model.string()},
          {"texts", texts},
          {"weights", flags.weights},
          {"tokens", result.tokens},
          {"characters", result.characters},
          {"bytes", result.bytes},
          {"unknown_tokens", unknown},
          {"invalid_utf8", invalid},
          {"white_space_not_predicted", white_space},
          {"nats_per_token", result.nats_per_token()},
          {"perplexity", result.perplexity()},
          {"perplexity_without_unknown", result.known_perplexity()},
          {"bits_per_character", result.bits_per_character()},
          {"bits_per_byte", result.bits_per_byte()},
          {"seconds", seconds},
          {"tokens_per_second", static_cast<double>(result.tokens) / seconds}};
}

ExitCode evaluate_whole(const EvaluateFlags& flags, const lm::SavedModel& saved) {
  const text::TokenKind kind = saved.tokenizer.kind();
  const std::vector<text::TextPart> parts = open_texts(flags.texts, kind, flags.encoding);
  const text::Corpus corpus(saved.tokenizer, parts);
  require_two_tokens(corpus, parts.front().path);
  warn_of_invalid_utf8(corpus.invalid(), kind, "text");
  warn_of_unknown(corpus, "text");

  const Clock::time_point start = Clock::now();
  ReadCounter counter(corpus.size());
  const auto progress = [&](std::int64_t tokens) {
    counter.show(tokens);
    return true;
  };
  const lm::Evaluation result =
      lm::evaluate(saved.model, corpus, {.unknown_id = saved.tokenizer.unknown_id()}, progress);
  const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
  counter.finish();
  require_finite(result, flags);

  const text::TextCounts& counts = corpus.counts();
  const std::int64_t invalid = corpus.invalid().sequences;
  const std::int64_t white_space = counts.characters - counts.spelled_characters;
  if (flags.json) {
    print_json(to_json(flags, result, counts.unknown, invalid, white_space, seconds));
    return kOk;
  }
  const bool unread = invalid > 0 && kind != text::TokenKind::kByte;
  const bool bounds = counts.unknown > 0 || unread;
  if (bounds) {
    note(
        fmt::format("which characters stand for {} is not predicted, so bits per character and "
                    "per byte are lower bounds",
                    unread ? "U+FFFD" : "<unk>"));
  }
  if (white_space > 0) {
    note(fmt::format("{} of white space, for which no token stands, are not counted",
                     counted(white_space, "character")));
  }
  const char* bound = bounds ? "at least " : "";
  print(
      fmt::format("{:.4f} nats per token, perplexity {:.2f}{}\n"
                  "{}{:.4f} bits per character, {}{:.4f} bits per byte\n"
                  "{} predicted in {:.1f} s\n",
                  result.nats_per_token(), result.perplexity(), without_unknown(result), bound,
                  result.bits_per_character(), bound, result.bits_per_byte(),
                  counted(result.tokens, "token"), seconds));
  return kOk;
}

/// Lines are printed as they are scored: there may be more of them than memory has room for.
ExitCode evaluate_lines(const EvaluateFlags& flags, const lm::SavedModel& saved) {
  const std::vector<text::TextPart> parts =
      open_texts(flags.texts, saved.tokenizer.kind(), flags.encoding);
  const Clock::time_point start = Clock::now();
  std::int64_t number = 0;
  lm::Evaluation total;
  std::string out =
      flags.json ? "{\n  \"lines\": [" : "line\ttokens\tunknown\tnats\tnats per token\n";
  const auto flush = [&out](std::size_t least) {
    if (out.size() < least) return;
    print(out);
    out.clear();
  };
  constexpr std::size_t kPrinted = std::size_t{1} << 16;
  const auto print_line = [&](const lm::Evaluation& line) {
    require_finite(line, flags);
    ++number;
    if (flags.json) {
      nlohmann::ordered_json object = {{"line", number}};
      object.update(scores(line));
      out += fmt::format("{}\n    {}", number == 1 ? "" : ",", object.dump());
    } else {
      out += fmt::format("{}\t{}\t{}\t{:.6f}\t{:.6f}\n", number, line.tokens,
                         line.tokens - line.known_tokens, line.nats,
                         line.tokens > 0 ? line.nats_per_token() : 0.0);
    }
    flush(kPrinted);
    total.tokens += line.tokens;
    total.characters += line.characters;
    total.bytes += line.bytes;
    total.nats += line.nats;
    total.known_tokens += line.known_tokens;
    total.known_nats += line.known_nats;
  };
  const lm::LinesRead read = lm::evaluate_lines(saved.model, saved.tokenizer, parts, print_line);
  require_finite(total, flags);
  const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
  if (flags.json) {
    nlohmann::ordered_json object = {{"model", flags.model.string()}, {"weights", flags.weights}};
    object.update(scores(total));
    object["invalid_utf8"] = read.invalid.sequences;
    object["seconds"] = seconds;
    // The object goes on after its first entry.
    out += fmt::format("\n  ],{}\n", object.dump(2).substr(1));
  }
  flush(0);
  warn_of_invalid_utf8(read.invalid, saved.tokenizer.kind(), "text");
  warn_of_unknown(read.unknown, read.unknown_named, "text");
  if (!flags.json) {
    note(fmt::format("{}: {:.4f} nats per token, perplexity {:.2f}{}; {} predicted in {:.1f} s",
                     counted(number, "line"), total.nats_per_token(), total.perplexity(),
                     without_unknown(total), counted(total.tokens, "token"), seconds));
  }
  return kOk;
}

/// Throws ConfigError if one of these options is given.
void refuse(const EvaluateFlags& flags, std::initializer_list<const char*> options, Kind kind) {
  for (const char* option : options) {
    if (flags.app->count(option) == 0) continue;
    throw ConfigError(fmt::format("evaluate: {} is {}, for which there is no {}",
                                  flags.model.string(), noun(kind), option));
  }
}

ExitCode run(const EvaluateFlags& flags) {
  const Kind kind = kind_of(flags.model);
  if (kind != Kind::kForecast) refuse(flags, {"--start", "--stride"}, kind);
  if (kind == Kind::kClassify || kind == Kind::kTag || kind == Kind::kForecast) {
    refuse(flags, {"--lines", "--encoding", "--weights"}, kind);
    if (flags.texts.size() != 1) {
      throw ConfigError(fmt::format("evaluate: {} files are given; {} reads one",
                                    flags.texts.size(), noun(kind)));
    }
    require(flags.files, {flags.model, flags.texts.front()});
    use_threads(flags.threads);
    if (kind == Kind::kForecast) {
      return evaluate_forecast(flags.model, flags.texts.front(), flags.windows, flags.files,
                               flags.json);
    }
    const auto evaluate_kind = kind == Kind::kTag ? evaluate_tagger : evaluate_classifier;
    return evaluate_kind(flags.model, flags.texts.front(), flags.files, flags.json);
  }
  if (kind == Kind::kTransform) {
    refuse(flags, {"--lines", "--encoding", "--weights"}, kind);
    if (flags.texts.size() != 2) {
      throw ConfigError(
          fmt::format("evaluate: {} files are given; {} is compared on two, what goes "
                      "into its device and what comes out",
                      flags.texts.size(), noun(kind)));
    }
    require(flags.files, {flags.model, flags.texts[0], flags.texts[1]});
    use_threads(flags.threads);
    return evaluate_transform(flags.model, flags.texts[0], flags.texts[1], flags.files, flags.json);
  }
  refuse(flags, {"--html", "--svg", "--csv"}, kind);
  const WeightType weights = weight_type(flags.weights);
  use_threads(flags.threads);
  lm::SavedModel saved = load_finite_model(flags.model, "evaluate");
  saved.model.set_inference_weights(weights);
  return flags.lines ? evaluate_lines(flags, saved) : evaluate_whole(flags, saved);
}

}  // namespace

void add_evaluate(CLI::App& program, Verb& chosen) {
  CLI::App* app = program.add_subcommand("evaluate", "Measure how well a model predicts");

  auto flags = std::make_shared<EvaluateFlags>();
  flags->app = app;
  app->footer(kExample);
  app->add_option("MODEL", flags->model, "Folder of a trained model")->required();
  app->add_option(
         "DATA", flags->texts,
         std::string(kTextHelp) +
             ". Of a classifier: one file of labelled sequences (.ts or CSV). "
             "Of a tagger: one of tagged sentences (CoNLL). Of a forecaster: one of time series "
             "(CSV). Of a signal model: two audio "
             "files, what goes in and what comes out")
      ->required();
  app->add_flag("--lines", flags->lines,
                "The score of each line from a fresh state, instead of one of the whole text");
  add_encoding_option(*app, flags->encoding);
  app->add_option("--weights", flags->weights,
                  "Numbers to read the weights in: float32, bf16 or int8; smaller ones are faster")
      ->capture_default_str();
  app->add_option(
      "--start", flags->windows.start,
      "Of a forecaster: the first time that is forecast; not given: as early as can be");
  app->add_option("--stride", flags->windows.stride,
                  "Of a forecaster: rows from one forecast to the next")
      ->capture_default_str()
      ->check(whole_number(1, INT64_MAX));
  add_threads_option(*app, flags->threads);
  app->add_flag("--json", flags->json, "Print the result as one JSON object");
  add_report_options(*app, flags->files);
  app->callback([&chosen, flags] { chosen = [flags] { return run(*flags); }; });
}

}  // namespace riverrun::cli
