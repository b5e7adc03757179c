#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "riverrun/insight/gate_trace.h"
#include "riverrun/lm/language_model.h"

namespace riverrun::lm {

/// Reads a text as a language model does, token by token from a zero state, and shows what happens
/// inside: in double precision, but for the logits, which are the model's own.
class Inspector {
 public:
  /// Takes the weights as they are now. The model must outlive it.
  explicit Inspector(const LanguageModel& model);

  [[nodiscard]] const std::vector<insight::Opening>& openings() const noexcept {
    return trace_.openings();
  }

  /// One token has been read.
  struct Step {
    std::int32_t token = 0;
    /// Its surprise after all tokens before it, in nats; nothing for the first one, and without
    /// predictions.
    std::optional<double> nats;
    std::span<const insight::LayerStep> layers;
    /// Of each token to be the next, [vocab_size]: ln of its probability. Empty without
    /// predictions.
    std::span<const double> log_probabilities;
  };
  /// What a step holds is valid during the call.
  using Visit = std::function<void(const Step&)>;
  enum class Predict { kNo, kYes };
  /// Goes on from what was read before. Throws ConfigError if a token is not in [0, vocab_size),
  /// and NumericError if a state or a logit is not finite.
  void read(std::span<const std::int32_t> tokens, Predict predict, const Visit& visit);

 private:
  void predict_from(std::span<const double> output);

  const LanguageModel& model_;
  insight::GateTrace trace_;
  Tensor output_;                          // [hidden_size]
  Tensor logits_;                          // [vocab_size]
  std::vector<double> log_probabilities_;  // of the token to come; empty before the first
};

/// A token that may come next.
struct Likely {
  std::int32_t token = 0;
  double probability = 0;
};
/// The `count` likeliest ones, the likeliest first; of equal ones, the smaller number.
[[nodiscard]] std::vector<Likely> likeliest(std::span<const double> log_probabilities,
                                            std::size_t count);

}  // namespace riverrun::lm
