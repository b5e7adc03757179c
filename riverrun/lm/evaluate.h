#pragma once

#include <cstdint>
#include <functional>

#include "riverrun/data/text/corpus.h"
#include "riverrun/lm/language_model.h"

namespace riverrun::lm {

/// How well a model predicts a text: every token but the first, once.
struct Evaluation {
  std::int64_t tokens = 0;      // predicted
  std::int64_t characters = 0;  // that they spell; see text::TextCounts
  std::int64_t bytes = 0;
  double nats = 0;  // the sum of the tokens' surprise; NaN if weights or activations are
  /// The same without those that are `<unk>`; each is predicted from all before it, as ever.
  std::int64_t known_tokens = 0;
  double known_nats = 0;

  // Each is a quotient as it comes: NaN if nothing was predicted, infinite if there are tokens but
  // no characters or bytes (as after an evaluation that was ended early). The perplexity of a model
  // that is very wrong is infinite too.
  [[nodiscard]] double nats_per_token() const noexcept;
  /// exp(nats per token)
  [[nodiscard]] double perplexity() const noexcept;
  /// exp(nats per token) of the tokens that are not `<unk>`
  [[nodiscard]] double known_perplexity() const noexcept;
  [[nodiscard]] double bits_per_character() const noexcept;
  [[nodiscard]] double bits_per_byte() const noexcept;
};

struct EvaluateOptions {
  /// With one stream every token is predicted from all tokens before it: the strict meaning. With
  /// more, that many stretches of the text are read side by side, each beginning without context;
  /// faster and very slightly pessimistic, for watching a training run.
  std::int64_t streams = 1;
  /// Tokens of each stream that are computed at once; changes memory and time, not the result.
  std::int64_t seq_len = 256;
  /// The id of `<unk>`, which Evaluation::known_tokens leaves out; -1 for none.
  std::int32_t unknown_id = -1;
};

/// Called between chunks with the tokens done so far; returning false ends the evaluation, which
/// then holds the tokens and nats until there, and neither characters nor bytes.
using EvaluateProgress = std::function<bool(std::int64_t tokens)>;

/// One pass over the whole corpus with carried state. Throws ConfigError if there are fewer than
/// two tokens or an option is not positive.
[[nodiscard]] Evaluation evaluate(const LanguageModel& model, const text::Corpus& corpus,
                                  const EvaluateOptions& options = {},
                                  const EvaluateProgress& progress = {});

}  // namespace riverrun::lm
