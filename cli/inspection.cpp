#include "cli/inspection.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "riverrun/insight/text_features.h"

#include "cli/coloured.h"
#include "cli/command.h"
#include "cli/inspection_figures.h"
#include "cli/mean.h"
#include "cli/table.h"

namespace riverrun::cli {
namespace {

/// A table of a whole book helps nobody.
constexpr std::size_t kMostLines = 200;

std::string probabilities(const text::Tokenizer& tokenizer, const std::vector<lm::Likely>& next) {
  std::string text;
  for (const lm::Likely& likely : next) {
    text += fmt::format("{}{} {:.2f}", text.empty() ? "" : "  ", quoted(tokenizer, likely.token),
                        likely.probability);
  }
  return text;
}

std::string tokens_note(const Inspection& it) {
  std::string note = "Each token: its surprise; then, once it was read, ";
  note +=
      it.gates.empty()
          ? fmt::format("the size of {} (this cell, {}, has no gates that open)", it.memory_name(),
                        it.cell)
          : fmt::format(
                "how far the gates are open and the size of {}, means over all units and layers",
                it.memory_name());
  note += ", and what is likely to come next.";
  if (it.tokens.size() > kMostLines) {
    note += fmt::format(" The first {} of {}; --json and --csv have all.", kMostLines,
                        counted(std::ssize(it.tokens), "token"));
  }
  return note;
}

std::string memory_note(const Inspection& it) {
  if (it.statistics.by_memory().empty()) {
    return fmt::format("Nothing is kept by a gate in this cell ({}): no unit has a time constant.",
                       it.cell);
  }
  return fmt::format(
      "Units that remember longest, over {}: after so many tokens 1/e of {} is left, if the gates "
      "stand as on (geometric) average.",
      it.over, it.memory_name());
}

std::string followers_note(const Inspection& it) {
  std::string note = fmt::format(
      "What units follow, over {}: for each feature of the text the unit whose {} has the largest "
      "correlation with it.",
      it.over, it.memory_name());
  constexpr std::int64_t kFewTokens = 2000;
  if (it.statistics.steps() < kFewTokens) {
    note += fmt::format(
        " These are {} only, in which chance alone correlates much: --over FILE ranks the units by "
        "a "
        "longer text.",
        counted(it.statistics.steps(), "token"));
  }
  return note;
}

insight::Table tokens_table(const Inspection& it) {
  insight::Table table{.caption = {}, .header = {"token", "nats", "bits"}, .rows = {}};
  table.header.insert(table.header.end(), it.gates.begin(), it.gates.end());
  table.header.push_back(fmt::format("|{}|", it.memory_name()));
  table.header.emplace_back("next");
  for (std::size_t t = 0; t < std::min(it.tokens.size(), kMostLines); ++t) {
    const InspectedToken& token = it.tokens[t];
    std::vector<std::string> row = {quoted(it.tokenizer, token.id)};
    row.push_back(token.nats ? fmt::format("{:.2f}", *token.nats) : "–");
    row.push_back(token.nats ? fmt::format("{:.2f}", *token.nats / std::numbers::ln2) : "–");
    for (std::size_t g = 0; g < it.gates.size(); ++g) {
      std::vector<double> of_layers;
      for (const auto& layer : token.openings) of_layers.push_back(layer[g]);
      row.push_back(fmt::format("{:.2f}", mean(of_layers)));
    }
    row.push_back(fmt::format("{:.2f}", root_mean_square(token.memory)));
    row.push_back(probabilities(it.tokenizer, token.next));
    table.rows.push_back(std::move(row));
  }
  return table;
}

insight::Table memory_table(const Inspection& it) {
  insight::Table table{
      .caption = {}, .header = {"unit", "time constant (tokens)", "kept in a step"}, .rows = {}};
  const std::vector<insight::UnitStatistics::Ranked> ranked = it.statistics.by_memory();
  for (std::size_t i = 0; i < std::min(ranked.size(), it.rank); ++i) {
    const auto& [unit, steps] = ranked[i];
    table.rows.push_back({to_string(unit), fmt::format("{:.1f}", steps),
                          fmt::format("{:.4f}", it.statistics.mean_retention(unit))});
  }
  return table;
}

insight::Table followers_table(const Inspection& it) {
  insight::Table table{.caption = {}, .header = {"feature", "unit", "correlation"}, .rows = {}};
  for (const Follower& f : followers(it.statistics)) {
    table.rows.push_back(
        {std::string(f.feature), to_string(f.unit), fmt::format("{:+.2f}", f.correlation)});
  }
  return table;
}

insight::Table unit_table(const Inspection& it, std::size_t unit) {
  insight::Table table{.caption = {}, .header = {"token"}, .rows = {}};
  table.header.insert(table.header.end(), it.gates.begin(), it.gates.end());
  table.header.insert(table.header.end(), it.states.begin(), it.states.end());
  for (std::size_t t = 0; t < std::min(it.tokens.size(), kMostLines); ++t) {
    const UnitValues& values = it.tokens[t].units[unit];
    std::vector<std::string> row = {quoted(it.tokenizer, it.tokens[t].id)};
    for (const double opening : values.openings) row.push_back(fmt::format("{:.3f}", opening));
    for (const double state : values.states) row.push_back(fmt::format("{:.3f}", state));
    table.rows.push_back(std::move(row));
  }
  return table;
}

/// "lstm, 2 x 128 units; 24 tokens, each of which surprises it by …".
std::string summary(const Inspection& it) {
  std::string text = fmt::format("{}, {} x {} units; {}", it.cell, it.layers, it.hidden_size,
                                 counted(std::ssize(it.tokens), "token"));
  if (const auto nats = it.mean_nats()) {
    text += fmt::format(", each a surprise of {:.4f} nats ({:.4f} bits) on average", *nats,
                        *nats / std::numbers::ln2);
  }
  return text;
}

}  // namespace

std::string to_string(insight::Unit unit) { return fmt::format("{}:{}", unit.layer, unit.index); }

std::vector<Follower> followers(const insight::UnitStatistics& statistics) {
  std::vector<Follower> found;
  for (std::size_t f = 0; f < insight::TextFeatures::kCount; ++f) {
    const auto ranked = statistics.by_correlation(f);
    if (ranked.empty()) continue;
    found.push_back({insight::TextFeatures::kNames[f], ranked.front().unit, ranked.front().value});
  }
  std::ranges::stable_sort(found, std::ranges::greater{},
                           [](const Follower& f) { return std::abs(f.correlation); });
  return found;
}

std::vector<double> Inspection::colours(std::size_t unit) const {
  const std::size_t memory = insight::LayerStep::memory_state(states.size());
  std::vector<double> values;
  double largest = 0;
  for (const InspectedToken& token : tokens) {
    values.push_back(token.units[unit].states[memory]);
    largest = std::max(largest, std::abs(values.back()));
  }
  for (double& value : values) value = largest > 0 ? value / largest : 0;
  return values;
}

std::optional<double> Inspection::mean_nats() const {
  if (tokens.size() < 2) return std::nullopt;
  double sum = 0;
  for (const InspectedToken& token : tokens) sum += token.nats.value_or(0);
  return sum / static_cast<double>(tokens.size() - 1);
}

const std::string& Inspection::memory_name() const {
  return states[insight::LayerStep::memory_state(states.size())];
}

std::string to_text(const Inspection& it, bool colour) {
  std::string text = fmt::format("{}: {}\n\n{}\n{}\n", it.model.string(), summary(it),
                                 tokens_note(it), aligned(tokens_table(it)));
  for (std::size_t u = 0; u < it.units.size(); ++u) {
    text += fmt::format("Unit {}:\n", to_string(it.units[u]));
    if (colour) text += coloured_text(it, u) + '\n';
    text += aligned(unit_table(it, u)) + '\n';
  }
  text += memory_note(it) + '\n';
  if (const insight::Table memory = memory_table(it); !memory.rows.empty()) text += aligned(memory);
  return text + '\n' + followers_note(it) + '\n' + aligned(followers_table(it));
}

insight::Page to_page(const Inspection& it) {
  insight::Page page(fmt::format("What {} does at each token", it.model.filename().string()));
  page.paragraph(summary(it) + ".");
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
  page.paragraph(memory_note(it));
  if (const insight::Table memory = memory_table(it); !memory.rows.empty()) page.table(memory);
  page.heading("What the units follow");
  page.paragraph(followers_note(it));
  page.table(followers_table(it));
  page.heading("Each token");
  page.paragraph(tokens_note(it));
  page.table(tokens_table(it));
  return page;
}

nlohmann::ordered_json to_json(const Inspection& it) {
  using Json = nlohmann::ordered_json;
  const auto gates_of = [&](const std::vector<double>& openings) {
    Json object = Json::object();
    for (std::size_t g = 0; g < it.gates.size(); ++g) object[it.gates[g]] = openings[g];
    return object;
  };
  const auto or_null = [](const std::optional<double>& x) { return x ? Json(*x) : Json(nullptr); };
  Json tokens = Json::array();
  for (const InspectedToken& token : it.tokens) {
    Json layers = Json::array();
    for (std::size_t l = 0; l < it.layers; ++l) {
      layers.push_back({{"mean_openings", gates_of(token.openings[l])},
                        {it.memory_name() + "_rms", token.memory[l]}});
    }
    Json next = Json::array();
    for (const lm::Likely& likely : token.next) {
      next.push_back(
          {{"token", it.tokenizer.display(likely.token)}, {"probability", likely.probability}});
    }
    Json units = Json::object();
    for (std::size_t u = 0; u < it.units.size(); ++u) {
      Json states = Json::object();
      for (std::size_t s = 0; s < it.states.size(); ++s) {
        states[it.states[s]] = token.units[u].states[s];
      }
      units[to_string(it.units[u])] = {{"openings", gates_of(token.units[u].openings)},
                                       {"states", states}};
    }
    Json bits = token.nats ? Json(*token.nats / std::numbers::ln2) : Json(nullptr);
    tokens.push_back({{"token", it.tokenizer.display(token.id)},
                      {"id", token.id},
                      {"nats", or_null(token.nats)},
                      {"bits", bits},
                      {"layers", layers},
                      {"units", units},
                      {"next", next}});
  }
  Json remember = Json::array();
  const auto ranked = it.statistics.by_memory();
  for (std::size_t i = 0; i < std::min(ranked.size(), it.rank); ++i) {
    const auto& [unit, steps] = ranked[i];
    std::vector<double> openings;
    for (std::size_t g = 0; g < it.gates.size(); ++g) {
      openings.push_back(it.statistics.mean_opening(unit, g));
    }
    remember.push_back({{"unit", to_string(unit)},
                        {"time_constant_tokens", steps},
                        {"mean_retention", it.statistics.mean_retention(unit)},
                        {"mean_openings", gates_of(openings)}});
  }
  Json follow = Json::array();
  for (const Follower& f : followers(it.statistics)) {
    follow.push_back(
        {{"feature", f.feature}, {"unit", to_string(f.unit)}, {"correlation", f.correlation}});
  }
  return {{"model", it.model.string()},
          {"cell", it.cell},
          {"num_layers", it.layers},
          {"hidden_size", it.hidden_size},
          {"gates", it.gates},
          {"states", it.states},
          {"mean_nats", or_null(it.mean_nats())},
          {"tokens", tokens},
          {"ranked_over", it.over},
          {"ranked_over_tokens", it.statistics.steps()},
          {"remember_longest", remember},
          {"follow", follow}};
}

}  // namespace riverrun::cli
