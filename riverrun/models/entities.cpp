#include "riverrun/models/entities.h"

#include <algorithm>
#include <cstddef>
#include <string_view>

#include <fmt/format.h>

#include "riverrun/core/error.h"

namespace riverrun::models {
namespace {

// Where in an entity a word is; kNone is for a tag of no scheme.
enum class Place { kOutside, kBegin, kInside, kEnd, kSingle, kNone };

struct Parsed {
  Place place = Place::kNone;
  std::string_view type = {};
};

Parsed parse(std::string_view tag) {
  if (tag == "O") return {Place::kOutside};
  if (tag.size() < 3 || tag[1] != '-') return {};
  const std::string_view type = tag.substr(2);
  switch (tag[0]) {
    case 'B':
      return {Place::kBegin, type};
    case 'I':
    case 'M':
      return {Place::kInside, type};
    case 'E':
    case 'L':
      return {Place::kEnd, type};
    case 'S':
    case 'U':
      return {Place::kSingle, type};
    default:
      return {};
  }
}

double ratio(std::int64_t part, std::int64_t whole) {
  return whole > 0 ? static_cast<double>(part) / static_cast<double>(whole) : 0.0;
}

}  // namespace

bool are_entity_tags(std::span<const std::string> tags) {
  bool some = false;
  for (const std::string& tag : tags) {
    const Place place = parse(tag).place;
    if (place == Place::kNone) return false;
    some = some || place != Place::kOutside;
  }
  return some;
}

std::vector<Entity> entities_of(std::span<const std::string> tags) {
  std::vector<Entity> entities;
  bool open = false;  // whether the next word may go on with the last entity
  for (std::size_t i = 0; i < tags.size(); ++i) {
    const auto [place, type] = parse(tags[i]);
    const auto word = static_cast<std::int64_t>(i);
    if (place == Place::kOutside || place == Place::kNone) {
      open = false;
      continue;
    }
    const bool goes_on =
        open && (place == Place::kInside || place == Place::kEnd) && entities.back().type == type;
    if (!goes_on) entities.push_back({word, word, std::string(type)});
    entities.back().end = word + 1;
    open = place == Place::kBegin || place == Place::kInside;
  }
  return entities;
}

EntityCounter::Counts& EntityCounter::of(const std::string& type) {
  const auto place = std::ranges::lower_bound(counts_, type, {}, &Counts::type);
  if (place != counts_.end() && place->type == type) return *place;
  return *counts_.insert(place, Counts{.type = type});
}

void EntityCounter::add(std::span<const std::string> labels,
                        std::span<const std::string> predicted) {
  if (labels.size() != predicted.size()) {
    throw ShapeError(fmt::format(
        "EntityCounter.add: there are {} labels and {} predictions; there must be one of each for "
        "each word",
        labels.size(), predicted.size()));
  }
  const std::vector<Entity> examples = entities_of(labels);
  const std::vector<Entity> found = entities_of(predicted);
  for (const Entity& entity : examples) ++of(entity.type).examples;
  for (const Entity& entity : found) ++of(entity.type).predicted;
  // Both are in the order of their words, and no word is in two.
  auto next = examples.begin();
  for (const Entity& entity : found) {
    while (next != examples.end() && next->begin < entity.begin) ++next;
    if (next != examples.end() && *next == entity) ++of(entity.type).right;
  }
}

std::vector<EntityScore> EntityCounter::scores() const {
  const auto score = [](const Counts& of) {
    return EntityScore{.type = of.type,
                       .examples = of.examples,
                       .predicted = of.predicted,
                       .right = of.right,
                       .precision = ratio(of.right, of.predicted),
                       .recall = ratio(of.right, of.examples),
                       .f1 = ratio(2 * of.right, of.examples + of.predicted)};
  };
  std::vector<EntityScore> scores;
  Counts all;
  for (const Counts& of : counts_) {
    all.examples += of.examples;
    all.predicted += of.predicted;
    all.right += of.right;
    scores.push_back(score(of));
  }
  scores.insert(scores.begin(), score(all));
  return scores;
}

}  // namespace riverrun::models
