#include "cli/train_transform.h"

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "riverrun/core/error.h"
#include "riverrun/core/threads.h"
#include "riverrun/data/audio.h"
#include "riverrun/models/signal_folder.h"
#include "riverrun/train/trainer.h"

#include "cli/parameters_report.h"
#include "cli/run_report.h"
#include "cli/signal_report.h"
#include "cli/training.h"

namespace riverrun::cli {
namespace {

namespace fs = std::filesystem;
using models::SignalPart;
using models::SignalRun;

SignalPart part(const data::SignalPair& pair) { return {.dry = pair.dry, .wet = pair.wet}; }

/// What a run learns from and is judged by.
struct Data {
  data::SignalPair train;
  std::optional<data::SignalPair> valid;  // of files of its own
  models::SignalSplit split;

  [[nodiscard]] bool validates() const { return !split.valid.dry.empty(); }
};

Data read_data(const TrainFlags& flags, const SignalRun& run) {
  if (flags.texts.size() != 2) {
    throw ConfigError(
        fmt::format("train: {} files are given; a signal model learns from two, what goes into a "
                    "device and what comes out",
                    flags.texts.size()));
  }
  if (flags.valid.empty() != flags.valid_wet.empty()) {
    throw ConfigError(
        "train: --valid and --valid-wet go together: what goes into the device and what comes out");
  }
  Data read{.train = data::read_signals(flags.texts[0], flags.texts[1]), .valid = {}, .split = {}};
  if (flags.valid.empty()) {
    read.split = models::split(part(read.train), run.learning);
    return read;
  }
  read.valid = data::read_signals(flags.valid, flags.valid_wet);
  if (read.valid->sample_rate != read.train.sample_rate) {
    throw FormatError(
        read.valid->dry_path,
        fmt::format("it has {} samples a second, {} has {}; the rates must be the same",
                    read.valid->sample_rate, read.train.dry_path, read.train.sample_rate));
  }
  read.split = {.train = part(read.train), .valid = part(*read.valid)};
  return read;
}

double seconds_of(std::int64_t samples, const data::SignalPair& pair) {
  return static_cast<double>(samples) / static_cast<double>(pair.sample_rate);
}

void describe(const Data& read, const SignalRun& run, const models::SignalModel& model,
              const models::SignalObjective& objective) {
  const models::SignalOptions& o = run.model;
  for (const std::string& line : read.train.notes) note(line);
  if (read.valid) {
    for (const std::string& line : read.valid->notes) note(line);
  }
  note(fmt::format("data: {:.1f} s to learn from, {:.1f} s to validate on; {} a second",
                   seconds_of(std::ssize(read.split.train.dry), read.train),
                   read.validates() ? seconds_of(objective.valid_targets(), read.train) : 0.0,
                   counted(o.sample_rate, "sample")));
  if (!read.validates()) {
    note(
        "note: with nothing to validate on, the last weights are kept, and measured on what they "
        "have learnt");
  }
  note(fmt::format("model: {}, {} x {}{}; {}; {} of {} of {} x {}, {}", o.cell.name(), o.num_layers,
                   counted(o.hidden_size, "unit"), o.residual ? ", added to the dry signal" : "",
                   counted(parameter_count(model.parameters()), "parameter"),
                   counted(run.trainer.epochs, "epoch"),
                   counted(objective.updates_per_epoch(), "step"), grouped(run.trainer.batch_size),
                   counted(run.trainer.seq_len, "sample"), counted(num_threads(), "thread")));
}

nlohmann::ordered_json to_json(const TrainFlags& flags, const Data& read, const SignalRun& run,
                               const models::SignalModel& model, const TrainingResult& result,
                               const std::optional<SignalReport>& score) {
  using Json = nlohmann::ordered_json;
  const models::SignalOptions& o = run.model;
  Json json = {{"kind", name(Kind::kTransform)},
               {"out", flags.out.string()},
               {"stopped", to_string(result.reason)},
               {"model_saved", result.model_saved},
               {"sample_rate", o.sample_rate},
               {"gain", o.gain},
               {"cell", o.cell.name()},
               {"num_layers", o.num_layers},
               {"hidden_size", o.hidden_size},
               {"parameters", parameter_count(model.parameters())},
               {"seq_len", run.trainer.seq_len},
               {"train_samples", read.split.train.dry.size()},
               {"valid_samples", score ? Json(score->score.samples) : Json(0)}};
  json.update(progress_json(result, run.trainer, "loss", "samples", read.validates()));
  return json;
}

}  // namespace

ExitCode train_transform(TrainFlags& flags, std::optional<RunFolder> folder) {
  const bool going_on = folder.has_value();
  SignalRun run;
  if (going_on) {
    models::SavedRun<SignalRun> saved = models::saved_signal_run(Folder(folder->path()));
    flags.settle_valid(saved.run.learning.valid_fraction == 0 && saved.valid_examples > 0);
    run = std::move(saved.run);
    flags.settle(run);
  } else {
    flags.apply(run);
    if (!flags.valid.empty()) run.learning.valid_fraction = 0;
    // Cheap checks first: nobody should wait for a long file to hear of a mistyped option.
    check(run.trainer);
    check_fields("train", run.learning);
    models::SignalOptions given = run.model;
    given.sample_rate = 1;
    check(given);
    flags.check_out(Kind::kTransform);
  }
  const Data read = read_data(flags, run);
  if (!going_on) {
    run = flags.completed(
        models::suggested_run(read.split.train, read.train.sample_rate, std::move(run)));
  }
  if (read.train.sample_rate != run.model.sample_rate) {
    throw ConfigError(
        fmt::format("train: {} has {} samples a second; the run that is resumed began with {}",
                    read.train.dry_path, read.train.sample_rate, run.model.sample_rate));
  }
  if (run.trainer.patience > 0 && !read.validates()) {
    throw ConfigError("train: --patience needs a signal to validate on");
  }

  models::SignalModel model(run.model);
  models::SignalObjective objective(model, read.split.train, read.split.valid, run.trainer,
                                    run.learning);
  Trainer trainer(objective, run.trainer);
  const char* judged = read.validates() ? "validation" : "what is learnt, unchanged";
  const TrainingResult result = cli::run(
      {.flags = flags,
       .objective = objective,
       .trainer = trainer,
       .folder = folder,
       .save_config = [&](const fs::path& path) { models::save_config(path, run.model); },
       .describe = [&] { describe(read, run, model, objective); },
       .words = {.target = "sample", .judged = judged, .perplexity = false, .nats = false}});

  std::optional<SignalReport> score;
  if (result.model_saved && read.validates()) {
    trainer.take_best();
    const std::int64_t lead_in = std::ssize(read.split.valid.dry) - objective.valid_targets();
    score = measure(model, read.split.valid, lead_in);
  }
  std::optional<ValidationReport> validation;
  if (score) {
    validation = {.text = summary(*score) + "; ",
                  .json = cli::to_json(*score),
                  .add_to = [&](report::Page& page) { add_to(page, *score); }};
  }
  report(flags, to_json(flags, read, run, model, result, score), result, validation,
         "the signal to validate on", [&] {
           report::Figure losses = loss_figure(result, "Error to signal", judged, "");
           losses.y.scale = report::Scale::kLogarithmic;
           return losses;
         });
  return result.reason == StopReason::kInterrupted ? kInterrupted : kOk;
}

}  // namespace riverrun::cli
