#include "riverrun/lm/evaluate.h"

#include <cmath>
#include <numbers>

#include "riverrun/text/batches.h"

namespace riverrun::lm {

double Evaluation::nats_per_token() const noexcept { return nats / static_cast<double>(tokens); }

double Evaluation::perplexity() const noexcept { return std::exp(nats_per_token()); }

double Evaluation::bits_per_character() const noexcept {
  return nats / std::numbers::ln2 / static_cast<double>(characters);
}

double Evaluation::bits_per_byte() const noexcept {
  return nats / std::numbers::ln2 / static_cast<double>(bytes);
}

Evaluation evaluate(const LanguageModel& model, const text::Corpus& corpus,
                    const EvaluateOptions& options, const EvaluateProgress& progress) {
  auto batches = text::Batches::for_evaluation(
      corpus, {.batch_size = options.streams, .seq_len = options.seq_len});
  Evaluation result;
  text::Batch batch;
  State state;
  while (batches.next(batch)) {
    result.nats += model.total_nats(batch.inputs, batch.targets, batch.batch, state);
    result.tokens += batch.predicted;
    if (progress && !progress(result.tokens)) return result;
  }
  result.characters = corpus.predicted_characters();
  result.bytes = corpus.predicted_bytes();
  return result;
}

}  // namespace riverrun::lm
