#include "cli/training.h"

#include <string>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "riverrun/core/threads.h"

#include "cli/command.h"
#include "cli/interrupt.h"
#include "cli/run_report.h"

namespace riverrun::cli {

TrainingResult run(const Training& training) {
  const TrainFlags& flags = training.flags;
  const bool going_on = training.folder.has_value();
  const bool had_no_model =
      going_on && !std::filesystem::exists(training.folder->path() / kWeightsFile);
  const InterruptGuard guard;
  if (going_on) {
    training.trainer.resume(*training.folder);
  } else {
    training.trainer.check_space(flags.out);
    training.folder = RunFolder::start(flags.out, flags.overwrite);
    training.save_config(training.folder->path());
    training.trainer.begin(*training.folder);
  }
  training.describe();

  ProgressDisplay display(training.words);
  Trainer::Watch watch;
  watch.progress = [&](const Progress& progress) { display.show(progress); };
  watch.validation = [&](const Validation& validation) { display.show(validation); };
  watch.stop = &guard.interrupted();
  watch.max_seconds = flags.max_minutes * 60;
  TrainingResult result = training.trainer.run(watch);
  display.finish();
  note_end({.out = flags.out,
            .folder = *training.folder,
            .result = result,
            .unit = training.objective.unit(),
            .had_no_model = had_no_model});
  return result;
}

nlohmann::ordered_json progress_json(const TrainingResult& result, const TrainerOptions& options,
                                     const char* loss, const char* trained, bool validates) {
  using Json = nlohmann::ordered_json;
  const std::string train_loss = fmt::format("train_{}", loss);
  const std::string valid_loss = fmt::format("valid_{}", loss);
  const auto validated = [validates](double value) { return validates ? Json(value) : Json(); };
  Json validations = Json::array();
  for (const Validation& v : result.validations) {
    validations.push_back({{"step", v.step},
                           {"epoch", v.epoch},
                           {"lr", v.lr},
                           {train_loss, v.train_loss},
                           {valid_loss, validated(v.valid.loss)},
                           {"best", v.best}});
  }
  return {{"steps", result.steps},
          {"epochs", options.epochs},
          {"batch_size", options.batch_size},
          {"seconds", result.seconds},
          {fmt::format("{}_trained", trained), result.targets},
          {fmt::format("{}_per_second", trained),
           result.seconds > 0 ? static_cast<double>(result.targets) / result.seconds : 0.0},
          {"threads", num_threads()},
          {"best_" + valid_loss, result.saved ? validated(result.saved->valid.loss) : Json()},
          {"best_step", result.saved ? Json(result.saved->step) : Json()},
          {"validations", std::move(validations)}};
}

ValidationReport validation_report(const ClassificationReport& score) {
  return {.text = summary(score), .json = to_json(score), .add_to = [score](report::Page& page) {
            add_to(page, score);
          }};
}

void report(const TrainFlags& flags, nlohmann::ordered_json json, const TrainingResult& result,
            const std::optional<ValidationReport>& score, const std::string& judged,
            const std::function<report::Figure()>& losses) {
  if (flags.json) {
    json["validation"] = score ? score->json : nlohmann::ordered_json();
    print_json(json);
  } else if (score) {
    print(fmt::format("{}: on {}, {}{} in {}\n", flags.out.string(), judged, score->text,
                      counted(result.steps, "step"), duration(result.seconds)));
  } else if (result.model_saved) {
    print(fmt::format("{}: a model of {}\n", flags.out.string(), counted(result.steps, "step")));
  }
  if (result.validations.empty()) {
    const ReportFiles& files = flags.files;
    if (!files.html.empty() || !files.svg.empty() || !files.csv.empty()) {
      note("no report was written: there was no validation yet");
    }
    return;
  }
  const report::Figure figure = losses();
  write(flags.files, figure, [&] {
    report::Page page(fmt::format("Training {}", folder_name(flags.out)));
    page.chart(figure);
    if (score) {
      page.heading("On " + judged);
      score->add_to(page);
    }
    return page;
  });
}

}  // namespace riverrun::cli
