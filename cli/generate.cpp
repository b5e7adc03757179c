#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "riverrun/core/error.h"
#include "riverrun/core/number.h"
#include "riverrun/core/weight_type.h"
#include "riverrun/lm/sampler.h"

#include "cli/command.h"
#include "cli/model.h"
#include "cli/options.h"
#include "cli/terminal.h"
#include "cli/text.h"

namespace riverrun::cli {
namespace {

using Clock = std::chrono::steady_clock;

constexpr const char* kExample = R"(
Example: three hundred characters after a name, cautious and reproducible
  riverrun generate model --prompt "ROMEO:" --length 300 --temperature 0.7 --seed 7)";

struct GenerateFlags {
  std::filesystem::path model;
  std::string prompt;
  std::filesystem::path prompt_file;
  std::string encoding;
  std::int64_t length = 500;
  lm::SamplerOptions sampler;
  std::string weights = "float32";
  int threads = 0;
  bool json = false;
};

/// Reads the prompt, and returns the logits of what follows it. Without a prompt a line end is
/// read, or the first token of the vocabulary if there is none.
std::span<const float> read_prompt(lm::LanguageModel::Reader& reader,
                                   const text::Tokenizer& tokenizer,
                                   std::span<const std::int32_t> prompt) {
  if (prompt.empty()) return reader.read(std::max(tokenizer.line_end_id(), 0));
  std::span<const float> logits;
  for (const std::int32_t id : prompt) logits = reader.read(id);
  return logits;
}

/// A sampler takes minus infinity for a token that is ruled out; here nobody rules any out.
void require_finite(std::span<const float> logits) {
  const auto found = std::ranges::find_if(logits, [](float x) { return !std::isfinite(x); });
  if (found == logits.end()) return;
  throw NumericError(
      fmt::format("generate: the logit of token {} is {}; the model's weights are damaged",
                  found - logits.begin(), *found));
}

bool ends_in_white_space(std::string_view text) {
  char32_t last = U'x';
  text::Utf8Scanner().feed(text, [&last](char32_t c, int, bool) { last = c; });
  return text::is_white_space(last);
}

/// What a model writes after a prompt, token by token: bytes as they are, unless a terminal shows
/// them; else whole characters.
class Writer {
 public:
  Writer(const text::Tokenizer& tokenizer, const std::string& prompt,
         std::span<const std::int32_t> prompt_ids, bool for_terminal)
      : tokenizer_(tokenizer),
        decoder_(tokenizer),
        raw_(tokenizer.kind() == text::TokenKind::kByte && !for_terminal),
        separated_(ends_in_white_space(prompt)) {
    // So that a word is separated from the prompt's last one.
    if (tokenizer.kind() != text::TokenKind::kWord) return;
    for (const std::int32_t id : prompt_ids) (void)decoder_.push(id);
  }
  std::string push(std::int32_t id) {
    if (raw_) return std::string(tokenizer_.token(id));
    std::string text = decoder_.push(id);
    if (std::exchange(separated_, false) && text.starts_with(' ') &&
        tokenizer_.kind() == text::TokenKind::kWord) {
      text.erase(0, 1);
    }
    return text;
  }
  std::string finish() { return decoder_.finish(); }

 private:
  const text::Tokenizer& tokenizer_;
  text::Decoder decoder_;
  bool raw_;
  bool separated_;  // whether white space stands before what is written first
};

/// Each byte as the character of its value, U+0000 to U+00FF.
std::string latin1_to_utf8(std::string_view bytes) {
  std::string out;
  for (const char byte : bytes) text::append_utf8(static_cast<unsigned char>(byte), out);
  return out;
}

ExitCode run(const GenerateFlags& flags) {
  lm::SamplerOptions options = flags.sampler;
  (void)lm::Sampler(options);  // refuses invalid options before a model is loaded
  const WeightType weights = weight_type(flags.weights);
  use_threads(flags.threads);
  lm::SavedModel saved = load_finite_model(flags.model, "generate");
  saved.model.set_inference_weights(weights);
  options.forbidden = saved.tokenizer.unknown_id();
  lm::Sampler sampler(options);
  lm::LanguageModel::Reader reader(saved.model);

  const std::string prompt =
      flags.prompt_file.empty()
          ? given_text(flags.prompt, saved.tokenizer.kind())
          : read_text(flags.prompt_file, saved.tokenizer.kind(), flags.encoding);
  const text::Prompt read = text::encode_prompt(saved.tokenizer, prompt);
  if (const std::string problem = read.problem(); !problem.empty()) note("warning: " + problem);

  const Clock::time_point start = Clock::now();
  std::string generated;
  const auto show = [&](const std::string& piece) {
    if (flags.json) {
      generated += piece;
    } else {
      print(piece);
    }
  };
  std::span<const float> logits = read_prompt(reader, saved.tokenizer, read.ids);
  if (!flags.json) print(prompt);
  Writer writer(saved.tokenizer, prompt, read.ids, !flags.json && is_terminal(STDOUT_FILENO));
  for (std::int64_t i = 0; i < flags.length; ++i) {
    require_finite(logits);
    const std::int32_t id = sampler.draw(logits);
    show(writer.push(id));
    if (i + 1 < flags.length) logits = reader.read(id);
  }
  show(writer.finish());
  const double seconds = std::chrono::duration<double>(Clock::now() - start).count();

  if (flags.json) {
    // JSON holds characters; bytes that are not UTF-8 are given as those of their values.
    const auto is_utf8 = [](std::string_view text) { return text::to_valid_utf8(text) == text; };
    const bool raw = saved.tokenizer.kind() == text::TokenKind::kByte &&
                     !(is_utf8(prompt) && is_utf8(generated));
    print_json({{"model", flags.model.string()},
                {"weights", flags.weights},
                {"prompt", raw ? latin1_to_utf8(prompt) : prompt},
                {"text", raw ? latin1_to_utf8(generated) : generated},
                {"text_encoding", raw ? "latin-1" : "utf-8"},
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
  app->add_option("--prompt-file", flags->prompt_file,
                  "File with that text, or - for standard input; its last line end counts")
      ->excludes("--prompt");
  add_encoding_option(*app, flags->encoding);
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
