#include "riverrun/lm/language_objective.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "riverrun/core/error.h"
#include "riverrun/core/hash.h"
#include "riverrun/lm/saved_training.h"

namespace riverrun::lm {
namespace {

/// Reads the corpus once.
Fingerprint fingerprint(const text::Corpus& corpus) {
  Fnv1a hash;
  std::array<std::int32_t, 4096> ids;
  for (std::int64_t offset = 0; offset < corpus.size();) {
    const auto count = static_cast<std::size_t>(
        std::min<std::int64_t>(corpus.size() - offset, static_cast<std::int64_t>(ids.size())));
    const std::span<std::int32_t> chunk = std::span(ids).first(count);
    corpus.read(offset, chunk);
    for (const std::int32_t id : chunk) hash.mix(static_cast<std::uint32_t>(id));
    offset += static_cast<std::int64_t>(count);
  }
  return {corpus.size(), hash.value()};
}

const TrainerOptions& checked(const TrainerOptions& options) {
  check(options);
  return options;
}

text::BatchOptions chunks_of(const TrainerOptions& options, const text::Corpus& train) {
  return {.batch_size = chosen_batch_size(options, train.size()), .seq_len = options.seq_len};
}

}  // namespace

std::int64_t chosen_batch_size(const TrainerOptions& options, std::int64_t train_tokens) {
  if (options.batch_size > 0) return options.batch_size;
  constexpr std::int64_t kMost = 32;
  constexpr std::int64_t kLeastUpdates = 64;
  std::int64_t batch_size = kMost;
  while (batch_size > 1 && train_tokens / options.seq_len < kLeastUpdates * batch_size) {
    batch_size /= 2;
  }
  return batch_size;
}

std::int64_t updates_per_epoch(const TrainerOptions& options, std::int64_t train_tokens) {
  // As text::Batches has it: streams of equal lengths, the last token of the text only predicted.
  const std::int64_t stream =
      std::max<std::int64_t>(train_tokens - 1, 0) / chosen_batch_size(options, train_tokens);
  return stream / options.seq_len + (stream % options.seq_len != 0 ? 1 : 0);
}

LanguageObjective::LanguageObjective(LanguageModel& model, const text::Corpus& train,
                                     const text::Corpus& valid, const TrainerOptions& options,
                                     const TextOptions& text, std::string from)
    : model_(model),
      valid_(valid),
      seq_len_(checked(options).seq_len),
      texts_{fingerprint(train), fingerprint(valid)},
      batches_(text::Batches::for_training(train, chunks_of(options, train))),
      probe_(model, chunks_of(options, train)),
      text_(text),
      from_(std::move(from)) {
  // At least so many tokens each, so that beginning without context hardly shows.
  constexpr std::int64_t kLeastStream = 1024;
  valid_options_.streams =
      std::clamp<std::int64_t>((valid.size() - 1) / kLeastStream, 1, batch_size());
  valid_options_.seq_len = seq_len_;
  // Refuses a text that is too short now, not after an epoch.
  (void)text::Batches::for_evaluation(
      valid, {.batch_size = valid_options_.streams, .seq_len = valid_options_.seq_len});
}

std::int64_t LanguageObjective::targets_per_update() const { return batch_size() * seq_len_; }

void LanguageObjective::take(std::int64_t step) {
  const std::int64_t chunks = batches_.size();
  batches_.seek({.epoch = step / chunks, .chunk = step % chunks});
  batches_.next(chunk_);
  if (chunk_.first) carried_.tensors.clear();
  if (reach_ && step % reach_every_ == 0 && chunk_.seq_len == batches_.seq_len()) {
    reach_({.step = step, .gradients = probe_.measure(chunk_, carried_)});
  }
}

void LanguageObjective::watch_reach(std::function<void(const Reach&)> watch, std::int64_t every) {
  reach_ = std::move(watch);
  reach_every_ = every > 0 ? every : probe_.every();
}

Objective::Loss LanguageObjective::loss(Tape& tape) {
  const LanguageModel::Loss result =
      model_.loss(tape, chunk_.inputs, chunk_.targets, chunk_.batch, carried_);
  carried_.tensors.resize(result.state.size());
  for (std::size_t i = 0; i < result.state.size(); ++i) {
    carried_.tensors[i] = result.state[i].value();
  }
  return {.mean = result.loss, .targets = chunk_.predicted};
}

std::optional<Judgement> LanguageObjective::validate(const std::function<bool()>& go_on) {
  bool ended = false;
  const Evaluation evaluation = evaluate(model_, valid_, valid_options_, [&](std::int64_t) {
    ended = !go_on();
    return !ended;
  });
  if (ended) return std::nullopt;
  // A perplexity that no number can hold is divergence too, though the loss is still one.
  return Judgement{.loss = std::isfinite(evaluation.perplexity())
                               ? evaluation.nats_per_token()
                               : std::numeric_limits<double>::infinity()};
}

std::string LanguageObjective::description() const {
  return to_json({.model = model_.options(),
                  .text = text_,
                  .from = from_,
                  .train_text = texts_.train,
                  .valid_text = texts_.valid});
}

void LanguageObjective::settle_with(const std::string& description, const std::string& path) {
  RunDescription run = parse_run_description(description, path);
  if (run.model != model_.options()) {
    throw ConfigError(
        "LanguageObjective: the options of the model are not those that the run began with");
  }
  const Fingerprints was{run.train_text, run.valid_text};
  if (was != texts_) {
    const bool train = was.train != texts_.train;
    throw ConfigError(fmt::format(
        "LanguageObjective: the {} text ({} tokens) is not the one this run began with ({} "
        "tokens); a run can only be resumed with its own texts, read and cut in the same way "
        "(early versions cut a text of words at line ends only, and kept byte order marks)",
        train ? "training" : "validation", (train ? texts_.train : texts_.valid).tokens,
        (train ? was.train : was.valid).tokens));
  }
  text_ = run.text;
  from_ = std::move(run.from);
}

}  // namespace riverrun::lm
