#include "riverrun/models/classifier_objective.h"

#include <algorithm>
#include <cmath>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "riverrun/core/error.h"
#include "riverrun/core/hash.h"
#include "riverrun/core/random.h"
#include "riverrun/models/classification.h"
#include "riverrun/nn/ops.h"

namespace riverrun::models {
namespace {

/// What is drawn while training, each from a stream of seeds of its own.
enum SeedPart : std::uint64_t { kOrder = 100, kAugmentation = 101 };

std::size_t at(std::int64_t index) { return static_cast<std::size_t>(index); }

std::int64_t count_of(const LabelledPart& part) {
  return static_cast<std::int64_t>(part.which.size());
}

/// Of the values or texts and the labels of a part.
std::uint64_t hash_of(const LabelledPart& part) {
  Fnv1a hash;
  for (const std::int64_t index : part.which) {
    const data::LabelledSequence& sequence = part.data->sequences[at(index)];
    hash.add(std::as_bytes(std::span(sequence.values)));
    hash.add(sequence.text);
    if (sequence.label >= 0) hash.add(part.data->classes[at(sequence.label)]);
    hash.mix(static_cast<std::uint64_t>(sequence.seq_len));
  }
  return hash.value();
}

void require_labels(const LabelledPart& part) {
  for (const std::int64_t index : part.which) {
    const data::LabelledSequence& sequence = part.data->sequences[at(index)];
    if (sequence.label >= 0) continue;
    throw ConfigError(fmt::format("ClassifierObjective: {}, line {}: the {} has no label",
                                  part.data->path, sequence.line,
                                  part.data->are_texts() ? "text" : "sequence"));
  }
}

const ClassifierTraining& checked(const ClassifierTraining& learning) {
  check(learning);
  return learning;
}

}  // namespace

ClassifierObjective::ClassifierObjective(Classifier& model, LabelledPart train, LabelledPart valid,
                                         const TrainerOptions& options,
                                         const ClassifierTraining& learning)
    : RunObjective("ClassifierObjective",
                   model.options().reads_texts() ? "the texts" : "the sequences"),
      model_(model),
      validates_(!valid.which.empty()),
      train_(std::move(train)),
      judged_(validates_ ? std::move(valid) : train_),
      batch_size_(options.batch_size),
      seed_(options.seed),
      learning_(checked(learning)),
      weights_(class_weights(model.options(), learning.class_weights)),
      train_hash_(hash_of(train_)),
      valid_hash_(validates_ ? hash_of(judged_) : 0),
      order_(train_.which, part_seed(options.seed, kOrder)) {
  riverrun::check(options);
  if (batch_size_ < 1) {
    throw ConfigError("ClassifierObjective: batch_size is 0; it must be at least 1");
  }
  if (train_.which.empty()) {
    throw ConfigError("ClassifierObjective: there is nothing to learn from");
  }
  require_labels(train_);
  require_labels(judged_);
  // Refuses what the model cannot read now, not after an epoch.
  for (const LabelledPart* part : {&train_, &judged_}) {
    static_cast<void>(model_.labels(*part->data, part->which));
    model_.require_readable(*part->data, part->which);
  }
}

std::int64_t ClassifierObjective::updates_per_epoch() const { return order_.batches(batch_size_); }

std::int64_t ClassifierObjective::epochs_between_validations() const {
  return models::epochs_between_validations(updates_per_epoch());
}

void ClassifierObjective::take(std::int64_t step) {
  const std::vector<std::int64_t>& order = order_.of_epoch(step / updates_per_epoch());
  const std::int64_t first = step % updates_per_epoch() * batch_size_;
  const std::int64_t size = std::min(batch_size_, count_of(train_) - first);
  const std::span<const std::int64_t> which = std::span(order).subspan(at(first), at(size));
  batch_ = model_.batch(*train_.data, which);
  labels_ = model_.labels(*train_.data, which);
  Random random(part_seed(seed_, kAugmentation), static_cast<std::uint64_t>(step));
  if (model_.options().reads_texts()) {
    drop_tokens(batch_, random);
  } else {
    augment(batch_, random);
  }
  taken_ = step + 1;
}

void ClassifierObjective::drop_tokens(ClassifierBatch& batch, Random& random) const {
  const std::int32_t unknown = model_.tokenizer()->unknown_id();
  if (unknown < 0 || learning_.token_dropout == 0) return;
  for (std::int32_t& symbol : batch.symbols) {
    if (random.uniform() < learning_.token_dropout) symbol = unknown;
  }
}

void ClassifierObjective::augment(ClassifierBatch& batch, Random& random) const {
  const std::int64_t channels = model_.options().channels;
  const std::int64_t inputs = batch.numbers.size(2);
  const std::int64_t step_size = batch.batch() * inputs;
  const auto shift = static_cast<float>(learning_.shift);
  const auto scaling = static_cast<float>(learning_.scaling);
  const auto jitter = static_cast<float>(learning_.jitter);
  std::vector<float> was;
  std::vector<float> factors(at(channels));
  for (std::int64_t b = 0; b < batch.batch(); ++b) {
    const std::int64_t length = batch.lengths[at(b)];
    float* const sequence = batch.numbers.data() + b * inputs;  // a step each step_size
    const auto by = static_cast<std::int64_t>(
        std::lround(random.uniform(-shift, shift) * static_cast<float>(length)));
    for (float& factor : factors) factor = 1.0f + scaling * random.normal();
    was.clear();
    for (std::int64_t t = 0; t < length; ++t) {
      was.insert(was.end(), sequence + t * step_size, sequence + t * step_size + inputs);
    }
    for (std::int64_t t = 0; t < length; ++t) {
      const float* from = was.data() + std::clamp<std::int64_t>(t + by, 0, length - 1) * inputs;
      float* to = sequence + t * step_size;
      for (std::int64_t c = 0; c < inputs; ++c) {
        to[c] = from[c];
        // What is missing stays so, and so does the channel that says it.
        const bool is_there = c < channels && (inputs == channels || from[channels + c] > 0);
        if (is_there) to[c] = factors[at(c)] * from[c] + jitter * random.normal();
      }
    }
  }
}

Objective::Loss ClassifierObjective::loss(Tape& tape) {
  const Var logits = model_.logits(tape, batch_);
  Tensor counts(logits.shape());  // what each class's -log p counts
  double sum = 0;
  for (std::int64_t b = 0; b < batch_.batch(); ++b) {
    const std::int32_t label = labels_[at(b)];
    const float weight = weights_[at(label)];
    counts.data()[b * counts.size(1) + label] = weight;
    sum += static_cast<double>(weight);
  }
  const Var log_likelihood =
      riverrun::sum(multiply(log_softmax(logits, 1), tape.input(std::move(counts))));
  return {.mean = multiply(log_likelihood, static_cast<float>(-1 / sum)),
          .targets = batch_.batch()};
}

std::optional<Judgement> ClassifierObjective::validate(const std::function<bool()>& go_on) {
  constexpr std::int64_t kPiece = 256;  // after which it may be stopped
  double nats = 0;
  double weight = 0;
  for (std::int64_t first = 0; first < count_of(judged_); first += kPiece) {
    if (!go_on()) return std::nullopt;
    const auto which = std::span(judged_.which)
                           .subspan(at(first), at(std::min(kPiece, count_of(judged_) - first)));
    const Tensor probabilities = model_.probabilities(*judged_.data, which);
    const std::vector<std::int32_t> labels = model_.labels(*judged_.data, which);
    for (std::size_t i = 0; i < labels.size(); ++i) {
      const auto label = at(labels[i]);
      const float p = probabilities.data()[i * model_.options().classes.size() + label];
      nats += static_cast<double>(weights_[label]) * surprise(p);
      weight += static_cast<double>(weights_[label]);
    }
  }
  if (!validates_) return judgement_of_learnt(nats / weight, taken_);
  return Judgement{.loss = nats / weight};
}

RunDescription<ClassifierRun> ClassifierObjective::described() const {
  return {.model = model_.options(),
          .learning = learning_,
          .train_examples = count_of(train_),
          .train_hash = train_hash_,
          .valid_examples = validates_ ? count_of(judged_) : 0,
          .valid_hash = valid_hash_};
}

}  // namespace riverrun::models
