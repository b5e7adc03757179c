#include "cli/inspection_figures.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "riverrun/insight/html.h"

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

}  // namespace

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
  all.x = {.label = "token"};  // its number: the same token may come again
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

}  // namespace riverrun::cli
