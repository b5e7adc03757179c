#include "cli/comparison.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "riverrun/core/error.h"
#include "riverrun/data/text/utf8.h"

#include "cli/coloured.h"
#include "cli/inspection.h"
#include "cli/table.h"

namespace riverrun::cli {
namespace {

struct Word {
  std::string text;
  std::size_t last = 0;  // its last token
};

bool in_word(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x80 || std::isalnum(byte) != 0;
}

std::vector<Word> words_of(const text::Tokenizer& tokenizer, std::span<const std::int32_t> ids) {
  std::vector<Word> words;
  bool open = false;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const std::string_view token = tokenizer.token(ids[i]);
    const bool known = ids[i] != tokenizer.unknown_id();  // <unk> may be a word and another
    if (tokenizer.kind() == text::TokenKind::kWord) {
      if (known && ids[i] != tokenizer.line_end_id()) words.push_back({std::string(token), i});
      continue;
    }
    const bool part = known && in_word(token.front());
    if (part && !open) words.emplace_back();
    open = part;
    if (!part) continue;
    words.back().text += token;
    words.back().last = i;
  }
  return words;
}

const Word* find_last(const std::vector<Word>& words, std::string_view text) {
  const auto found = std::find_if(words.rbegin(), words.rend(),
                                  [&](const Word& word) { return word.text == text; });
  return found == words.rend() ? nullptr : &*found;
}

/// What the model is at one place of a text.
struct Moment {
  std::vector<std::vector<std::vector<double>>> states;  // [layers][states][hidden_size]
  std::vector<double> log_probabilities;
};

Moment read_until(lm::LanguageModel& model, std::span<const std::int32_t> tokens,
                  std::size_t last) {
  Moment moment;
  std::size_t t = 0;
  lm::Inspector(model).read(tokens.first(last + 1), lm::Inspector::Predict::kYes,
                            [&](const lm::Inspector::Step& step) {
                              if (t++ < last) return;
                              for (const insight::LayerStep& layer : step.layers) {
                                moment.states.emplace_back();
                                for (const auto state : layer.states) {
                                  moment.states.back().emplace_back(state.begin(), state.end());
                                }
                              }
                              moment.log_probabilities.assign(step.log_probabilities.begin(),
                                                              step.log_probabilities.end());
                            });
  return moment;
}

double norm(const std::vector<double>& x) {
  return std::sqrt(std::inner_product(x.begin(), x.end(), x.begin(), 0.0));
}

Comparison::Distance distance_of(const std::vector<double>& a, const std::vector<double>& b) {
  Comparison::Distance result;
  result.cosine = 1;
  std::vector<double> difference(a.size());
  std::ranges::transform(a, b, difference.begin(), std::minus{});
  result.distance = norm(difference);
  const double norms = norm(a) + norm(b);
  if (norms == 0) return result;
  result.relative = result.distance / (norms / 2);
  const double product = norm(a) * norm(b);
  const double dot = std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
  result.cosine = product > 0 ? std::clamp(dot / product, -1.0, 1.0) : 0;
  return result;
}

/// Whether anything differs, in one sentence.
std::string verdict(const Comparison& c) {
  if (c.same_texts) return "The two texts are the same up to the word: nothing can differ.";
  if (c.same_states && c.same_predictions) {
    return fmt::format(
        "Exactly the same, to the last bit: what stands before \"{}\" makes no difference to this "
        "network ({}).",
        c.word, c.cell);
  }
  return fmt::format(
      "The predictions after \"{}\" differ by {:.3f} (total variation, of 1 at most; "
      "Jensen-Shannon divergence {:.3f} bits).",
      c.word, c.total_variation, c.divergence);
}

report::Table distances_table(const Comparison& c) {
  report::Table table{
      .caption = {}, .header = {"layer and state", "distance", "relative", "cosine"}, .rows = {}};
  for (const Comparison::Distance& d : c.distances) {
    table.rows.push_back({fmt::format("{} {}", d.layer, d.state), fmt::format("{:.4g}", d.distance),
                          fmt::format("{:.4f}", d.relative), fmt::format("{:.4f}", d.cosine)});
  }
  return table;
}

report::Table next_table(const Comparison& c) {
  report::Table table{.caption = {}, .header = {"", "after A", "after B"}, .rows = {}};
  for (std::size_t i = 0; i < c.next[0].size(); ++i) {
    table.rows.push_back({fmt::format("{}", i + 1)});
    for (const auto& next : c.next) {
      table.rows.back().push_back(
          fmt::format("{} {:.3f}", quoted(c.tokenizer, next[i].token), next[i].probability));
    }
  }
  return table;
}

report::Table units_table(const Comparison& c) {
  report::Table table{.caption = {}, .header = {"unit", "A - B"}, .rows = {}};
  constexpr std::size_t kMostUnits = 10;
  for (std::size_t i = 0; i < std::min(c.units.size(), kMostUnits); ++i) {
    table.rows.push_back({to_string(c.units[i].unit), fmt::format("{:+.2f}", c.units[i].value)});
  }
  return table;
}

/// p·log2(p / m), with m the mean of p and q: exactly 0 if they are the same.
double bits_above_mean(double log_p, double log_q) {
  const double p = std::exp(log_p);
  if (p < std::numeric_limits<double>::min()) return 0;  // and q / p might overflow
  return p * (1 - std::log2(1 + std::exp(log_q - log_p)));
}

/// The end of a text, for a legend.
std::string end_of(const std::string& text) {
  constexpr std::size_t kMostBytes = 60;
  if (text.size() <= kMostBytes) return text;
  std::size_t begin = text.size() - kMostBytes;
  while ((static_cast<unsigned char>(text[begin]) & 0xC0) == 0x80) ++begin;  // inside a character
  return "…" + text.substr(begin);
}

}  // namespace

SharedWord shared_word(const text::Tokenizer& tokenizer, std::span<const std::int32_t> first,
                       std::span<const std::int32_t> second, const std::string& wanted) {
  const std::vector<Word> in_first = words_of(tokenizer, first);
  const std::vector<Word> in_second = words_of(tokenizer, second);
  if (!wanted.empty()) {
    if (tokenizer.kind() == text::TokenKind::kWord && tokenizer.find(wanted) < 0) {
      throw ConfigError(
          fmt::format("inspect: the word \"{}\" of --at is not in the vocabulary", wanted));
    }
    const Word* a = find_last(in_first, wanted);
    const Word* b = find_last(in_second, wanted);
    if (a == nullptr || b == nullptr) {
      throw ConfigError(fmt::format("inspect: the word \"{}\" of --at is not in {}", wanted,
                                    a != nullptr   ? "the second text"
                                    : b != nullptr ? "the first text"
                                                   : "either of the texts"));
    }
    return {wanted, {a->last, b->last}};
  }
  SharedWord best;
  for (const Word& b : in_second) {
    const Word* a = find_last(in_first, b.text);
    if (a == nullptr || b.text.size() < best.word.size()) continue;
    best = {b.text, {a->last, b.last}};
  }
  if (best.word.empty()) {
    throw ConfigError(
        "inspect: the two texts of --compare share no word that the vocabulary has; there is no "
        "place to compare at");
  }
  return best;
}

Comparison compare(lm::SavedModel& saved, const SharedWord& word,
                   std::span<const std::int32_t> first, std::span<const std::int32_t> second,
                   std::size_t top) {
  const std::array<std::span<const std::int32_t>, 2> texts = {first.first(word.place[0] + 1),
                                                              second.first(word.place[1] + 1)};
  const Moment a = read_until(saved.model, first, word.place[0]);
  const Moment b = read_until(saved.model, second, word.place[1]);
  const std::vector<std::string>& names = saved.model.rnn().cell().states;
  Comparison result{
      .tokenizer = saved.tokenizer,
      .cell = saved.model.options().cell.name(),
      .word = word.word,
      .texts = {saved.tokenizer.decode(texts[0]), saved.tokenizer.decode(texts[1])},
      .distances = {},
      .units = {},
      .log_probabilities = {a.log_probabilities, b.log_probabilities},
      .next = {lm::likeliest(a.log_probabilities, top), lm::likeliest(b.log_probabilities, top)},
      .same_texts = std::ranges::equal(texts[0], texts[1]),
      .same_states = a.states == b.states,
      .same_predictions = a.log_probabilities == b.log_probabilities};
  const std::size_t memory = insight::LayerStep::memory_state(names.size());
  for (std::size_t l = 0; l < a.states.size(); ++l) {
    for (std::size_t s = 0; s < names.size(); ++s) {
      result.distances.push_back(distance_of(a.states[l][s], b.states[l][s]));
      result.distances.back().layer = l;
      result.distances.back().state = names[s];
    }
    const std::vector<double>& x = a.states[l][memory];
    const std::vector<double>& y = b.states[l][memory];
    const double size =
        std::sqrt((norm(x) * norm(x) + norm(y) * norm(y)) / 2 / static_cast<double>(x.size()));
    for (std::size_t i = 0; i < x.size(); ++i) {
      if (x[i] != y[i]) result.units.push_back({{l, i}, (x[i] - y[i]) / size});
    }
  }
  std::ranges::stable_sort(result.units, std::ranges::greater{},
                           [](const auto& ranked) { return std::abs(ranked.value); });
  for (std::size_t i = 0; i < a.log_probabilities.size(); ++i) {
    const double p = a.log_probabilities[i];
    const double q = b.log_probabilities[i];
    result.total_variation += std::abs(std::exp(p) - std::exp(q)) / 2;
    result.divergence += (bits_above_mean(p, q) + bits_above_mean(q, p)) / 2;
  }
  // Rounding may lead out of the range.
  result.total_variation = std::min(result.total_variation, 1.0);
  result.divergence = std::clamp(result.divergence, 0.0, 1.0);
  return result;
}

std::string to_text(const Comparison& c) {
  std::string text = fmt::format(
      "After \"{}\" in\n  A  {}\n  B  {}\n\n{}\n\nHow far apart the states are, and in parts of "
      "their mean norm:\n{}\nWhat is likely to come next:\n{}",
      text::escaped(c.word), text::escaped(c.texts[0]), text::escaped(c.texts[1]), verdict(c),
      aligned(distances_table(c)), aligned(next_table(c)));
  if (c.units.empty()) return text;
  return text + "\nUnits that differ most, in parts of their layer's root mean square:\n" +
         aligned(units_table(c));
}

report::Figure predictions_figure(const Comparison& c) {
  report::Figure figure{.title = fmt::format("What may come after \"{}\"", c.word),
                        .x = {.label = "next token"},
                        .y = {.label = "probability", .low = 0.0},
                        .series = {}};
  std::vector<std::int32_t> tokens;
  for (const auto& next : c.next) {
    for (const lm::Likely& likely : next) {
      if (std::ranges::find(tokens, likely.token) == tokens.end()) tokens.push_back(likely.token);
    }
  }
  for (const std::int32_t token : tokens) {
    figure.x.categories.push_back(quoted(c.tokenizer, token));
  }
  for (std::size_t i = 0; i < c.texts.size(); ++i) {
    report::Series series;
    series.name = fmt::format("{}: {}", i == 0 ? "A" : "B", end_of(c.texts[i]));
    series.mark = report::Mark::kBars;
    for (const std::int32_t token : tokens) {
      series.x.push_back(static_cast<double>(series.x.size()));
      series.y.push_back(std::exp(c.log_probabilities[i][static_cast<std::size_t>(token)]));
    }
    figure.series.push_back(std::move(series));
  }
  return figure;
}

report::Page to_page(const Comparison& c) {
  report::Page page(fmt::format("\"{}\" in two contexts", c.word));
  page.paragraph(fmt::format("A: {}", c.texts[0]));
  page.paragraph(fmt::format("B: {}", c.texts[1]));
  page.paragraph(verdict(c));
  page.chart(predictions_figure(c));
  page.heading("How far apart the states are");
  page.paragraph(
      "The distance is Euclidean; it is given in parts of the two states' mean norm too.");
  page.table(distances_table(c));
  if (c.units.empty()) return page;
  page.heading("Units that differ most");
  page.paragraph("The difference of their memories, in parts of their layer's root mean square.");
  page.table(units_table(c));
  return page;
}

nlohmann::ordered_json to_json(const Comparison& c) {
  using Json = nlohmann::ordered_json;
  Json states = Json::array();
  for (const Comparison::Distance& d : c.distances) {
    states.push_back({{"layer", d.layer},
                      {"state", d.state},
                      {"distance", d.distance},
                      {"relative", d.relative},
                      {"cosine", d.cosine}});
  }
  Json texts = Json::array();
  for (std::size_t i = 0; i < c.texts.size(); ++i) {
    Json next = Json::array();
    for (const lm::Likely& likely : c.next[i]) {
      next.push_back(
          {{"token", c.tokenizer.display(likely.token)}, {"probability", likely.probability}});
    }
    texts.push_back({{"text", c.texts[i]}, {"next", next}});
  }
  return {{"cell", c.cell},
          {"word", c.word},
          {"texts", texts},
          {"same_states", c.same_states},
          {"same_predictions", c.same_predictions},
          {"total_variation", c.total_variation},
          {"jensen_shannon_bits", c.divergence},
          {"states", states}};
}

}  // namespace riverrun::cli
