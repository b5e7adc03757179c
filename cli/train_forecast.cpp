#include "cli/train_forecast.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "riverrun/core/error.h"
#include "riverrun/core/threads.h"
#include "riverrun/models/forecast_leaks.h"
#include "riverrun/models/forecast_objective.h"
#include "riverrun/models/forecaster_folder.h"
#include "riverrun/train/trainer.h"

#include "cli/forecast_report.h"
#include "cli/parameters_report.h"
#include "cli/run_report.h"
#include "cli/series.h"
#include "cli/training.h"

namespace riverrun::cli {
namespace {

namespace fs = std::filesystem;
using models::ForecastData;
using models::ForecastPart;
using models::ForecastRun;

/// What a run learns from and is judged by.
struct Tables {
  data::TimeSeriesTable train;
  std::optional<data::TimeSeriesTable> valid;  // of a file of its own
};

/// Leaves what may be read of a table, and treats what is missing of that.
void prepare(data::TimeSeriesTable& table, const ForecastRun& run) {
  const std::string& until = run.learning.until;
  if (!until.empty()) data::cut_after(table, time_of_option("train", "--until", until, table));
  data::fill_missing(table, run.model.missing);
}

/// `columns` gets what is found out.
Tables read_tables(const TrainFlags& flags, const ForecastRun& run,
                   data::TimeSeriesColumns& columns) {
  if (flags.texts.size() != 1) {
    throw ConfigError(
        fmt::format("train: {} files are given; a forecaster learns from one CSV file of time "
                    "series, of which there may be many in it",
                    flags.texts.size()));
  }
  Tables tables{.train = data::read_time_series(flags.texts.front(), columns), .valid = {}};
  prepare(tables.train, run);
  if (flags.valid.empty()) return tables;
  tables.valid = data::read_time_series(flags.valid, {.columns = columns,
                                                      .covariates = tables.train.covariates,
                                                      .frequency = tables.train.frequency});
  prepare(*tables.valid, run);
  return tables;
}

void describe(const Tables& tables, const ForecastRun& run, const models::Forecaster& model,
              const models::ForecastObjective& objective, std::int64_t learnt,
              std::int64_t judged) {
  const models::ForecasterOptions& o = run.model;
  note_oddities(tables.train);
  for (const std::string& leak :
       models::leaks(tables.train, o.look_back, o.horizon, run.learning)) {
    note(fmt::format("note: {}: {}", tables.train.path, leak));
  }
  if (tables.valid) note_oddities(*tables.valid);
  note(fmt::format("data: {} of {}, {}; {} to learn from, {} to validate on",
                   grouped(std::ssize(tables.train.series)) + " series",
                   counted(std::ssize(tables.train.targets), "target"), rows_of(o.frequency),
                   counted(learnt, "window"), grouped(judged)));
  if (judged == 0) {
    note(
        "note: with nothing to validate on, the last weights are kept, and measured on what they "
        "have learnt");
  }
  note(fmt::format("model: {} from {}, {}, {} x {}; {}; {} of {} of {}, {}",
                   counted(o.horizon, "row"), counted(o.look_back, "row"),
                   o.method == models::ForecastMethod::kSegments
                       ? fmt::format("{} in segments of {}", o.cell.name(), o.segment)
                       : fmt::format("{} row by row", o.cell.name()),
                   o.num_layers, counted(o.hidden_size, "unit"),
                   counted(parameter_count(model.parameters()), "parameter"),
                   counted(run.trainer.epochs, "epoch"),
                   counted(objective.updates_per_epoch(), "step"),
                   counted(run.trainer.batch_size, "window"), counted(num_threads(), "thread")));
}

nlohmann::ordered_json to_json(const TrainFlags& flags, const ForecastRun& run,
                               const models::Forecaster& model, const TrainingResult& result,
                               std::int64_t learnt, std::int64_t judged) {
  const models::ForecasterOptions& o = run.model;
  nlohmann::ordered_json json = {{"kind", name(Kind::kForecast)},
                                 {"out", flags.out.string()},
                                 {"stopped", to_string(result.reason)},
                                 {"model_saved", result.model_saved},
                                 {"targets", o.columns.target},
                                 {"frequency", o.frequency},
                                 {"horizon", o.horizon},
                                 {"look_back", o.look_back},
                                 {"segment", o.segment},
                                 {"season", o.season},
                                 {"learnt_until", o.learnt_until},
                                 {"cell", o.cell.name()},
                                 {"num_layers", o.num_layers},
                                 {"hidden_size", o.hidden_size},
                                 {"parameters", parameter_count(model.parameters())},
                                 {"train_windows", learnt},
                                 {"valid_windows", judged}};
  json.update(progress_json(result, run.trainer, "loss", "windows", judged > 0));
  return json;
}

/// Cheap checks first: nobody should wait for a long file to hear of a mistyped option. Of what
/// follows from the data, anything stands there.
void check_given(ForecastRun run) {
  if (run.model.horizon == 0) {
    throw ConfigError("train: how many rows are to be forecast is not known; --horizon says it");
  }
  check(run.trainer);
  check_fields("train", run.learning);
  models::ForecasterOptions& o = run.model;
  o.columns.target = {"a"};
  o.lines = {{.target = "a"}};
  o.hidden_size = std::max<std::int64_t>(o.hidden_size, 1);
  o.season = std::max<std::int64_t>(o.season, 1);
  if (o.segment == 0) o.segment = 1;
  if (o.look_back == 0) o.look_back = o.segment;
  check(o);
}

/// Of two times of ForecasterOptions::learnt_until, if they can be compared.
std::string later(const std::string& a, const std::string& b) {
  const std::optional<data::TimeStamp> first = data::parse_time(a);
  const std::optional<data::TimeStamp> second = data::parse_time(b);
  return first && second && first->kind == second->kind && *second > *first ? b : a;
}

}  // namespace

ExitCode train_forecast(TrainFlags& flags, std::optional<RunFolder> folder) {
  const bool going_on = folder.has_value();
  ForecastRun run;
  if (going_on) {
    models::SavedRun<ForecastRun> saved = models::saved_forecast_run(Folder(folder->path()));
    flags.settle_valid(saved.run.learning.valid_fraction == 0 && saved.valid_examples > 0);
    run = std::move(saved.run);
    flags.settle(run);
  } else {
    flags.apply(run);
    if (!flags.valid.empty()) run.learning.valid_fraction = 0;
    check_given(run);
    flags.check_out(Kind::kForecast);
  }
  data::TimeSeriesColumns columns = run.model.columns;
  const Tables tables = read_tables(flags, run, columns);
  if (!going_on) {
    run = models::suggested_run(tables.train, columns, std::move(run));
    if (tables.valid) {
      run.model.learnt_until = later(run.model.learnt_until, models::learnt_until(*tables.valid));
    }
    run.trainer = flags.completed(run).trainer;
  }

  models::Forecaster model(run.model);
  const ForecastData learnt(tables.train, run.model);
  std::optional<ForecastData> own;
  if (tables.valid) own.emplace(*tables.valid, run.model);
  ForecastPart train = models::learnt_windows(learnt, run.model, run.learning);
  // Validation should take a part of the time only.
  const std::int64_t most = std::max<std::int64_t>(std::ssize(train.windows) / 8, 2048);
  ForecastPart judged;
  if (own || run.learning.valid_fraction > 0) {
    judged = models::judged_windows(own ? *own : learnt, run.model, run.learning, most);
  }
  if (own && judged.windows.empty()) {
    throw FormatError(tables.valid->path,
                      fmt::format("no series has the {} and the horizon of {} that a window takes",
                                  counted(run.model.look_back, "row"), run.model.horizon));
  }
  if (run.trainer.patience > 0 && judged.windows.empty()) {
    throw ConfigError("train: --patience needs rows to validate on");
  }
  const auto train_count = std::ssize(train.windows);
  const auto valid_count = std::ssize(judged.windows);
  models::ForecastObjective objective(model, std::move(train), judged, run.trainer, run.learning);
  Trainer trainer(objective, run.trainer);
  const char* judged_on = valid_count > 0 ? "validation" : "what is learnt, unchanged";
  const bool in_nats = run.model.method == models::ForecastMethod::kPaths;
  const TrainingResult result = cli::run(
      {.flags = flags,
       .objective = objective,
       .trainer = trainer,
       .folder = folder,
       .save_config = [&](const fs::path& path) { models::save_config(path, run.model); },
       .describe = [&] { describe(tables, run, model, objective, train_count, valid_count); },
       .words = {.target = "window", .judged = judged_on, .perplexity = false, .nats = in_nats}});

  std::optional<ForecastReport> score;
  std::optional<ValidationReport> validation;
  if (result.model_saved && valid_count > 0) {
    trainer.take_best();
    score = measure(model, *judged.data, judged.windows);
    validation = {.text = summary(*score) + "; ",
                  .json = cli::to_json(*score),
                  .add_to = [&](report::Page& page) { add_to(page, *score); }};
  }
  report(flags, to_json(flags, run, model, result, train_count, valid_count), result, validation,
         "the rows to validate on", [&] {
           return loss_figure(result, in_nats ? "Loss of a row" : "Quantile loss", judged_on,
                              in_nats ? "nats" : "");
         });
  return result.reason == StopReason::kInterrupted ? kInterrupted : kOk;
}

}  // namespace riverrun::cli
