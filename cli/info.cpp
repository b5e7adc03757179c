#include <algorithm>
#include <cmath>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "riverrun/core/error.h"
#include "riverrun/core/number.h"
#include "riverrun/lm/model_folder.h"
#include "riverrun/lm/saved_run.h"
#include "riverrun/nn/finite.h"

#include "cli/command.h"
#include "cli/info_classifier.h"
#include "cli/info_forecast.h"
#include "cli/info_tagger.h"
#include "cli/info_task.h"
#include "cli/info_transform.h"
#include "cli/kind.h"
#include "cli/parameters_report.h"
#include "cli/run_report.h"

namespace riverrun::cli {
namespace {

namespace fs = std::filesystem;

constexpr const char* kExample = R"(
Example: what is in a model folder, and how was it trained?
  riverrun info model)";

using Json = nlohmann::ordered_json;

std::int64_t batch_size(const lm::SavedTraining& run) {
  return lm::chosen_batch_size(run.options.trainer, run.texts.train.tokens);
}

/// Whole passes over the training text.
std::int64_t epochs_done(const lm::SavedTraining& run) {
  const std::int64_t updates = lm::updates_per_epoch(run.options.trainer, run.texts.train.tokens);
  return updates > 0 ? run.state.step / updates : 0;
}

Json to_json(const lm::SavedTraining& run) {
  const TrainerOptions& o = run.options.trainer;
  const lm::LanguageModelOptions& m = run.options.model;
  const auto initial = [](const std::optional<float>& x) {
    return x ? Json(shortest(*x)) : Json();
  };
  Json best;  // null before the first validation
  if (const auto& v = run.state.best) {
    best = {{"step", v->step},
            {"epoch", v->epoch},
            {"train_nats_per_token", v->train_loss},
            {"valid_nats_per_token", v->valid.loss}};
  }
  return {{"steps", run.state.step},
          {"epochs", o.epochs},
          {"epochs_done", epochs_done(run)},
          {"train_tokens", run.texts.train.tokens},
          {"valid_tokens", run.texts.valid.tokens},
          {"valid_fraction", run.options.text.valid_fraction},
          {"optimizer", o.optimizer},
          {"lr", o.lr},
          {"schedule", o.schedule},
          {"warmup", o.warmup},
          {"decay", o.decay},
          {"decay_after", o.decay_after},
          {"momentum", o.momentum},
          {"weight_decay", o.weight_decay},
          {"clip", o.clip},
          {"patience", o.patience},
          {"batch_size", batch_size(run)},
          {"seq_len", o.seq_len},
          {"forget_bias", initial(m.forget_bias)},
          {"init_uniform", initial(m.init_uniform)},
          {"seed", m.seed},
          {"from", run.options.from.empty() ? Json() : Json(run.options.from)},
          {"best", best}};
}

/// How it was trained, a name and a value a line.
std::string described(const lm::SavedTraining& run) {
  const TrainerOptions& o = run.options.trainer;
  std::string text = fmt::format(
      "  texts           {} to learn from, {} to validate on\n"
      "  run             {} so far; {} of {} done\n"
      "  optimiser       {}\n",
      counted(run.texts.train.tokens, "token"), grouped(run.texts.valid.tokens),
      counted(run.state.step, "step"), grouped(epochs_done(run)), counted(o.epochs, "epoch"),
      cli::described(o));
  text += fmt::format("  batches         {} x {}\n  seed            {}\n",
                      counted(batch_size(run), "sequence"), counted(o.seq_len, "token"),
                      run.options.model.seed);
  if (!run.options.from.empty()) text += fmt::format("  begun from      {}\n", run.options.from);
  return text;
}

ExitCode info_of_language_model(const fs::path& folder, bool json) {
  lm::SavedRun loaded = lm::load_run(folder);
  lm::SavedModel& saved = loaded.saved;
  const lm::LanguageModelOptions& o = saved.model.options();
  const std::int64_t count = saved.model.parameter_count();
  const ParameterList parameters = saved.model.parameters();
  const std::string damaged = damage(parameters);
  const std::optional<Measured>& measured = loaded.measured;

  if (json) {
    const auto or_null = [](const std::string& text) { return text.empty() ? Json() : Json(text); };
    print_json({{"kind", name(Kind::kLanguage)},
                {"model", folder.string()},
                {"cell", o.cell.name()},
                {"vocab_size", o.vocab_size},
                {"embedding_size", o.embedding_size},
                {"hidden_size", o.hidden_size},
                {"num_layers", o.num_layers},
                {"dropout", shortest(o.dropout)},
                {"tokens", text::to_string(saved.tokenizer.kind())},
                {"parameters", count},
                {"bytes", count * 4},
                {"step", measured ? Json(measured->step) : Json()},
                {"valid_nats_per_token", measured ? Json(measured->valid.loss) : Json()},
                {"weights_problem", or_null(damaged)},
                {"resumable", loaded.checkpoint.has_value()},
                {"checkpoint_problem", or_null(loaded.checkpoint_problem)},
                {"training", loaded.checkpoint ? to_json(*loaded.checkpoint) : Json()},
                {"tensors", tensors_json(parameters)}});
    return kOk;
  }

  std::string text = fmt::format(
      "{}\n"
      "  cell            {}\n"
      "  layers          {} x {} units, dropout {}\n"
      "  tokens          {} different, by {}, {} numbers each\n"
      "  parameters      {} ({})\n",
      folder.string(), o.cell.name(), o.num_layers, o.hidden_size, o.dropout, grouped(o.vocab_size),
      text::to_string(saved.tokenizer.kind()), o.embedding_size, grouped(count),
      byte_size(count * 4));
  if (!damaged.empty()) {
    text += fmt::format("  damaged         {}; all verbs but info end with status {}\n", damaged,
                        static_cast<int>(kNumericError));
  }
  if (measured) {
    text += fmt::format("  validation      {:.4f} nats per token, perplexity {:.2f}, after {}\n",
                        measured->valid.loss, std::exp(measured->valid.loss),
                        counted(measured->step, "step"));
  }
  if (loaded.checkpoint) text += described(*loaded.checkpoint);
  text += fmt::format("  training state  {}\n\n", loaded.checkpoint
                                                      ? "there: train --resume goes on from it"
                                                  : loaded.checkpoint_problem.empty()
                                                      ? "none, so how it was trained is not known"
                                                      : "damaged: " + loaded.checkpoint_problem);
  print(text + tensor_table(parameters));
  return kOk;
}

ExitCode run(const fs::path& folder, bool json) {
  switch (kind_of(folder)) {
    case Kind::kLanguage:
      return info_of_language_model(folder, json);
    case Kind::kClassify:
      return info_of_classifier(folder, json);
    case Kind::kTag:
      return info_of_tagger(folder, json);
    case Kind::kForecast:
      return info_of_forecaster(folder, json);
    case Kind::kTransform:
      return info_of_signal_model(folder, json);
    case Kind::kTask:
      break;
  }
  return info_of_task_network(folder, json);
}

}  // namespace

void add_info(CLI::App& program, Verb& chosen) {
  CLI::App* app =
      program.add_subcommand("info", "Say what is in a model folder, and how it was trained");
  struct Flags {
    fs::path model;
    bool json = false;
  };
  auto flags = std::make_shared<Flags>();
  app->footer(kExample);
  app->add_option("MODEL", flags->model, "Folder of a trained model")->required();
  app->add_flag("--json", flags->json, "Print the answer as one JSON object");
  app->callback([&chosen, flags] { chosen = [flags] { return run(flags->model, flags->json); }; });
}

}  // namespace riverrun::cli
