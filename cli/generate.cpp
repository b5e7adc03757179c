#include <chrono>
#include <filesystem>
#include <memory>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "riverrun/core/number.h"
#include "riverrun/core/weight_type.h"
#include "riverrun/lm/sampler.h"

#include "cli/command.h"
#include "cli/model.h"
#include "cli/options.h"

namespace riverrun::cli {
namespace {

using Clock = std::chrono::steady_clock;

constexpr const char* kExample = R"(
Example: three hundred characters after a name, cautious and reproducible
  riverrun generate model --prompt "ROMEO:" --length 300 --temperature 0.7 --seed 7)";

struct GenerateFlags {
  std::filesystem::path model;
  std::string prompt;
  std::int64_t length = 500;
  lm::SamplerOptions sampler;
  std::string weights = "float32";
  int threads = 0;
  bool json = false;
};

/// Reads the prompt, and returns the logits of what follows it. Without a prompt a line end is
/// read, or the first token of the vocabulary if there is none.
std::span<const float> read_prompt(lm::LanguageModel::Reader& reader,
                                   const text::Tokenizer& tokenizer, const std::string& prompt) {
  const text::Prompt read = text::encode_prompt(tokenizer, prompt);
  if (const std::string problem = read.problem(); !problem.empty()) note("warning: " + problem);
  if (read.ids.empty()) return reader.read(std::max(tokenizer.line_end_id(), 0));
  std::span<const float> logits;
  for (const std::int32_t id : read.ids) logits = reader.read(id);
  return logits;
}

ExitCode run(const GenerateFlags& flags) {
  lm::SamplerOptions options = flags.sampler;
  (void)lm::Sampler(options);  // refuses what cannot be before a model is loaded
  const WeightType weights = weight_type(flags.weights);
  use_threads(flags.threads);
  lm::SavedModel saved = load_finite_model(flags.model);
  saved.model.set_inference_weights(weights);
  options.forbidden = saved.tokenizer.unknown_id();
  lm::Sampler sampler(options);
  lm::LanguageModel::Reader reader(saved.model);

  const Clock::time_point start = Clock::now();
  std::string generated;
  const auto show = [&](const std::string& piece) {
    if (flags.json) {
      generated += piece;
    } else {
      print(piece);
    }
  };
  std::span<const float> logits = read_prompt(reader, saved.tokenizer, flags.prompt);
  if (!flags.json) print(flags.prompt);
  text::Decoder decoder(saved.tokenizer);
  // So that a word is separated from the prompt's last one.
  if (saved.tokenizer.kind() == text::TokenKind::kWord && !flags.prompt.empty()) show(" ");
  for (std::int64_t i = 0; i < flags.length; ++i) {
    const std::int32_t id = sampler.draw(logits);
    show(decoder.push(id));
    if (i + 1 < flags.length) logits = reader.read(id);
  }
  show(decoder.finish());
  const double seconds = std::chrono::duration<double>(Clock::now() - start).count();

  if (flags.json) {
    print_json({{"model", flags.model.string()},
                {"weights", flags.weights},
                {"prompt", flags.prompt},
                {"text", generated},
                {"length", flags.length},
                {"temperature", shortest(options.temperature)},
                {"top_k", options.top_k},
                {"top_p", shortest(options.top_p)},
                {"seed", options.seed},
                {"seconds", seconds},
                {"tokens_per_second", static_cast<double>(flags.length) / seconds}});
  } else {
    print("\n");
  }
  return kOk;
}

}  // namespace

void add_generate(CLI::App& program, Verb& chosen) {
  CLI::App* app = program.add_subcommand("generate", "Let a model write");
  auto flags = std::make_shared<GenerateFlags>();
  app->footer(kExample);
  app->add_option("MODEL", flags->model, "Folder of a trained model")->required();
  app->add_option("--prompt", flags->prompt, "Text to go on from");
  app->add_option("--length", flags->length, "Tokens to write")
      ->capture_default_str()
      ->check(whole_number(0, INT64_MAX));
  app->add_option("--temperature", flags->sampler.temperature,
                  "Below 1 safer, above 1 wilder; 0: always the likeliest token")
      ->capture_default_str();
  app->add_option("--top-k", flags->sampler.top_k, "Only the k likeliest tokens; 0: all")
      ->capture_default_str();
  app->add_option("--top-p", flags->sampler.top_p,
                  "Only the likeliest tokens that together have this probability; 1: all")
      ->capture_default_str();
  app->add_option("--seed", flags->sampler.seed, "Same seed, same text")
      ->capture_default_str()
      ->check(whole_number(0, UINT64_MAX));
  app->add_option("--weights", flags->weights,
                  "Numbers to read the weights in: float32, bf16 or int8; smaller ones are faster")
      ->capture_default_str();
  add_threads_option(*app, flags->threads);
  app->add_flag("--json", flags->json, "Print the result as one JSON object");
  app->callback([&chosen, flags] { chosen = [flags] { return run(*flags); }; });
}

}  // namespace riverrun::cli
