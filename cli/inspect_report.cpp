#include "cli/inspect_report.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "riverrun/data/text/utf8.h"

#include "cli/coloured.h"
#include "cli/command.h"
#include "cli/inspection_figures.h"
#include "cli/table.h"

namespace riverrun::cli {
namespace {

using report::Figure;
using report::Html;
using report::Series;

/// In parts of the largest |value|.
std::vector<double> in_parts(std::vector<double> values) {
  double largest = 0;
  for (const double value : values) largest = std::max(largest, std::abs(value));
  for (double& value : values) value = largest > 0 ? value / largest : 0;
  return values;
}

std::vector<double> of_steps(const Contributions& one) {
  std::vector<double> values;
  for (std::size_t step = 0; step < one.values.size(); ++step) values.push_back(one.of_step(step));
  return values;
}

bool is_of_words(const AnswerReport& report) { return report.about.step == "word"; }

/// Words with a blank behind each.
std::vector<std::string> pieces(const AnswerReport& report) {
  std::vector<std::string> words = report.example.steps;
  for (std::string& word : words) word += ' ';
  return words;
}

/// A strip for each channel that matters: a cell for each step, or for a few that are neighbours.
Html strips(const AnswerReport& report) {
  constexpr std::size_t kMostCells = 100;
  constexpr std::size_t kMostStrips = 12;
  const Contributions& one = report.one;
  const std::size_t steps = one.values.size();
  const std::size_t cell = (steps + kMostCells - 1) / kMostCells;
  std::vector<std::size_t> channels = ranked_channels(report);
  channels.resize(std::min(channels.size(), kMostStrips));
  std::size_t width = 0;
  for (const std::size_t c : channels) {
    width = std::max(width, report.about.channels[c].size());
  }
  std::vector<double> values;  // strip by strip
  for (const std::size_t c : channels) {
    for (std::size_t first = 0; first < steps; first += cell) {
      double sum = 0;
      for (std::size_t t = first; t < std::min(first + cell, steps); ++t) sum += one.values[t][c];
      values.push_back(sum);
    }
  }
  const std::vector<double> colours = in_parts(values);
  const std::size_t cells = values.size() / channels.size();
  Html content;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::size_t c = channels[i / cells];
    if (i % cells == 0)
      content += Html::text(fmt::format("{:<{}} ", report.about.channels[c], width));
    const std::size_t step = i % cells * cell;
    content += coloured_piece(steps > kMostCells / 2 ? " " : "  ", colours[i],
                              fmt::format("{}: {:+.4g}", report.example.steps[step], values[i]));
    if (i % cells == cells - 1) content += Html::text("\n");
  }
  return Html::element("pre", {{"style", "print-color-adjust:exact"}}, content);
}

Series series_of(std::string name, std::vector<double> y) {
  Series series{.name = std::move(name), .x = {}, .y = std::move(y)};
  for (std::size_t i = 0; i < series.y.size(); ++i) series.x.push_back(static_cast<double>(i));
  return series;
}

/// As a table is printed, without control characters: words and names are anybody's.
std::string printed(report::Table table) {
  for (std::string& name : table.header) name = text::escaped(name);
  for (std::vector<std::string>& row : table.rows) {
    for (std::string& cell : row) cell = text::escaped(cell);
  }
  return aligned(table);
}

}  // namespace

Figure contributions_figure(const AnswerReport& report) {
  constexpr std::size_t kFewSteps = 64;
  constexpr std::size_t kMostChannels = 4;
  Figure figure{.title = fmt::format("What contributed to {}", report.example.target),
                .x = {.label = report.about.step},
                .y = {.label = "contribution"},
                .series = {series_of("all channels", of_steps(report.one))}};
  if (report.example.steps.size() <= kFewSteps) figure.x.categories = report.example.steps;
  const std::vector<std::size_t> ranked = ranked_channels(report);
  for (std::size_t i = 0; i < std::min(ranked.size(), kMostChannels) && ranked.size() > 1; ++i) {
    std::vector<double> values;
    for (const std::vector<double>& step : report.one.values) values.push_back(step[ranked[i]]);
    figure.series.push_back(series_of(report.about.channels[ranked[i]], std::move(values)));
  }
  if (is_of_words(report)) {
    for (Series& series : figure.series) series.mark = report::Mark::kBars;
  }
  return figure;
}

Figure channels_figure(const AnswerReport& report) {
  constexpr std::size_t kMostBars = 30;
  std::vector<std::size_t> ranked = ranked_channels(report);
  ranked.resize(std::min(ranked.size(), kMostBars));
  Figure figure{.title = "Which channels matter",
                .x = {.label = "channel"},
                .y = {.label = "mean |contribution|", .low = 0.0},
                .series = {}};
  std::vector<double> values;
  for (const std::size_t c : ranked) {
    figure.x.categories.push_back(report.about.channels[c]);
    values.push_back(report.mean.of_channel(c));
  }
  figure.series = {series_of("mean |contribution|", std::move(values))};
  figure.series.front().mark = report::Mark::kBars;
  return figure;
}

Figure distances_figure(const AnswerReport& report) {
  Figure figure{
      .title = "How far away what matters is",
      .x = {.label = "distance from what is answered from", .unit = report.about.step + "s"},
      .y = {.label = "mean |contribution|", .low = 0.0},
      .series = {{.name = "mean |contribution|", .x = {}, .y = {}}}};
  for (const std::int64_t distance : report.mean.distances()) {
    figure.series.front().x.push_back(static_cast<double>(distance));
    figure.series.front().y.push_back(report.mean.at_distance(distance));
  }
  return figure;
}

Figure all_series(const AnswerReport& report) {
  Figure all{.title = "inspect",
             .x = {.label = "number"},
             .y = {.label = "contribution"},
             .series = {series_of("contribution", of_steps(report.one))}};
  for (std::size_t c = 0; c < report.about.channels.size(); ++c) {
    std::vector<double> values;
    for (const std::vector<double>& step : report.one.values) values.push_back(step[c]);
    all.series.push_back(
        series_of("contribution of " + report.about.channels[c], std::move(values)));
  }
  std::vector<double> means;
  for (std::size_t c = 0; c < report.about.channels.size(); ++c) {
    means.push_back(report.mean.of_channel(c));
  }
  all.series.push_back(series_of("mean |contribution| of channel", std::move(means)));
  if (report.example.answered) {
    all.series.push_back(distances_figure(report).series.front());
    all.series.back().name = "mean |contribution| at distance";
  }
  return all;
}

std::string to_text(const AnswerReport& report, bool colour) {
  const AnswerNotes said = notes(report);
  const auto line = [](const std::string& text) { return text::escaped(text) + "\n"; };
  std::string text = line(report.model.string() + ": " + said.summary) + "\n";
  text += line(said.example) + line(said.steps);
  if (colour && is_of_words(report)) {
    text += coloured(pieces(report), in_parts(of_steps(report.one))) + "\n";
  }
  text += printed(steps_table(report)) + "\n" + line(said.channels);
  text += printed(channels_table(report)) + "\n";
  if (report.example.answered) {
    text += line(said.distances) + printed(distances_table(report)) + "\n";
  }
  text += line(said.units);
  for (const report::Table& table : {gates_table(report), memory_table(report)}) {
    if (!table.rows.empty()) text += printed(table);
  }
  return text;
}

report::Page to_page(const AnswerReport& report) {
  const AnswerNotes said = notes(report);
  report::Page page(fmt::format("What {} uses", folder_name(report.model)));
  page.paragraph(said.summary + ".");
  page.heading("One " + report.about.example);
  page.paragraph(said.example + ".");
  page.paragraph(said.steps + " Blue is below 0, orange above.");
  if (is_of_words(report)) {
    Html words;
    const std::vector<std::string> all = pieces(report);
    const std::vector<double> colours = in_parts(of_steps(report.one));
    for (std::size_t i = 0; i < all.size(); ++i) {
      words += coloured_piece(all[i], colours[i], fmt::format("{:+.4g}", report.one.of_step(i)));
    }
    page.add(Html::element("p", {{"style", "print-color-adjust:exact"}}, words));
  } else {
    page.add(strips(report));
  }
  page.chart(contributions_figure(report));
  page.table(steps_table(report));
  page.heading("Which channels matter");
  page.paragraph(said.channels);
  if (report.about.channels.size() > 1) page.chart(channels_figure(report));
  page.table(channels_table(report));
  if (report.example.answered) {
    page.heading("How far away what matters is");
    page.paragraph(said.distances);
    if (report.mean.distances().size() > 1) page.chart(distances_figure(report));
    page.table(distances_table(report));
  }
  page.heading("What the units do");
  page.paragraph(said.units);
  for (const report::Table& table : {gates_table(report), memory_table(report)}) {
    if (!table.rows.empty()) page.table(table);
  }
  page.heading("How this was measured");
  page.paragraph(fmt::format(
      "Contributions are integrated gradients (Sundararajan, Taly & Yan 2017): of each number that "
      "is read its difference from the baseline, which is {}, times the mean of the answer's "
      "gradient on the straight line from there. They add up to what the answer differs by, but "
      "for the remainder, which is at most {:.1e} of the sum of all |contributions| in any of the "
      "{}. They are computed in float32, what the units do in double precision.",
      report.about.baseline, report.mean.worst_remainder(),
      counted(report.mean.examples(), report.about.example)));
  return page;
}

nlohmann::ordered_json to_json(const AnswerReport& report) {
  using Json = nlohmann::ordered_json;
  const Contributions& one = report.one;
  Json steps = Json::array();
  for (std::size_t step = 0; step < one.values.size(); ++step) {
    steps.push_back({{"step", report.example.steps[step]},
                     {"contribution", one.of_step(step)},
                     {"channels", one.values[step]}});
  }
  Json channels = Json::array();
  for (const std::size_t c : ranked_channels(report)) {
    channels.push_back({{"channel", report.about.channels[c]},
                        {"contribution", one.of_channel(c)},
                        {"mean_absolute_contribution", report.mean.of_channel(c)}});
  }
  Json distances = Json::array();
  for (const std::int64_t distance : report.mean.distances()) {
    distances.push_back({{"distance", distance},
                         {"mean_absolute_contribution", report.mean.at_distance(distance)}});
  }
  const std::vector<insight::Opening>& openings = report.units.openings();
  Json layers = Json::array();
  for (const insight::StackStatistics::Part& part : report.units.parts()) {
    Json gates = Json::object();
    for (std::size_t o = 0; o < openings.size(); ++o) {
      gates[openings[o].gate] = report.units.mean_opening(part, o);
    }
    layers.push_back({{"layer", part.layer}, {"reverse", part.reverse}, {"mean_openings", gates}});
  }
  Json remember = Json::array();
  const auto ranked = report.units.by_memory();
  for (std::size_t i = 0; i < std::min(ranked.size(), report.rank); ++i) {
    const insight::StackStatistics::Part& part = report.units.parts()[ranked[i].part];
    const double steps_kept = ranked[i].time_constant;
    remember.push_back(
        {{"layer", part.layer},
         {"reverse", part.reverse},
         {"unit", ranked[i].unit},
         {"time_constant", std::isfinite(steps_kept) ? Json(steps_kept) : Json()},
         {"mean_retention", part.units.mean_retention({.layer = 0, .index = ranked[i].unit})}});
  }
  return {{"kind", name(report.kind)},
          {"model", report.model.string()},
          {"data", report.data.string()},
          {"cell", report.cell.name},
          {"num_layers", report.options.num_layers},
          {"hidden_size", report.options.hidden_size},
          {"bidirectional", report.options.bidirectional},
          {"example", report.example.name},
          {"said", report.example.said},
          {"target", report.example.target},
          {"answered_from", report.example.answered ? Json(*report.example.answered) : Json()},
          {"answer", one.answer},
          {"baseline", one.baseline},
          {"remainder", one.remainder},
          {"absolute_contributions", one.size},
          {"points", one.points},
          {"channels", report.about.channels},
          {"steps", steps},
          {"examples", report.mean.examples()},
          {"of_examples", report.of},
          {"largest_remainder", report.mean.worst_remainder()},
          {"by_channel", channels},
          {"by_distance", distances},
          {"unit_steps", report.units.steps()},
          {"layers", layers},
          {"remember_longest", remember}};
}

}  // namespace riverrun::cli
