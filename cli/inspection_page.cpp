#include "cli/inspection_page.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "riverrun/insight/html.h"
#include "riverrun/insight/page.h"

#include "cli/coloured.h"
#include "cli/command.h"

namespace riverrun::cli {
namespace {

using insight::Axis;
using insight::Figure;
using insight::Html;
using insight::Series;

/// The tokens by name, if there are few enough to be read.
Axis token_axis(const Inspection& it) {
  constexpr std::size_t kFewTokens = 64;
  Axis axis{.label = "token"};
  if (it.tokens.size() > kFewTokens) return axis;
  for (const InspectedToken& token : it.tokens) {
    axis.categories.push_back(it.tokenizer.display(token.id));
  }
  return axis;
}

/// `value(token)` of every token.
template <class Value>
Series over_tokens(const Inspection& it, std::string name, const Value& value) {
  Series series;
  series.name = std::move(name);
  for (std::size_t t = 0; t < it.tokens.size(); ++t) {
    series.x.push_back(static_cast<double>(t));
    series.y.push_back(value(it.tokens[t]));
  }
  return series;
}

Figure surprise_figure(const Inspection& it) {
  const auto nats = [](const InspectedToken& token) {
    return token.nats.value_or(std::numeric_limits<double>::quiet_NaN());
  };
  return {.title = "Surprise of each token",
          .x = token_axis(it),
          .y = {.label = "surprise", .unit = "nats", .low = 0.0},
          .series = {over_tokens(it, "surprise", nats)}};
}

Figure unit_figure(const Inspection& it, std::size_t unit) {
  Figure figure{.title = fmt::format("Unit {}", to_string(it.units[unit])),
                .x = token_axis(it),
                .y = {.label = "value"},
                .series = {}};
  for (std::size_t s = 0; s < it.states.size(); ++s) {
    figure.series.push_back(over_tokens(it, it.states[s], [&](const InspectedToken& token) {
      return token.units[unit].states[s];
    }));
  }
  for (std::size_t g = 0; g < it.gates.size(); ++g) {
    figure.series.push_back(
        over_tokens(it, fmt::format("gate {}", it.gates[g]),
                    [&](const InspectedToken& token) { return token.units[unit].openings[g]; }));
  }
  return figure;
}

/// The text on a background that says how a unit's memory stands: blue below 0, orange above.
Html coloured_html(const Inspection& it, std::size_t unit) {
  const std::vector<double> values = it.colours(unit);
  Html content;
  for (std::size_t t = 0; t < values.size(); ++t) {
    const InspectedToken& token = it.tokens[t];
    const std::string style =
        fmt::format("background:rgba({},{:.2f})", values[t] < 0 ? "0,114,178" : "213,94,0",
                    0.8 * std::abs(values[t]));
    const std::size_t memory = insight::LayerStep::memory_state(it.states.size());
    const std::string title =
        fmt::format("{} = {:.3f}", it.memory_name(), token.units[unit].states[memory]);
    content += Html::element("span", {{"style", style}, {"title", title}}, Html::text(token.text));
  }
  return Html::element("pre", {{"style", "print-color-adjust:exact"}}, content);
}

insight::Table memory_table(const Inspection& it) {
  insight::Table table{.caption = fmt::format("Over {}", it.over),
                       .header = {"unit", "time constant (tokens)", "kept in a step"},
                       .rows = {}};
  const auto ranked = it.statistics.by_memory();
  for (std::size_t i = 0; i < std::min(ranked.size(), it.rank); ++i) {
    const auto& [unit, steps] = ranked[i];
    table.rows.push_back({to_string(unit), fmt::format("{:.1f}", steps),
                          fmt::format("{:.4f}", it.statistics.mean_retention(unit))});
  }
  return table;
}

insight::Table followers_table(const Inspection& it) {
  insight::Table table{
      .caption = fmt::format("Over {}, {}", it.over, counted(it.statistics.steps(), "token")),
      .header = {"feature", "unit", "correlation"},
      .rows = {}};
  for (const Follower& f : followers(it.statistics)) {
    table.rows.push_back(
        {std::string(f.feature), to_string(f.unit), fmt::format("{:+.3f}", f.correlation)});
  }
  return table;
}

insight::Table tokens_table(const Inspection& it) {
  insight::Table table{.caption = {}, .header = {"token", "nats", "bits"}, .rows = {}};
  for (std::size_t i = 0; i < it.tokens.front().next.size(); ++i) {
    table.header.push_back(i == 0 ? "likeliest next" : "");
  }
  constexpr std::size_t kMostRows = 200;
  for (std::size_t t = 0; t < std::min(it.tokens.size(), kMostRows); ++t) {
    const InspectedToken& token = it.tokens[t];
    table.rows.push_back(
        {quoted(it.tokenizer, token.id), token.nats ? fmt::format("{:.2f}", *token.nats) : "–",
         token.nats ? fmt::format("{:.2f}", *token.nats / std::numbers::ln2) : "–"});
    for (const lm::Likely& likely : token.next) {
      table.rows.back().push_back(
          fmt::format("{}\u00a0{:.2f}", quoted(it.tokenizer, likely.token), likely.probability));
    }
  }
  return table;
}

}  // namespace

Figure gates_figure(const Inspection& it) {
  Figure figure{.title = "How far the gates are open",
                .x = token_axis(it),
                .y = {.label = "mean opening", .low = 0.0, .high = 1.0},
                .series = {}};
  const auto name = [&](const std::string& what, std::size_t layer) {
    return it.layers > 1 ? fmt::format("{}, layer {}", what, layer) : what;
  };
  for (std::size_t l = 0; l < it.layers; ++l) {
    for (std::size_t g = 0; g < it.gates.size(); ++g) {
      figure.series.push_back(
          over_tokens(it, name(it.gates[g], l),
                      [&](const InspectedToken& token) { return token.openings[l][g]; }));
    }
  }
  if (!figure.series.empty()) return figure;
  figure.title = fmt::format("Size of {}", it.memory_name());
  figure.y = {.label = "root mean square", .low = 0.0};
  for (std::size_t l = 0; l < it.layers; ++l) {
    figure.series.push_back(
        over_tokens(it, name(it.memory_name(), l),
                    [&](const InspectedToken& token) { return token.memory[l]; }));
  }
  return figure;
}

Figure all_series(const Inspection& it) {
  Figure all = gates_figure(it);
  all.y = {.label = "value"};
  const auto append = [&](const Figure& figure, const std::string& prefix) {
    for (Series series : figure.series) {
      series.name = prefix + series.name;
      all.series.push_back(std::move(series));
    }
  };
  append(surprise_figure(it), "");
  for (std::size_t u = 0; u < it.units.size(); ++u) {
    append(unit_figure(it, u), fmt::format("unit {} ", to_string(it.units[u])));
  }
  return all;
}

std::string to_html(const Inspection& it) {
  insight::Page page(fmt::format("What {} does at each token", it.model.filename().string()));
  std::string summary = fmt::format("{}, {} x {} units; {}", it.cell, it.layers, it.hidden_size,
                                    counted(static_cast<std::int64_t>(it.tokens.size()), "token"));
  if (const auto nats = it.mean_nats()) {
    summary += fmt::format(", each of which surprises it by {:.3f} nats ({:.3f} bits) on average",
                           *nats, *nats / std::numbers::ln2);
  }
  page.paragraph(summary + ".");
  page.chart(surprise_figure(it));
  page.chart(gates_figure(it));
  for (std::size_t u = 0; u < it.units.size(); ++u) {
    page.heading(fmt::format("Unit {}", to_string(it.units[u])));
    page.paragraph(
        fmt::format("The text coloured by its {}: blue below 0, orange above.", it.memory_name()));
    page.add(coloured_html(it, u));
    page.chart(unit_figure(it, u));
  }
  page.heading("What the units remember");
  const insight::Table memory = memory_table(it);
  if (memory.rows.empty()) {
    page.paragraph(fmt::format(
        "Nothing is kept by a gate in this cell ({}): no unit has a time constant.", it.cell));
  } else {
    page.paragraph(
        "The time constant is the number of tokens after which 1/e of the state is left, if the "
        "gates "
        "stand as on (geometric) average.");
    page.table(memory);
  }
  page.heading("What the units follow");
  page.paragraph(
      "For each feature of the text, the unit whose state has the largest correlation with it.");
  page.table(followers_table(it));
  page.heading("Each token");
  page.table(tokens_table(it));
  return page.str();
}

Figure predictions_figure(const Comparison& c) {
  Figure figure{.title = fmt::format("What may come after \"{}\"", c.word),
                .x = {.label = "next token"},
                .y = {.label = "probability", .low = 0.0},
                .series = {}};
  std::set<std::int32_t> tokens;
  for (const auto& next : c.next) {
    for (const lm::Likely& likely : next) tokens.insert(likely.token);
  }
  for (const std::int32_t token : tokens) {
    figure.x.categories.push_back(quoted(c.tokenizer, token));
  }
  for (std::size_t i = 0; i < c.texts.size(); ++i) {
    Series series;
    series.name = c.texts[i];
    series.mark = insight::Mark::kBars;
    for (const std::int32_t token : tokens) {
      series.x.push_back(static_cast<double>(series.x.size()));
      series.y.push_back(std::exp(c.log_probabilities[i][static_cast<std::size_t>(token)]));
    }
    figure.series.push_back(std::move(series));
  }
  return figure;
}

std::string to_html(const Comparison& c) {
  insight::Page page(fmt::format("\"{}\" in two contexts", c.word));
  page.paragraph(fmt::format("A: {}", c.texts[0]));
  page.paragraph(fmt::format("B: {}", c.texts[1]));
  page.paragraph(verdict(c));
  page.chart(predictions_figure(c));
  insight::Table table{.caption = "How far apart the states are; relative to their mean norm",
                       .header = {"layer and state", "distance", "relative", "cosine"},
                       .rows = {}};
  for (const Comparison::Distance& d : c.distances) {
    table.rows.push_back({fmt::format("{} {}", d.layer, d.state), fmt::format("{:.4g}", d.distance),
                          fmt::format("{:.4f}", d.relative), fmt::format("{:.4f}", d.cosine)});
  }
  page.table(table);
  return page.str();
}

}  // namespace riverrun::cli
