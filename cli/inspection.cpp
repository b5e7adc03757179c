#include "cli/inspection.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "riverrun/insight/text_features.h"

#include "cli/coloured.h"
#include "cli/command.h"
#include "cli/table.h"

namespace riverrun::cli {
namespace {

std::string probabilities(const text::Tokenizer& tokenizer, const std::vector<lm::Likely>& next) {
  std::string text;
  for (const lm::Likely& likely : next) {
    text += fmt::format("{}{} {:.2f}", text.empty() ? "" : "  ", quoted(tokenizer, likely.token),
                        likely.probability);
  }
  return text;
}

/// The text is shown in full elsewhere; a table of a whole book helps nobody.
constexpr std::size_t kMostLines = 200;

std::string tokens_table(const Inspection& it) {
  std::vector<std::vector<std::string>> rows = {{"token", "nats", "bits"}};
  for (const std::string& gate : it.gates) rows[0].push_back(gate);
  rows[0].push_back(fmt::format("|{}|", it.memory_name()));
  rows[0].emplace_back("next");
  const std::size_t shown = std::min(it.tokens.size(), kMostLines);
  for (std::size_t t = 0; t < shown; ++t) {
    const InspectedToken& token = it.tokens[t];
    rows.push_back({quoted(it.tokenizer, token.id)});
    std::vector<std::string>& row = rows.back();
    row.push_back(token.nats ? fmt::format("{:.2f}", *token.nats) : "-");
    row.push_back(token.nats ? fmt::format("{:.2f}", *token.nats / std::numbers::ln2) : "-");
    for (std::size_t g = 0; g < it.gates.size(); ++g) {
      double sum = 0;
      for (const auto& layer : token.openings) sum += layer[g];
      row.push_back(fmt::format("{:.2f}", sum / static_cast<double>(it.layers)));
    }
    double squares = 0;
    for (const double size : token.memory) squares += size * size;
    row.push_back(fmt::format("{:.2f}", std::sqrt(squares / static_cast<double>(it.layers))));
    row.push_back(probabilities(it.tokenizer, token.next));
  }
  std::string text = table(rows);
  if (shown < it.tokens.size()) {
    text += fmt::format("  … and {}; --json and --csv have all\n",
                        counted(static_cast<std::int64_t>(it.tokens.size() - shown), "token"));
  }
  return text;
}

std::string unit_table(const Inspection& it, std::size_t unit) {
  std::vector<std::vector<std::string>> rows = {{"token"}};
  for (const std::string& gate : it.gates) rows[0].push_back(gate);
  for (const std::string& state : it.states) rows[0].push_back(state);
  for (std::size_t t = 0; t < std::min(it.tokens.size(), kMostLines); ++t) {
    const UnitValues& values = it.tokens[t].units[unit];
    rows.push_back({quoted(it.tokenizer, it.tokens[t].id)});
    for (const double opening : values.openings)
      rows.back().push_back(fmt::format("{:.3f}", opening));
    for (const double state : values.states) rows.back().push_back(fmt::format("{:.3f}", state));
  }
  return table(rows);
}

std::string memory_table(const Inspection& it) {
  const std::vector<insight::UnitStatistics::Ranked> ranked = it.statistics.by_memory();
  if (ranked.empty()) {
    return fmt::format(
        "Nothing is kept by a gate in this cell ({}): no unit has a time constant.\n", it.cell);
  }
  std::vector<std::vector<std::string>> rows = {{"unit", "tokens", "kept in a step"}};
  for (std::size_t i = 0; i < std::min(ranked.size(), it.rank); ++i) {
    const auto& [unit, steps] = ranked[i];
    rows.push_back({to_string(unit), fmt::format("{:.1f}", steps),
                    fmt::format("{:.4f}", it.statistics.mean_retention(unit))});
  }
  return fmt::format(
             "Units that remember longest (1/e of {} is left after so many tokens), over {}:\n",
             it.memory_name(), it.over) +
         table(rows);
}

std::string followers_table(const Inspection& it) {
  std::vector<std::vector<std::string>> rows = {{"what", "unit", "r"}};
  const std::vector<Follower> found = followers(it.statistics);
  for (std::size_t i = 0; i < std::min(found.size(), it.rank); ++i) {
    rows.push_back({std::string(found[i].feature), to_string(found[i].unit),
                    fmt::format("{:+.2f}", found[i].correlation)});
  }
  std::string text = fmt::format(
      "What units follow (correlation of their {} with what can be counted in the text):\n",
      it.memory_name());
  text += table(rows);
  constexpr std::int64_t kFewTokens = 2000;
  if (it.statistics.steps() < kFewTokens) {
    text += fmt::format(
        "  These are of {} only, where chance alone correlates much; --over FILE ranks the units "
        "by "
        "a longer text.\n",
        counted(it.statistics.steps(), "token"));
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
  std::string text =
      fmt::format("{}: {}, {} x {} units; {}", it.model.string(), it.cell, it.layers,
                  it.hidden_size, counted(static_cast<std::int64_t>(it.tokens.size()), "token"));
  if (const auto nats = it.mean_nats()) {
    text += fmt::format(", {:.4f} nats ({:.4f} bits) of surprise each", *nats,
                        *nats / std::numbers::ln2);
  }
  text += "\n\nEach token: its surprise; then, once it was read, ";
  if (it.gates.empty()) {
    text += fmt::format("the size of {} (this cell, {}, has no gates that open)", it.memory_name(),
                        it.cell);
  } else {
    text += fmt::format("how far the gates are open and the size of {}, means over all units",
                        it.memory_name());
  }
  text += ", and what is likely to come next:\n" + tokens_table(it) + '\n';
  for (std::size_t u = 0; u < it.units.size(); ++u) {
    text += fmt::format("Unit {}:\n", to_string(it.units[u]));
    if (colour) text += coloured_text(it, u) + '\n';
    text += unit_table(it, u) + '\n';
  }
  return text + memory_table(it) + '\n' + followers_table(it);
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
