// The tables of `inspect` of a model that is no language model, and what is said of them.

#include <algorithm>
#include <cmath>
#include <numeric>

#include <fmt/format.h>

#include "riverrun/insight/gradient_flow.h"

#include "cli/command.h"
#include "cli/inspect_report.h"

namespace riverrun::cli {
namespace {

/// A table of all steps helps nobody if there are more.
constexpr std::size_t kMostSteps = 40;
constexpr std::size_t kLargestSteps = 20;
/// Channels that have columns of their own.
constexpr std::size_t kFewChannels = 4;

/// The steps that a table shows, in their order.
std::vector<std::size_t> shown_steps(const AnswerReport& report) {
  std::vector<std::size_t> steps(report.one.values.size());
  std::iota(steps.begin(), steps.end(), std::size_t{0});
  if (steps.size() <= kMostSteps) return steps;
  std::ranges::stable_sort(steps, std::ranges::greater{},
                           [&](std::size_t step) { return std::abs(report.one.of_step(step)); });
  steps.resize(kLargestSteps);
  std::ranges::sort(steps);
  return steps;
}

std::string signed_number(double value) { return fmt::format("{:+.4g}", value); }

std::string counted_steps(const AnswerReport& report, std::int64_t count) {
  return counted(count, report.about.step);
}

}  // namespace

std::vector<std::size_t> ranked_channels(const AnswerReport& report) {
  std::vector<std::size_t> channels(report.about.channels.size());
  std::iota(channels.begin(), channels.end(), std::size_t{0});
  std::ranges::stable_sort(channels, std::ranges::greater{},
                           [&](std::size_t c) { return report.mean.of_channel(c); });
  return channels;
}

report::Table steps_table(const AnswerReport& report) {
  const std::vector<std::string>& channels = report.about.channels;
  report::Table table{.caption = {}, .header = {report.about.step, "contribution"}, .rows = {}};
  const bool has_columns = channels.size() <= kFewChannels;
  if (channels.size() > 1 && has_columns) {
    table.header.insert(table.header.end(), channels.begin(), channels.end());
  } else if (channels.size() > 1) {
    table.header.emplace_back("most of it from");
  }
  for (const std::size_t step : shown_steps(report)) {
    const std::vector<double>& values = report.one.values[step];
    std::vector<std::string> row = {report.example.steps[step],
                                    signed_number(report.one.of_step(step))};
    if (channels.size() > 1 && has_columns) {
      for (const double value : values) row.push_back(signed_number(value));
    } else if (channels.size() > 1) {
      const auto most =
          std::ranges::max_element(values, {}, [](double value) { return std::abs(value); });
      row.push_back(fmt::format("{} {}", channels[static_cast<std::size_t>(most - values.begin())],
                                signed_number(*most)));
    }
    table.rows.push_back(std::move(row));
  }
  return table;
}

report::Table channels_table(const AnswerReport& report) {
  report::Table table{
      .caption = {}, .header = {"channel", "here", "mean |contribution|", "share"}, .rows = {}};
  double all = 0;
  for (std::size_t c = 0; c < report.about.channels.size(); ++c) all += report.mean.of_channel(c);
  for (const std::size_t c : ranked_channels(report)) {
    if (table.rows.size() >= report.rank) break;
    const double mean = report.mean.of_channel(c);
    table.rows.push_back({report.about.channels[c], signed_number(report.one.of_channel(c)),
                          fmt::format("{:.4g}", mean),
                          fmt::format("{:.1f} %", all > 0 ? 100 * mean / all : 0.0)});
  }
  return table;
}

report::Table distances_table(const AnswerReport& report) {
  const std::vector<std::int64_t> distances = report.mean.distances();
  const bool goes_back = distances.front() < 0;
  const bool goes_ahead = distances.back() > 0;
  report::Table table{.caption = {}, .header = {"distance"}, .rows = {}};
  if (goes_back) table.header.emplace_back("before");
  if (goes_ahead) table.header.emplace_back("after");
  table.header.emplace_back("up to there");
  const std::int64_t farthest = std::max(-distances.front(), distances.back());
  std::vector<std::int64_t> shown = {0};
  if (farthest > 0) {
    const std::vector<std::int64_t> lags = insight::round_lags(farthest);
    shown.insert(shown.end(), lags.begin(), lags.end());
  }
  const auto text = [&](std::int64_t distance) {
    return std::ranges::binary_search(distances, distance)
               ? fmt::format("{:.4g}", report.mean.at_distance(distance))
               : std::string();
  };
  for (const std::int64_t distance : shown) {
    std::vector<std::string> row = {grouped(distance)};
    if (goes_back) row.push_back(text(-distance));
    if (goes_ahead) row.push_back(distance == 0 && goes_back ? "" : text(distance));
    row.push_back(fmt::format("{:.1f} %", 100 * report.mean.share_within(distance)));
    table.rows.push_back(std::move(row));
  }
  return table;
}

report::Table gates_table(const AnswerReport& report) {
  report::Table table{.caption = {}, .header = {"layer"}, .rows = {}};
  const std::vector<insight::Opening>& openings = report.units.openings();
  if (openings.empty()) return table;
  for (const insight::Opening& opening : openings) table.header.push_back(opening.gate);
  for (const insight::StackStatistics::Part& part : report.units.parts()) {
    std::vector<std::string> row = {
        fmt::format("{}{}", part.layer, part.reverse ? ", reverse" : "")};
    for (std::size_t o = 0; o < openings.size(); ++o) {
      row.push_back(fmt::format("{:.3f}", report.units.mean_opening(part, o)));
    }
    table.rows.push_back(std::move(row));
  }
  return table;
}

report::Table memory_table(const AnswerReport& report) {
  report::Table table{
      .caption = {},
      .header = {"unit", fmt::format("time constant ({}s)", report.about.step), "kept in a step"},
      .rows = {}};
  if (report.about.step != report.about.read_step) table.header[1] = "time constant (steps)";
  const auto ranked = report.units.by_memory();
  for (std::size_t i = 0; i < std::min(ranked.size(), report.rank); ++i) {
    const insight::StackStatistics::Part& part = report.units.parts()[ranked[i].part];
    table.rows.push_back(
        {fmt::format("{}:{}{}", part.layer, ranked[i].unit, part.reverse ? " reverse" : ""),
         fmt::format("{:.1f}", ranked[i].time_constant),
         fmt::format("{:.4f}", part.units.mean_retention({.layer = 0, .index = ranked[i].unit}))});
  }
  return table;
}

AnswerNotes notes(const AnswerReport& report) {
  const Inspectable::About& about = report.about;
  const Contributions& one = report.one;
  AnswerNotes notes;
  notes.summary = fmt::format("{}, {}, {} x {} units{}", noun(report.kind), report.cell.name,
                              report.options.num_layers, report.options.hidden_size,
                              report.options.bidirectional ? " in both directions" : "");
  if (!report.data.empty()) notes.summary += "; " + report.data.string();
  notes.summary += ": " + counted(report.of, about.example);
  notes.example = fmt::format("{}: {}", report.example.name, report.example.said);
  notes.steps = fmt::format(
      "What contributed to {}, which is {:.5g}, and {:.5g} for {}: {:+.5g} in all. Integrated "
      "gradients of {} points; {:.1e} is missing.",
      report.example.target, one.answer, one.baseline, about.baseline, one.answer - one.baseline,
      one.points, std::abs(one.remainder));
  if (std::abs(one.remainder) > report.tolerance * one.size) {
    notes.steps += fmt::format(
        " This is more than {:g} % of all |contributions|: --points looks more closely.",
        100 * report.tolerance);
  }
  if (one.values.size() > kMostSteps) {
    notes.steps += fmt::format(" The {} of {} that contributed most; --json and --csv have all.",
                               kLargestSteps, counted_steps(report, std::ssize(one.values)));
  }
  const std::string over =
      fmt::format("{} of {}", counted(report.mean.examples(), about.example), grouped(report.of));
  notes.channels = fmt::format("Which channels matter, over {}:", over);
  notes.distances = fmt::format(
      "How far away what matters is, over the same: the mean |contribution| of a {0} at each "
      "distance from the one that is answered from, and the part of all up to there.",
      about.step);
  notes.units =
      fmt::format("What the units do, over {}", counted(report.units.steps(), "recurrent step"));
  if (about.step != about.read_step) notes.units += fmt::format(", each a {}", about.read_step);
  notes.units += ". ";
  const bool keeps = !report.units.by_memory().empty();
  if (report.units.openings().empty()) {
    notes.units += fmt::format("This cell, {}, has no gates that open{}", report.cell.name,
                               keeps ? "." : ", and no unit has a time constant.");
  } else {
    notes.units += "The mean openings of the gates";
    notes.units +=
        keeps ? ", and the units that remember longest:" : "; no unit has a time constant:";
  }
  return notes;
}

}  // namespace riverrun::cli
