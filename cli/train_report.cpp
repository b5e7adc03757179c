#include "cli/train_report.h"

#include <cmath>
#include <optional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "riverrun/core/threads.h"

#include "cli/command.h"
#include "cli/kind.h"
#include "cli/run_report.h"

namespace riverrun::cli {
namespace {

void print_notes(const EndedRun& run) {
  const TrainingResult& result = run.result;
  note_end({.out = run.out,
            .folder = run.folder,
            .result = result,
            .unit = "nats per token",
            .had_no_model = run.had_no_model});
  if (!result.saved) return;
  const double uniform = std::log(static_cast<double>(run.tokenizer.size()));
  if (result.saved->valid.loss > uniform) {
    note(
        fmt::format("warning: the model is worse than guessing uniformly, which takes {:.4f} nats "
                    "per token: train longer, or with a lower learning rate (--lr)",
                    uniform));
  }
}

nlohmann::ordered_json to_json(const EndedRun& run) {
  const TrainingResult& result = run.result;
  nlohmann::ordered_json validations = nlohmann::ordered_json::array();
  for (const Validation& v : result.validations) {
    validations.push_back({{"step", v.step},
                           {"epoch", v.epoch},
                           {"lr", v.lr},
                           {"train_nats_per_token", v.train_loss},
                           {"valid_nats_per_token", v.valid.loss},
                           {"best", v.best}});
  }
  // Null where nothing was measured.
  nlohmann::ordered_json nats;
  nlohmann::ordered_json perplexity;
  nlohmann::ordered_json step;
  if (result.saved) {
    nats = result.saved->valid.loss;
    perplexity = std::exp(result.saved->valid.loss);
    step = result.saved->step;
  }
  const lm::LanguageModelOptions& o = run.model.options();
  return {{"kind", name(Kind::kLanguage)},
          {"out", run.out.string()},
          {"from",
           run.from.empty() ? nlohmann::ordered_json(nullptr) : nlohmann::ordered_json(run.from)},
          {"stopped", to_string(result.reason)},
          {"model_saved", result.model_saved},
          {"cell", o.cell.name()},
          {"num_layers", o.num_layers},
          {"embedding_size", o.embedding_size},
          {"hidden_size", o.hidden_size},
          {"parameters", run.model.parameter_count()},
          {"tokens", text::to_string(run.tokenizer.kind())},
          {"vocab_size", run.tokenizer.size()},
          {"train_tokens", run.train.size()},
          {"valid_tokens", run.valid.size()},
          {"train_unknown_tokens", run.train.counts().unknown},
          {"valid_unknown_tokens", run.valid.counts().unknown},
          {"train_invalid_utf8", run.train.invalid().sequences},
          {"valid_invalid_utf8", run.valid.invalid().sequences},
          {"steps", result.steps},
          {"epochs", run.epochs},
          {"seq_len", run.seq_len},
          {"batch_size", run.batch_size},
          {"seconds", result.seconds},
          {"tokens_trained", result.targets},
          {"tokens_per_second",
           result.seconds > 0 ? static_cast<double>(result.targets) / result.seconds : 0.0},
          {"threads", num_threads()},
          {"best_valid_nats_per_token", nats},
          {"best_valid_perplexity", perplexity},
          {"best_step", step},
          {"gradient", run.reach.to_json()},
          {"validations", validations}};
}

}  // namespace

void report(const EndedRun& run, bool json) {
  print_notes(run);
  const TrainingResult& result = run.result;
  if (json) {
    print_json(to_json(run));
  } else if (result.saved) {
    print(fmt::format("{}: validation {:.4f} nats per token, perplexity {:.2f}; {} in {}\n",
                      run.out.string(), result.saved->valid.loss,
                      std::exp(result.saved->valid.loss), counted(result.targets, "token"),
                      duration(result.seconds)));
  } else if (result.model_saved) {
    print(fmt::format("{}: a model of {}, not yet validated\n", run.out.string(),
                      counted(result.steps, "step")));
  }
}

}  // namespace riverrun::cli
