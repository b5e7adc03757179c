#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "riverrun/core/random.h"

namespace riverrun::lm {

/// How the next token is drawn from the model's logits.
struct SamplerOptions {
  /// The logits are divided by it: below 1 safer, above 1 wilder; 0 always takes the likeliest.
  float temperature = 0.8f;
  /// Only the k likeliest tokens; 0 for all.
  std::int64_t top_k = 0;
  /// Only the likeliest tokens that together have this probability (Holtzman et al. 2020); 1 for
  /// all.
  float top_p = 1.0f;
  std::uint64_t seed = 1;
  /// A token never drawn (such as <unk>); -1 for none.
  std::int32_t forbidden = -1;
};

/// Draws tokens: the same seed and the same logits give the same tokens.
class Sampler {
 public:
  /// Throws ConfigError if an option is out of range.
  explicit Sampler(const SamplerOptions& options);

  /// One token out of `logits` [vocab_size]. A logit of -infinity is that of a token which is
  /// never drawn. Throws NumericError if a logit is NaN or +infinity, and not the forbidden one's:
  /// to draw from the others would hide that the model is damaged; or if all are -infinity.
  [[nodiscard]] std::int32_t draw(std::span<const float> logits);

 private:
  struct Candidate {
    float logit;
    std::int32_t token;
  };
  SamplerOptions options_;
  Random random_;
  std::vector<Candidate> candidates_;
  std::vector<double> weights_;
};

}  // namespace riverrun::lm
