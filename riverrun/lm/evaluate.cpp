#include "riverrun/lm/evaluate.h"

#include <cmath>
#include <numbers>
#include <vector>

#include "riverrun/data/text/batches.h"

namespace riverrun::lm {

double Evaluation::nats_per_token() const noexcept { return nats / static_cast<double>(tokens); }

double Evaluation::perplexity() const noexcept { return std::exp(nats_per_token()); }

double Evaluation::known_perplexity() const noexcept {
  return std::exp(known_nats / static_cast<double>(known_tokens));
}

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
  std::vector<double> per_target;
  while (batches.next(batch)) {
    per_target.resize(batch.targets.size());
    result.nats += model.total_nats(batch.inputs, batch.targets, batch.batch, state, per_target);
    result.tokens += batch.predicted;
    for (std::size_t i = 0; i < per_target.size(); ++i) {
      const std::int32_t target = batch.targets[i];
      if (target == text::kIgnoreIndex || target == options.unknown_id) continue;
      ++result.known_tokens;
      result.known_nats += per_target[i];
    }
    if (progress && !progress(result.tokens)) return result;
  }
  result.characters = corpus.predicted_characters();
  result.bytes = corpus.predicted_bytes();
  return result;
}

}  // namespace riverrun::lm
