#include "cli/run_report.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "riverrun/core/error.h"

#include "cli/command.h"

namespace riverrun::cli {

const char* to_string(StopReason reason) {
  switch (reason) {
    case StopReason::kFinished:
      return "finished";
    case StopReason::kNoImprovement:
      return "no improvement";
    case StopReason::kTimeLimit:
      return "time limit";
    case StopReason::kInterrupted:
      break;
  }
  return "interrupted";
}

void note_end(const RunEnd& end) {
  const TrainingResult& result = end.result;
  if (result.reason == StopReason::kNoImprovement) {
    note(fmt::format("stopped after {}: no validation since step {} was an improvement",
                     counted(result.steps, "step"), grouped(result.best->step)));
  } else if (result.reason != StopReason::kFinished) {
    note(fmt::format("{} after {}; the same command with --resume goes on from here",
                     to_string(result.reason), counted(result.steps, "step")));
  }
  if (!end.folder.leftover().empty()) {
    note(fmt::format("warning: the old model could not be removed; what is left of it is in {}",
                     end.folder.leftover().string()));
  }
  if (!result.model_saved && end.folder.staged()) {
    note(
        fmt::format("the old model is still in {}; the new run, which has no validated model yet, "
                    "is in {}",
                    end.out.string(), end.folder.path().string()));
  }
  if (!result.saved) return;
  if (result.best && result.best->valid.better_than(result.saved->valid)) {
    note(
        fmt::format("the best model, of step {} with {} {}, was removed from {}; "
                    "now that of step {} is there",
                    result.best->step, loss_text(result.best->valid.loss), end.unit,
                    end.out.string(), result.saved->step));
  } else if (end.had_no_model && result.targets == 0) {
    note(fmt::format("the model had been removed from {} and was written again from the checkpoint",
                     end.out.string()));
  }
}

void check_out(const std::filesystem::path& out, bool resume, bool overwrite,
               const std::string& otherwise) {
  try {
    RunFolder::check_start(out, overwrite);
  } catch (const OccupiedFolder& occupied) {
    throw ConfigError(fmt::format("{}; {}overwrite it ({}), or choose another --out",
                                  occupied.what(),
                                  occupied.resumable() ? "go on with it (--resume), " : otherwise,
                                  resume ? "--overwrite in place of --resume" : "--overwrite"));
  }
}

void warn_of(const char* what, const std::vector<std::string>& names) {
  constexpr std::size_t kMost = 10;
  if (names.empty()) return;
  const auto shown = static_cast<std::ptrdiff_t>(std::min(kMost, names.size()));
  note(fmt::format("warning: {}: {}{}", what, fmt::join(names.begin(), names.begin() + shown, ", "),
                   names.size() > kMost ? fmt::format(" and {} more", names.size() - kMost) : ""));
}

std::string described(const TrainerOptions& o) {
  std::string text =
      fmt::format("{}, learning rate {}, schedule {}", o.optimizer, o.lr, o.schedule);
  if (o.warmup > 0) text += fmt::format(", warmup {}", o.warmup);
  if (o.momentum > 0) text += fmt::format(", momentum {}", o.momentum);
  if (o.weight_decay > 0) text += fmt::format(", weight decay {}", o.weight_decay);
  return text + (o.clip > 0 ? fmt::format(", clip {}", o.clip) : ", no clipping");
}

std::string loss_text(double loss) {
  return loss < 0.1 ? fmt::format("{:.4g}", loss) : fmt::format("{:.4f}", loss);
}

report::Figure loss_figure(const TrainingResult& result, const std::string& title,
                           const std::string& judged, const std::string& unit) {
  report::Series train{.name = "training", .x = {}, .y = {}};
  report::Series valid{.name = judged, .x = {}, .y = {}};
  for (const Validation& v : result.validations) {
    for (report::Series* series : {&train, &valid}) {
      series->x.push_back(static_cast<double>(v.step));
    }
    train.y.push_back(v.train_loss);
    valid.y.push_back(v.valid.loss);
  }
  return {.title = title,
          .x = {.label = "updates"},
          .y = {.label = "loss", .unit = unit},
          .series = {std::move(train), std::move(valid)}};
}

}  // namespace riverrun::cli
