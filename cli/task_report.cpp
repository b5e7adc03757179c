#include "cli/task_report.h"

#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "riverrun/core/threads.h"

#include "cli/command.h"

namespace riverrun::cli {
namespace {

using tasks::Score;
using tasks::Tally;
using tasks::TaskPoint;

/// What was found, name and value.
std::vector<std::pair<std::string, std::string>> findings(const EndedTask& task) {
  const tasks::TaskResult& result = task.result;
  const Score kind = task.traits.score;
  std::vector<std::pair<std::string, std::string>> list = {
      {"solved", result.solved ? "yes" : "no"},
      {"sequences", grouped(result.sequences)},
      {std::string(task.entry.score), fmt::format("{:.6g}", score(result.test, kind))},
      {"without memory", fmt::format("{:.6g}", task.traits.memoryless_score)}};
  if (kind == Score::kF1) {
    list.emplace_back("right share", fmt::format("{:.6g}", result.test.right_share()));
    list.emplace_back(
        "rare ones found",
        fmt::format("{} of {}, and {} called so that are not", result.test.rare_right,
                    result.test.rare, result.test.called_rare - result.test.rare_right));
  }
  if (result.best) {
    list.emplace_back("held out, best", fmt::format("{:.6g}", score(*result.best, kind)));
  }
  list.emplace_back("wrong",
                    fmt::format("{} of {}", grouped(result.test.sequences - result.test.right),
                                grouped(result.test.sequences)));
  list.emplace_back("time", duration(result.run.seconds));
  return list;
}

nlohmann::ordered_json to_json(const Tally& tally, const tasks::TaskTraits& traits) {
  nlohmann::ordered_json object = {{"sequences", tally.sequences},
                                   {"right", tally.right},
                                   {"loss", tally.loss()},
                                   {"error", tally.error()}};
  if (traits.score == Score::kF1) object["f1"] = tally.f1();
  return object;
}

nlohmann::ordered_json to_json(const EndedTask& task) {
  const tasks::TaskResult& result = task.result;
  nlohmann::ordered_json curve = nlohmann::ordered_json::array();
  for (const TaskPoint& point : result.curve) {
    curve.push_back(
        {{"sequences", point.sequences}, {"training", to_json(point.training, task.traits)}});
    if (point.held_out) curve.back()["held_out"] = to_json(*point.held_out, task.traits);
  }
  nlohmann::ordered_json best;  // null, if none were kept
  if (result.best) best = to_json(*result.best, task.traits);
  return {{"task", task.entry.name},
          {"definition", task.entry.definition},
          {"source", task.entry.source},
          {"criterion", task.entry.criterion},
          {"length", task.setup.length},
          {"cell", task.setup.cell},
          {"hidden_size", task.setup.hidden_size},
          {"num_layers", task.num_layers},
          {"bidirectional", task.setup.bidirectional},
          {"embedding_size", task.setup.embedding_size},
          {"dropout", task.setup.dropout},
          {"init", task.setup.init},
          {"parameters", task.parameters},
          {"batch_size", task.setup.batch_size},
          {"lr", task.setup.lr},
          {"schedule", task.setup.schedule},
          {"clip", task.setup.clip},
          {"max_sequences", task.setup.max_sequences},
          {"evaluate_every", task.setup.evaluate_every},
          {"symbols_with_vectors", task.traits.symbols_with_vectors},
          {"seed", task.seed},
          {"threads", num_threads()},
          {"out",
           task.out.empty() ? nlohmann::ordered_json() : nlohmann::ordered_json(task.out.string())},
          {"model_saved", result.run.model_saved},
          {"solved", result.solved},
          {"sequences", result.sequences},
          {"seconds", result.run.seconds},
          {"score", task.entry.score},
          {"memoryless", task.traits.memoryless_score},
          {"reached", score(result.test, task.traits.score)},
          {"test", to_json(result.test, task.traits)},
          {"best_held_out", best},
          {"curve", curve}};
}

/// The score along the sequences: of those learnt from, those held out, and without memory.
report::Figure to_figure(const EndedTask& task) {
  const Score kind = task.traits.score;
  report::Figure figure;
  figure.title = fmt::format("{}, {}, {}", task.entry.name, task.setup.cell, task.setup.init);
  figure.x = {.label = "sequences learnt from"};
  figure.y = {.label = std::string(task.entry.score),
              .scale = kind == Score::kLoss ? report::Scale::kLogarithmic : report::Scale::kLinear};
  report::Series training;
  training.name = "before learning from them";
  report::Series held_out;
  held_out.name = "held out";
  report::Series memoryless;
  memoryless.name = "without memory";
  for (const TaskPoint& point : task.result.curve) {
    const auto x = static_cast<double>(point.sequences);
    training.x.push_back(x);
    training.y.push_back(score(point.training, kind));
    memoryless.x.push_back(x);
    memoryless.y.push_back(task.traits.memoryless_score);
    // Those of which only the first wrong ones were judged say nothing of all.
    const bool judged_all = point.held_out && !task.traits.criterion.all_right;
    if (!judged_all) continue;
    held_out.x.push_back(x);
    held_out.y.push_back(score(*point.held_out, kind));
  }
  figure.series = {training, memoryless};
  if (!held_out.x.empty()) figure.series.push_back(held_out);
  return figure;
}

report::Page to_page(const EndedTask& task) {
  report::Page page(fmt::format("{}: what it remembers", task.entry.name));
  page.paragraph(fmt::format("{} ({}). Solved: {}.", task.entry.definition, task.entry.source,
                             task.entry.criterion));
  report::Table table{.header = {"", ""}, .rows = {}};
  for (const auto& [name, value] : findings(task)) table.rows.push_back({name, value});
  page.table(table);
  page.chart(to_figure(task));
  page.paragraph(
      fmt::format("{}, {} x {}, {}; initialisation {}, batches of {}, Adam with a {} "
                  "learning rate of {}, gradients clipped to {}, seed {}.",
                  task.setup.cell, task.num_layers, counted(task.setup.hidden_size, "unit"),
                  counted(task.parameters, "parameter"), task.setup.init, task.setup.batch_size,
                  task.setup.schedule, task.setup.lr, task.setup.clip, task.seed));
  return page;
}

}  // namespace

void report(const EndedTask& task, const ReportFiles& files, bool json) {
  if (json) {
    print_json(to_json(task));
  } else {
    std::string text =
        fmt::format("{}\n  {:<22}{}\n", task.entry.name, "criterion", task.entry.criterion);
    for (const auto& [name, value] : findings(task)) {
      text += fmt::format("  {:<22}{}\n", name, value);
    }
    print(text);
  }
  if (!task.result.curve.empty()) {
    write(files, to_figure(task), [&] { return to_page(task); });
  } else if (!files.html.empty() || !files.svg.empty() || !files.csv.empty()) {
    note("no report was written: there is no point of the learning curve yet");
  }
}

}  // namespace riverrun::cli
