#include "riverrun/lm/inspector.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <fmt/format.h>

#include "riverrun/core/error.h"

namespace riverrun::lm {

Inspector::Inspector(const LanguageModel& model)
    : model_(model),
      trace_(model.rnn()),
      output_({model.options().hidden_size}),
      logits_({model.options().vocab_size}) {}

void Inspector::predict_from(std::span<const double> output) {
  std::ranges::transform(output, output_.data(), [](double h) { return static_cast<float>(h); });
  model_.decoder().multiply(1, output_.data(), logits_.data());
  const std::span<const float> logits = logits_.values();
  const auto wrong =
      std::ranges::find_if(logits, [](float logit) { return !std::isfinite(logit); });
  if (wrong != logits.end()) {
    throw NumericError(
        fmt::format("Inspector: the logit of token {} is {}; the model's weights are damaged",
                    wrong - logits.begin(), *wrong));
  }
  const double largest = *std::ranges::max_element(logits);
  double sum = 0;
  for (const float logit : logits) sum += std::exp(logit - largest);
  const double log_sum = largest + std::log(sum);
  log_probabilities_.resize(logits.size());
  std::ranges::transform(logits, log_probabilities_.begin(),
                         [log_sum](float logit) { return logit - log_sum; });
}

void Inspector::read(std::span<const std::int32_t> tokens, Predict predict, const Visit& visit) {
  // Few enough that the gates of all units take little memory, enough that each piece is worth it.
  constexpr std::size_t kPiece = 64;
  while (!tokens.empty()) {
    const auto piece = tokens.first(std::min(kPiece, tokens.size()));
    const Tensor x =
        model_.embedding().forward(piece, {static_cast<std::int64_t>(piece.size()), 1});
    std::size_t t = 0;
    trace_.read(x, [&](std::span<const insight::LayerStep> layers) {
      Step step{.token = piece[t++], .nats = {}, .layers = layers, .log_probabilities = {}};
      if (predict == Predict::kYes) {
        if (!log_probabilities_.empty()) {
          step.nats = -log_probabilities_[static_cast<std::size_t>(step.token)];
        }
        predict_from(layers.back().states.front());
        step.log_probabilities = log_probabilities_;
      }
      visit(step);
    });
    tokens = tokens.subspan(piece.size());
  }
}

std::vector<Likely> likeliest(std::span<const double> log_probabilities, std::size_t count) {
  std::vector<std::int32_t> order(log_probabilities.size());
  std::iota(order.begin(), order.end(), 0);
  const auto probability = [&](std::int32_t token) {
    return log_probabilities[static_cast<std::size_t>(token)];
  };
  const auto end = order.begin() + static_cast<std::ptrdiff_t>(std::min(count, order.size()));
  std::partial_sort(order.begin(), end, order.end(), [&](std::int32_t a, std::int32_t b) {
    return probability(a) != probability(b) ? probability(a) > probability(b) : a < b;
  });
  std::vector<Likely> result;
  std::transform(order.begin(), end, std::back_inserter(result), [&](std::int32_t token) {
    return Likely{token, std::exp(probability(token))};
  });
  return result;
}

}  // namespace riverrun::lm
