#include "riverrun/data/text/batches.h"

#include <algorithm>
#include <span>

#include <fmt/format.h>

#include "riverrun/core/error.h"

namespace riverrun::text {

Batches Batches::for_training(const Corpus& corpus, const BatchOptions& options) {
  return Batches(corpus, options, /*evaluation=*/false);
}

Batches Batches::for_evaluation(const Corpus& corpus, const BatchOptions& options) {
  return Batches(corpus, options, /*evaluation=*/true);
}

Batches::Batches(const Corpus& corpus, const BatchOptions& options, bool evaluation)
    : corpus_(&corpus), options_(options), evaluation_(evaluation) {
  if (options.batch_size < 1) {
    throw ConfigError(
        fmt::format("Batches: batch_size is {}; must be at least 1", options.batch_size));
  }
  if (options.seq_len < 1) {
    throw ConfigError(fmt::format("Batches: seq_len is {}; must be at least 1", options.seq_len));
  }
  const std::int64_t predictable = corpus.size() - 1;
  if (predictable < 1) {
    throw ConfigError("Batches: the text has 1 token; at least 2 are needed to predict one");
  }
  if (evaluation) {
    options_.batch_size = std::min(options_.batch_size, predictable);
  } else if (predictable < options_.batch_size) {
    throw ConfigError(fmt::format(
        "Batches: the text has {} tokens; {} streams need at least {}: give more text or a smaller "
        "batch_size",
        corpus.size(), options_.batch_size, options_.batch_size + 1));
  }
  stream_length_ = predictable / options_.batch_size;
  remainder_ = predictable % options_.batch_size;
  longest_ = stream_length_ + (evaluation && remainder_ > 0 ? 1 : 0);
  options_.seq_len = std::min(options_.seq_len, longest_);
}

std::int64_t Batches::size() const noexcept {
  return (longest_ + options_.seq_len - 1) / options_.seq_len;
}

std::int64_t Batches::predicted_per_epoch() const noexcept {
  return stream_length_ * options_.batch_size + (evaluation_ ? remainder_ : 0);
}

bool Batches::next(Batch& batch) {
  if (position_.chunk == size()) {
    position_ = {position_.epoch + 1, 0};
    return false;
  }
  const std::int64_t streams = options_.batch_size;
  const std::int64_t start = position_.chunk * options_.seq_len;
  batch.seq_len = std::min(options_.seq_len, longest_ - start);
  batch.batch = streams;
  batch.first = start == 0;
  batch.predicted = 0;
  const auto elements = static_cast<std::size_t>(batch.seq_len * streams);
  batch.inputs.resize(elements);
  batch.targets.resize(elements);
  buffer_.resize(static_cast<std::size_t>(batch.seq_len) + 1);

  const std::int64_t skipped = evaluation_ ? 0 : position_.epoch % (remainder_ + 1);
  for (std::int64_t s = 0; s < streams; ++s) {
    const bool longer = evaluation_ && s < remainder_;
    const std::int64_t length = stream_length_ + (longer ? 1 : 0);
    const std::int64_t before = evaluation_ ? std::min(s, remainder_) : skipped;
    const std::int64_t count = std::min(batch.seq_len, length - start);
    corpus_->read(before + s * stream_length_ + start,
                  std::span(buffer_).first(static_cast<std::size_t>(count) + 1));
    for (std::int64_t t = 0; t < count; ++t) {
      const auto to = static_cast<std::size_t>(t * streams + s);
      const auto from = static_cast<std::size_t>(t);
      batch.inputs[to] = buffer_[from];
      batch.targets[to] = buffer_[from + 1];
    }
    if (count < batch.seq_len) {
      const auto to = static_cast<std::size_t>(count * streams + s);
      batch.inputs[to] = buffer_[static_cast<std::size_t>(count)];
      batch.targets[to] = kIgnoreIndex;
    }
    batch.predicted += count;
  }
  ++position_.chunk;
  return true;
}

void Batches::seek(const Position& position) {
  if (position.epoch < 0 || position.chunk < 0 || position.chunk > size()) {
    throw ConfigError(fmt::format(
        "Batches.seek: position is epoch {}, chunk {}; the chunk must be in [0, {}], the epoch not "
        "negative",
        position.epoch, position.chunk, size()));
  }
  position_ = position;
}

}  // namespace riverrun::text
