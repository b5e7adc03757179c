#include "cli/inspection_figures.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "riverrun/report/html.h"

namespace riverrun::cli {
namespace {

using report::Axis;
using report::Figure;
using report::Html;
using report::Series;

/// The tokens by name, if there are few enough to be read.
Axis token_axis(const Inspection& inspection) {
  constexpr std::size_t kFewTokens = 64;
  Axis axis{.label = "token"};
  if (inspection.tokens.size() > kFewTokens) return axis;
  for (const InspectedToken& token : inspection.tokens) {
    axis.categories.push_back(inspection.tokenizer.display(token.id));
  }
  return axis;
}

/// `value(token)` of every token.
template <class Value>
Series over_tokens(const Inspection& inspection, std::string name, const Value& value) {
  Series series;
  series.name = std::move(name);
  for (std::size_t t = 0; t < inspection.tokens.size(); ++t) {
    series.x.push_back(static_cast<double>(t));
    series.y.push_back(value(inspection.tokens[t]));
  }
  return series;
}

}  // namespace

Figure surprise_figure(const Inspection& inspection) {
  const auto nats = [](const InspectedToken& token) {
    return token.nats.value_or(std::numeric_limits<double>::quiet_NaN());
  };
  return {.title = "Surprise of each token",
          .x = token_axis(inspection),
          .y = {.label = "surprise", .unit = "nats", .low = 0.0},
          .series = {over_tokens(inspection, "surprise", nats)}};
}

Figure memories_figure(const Inspection& inspection) {
  Figure figure{.title = fmt::format("What units remember: their {}", inspection.memory_name()),
                .x = token_axis(inspection),
                .y = {.label = inspection.memory_name()},
                .series = {}};
  const std::size_t memory = insight::LayerStep::memory_state(inspection.states.size());
  for (std::size_t u = 0; u < inspection.units.size(); ++u) {
    figure.series.push_back(
        over_tokens(inspection, fmt::format("unit {}", to_string(inspection.units[u])),
                    [&](const InspectedToken& token) { return token.units[u].states[memory]; }));
  }
  return figure;
}

Figure unit_figure(const Inspection& inspection, std::size_t unit) {
  Figure figure{.title = fmt::format("Unit {}", to_string(inspection.units[unit])),
                .x = token_axis(inspection),
                .y = {.label = "value"},
                .series = {}};
  for (std::size_t s = 0; s < inspection.states.size(); ++s) {
    figure.series.push_back(
        over_tokens(inspection, inspection.states[s],
                    [&](const InspectedToken& token) { return token.units[unit].states[s]; }));
  }
  for (std::size_t g = 0; g < inspection.gates.size(); ++g) {
    figure.series.push_back(
        over_tokens(inspection, fmt::format("gate {}", inspection.gates[g]),
                    [&](const InspectedToken& token) { return token.units[unit].openings[g]; }));
  }
  return figure;
}

Html coloured_piece(std::string_view text, double value, std::string_view title) {
  const std::string style = fmt::format(
      "background:rgba({},{:.2f})", value < 0 ? "0,114,178" : "213,94,0", 0.8 * std::abs(value));
  return Html::element("span", {{"style", style}, {"title", title}}, Html::text(text));
}

Html coloured_html(const Inspection& inspection, std::size_t unit) {
  const std::vector<double> values = inspection.colours(unit);
  Html content;
  for (std::size_t t = 0; t < values.size(); ++t) {
    const InspectedToken& token = inspection.tokens[t];
    const std::size_t memory = insight::LayerStep::memory_state(inspection.states.size());
    const std::string title =
        fmt::format("{} = {:.3f}", inspection.memory_name(), token.units[unit].states[memory]);
    content += coloured_piece(token.text, values[t], title);
  }
  return Html::element("pre", {{"style", "print-color-adjust:exact"}}, content);
}

Figure gates_figure(const Inspection& inspection) {
  Figure figure{.title = "How far the gates are open",
                .x = token_axis(inspection),
                .y = {.label = "mean opening", .low = 0.0, .high = 1.0},
                .series = {}};
  const auto name = [&](const std::string& what, std::size_t layer) {
    return inspection.layers > 1 ? fmt::format("{}, layer {}", what, layer) : what;
  };
  for (std::size_t l = 0; l < inspection.layers; ++l) {
    for (std::size_t g = 0; g < inspection.gates.size(); ++g) {
      figure.series.push_back(
          over_tokens(inspection, name(inspection.gates[g], l),
                      [&](const InspectedToken& token) { return token.openings[l][g]; }));
    }
  }
  if (!figure.series.empty()) return figure;
  figure.title = fmt::format("Size of {}", inspection.memory_name());
  figure.y = {.label = "root mean square", .low = 0.0};
  for (std::size_t l = 0; l < inspection.layers; ++l) {
    figure.series.push_back(
        over_tokens(inspection, name(inspection.memory_name(), l),
                    [&](const InspectedToken& token) { return token.memory[l]; }));
  }
  return figure;
}

Figure all_series(const Inspection& inspection) {
  Figure all = gates_figure(inspection);
  all.x = {.label = "token"};  // its number: the same token may come again
  all.y = {.label = "value"};
  const auto append = [&](const Figure& figure, const std::string& prefix) {
    for (Series series : figure.series) {
      series.name = prefix + series.name;
      all.series.push_back(std::move(series));
    }
  };
  append(surprise_figure(inspection), "");
  for (std::size_t u = 0; u < inspection.units.size(); ++u) {
    append(unit_figure(inspection, u), fmt::format("unit {} ", to_string(inspection.units[u])));
  }
  return all;
}

}  // namespace riverrun::cli
