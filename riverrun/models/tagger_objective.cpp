#include "riverrun/models/tagger_objective.h"

#include <algorithm>
#include <cstddef>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "riverrun/core/error.h"
#include "riverrun/core/hash.h"
#include "riverrun/core/random.h"
#include "riverrun/models/entities.h"

namespace riverrun::models {
namespace {

/// What is drawn while training, each from a stream of seeds of its own.
enum SeedPart : std::uint64_t { kOrder = 100, kBatches = 101, kUnknown = 102 };

std::size_t at(std::int64_t index) { return static_cast<std::size_t>(index); }

std::int64_t count_of(const TaggedPart& part) {
  return static_cast<std::int64_t>(part.which.size());
}

/// Of the words and tags of a part.
std::uint64_t hash_of(const TaggedPart& part) {
  Fnv1a hash;
  for (const std::int64_t index : part.which) {
    const data::TaggedSentence& sentence = part.data->sentences[at(index)];
    for (std::size_t i = 0; i < sentence.words.size(); ++i) {
      hash.add(sentence.words[i]);
      hash.add("\t");
      if (!sentence.tags.empty()) hash.add(part.data->tags[at(sentence.tags[i])]);
      hash.add("\n");
    }
    hash.add("\n");
  }
  return hash.value();
}

/// How many words there are; throws unless all have tags that the model knows.
std::int64_t require_tags(const Tagger& model, const TaggedPart& part) {
  std::int64_t words = 0;
  for (const std::int64_t index : part.which) {
    const data::TaggedSentence& sentence = part.data->sentences[at(index)];
    if (sentence.tags.empty()) {
      throw ConfigError(fmt::format("TaggerObjective: {}, line {}: the sentence has no tags",
                                    part.data->path, sentence.line));
    }
    words += std::ssize(model.tags(*part.data, index));
  }
  return words;
}

const TaggerTraining& checked(const TaggerTraining& learning) {
  check_fields("TaggerObjective", learning);
  return learning;
}

}  // namespace

TaggerObjective::TaggerObjective(Tagger& model, TaggedPart train, TaggedPart valid,
                                 const TrainerOptions& options, const TaggerTraining& learning)
    : RunObjective("TaggerObjective", "the sentences"),
      model_(model),
      validates_(!valid.which.empty()),
      train_(std::move(train)),
      judged_(validates_ ? std::move(valid) : train_),
      batch_size_(options.batch_size),
      seed_(options.seed),
      learning_(checked(learning)),
      train_hash_(hash_of(train_)),
      valid_hash_(validates_ ? hash_of(judged_) : 0),
      is_rare_(model.vocabulary().words().size()),
      order_(train_.which, part_seed(options.seed, kOrder)) {
  riverrun::check(options);
  if (batch_size_ < 1) throw ConfigError("TaggerObjective: batch_size is 0; it must be at least 1");
  if (train_.which.empty()) {
    throw ConfigError("TaggerObjective: there is no sentence to learn from");
  }
  train_words_ = require_tags(model_, train_);
  valid_words_ = require_tags(model_, judged_);
  std::vector<std::int64_t> counts(is_rare_.size());
  for (const std::int64_t index : train_.which) {
    for (const std::string& word : train_.data->sentences[at(index)].words) {
      ++counts[at(model_.vocabulary().word(word))];
    }
  }
  for (std::size_t i = 0; i < counts.size(); ++i) is_rare_[i] = counts[i] == 1;
}

std::int64_t TaggerObjective::updates_per_epoch() const { return order_.batches(batch_size_); }

std::int64_t TaggerObjective::targets_per_update() const {
  return std::max<std::int64_t>(train_words_ / updates_per_epoch(), 1);
}

std::int64_t TaggerObjective::epochs_between_validations() const {
  return models::epochs_between_validations(updates_per_epoch());
}

/// Of some batches together, sentences of similar lengths are put side by side; then the batches
/// are shuffled.
void TaggerObjective::draw_batches(std::int64_t epoch) {
  if (epoch == epoch_) return;
  constexpr std::int64_t kBatchesTogether = 64;
  std::vector<std::int64_t> order = order_.of_epoch(epoch);
  const auto length = [this](std::int64_t sentence) {
    return train_.data->sentences[at(sentence)].words.size();
  };
  batches_.clear();
  for (std::size_t first = 0; first < order.size(); first += at(kBatchesTogether * batch_size_)) {
    const std::span<std::int64_t> together = std::span(order).subspan(
        first, std::min(order.size() - first, at(kBatchesTogether * batch_size_)));
    std::ranges::stable_sort(together, {}, length);
    for (std::size_t i = 0; i < together.size(); i += at(batch_size_)) {
      const auto of_batch = together.subspan(i, std::min(together.size() - i, at(batch_size_)));
      batches_.emplace_back(of_batch.begin(), of_batch.end());
    }
  }
  std::vector<std::int64_t> places(batches_.size());
  for (std::size_t i = 0; i < places.size(); ++i) places[i] = static_cast<std::int64_t>(i);
  EpochOrder shuffled(std::move(places), part_seed(seed_, kBatches));
  std::vector<std::vector<std::int64_t>> drawn;
  for (const std::int64_t place : shuffled.of_epoch(epoch)) {
    drawn.push_back(std::move(batches_[at(place)]));
  }
  batches_ = std::move(drawn);
  epoch_ = epoch;
}

void TaggerObjective::take(std::int64_t step) {
  draw_batches(step / updates_per_epoch());
  const std::vector<std::int64_t>& which = batches_[at(step % updates_per_epoch())];
  batch_ = model_.batch(*train_.data, which);
  tags_ = model_.tags(*train_.data, which, batch_);
  Random random(part_seed(seed_, kUnknown), static_cast<std::uint64_t>(step));
  for (std::int32_t& word : batch_.words) {
    if (!is_rare_[at(word)]) continue;
    if (random.uniform(0, 1) < static_cast<float>(learning_.unknown_fraction)) word = 0;
  }
  taken_ = step + 1;
}

Objective::Loss TaggerObjective::loss(Tape& tape) {
  std::int64_t words = 0;
  for (const std::int64_t length : batch_.lengths) words += length;
  return {.mean = model_.loss(tape, batch_, tags_), .targets = words};
}

std::optional<Judgement> TaggerObjective::validate(const std::function<bool()>& go_on) {
  constexpr std::int64_t kPiece = 256;  // sentences after which it may be stopped
  const std::vector<std::string>& names = model_.options().tags;
  const bool has_entities = are_entity_tags(names);
  const auto named = [&names](const std::vector<std::int32_t>& tags) {
    std::vector<std::string> of;
    of.reserve(tags.size());
    for (const std::int32_t tag : tags) of.push_back(names[at(tag)]);
    return of;
  };
  EntityCounter entities;
  std::int64_t right = 0;
  double nats = 0;
  for (std::int64_t first = 0; first < count_of(judged_); first += kPiece) {
    if (!go_on()) return std::nullopt;
    const auto which = std::span(judged_.which)
                           .subspan(at(first), at(std::min(kPiece, count_of(judged_) - first)));
    model_.tag(*judged_.data, which, true, [&](const Tagger::Tagging& tagging) {
      const std::vector<std::int32_t> labels = model_.tags(*judged_.data, tagging.sentence);
      nats -= *tagging.log_likelihood;
      for (std::size_t i = 0; i < labels.size(); ++i) right += labels[i] == tagging.tags[i] ? 1 : 0;
      if (has_entities) entities.add(named(labels), named(tagging.tags));
    });
  }
  const auto words = static_cast<double>(valid_words_);
  if (!validates_) return judgement_of_learnt(nats / words, taken_);
  return Judgement{
      .loss = nats / words,
      .score = has_entities ? entities.scores().front().f1 : static_cast<double>(right) / words};
}

RunDescription<TaggerRun> TaggerObjective::described() const {
  return {.model = model_.options(),
          .learning = learning_,
          .train_examples = count_of(train_),
          .train_hash = train_hash_,
          .valid_examples = validates_ ? count_of(judged_) : 0,
          .valid_hash = valid_hash_};
}

}  // namespace riverrun::models
