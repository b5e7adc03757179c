#pragma once

#include <cstdint>
#include <vector>

#include "riverrun/data/text/corpus.h"

namespace riverrun::text {

/// A target that is not to be predicted; the value of PyTorch's ignore_index.
inline constexpr std::int32_t kIgnoreIndex = -100;

/// One chunk of all streams.
struct Batch {
  std::int64_t seq_len = 0;
  std::int64_t batch = 0;
  std::vector<std::int32_t> inputs;   ///< [seq_len, batch]
  std::vector<std::int32_t> targets;  ///< [seq_len, batch]: the token after each input
  std::int64_t predicted = 0;         ///< targets that are not kIgnoreIndex
  bool first = false;                 ///< the streams begin here: start from a zero state
};

struct BatchOptions {
  std::int64_t batch_size = 1;  ///< parallel streams
  std::int64_t seq_len = 128;   ///< tokens of a chunk: the length of truncated back-propagation
};

/// Walks through a corpus in parallel streams, chunk by chunk, for a recurrent model whose state is
/// carried from each chunk to the next. The last chunk of an epoch may be shorter.
///
/// Of N tokens, N - 1 can be predicted, each from the one before it. Stream s of B predicts a
/// contiguous run of them:
///
/// - for training, all streams predict L = floor((N - 1) / B). The remainder R = N - 1 - B·L is
///   left out, at the end in epoch 0; epoch e begins e mod (R + 1) tokens later, so each token is
///   used in some epoch.
/// - for evaluation, every token but the first is predicted exactly once: the first R streams
///   predict L + 1. The others are filled up in the last step with kIgnoreIndex. With batch_size 1
///   each token is predicted from all tokens before it; with B streams each of them begins without
///   context, which makes the loss slightly higher.
class Batches {
 public:
  /// `corpus` must outlive the batches. Throws ConfigError if an option is not positive or there
  /// are fewer than batch_size + 1 tokens.
  [[nodiscard]] static Batches for_training(const Corpus& corpus, const BatchOptions& options);
  /// Throws ConfigError if an option is not positive or there are fewer than 2 tokens. Makes no
  /// more streams than there are tokens to predict.
  [[nodiscard]] static Batches for_evaluation(const Corpus& corpus, const BatchOptions& options);

  /// Fills `batch` with the next chunk, or returns false at the end of the epoch and goes on to the
  /// beginning of the next one. Allocates only when a chunk is larger than those before. Throws
  /// IoError.
  bool next(Batch& batch);

  /// Chunks in an epoch.
  [[nodiscard]] std::int64_t size() const noexcept;
  /// Tokens that an epoch predicts.
  [[nodiscard]] std::int64_t predicted_per_epoch() const noexcept;
  [[nodiscard]] std::int64_t batch_size() const noexcept { return options_.batch_size; }
  /// Tokens of a chunk, of all but the last of an epoch; at most as many as the longest stream has.
  [[nodiscard]] std::int64_t seq_len() const noexcept { return options_.seq_len; }

  /// Where the next chunk is; to be saved with a checkpoint.
  struct Position {
    std::int64_t epoch = 0;
    std::int64_t chunk = 0;  ///< in [0, size()]
    friend bool operator==(const Position&, const Position&) = default;
  };
  [[nodiscard]] Position position() const noexcept { return position_; }
  /// Throws ConfigError for a position outside the corpus.
  void seek(const Position& position);

 private:
  Batches(const Corpus& corpus, const BatchOptions& options, bool evaluation);

  const Corpus* corpus_;
  BatchOptions options_;
  bool evaluation_;
  std::int64_t stream_length_ = 0;  // L, predictions
  std::int64_t remainder_ = 0;      // R
  std::int64_t longest_ = 0;        // predictions of the longest stream
  Position position_;
  std::vector<std::int32_t> buffer_;  // one stream's tokens of a chunk
};

}  // namespace riverrun::text
