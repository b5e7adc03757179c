#include "cli/inspection.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "riverrun/data/text/utf8.h"
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

std::string tokens_note(const Inspection& inspection) {
  std::string note = "Each token: its surprise; then, once it was read, ";
  note +=
      inspection.gates.empty()
          ? fmt::format("the size of {} (this cell, {}, has no gates that open)",
                        inspection.memory_name(), inspection.cell)
          : fmt::format(
                "how far the gates are open and the size of {}, means over all units and layers",
                inspection.memory_name());
  note += ", and what is likely to come next.";
  if (inspection.tokens.size() > kMostLines) {
    note += fmt::format(" The first {} of {}; --json and --csv have all.", kMostLines,
                        counted(std::ssize(inspection.tokens), "token"));
  }
  return note;
}

std::string memory_note(const Inspection& inspection) {
  if (inspection.statistics.by_memory().empty()) {
    return fmt::format("Nothing is kept by a gate in this cell ({}): no unit has a time constant.",
                       inspection.cell);
  }
  return fmt::format(
      "Units that remember longest, over {}: after so many tokens 1/e of {} is left, if the gates "
      "stand as on (geometric) average.",
      inspection.over, inspection.memory_name());
}

std::string followers_note(const Inspection& inspection) {
  std::string note = fmt::format(
      "What units follow, over {}: for each feature of the text the unit whose {} has the largest "
      "correlation with it.",
      inspection.over, inspection.memory_name());
  constexpr std::int64_t kFewTokens = 2000;
  if (inspection.statistics.steps() < kFewTokens) {
    note += fmt::format(
        " In {} alone chance correlates much: --over FILE ranks the units by a longer text.",
        counted(inspection.statistics.steps(), "token"));
  }
  return note;
}

report::Table tokens_table(const Inspection& inspection) {
  report::Table table{.caption = {}, .header = {"token", "nats", "bits"}, .rows = {}};
  table.header.insert(table.header.end(), inspection.gates.begin(), inspection.gates.end());
  table.header.push_back(fmt::format("|{}|", inspection.memory_name()));
  table.header.emplace_back("next");
  for (std::size_t t = 0; t < std::min(inspection.tokens.size(), kMostLines); ++t) {
    const InspectedToken& token = inspection.tokens[t];
    std::vector<std::string> row = {quoted(inspection.tokenizer, token.id)};
    row.push_back(token.nats ? fmt::format("{:.2f}", *token.nats) : "–");
    row.push_back(token.nats ? fmt::format("{:.2f}", *token.nats / std::numbers::ln2) : "–");
    for (std::size_t g = 0; g < inspection.gates.size(); ++g) {
      std::vector<double> of_layers;
      for (const auto& layer : token.openings) of_layers.push_back(layer[g]);
      row.push_back(fmt::format("{:.2f}", mean(of_layers)));
    }
    row.push_back(fmt::format("{:.2f}", root_mean_square(token.memory)));
    row.push_back(probabilities(inspection.tokenizer, token.next));
    table.rows.push_back(std::move(row));
  }
  return table;
}

report::Table memory_table(const Inspection& inspection) {
  report::Table table{
      .caption = {}, .header = {"unit", "time constant (tokens)", "kept in a step"}, .rows = {}};
  const std::vector<insight::UnitStatistics::Ranked> ranked = inspection.statistics.by_memory();
  for (std::size_t i = 0; i < std::min(ranked.size(), inspection.rank); ++i) {
    const auto& [unit, steps] = ranked[i];
    table.rows.push_back({to_string(unit), fmt::format("{:.1f}", steps),
                          fmt::format("{:.4f}", inspection.statistics.mean_retention(unit))});
  }
  return table;
}

report::Table followers_table(const Inspection& inspection) {
  report::Table table{.caption = {}, .header = {"feature", "unit", "correlation"}, .rows = {}};
  for (const Follower& f : followers(inspection.statistics)) {
    table.rows.push_back(
        {std::string(f.feature), to_string(f.unit), fmt::format("{:+.2f}", f.correlation)});
  }
  return table;
}

report::Table unit_table(const Inspection& inspection, std::size_t unit) {
  report::Table table{.caption = {}, .header = {"token"}, .rows = {}};
  table.header.insert(table.header.end(), inspection.gates.begin(), inspection.gates.end());
  table.header.insert(table.header.end(), inspection.states.begin(), inspection.states.end());
  for (std::size_t t = 0; t < std::min(inspection.tokens.size(), kMostLines); ++t) {
    const UnitValues& values = inspection.tokens[t].units[unit];
    std::vector<std::string> row = {quoted(inspection.tokenizer, inspection.tokens[t].id)};
    for (const double opening : values.openings) row.push_back(fmt::format("{:.3f}", opening));
    for (const double state : values.states) row.push_back(fmt::format("{:.3f}", state));
    table.rows.push_back(std::move(row));
  }
  return table;
}

/// "lstm, 2 x 128 units; 24 tokens, each of which surprises it by …".
std::string summary(const Inspection& inspection) {
  std::string text =
      fmt::format("{}, {} x {} units; {}", inspection.cell, inspection.layers,
                  inspection.hidden_size, counted(std::ssize(inspection.tokens), "token"));
  if (const auto nats = inspection.mean_nats()) {
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

std::string to_text(const Inspection& inspection, bool colour) {
  std::string text =
      fmt::format("{}: {}\n\n{}\n{}\n", text::escaped(inspection.model.string()),
                  summary(inspection), tokens_note(inspection), aligned(tokens_table(inspection)));
  for (std::size_t u = 0; u < inspection.units.size(); ++u) {
    text += fmt::format("Unit {}:\n", to_string(inspection.units[u]));
    if (colour) text += coloured_text(inspection, u) + '\n';
    text += aligned(unit_table(inspection, u)) + '\n';
  }
  text += text::escaped(memory_note(inspection)) + '\n';
  if (const report::Table memory = memory_table(inspection); !memory.rows.empty())
    text += aligned(memory);
  return text + '\n' + text::escaped(followers_note(inspection)) + '\n' +
         aligned(followers_table(inspection));
}

report::Page to_page(const Inspection& inspection) {
  report::Page page(fmt::format("What {} does at each token", folder_name(inspection.model)));
  page.paragraph(summary(inspection) + ".");
  page.chart(surprise_figure(inspection));
  page.chart(gates_figure(inspection));
  for (std::size_t u = 0; u < inspection.units.size(); ++u) {
    page.heading(fmt::format("Unit {}", to_string(inspection.units[u])));
    page.paragraph(fmt::format("The text coloured by its {}: blue below 0, orange above.",
                               inspection.memory_name()));
    page.add(coloured_html(inspection, u));
    page.chart(unit_figure(inspection, u));
  }
  page.heading("What the units remember");
  page.paragraph(memory_note(inspection));
  if (const report::Table memory = memory_table(inspection); !memory.rows.empty())
    page.table(memory);
  page.heading("What the units follow");
  page.paragraph(followers_note(inspection));
  page.table(followers_table(inspection));
  page.heading("Each token");
  page.paragraph(tokens_note(inspection));
  page.table(tokens_table(inspection));
  return page;
}

nlohmann::ordered_json to_json(const Inspection& inspection) {
  using Json = nlohmann::ordered_json;
  const auto gates_of = [&](const std::vector<double>& openings) {
    Json object = Json::object();
    for (std::size_t g = 0; g < inspection.gates.size(); ++g)
      object[inspection.gates[g]] = openings[g];
    return object;
  };
  const auto or_null = [](const std::optional<double>& x) { return x ? Json(*x) : Json(nullptr); };
  Json tokens = Json::array();
  for (const InspectedToken& token : inspection.tokens) {
    Json layers = Json::array();
    for (std::size_t l = 0; l < inspection.layers; ++l) {
      layers.push_back({{"mean_openings", gates_of(token.openings[l])},
                        {inspection.memory_name() + "_rms", token.memory[l]}});
    }
    Json next = Json::array();
    for (const lm::Likely& likely : token.next) {
      next.push_back({{"token", inspection.tokenizer.display(likely.token)},
                      {"probability", likely.probability}});
    }
    Json units = Json::object();
    for (std::size_t u = 0; u < inspection.units.size(); ++u) {
      Json states = Json::object();
      for (std::size_t s = 0; s < inspection.states.size(); ++s) {
        states[inspection.states[s]] = token.units[u].states[s];
      }
      units[to_string(inspection.units[u])] = {{"openings", gates_of(token.units[u].openings)},
                                               {"states", states}};
    }
    Json bits = token.nats ? Json(*token.nats / std::numbers::ln2) : Json(nullptr);
    tokens.push_back({{"token", inspection.tokenizer.display(token.id)},
                      {"id", token.id},
                      {"nats", or_null(token.nats)},
                      {"bits", bits},
                      {"layers", layers},
                      {"units", units},
                      {"next", next}});
  }
  Json remember = Json::array();
  const auto ranked = inspection.statistics.by_memory();
  for (std::size_t i = 0; i < std::min(ranked.size(), inspection.rank); ++i) {
    const auto& [unit, steps] = ranked[i];
    std::vector<double> openings;
    for (std::size_t g = 0; g < inspection.gates.size(); ++g) {
      openings.push_back(inspection.statistics.mean_opening(unit, g));
    }
    remember.push_back({{"unit", to_string(unit)},
                        {"time_constant_tokens", steps},
                        {"mean_retention", inspection.statistics.mean_retention(unit)},
                        {"mean_openings", gates_of(openings)}});
  }
  Json follow = Json::array();
  for (const Follower& f : followers(inspection.statistics)) {
    follow.push_back(
        {{"feature", f.feature}, {"unit", to_string(f.unit)}, {"correlation", f.correlation}});
  }
  return {{"model", inspection.model.string()},
          {"cell", inspection.cell},
          {"num_layers", inspection.layers},
          {"hidden_size", inspection.hidden_size},
          {"gates", inspection.gates},
          {"states", inspection.states},
          {"mean_nats", or_null(inspection.mean_nats())},
          {"tokens", tokens},
          {"ranked_over", inspection.over},
          {"ranked_over_tokens", inspection.statistics.steps()},
          {"remember_longest", remember},
          {"follow", follow}};
}

}  // namespace riverrun::cli
