#include "riverrun/lm/evaluate.h"

#include <chrono>
#include <cmath>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "riverrun/core/error.h"
#include "riverrun/core/weight_type.h"
#include "riverrun/text/corpus.h"

#include "cli/command.h"
#include "cli/model.h"
#include "cli/options.h"
#include "cli/progress.h"

namespace riverrun::cli {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr const char* kExample = R"(
One pass over the whole text with the state carried on: each token but the first is predicted once,
from all tokens before it.

Example: how surprising is a chapter that the model has not seen?
  riverrun evaluate model chapter.txt)";

struct EvaluateFlags {
  fs::path model;
  std::vector<fs::path> texts;
  std::string weights = "float32";
  int threads = 0;
  bool json = false;
};

ExitCode run(const EvaluateFlags& flags) {
  const WeightType weights = weight_type(flags.weights);
  use_threads(flags.threads);
  const std::vector<text::TextPart> parts = text::whole_files(flags.texts);
  lm::SavedModel saved = load_finite_model(flags.model);
  saved.model.set_inference_weights(weights);
  const text::Corpus corpus(saved.tokenizer, parts);
  require_two_tokens(corpus, parts.front().path);
  warn_of_invalid_utf8(corpus, saved.tokenizer.kind(), "text");

  const Clock::time_point start = Clock::now();
  TokenCounter counter(corpus.size());
  const auto progress = [&](std::int64_t tokens) {
    counter.show(tokens);
    return true;
  };
  const lm::Evaluation result = lm::evaluate(saved.model, corpus, {}, progress);
  const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
  counter.finish();
  if (!std::isfinite(result.nats)) {
    throw NumericError(fmt::format("evaluate: the loss is {}; the weights in {} are damaged",
                                   result.nats, flags.model.string()));
  }

  const std::int64_t unknown = corpus.counts().unknown;
  if (flags.json) {
    nlohmann::ordered_json texts = nlohmann::ordered_json::array();
    for (const fs::path& path : flags.texts) texts.push_back(path.string());
    print_json({{"model", flags.model.string()},
                {"texts", texts},
                {"weights", flags.weights},
                {"tokens", result.tokens},
                {"characters", result.characters},
                {"bytes", result.bytes},
                {"unknown_tokens", unknown},
                {"invalid_utf8", corpus.invalid().sequences},
                {"nats_per_token", result.nats_per_token()},
                {"perplexity", result.perplexity()},
                {"bits_per_character", result.bits_per_character()},
                {"bits_per_byte", result.bits_per_byte()},
                {"seconds", seconds},
                {"tokens_per_second", static_cast<double>(result.tokens) / seconds}});
    return kOk;
  }
  if (unknown > 0) {
    note(
        fmt::format("{} not in the model's vocabulary, read as <unk>: which characters stand there "
                    "is not predicted, so bits per character and per byte are lower bounds",
                    counted(unknown, "token")));
  }
  const char* bound = unknown > 0 ? "at least " : "";
  print(
      fmt::format("{:.4f} nats per token, perplexity {:.2f}\n"
                  "{}{:.4f} bits per character, {}{:.4f} bits per byte\n"
                  "{} predicted in {:.1f} s\n",
                  result.nats_per_token(), result.perplexity(), bound, result.bits_per_character(),
                  bound, result.bits_per_byte(), counted(result.tokens, "token"), seconds));
  return kOk;
}

}  // namespace

void add_evaluate(CLI::App& program, Verb& chosen) {
  CLI::App* app = program.add_subcommand("evaluate", "Measure how well a model predicts a text");
  auto flags = std::make_shared<EvaluateFlags>();
  app->footer(kExample);
  app->add_option("MODEL", flags->model, "Folder of a trained model")->required();
  app->add_option("TEXT", flags->texts, "Text files, read one after another")->required();
  app->add_option("--weights", flags->weights,
                  "Numbers to read the weights in: float32, bf16 or int8; smaller ones are faster")
      ->capture_default_str();
  add_threads_option(*app, flags->threads);
  app->add_flag("--json", flags->json, "Print the result as one JSON object");
  app->callback([&chosen, flags] { chosen = [flags] { return run(*flags); }; });
}

}  // namespace riverrun::cli
