#include "cli/classification_report.h"

#include <algorithm>
#include <cstddef>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/table.h"

namespace riverrun::cli {
namespace {

using models::CalibrationBin;
using models::ClassScore;

// Classes whose confusion can be looked at, in a terminal and on a page.
constexpr std::size_t kMostPrinted = 20;
constexpr std::size_t kMostDrawn = 100;

std::string percent(double share) { return fmt::format("{:.2f} %", 100 * share); }

report::Table summary_table(const ClassificationReport& report) {
  const models::ClassificationScore& score = report.score;
  const models::ClassificationScore& naive = report.naive;
  report::Table table{
      .header = {"", "model", "naive answer"},
      .rows = {
          {"accuracy", percent(score.accuracy), percent(naive.accuracy)},
          {"balanced accuracy", percent(score.balanced_accuracy), percent(naive.balanced_accuracy)},
          {"macro F1", percent(score.macro_f1), percent(naive.macro_f1)},
          {fmt::format("nats per {}", report.nouns.example), fmt::format("{:.4f}", score.nats),
           fmt::format("{:.4f}", naive.nats)},
          {"calibration error", percent(score.calibration_error),
           percent(naive.calibration_error)}}};
  if (!report.entities.empty()) {
    table.rows.push_back({"F1 of entities", percent(report.entities.front().f1),
                          percent(report.naive_entities.front().f1)});
  }
  return table;
}

report::Table class_table(const ClassificationReport& report) {
  report::Table table{.header = {report.nouns.category, std::string(report.nouns.example) + "s",
                                 "predicted", "precision", "recall", "F1"},
                      .rows = {}};
  for (std::size_t c = 0; c < report.classes.size(); ++c) {
    const ClassScore& of = report.score.classes[c];
    table.rows.push_back({report.classes[c], grouped(of.examples), grouped(of.predicted),
                          percent(of.precision), percent(of.recall), percent(of.f1)});
  }
  return table;
}

report::Table entity_table(const ClassificationReport& report) {
  report::Table table{
      .header = {"type", "entities", "predicted", "right", "precision", "recall", "F1"},
      .rows = {}};
  for (const models::EntityScore& of : report.entities) {
    table.rows.push_back({of.type.empty() ? "all" : of.type, grouped(of.examples),
                          grouped(of.predicted), grouped(of.right), percent(of.precision),
                          percent(of.recall), percent(of.f1)});
  }
  return table;
}

report::Table confusion_table(const ClassificationReport& report) {
  report::Table table{.header = {"label \\ predicted"}, .rows = {}};
  const std::size_t classes = report.classes.size();
  for (std::size_t label = 0; label < classes; ++label) {
    table.header.push_back(report.classes[label]);
    table.rows.push_back({report.classes[label]});
    table.shades.emplace_back();
    for (std::size_t named = 0; named < classes; ++named) {
      const std::int64_t count = report.score.confusion[label * classes + named];
      const auto of =
          static_cast<double>(std::max<std::int64_t>(report.score.classes[label].examples, 1));
      table.rows.back().push_back(grouped(count));
      table.shades.back().push_back(static_cast<double>(count) / of);
    }
  }
  return table;
}

/// How often the model is right, against how sure it is.
report::Figure calibration_figure(const ClassificationReport& report) {
  report::Figure figure{
      .title = "How sure the model is, and how often it is right",
      .x = {.label = fmt::format("probability of the predicted {}", report.nouns.category)},
      .y = {.label = "share", .low = 0.0, .high = 1.0},
      .series = {}};
  report::Series confidence{
      .name = "mean probability", .x = {}, .y = {}, .mark = report::Mark::kBars};
  report::Series accuracy{.name = "right", .x = {}, .y = {}, .mark = report::Mark::kBars};
  for (const CalibrationBin& bin : report.score.calibration) {
    if (bin.predictions == 0) continue;
    const auto x = static_cast<double>(figure.x.categories.size());
    figure.x.categories.push_back(
        fmt::format("{:.1f} to {:.1f} ({})", bin.low, bin.high, grouped(bin.predictions)));
    for (report::Series* series : {&confidence, &accuracy}) series->x.push_back(x);
    confidence.y.push_back(bin.confidence);
    accuracy.y.push_back(bin.accuracy);
  }
  figure.series = {std::move(confidence), std::move(accuracy)};
  return figure;
}

}  // namespace

std::string summary(const ClassificationReport& report) {
  const models::ClassificationScore& score = report.score;
  const models::ClassificationScore& naive = report.naive;
  std::string text = fmt::format(
      "accuracy {} (naive: {}), balanced {} ({}), macro F1 {} ({})\n"
      "{:.4f} nats per {} (naive: {:.4f}), calibration error {}\n",
      percent(score.accuracy), percent(naive.accuracy), percent(score.balanced_accuracy),
      percent(naive.balanced_accuracy), percent(score.macro_f1), percent(naive.macro_f1),
      score.nats, report.nouns.example, naive.nats, percent(score.calibration_error));
  if (!report.entities.empty()) {
    const models::EntityScore& all = report.entities.front();
    text += fmt::format("entities: F1 {} (naive: {}), precision {}, recall {}\n", percent(all.f1),
                        percent(report.naive_entities.front().f1), percent(all.precision),
                        percent(all.recall));
  }
  return text;
}

std::string to_text(const ClassificationReport& report) {
  std::string text = summary(report) + "\n" + aligned(class_table(report));
  if (!report.entities.empty()) text += "\n" + aligned(entity_table(report));
  if (report.classes.size() <= kMostPrinted) text += "\n" + aligned(confusion_table(report));
  return text;
}

nlohmann::ordered_json to_json(const ClassificationReport& report) {
  using nlohmann::ordered_json;
  const std::vector<std::string>& names = report.classes;
  const models::ClassificationScore& score = report.score;
  const models::ClassificationScore& naive = report.naive;
  const ReportNouns& nouns = report.nouns;
  const std::string examples = std::string(nouns.example) + "s";
  const std::string nats = fmt::format("nats_per_{}", nouns.example);
  auto classes = ordered_json::array();
  auto confusion = ordered_json::array();
  for (std::size_t c = 0; c < names.size(); ++c) {
    const ClassScore& of = score.classes[c];
    classes.push_back({{nouns.category, names[c]},
                       {examples, of.examples},
                       {"predicted", of.predicted},
                       {"precision", of.precision},
                       {"recall", of.recall},
                       {"f1", of.f1}});
    const auto row = score.confusion.begin() + static_cast<std::ptrdiff_t>(c * names.size());
    confusion.push_back(
        std::vector<std::int64_t>(row, row + static_cast<std::ptrdiff_t>(names.size())));
  }
  auto calibration = ordered_json::array();
  for (const CalibrationBin& bin : score.calibration) {
    calibration.push_back({{"low", bin.low},
                           {"high", bin.high},
                           {examples, bin.predictions},
                           {"confidence", bin.confidence},
                           {"accuracy", bin.accuracy}});
  }
  ordered_json json = {{examples, score.examples},
                       {"accuracy", score.accuracy},
                       {"balanced_accuracy", score.balanced_accuracy},
                       {"macro_f1", score.macro_f1},
                       {nats, score.nats},
                       {"calibration_error", score.calibration_error},
                       {"naive_accuracy", naive.accuracy},
                       {"naive_balanced_accuracy", naive.balanced_accuracy},
                       {"naive_macro_f1", naive.macro_f1},
                       {"naive_" + nats, naive.nats},
                       {"naive_calibration_error", naive.calibration_error},
                       {nouns.categories, classes},
                       {"confusion", confusion},
                       {"calibration", calibration}};
  if (report.entities.empty()) return json;
  json["entity_f1"] = report.entities.front().f1;
  json["naive_entity_f1"] = report.naive_entities.front().f1;
  auto entities = ordered_json::array();
  for (const models::EntityScore& of : report.entities) {
    entities.push_back({{"type", of.type.empty() ? ordered_json() : ordered_json(of.type)},
                        {"entities", of.examples},
                        {"predicted", of.predicted},
                        {"right", of.right},
                        {"precision", of.precision},
                        {"recall", of.recall},
                        {"f1", of.f1}});
  }
  json["entities"] = std::move(entities);
  return json;
}

report::Figure classes_figure(const ClassificationReport& report) {
  report::Figure figure{
      .title = fmt::format("Precision, recall and F1 of each {}", report.nouns.category),
      .x = {.label = report.nouns.category, .categories = report.classes},
      .y = {.label = "share", .low = 0.0, .high = 1.0},
      .series = {}};
  const auto add = [&](const char* name, double ClassScore::*measure) {
    report::Series series{.name = name, .x = {}, .y = {}, .mark = report::Mark::kBars};
    for (std::size_t c = 0; c < report.classes.size(); ++c) {
      series.x.push_back(static_cast<double>(c));
      series.y.push_back(report.score.classes[c].*measure);
    }
    figure.series.push_back(std::move(series));
  };
  add("precision", &ClassScore::precision);
  add("recall", &ClassScore::recall);
  add("F1", &ClassScore::f1);
  return figure;
}

void add_to(report::Page& page, const ClassificationReport& report) {
  page.paragraph(counted(report.score.examples, report.nouns.example) + ".");
  page.table(summary_table(report));
  page.paragraph(report.nouns.naive);
  page.chart(classes_figure(report));
  page.table(class_table(report));
  if (!report.entities.empty()) {
    page.heading("Entities");
    page.paragraph(
        "An entity counts as found if all of its words, no others, and its type are right, as in "
        "the "
        "evaluation of CoNLL-2003.");
    page.table(entity_table(report));
  }
  page.heading("Calibration");
  page.paragraph(
      "Of predictions that the model gives a probability of 0.8, four in five should be right. The "
      "numbers in brackets say how many predictions are in each group.");
  page.chart(calibration_figure(report));
  if (report.classes.size() > kMostDrawn) return;  // it would take the browser minutes
  page.heading(fmt::format("Which {} are taken for others", report.nouns.categories));
  page.paragraph(
      fmt::format("Each row has the {}s of one label, each column those that are predicted to be "
                  "of one {}. The "
                  "stronger the colour, the larger the part of the row.",
                  report.nouns.example, report.nouns.category));
  page.table(confusion_table(report));
}

void present(const ClassificationReport& report, nlohmann::ordered_json object, double seconds,
             const std::string& title, const ReportFiles& files, bool json) {
  if (json) {
    object.update(to_json(report));
    object["seconds"] = seconds;
    object[fmt::format("{}s_per_second", report.nouns.example)] =
        static_cast<double>(report.score.examples) / seconds;
    print_json(object);
  } else {
    print(to_text(report));
  }
  write(files, classes_figure(report), [&] {
    report::Page page(title);
    add_to(page, report);
    return page;
  });
}

}  // namespace riverrun::cli
