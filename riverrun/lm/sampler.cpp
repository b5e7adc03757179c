#include "riverrun/lm/sampler.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include <fmt/format.h>

#include "riverrun/core/error.h"

namespace riverrun::lm {

Sampler::Sampler(const SamplerOptions& options) : options_(options), random_(options.seed) {
  if (!(options.temperature >= 0) || !std::isfinite(options.temperature)) {
    throw ConfigError(fmt::format("Sampler: temperature is {}; it must be a number of at least 0",
                                  options.temperature));
  }
  if (options.top_k < 0) {
    throw ConfigError(fmt::format(
        "Sampler: top_k is {}; it must be at least 1, or 0 for all tokens", options.top_k));
  }
  if (!(options.top_p > 0 && options.top_p <= 1)) {
    throw ConfigError(
        fmt::format("Sampler: top_p is {}; it must be above 0 and at most 1", options.top_p));
  }
}

std::int32_t Sampler::draw(std::span<const float> logits) {
  candidates_.clear();
  for (std::size_t i = 0; i < logits.size(); ++i) {
    const auto token = static_cast<std::int32_t>(i);
    if (token == options_.forbidden) continue;
    if (std::isfinite(logits[i])) {
      candidates_.push_back({logits[i], token});
    } else if (!(logits[i] < 0)) {
      throw NumericError(
          fmt::format("Sampler.draw: the logit of token {} is {}; the model's weights are damaged",
                      token, logits[i]));
    }
  }
  if (candidates_.empty()) {
    throw NumericError(
        "Sampler.draw: no logit is a finite number; the model's weights are damaged");
  }

  // Ties go to the smaller token, so that the order does not depend on the sorting algorithm.
  const auto likelier = [](const Candidate& a, const Candidate& b) {
    return a.logit != b.logit ? a.logit > b.logit : a.token < b.token;
  };
  if (options_.temperature == 0) {
    return std::min_element(candidates_.begin(), candidates_.end(), likelier)->token;
  }
  if (options_.top_k > 0 && options_.top_k < static_cast<std::int64_t>(candidates_.size())) {
    const auto end = candidates_.begin() + options_.top_k;
    std::partial_sort(candidates_.begin(), end, candidates_.end(), likelier);
    candidates_.erase(end, candidates_.end());
  } else if (options_.top_p < 1) {
    std::sort(candidates_.begin(), candidates_.end(), likelier);
  }

  const double largest = std::min_element(candidates_.begin(), candidates_.end(), likelier)->logit;
  weights_.clear();
  double total = 0;
  for (const Candidate& candidate : candidates_) {
    weights_.push_back(std::exp((candidate.logit - largest) / options_.temperature));
    total += weights_.back();
  }
  if (options_.top_p < 1) {
    double kept = 0;
    std::size_t count = 0;
    while (count < weights_.size() && kept < options_.top_p * total) kept += weights_[count++];
    weights_.resize(count);
    total = kept;
  }

  double left = random_.uniform() * total;
  for (std::size_t i = 0; i < weights_.size(); ++i) {
    left -= weights_[i];
    if (left < 0) return candidates_[i].token;
  }
  // Rounding can leave a crumb; uniform() is below 1, so the last candidate is meant.
  return candidates_[weights_.size() - 1].token;
}

}  // namespace riverrun::lm
