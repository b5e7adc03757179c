#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "riverrun/core/list_span.h"
#include "riverrun/core/tensor.h"
#include "riverrun/nn/parameter.h"
#include "riverrun/nn/tape.h"

namespace riverrun {

/// Of a Crf, which compares each with each at every step.
inline constexpr std::int64_t kMostTags = 4096;

struct CrfOptions {
  std::int64_t num_tags = 0;
  /// Of the initial parameters: uniform in [-0.1, 0.1].
  std::uint64_t seed = 0;
};

/// A linear-chain conditional random field (Lafferty, McCallum & Pereira 2001): it tags sequences,
/// as the layer above a network that scores each tag at each step. Where a softmax decides step by
/// step, it weighs whole sequences of tags, because it knows which tag follows which.
///
/// With emissions e[t, k], what the network says for tag k at step t, the score of tags y₀ … y_T is
///
///   s(y) = start[y₀] + Σₜ e[t, yₜ] + Σₜ₌₁ transitions[yₜ₋₁, yₜ] + end[y_T],
///
/// and their probability is p(y) = exp(s(y)) / Z, with Z the sum of exp(s) over all sequences of
/// tags. They are too many to list; Z comes from forward sums, one for each step and tag, of all
/// ways to get there (Rabiner 1989):
///
///   α₀[k] = exp(start[k] + e[0, k])
///   αₜ[k] = exp(e[t, k]) · Σᵢ αₜ₋₁[i] · exp(transitions[i, k])        Z = Σₖ α_T[k] · exp(end[k])
///
/// Backward sums are over all ways to go on from there, and both give what is known of a tag, or of
/// two that follow each other, from all of the sequence:
///
///   β_T[k] = exp(end[k])
///   βₜ[k] = Σⱼ exp(transitions[k, j] + e[t+1, j]) · βₜ₊₁[j]
///   p(yₜ = k) = αₜ[k] · βₜ[k] / Z
///   p(yₜ = k, yₜ₊₁ = j) = αₜ[k] · exp(transitions[k, j] + e[t+1, j]) · βₜ₊₁[j] / Z
///
/// The gradient of log p(y) is what the tags y have less what the model expects: by e[t, k] it is
/// [yₜ = k] - p(yₜ = k); by transitions[i, j] the number of times that j follows i in y, less
/// Σₜ p(yₜ = i, yₜ₊₁ = j). With max in place of the sums, the forward pass finds the most probable
/// tags (Viterbi 1967).
///
/// Shapes: emissions [seq_len, batch, num_tags]; `lengths` [batch], from 1 to seq_len, says how
/// many steps of each sequence count, and nothing beyond them is read (empty: all count).
/// Parameters: start_transitions [num_tags], end_transitions [num_tags], transitions [num_tags,
/// num_tags], from row to column; named and laid out as in pytorch-crf.
///
/// Sums are taken in double precision, without overflow or underflow whatever the scores, and with
/// the same bits for any number of threads. -inf as an emission or a parameter forbids a tag or a
/// transition. With NaN or +inf, or if all sequences of tags are forbidden, a sequence's
/// log-likelihood, marginals and gradients are NaN, and decode() gives tags of no meaning.
///
/// Several threads may call const functions at once; changing parameters is for one alone.
class Crf {
 public:
  /// Throws ConfigError if num_tags is not in [1, kMostTags].
  explicit Crf(const CrfOptions& options);
  Crf(Crf&&) noexcept = default;
  Crf& operator=(Crf&&) noexcept = default;
  ~Crf() = default;
  /// The same layer once more, with parameters of its own.
  [[nodiscard]] Crf clone() const { return Crf(*this); }

  /// log p(tags) of each sequence, in nats, [batch]; -inf if the tags are forbidden. `tags` is
  /// [seq_len, batch]; beyond a sequence's end there may be anything. Throws ShapeError, and
  /// ConfigError if a tag within a sequence is not in [0, num_tags).
  [[nodiscard]] std::vector<double> log_likelihood(const Tensor& emissions, IntSpan tags,
                                                   IntSpan lengths = {}) const;
  /// The same on a tape, with gradients of the emissions, which are 0 beyond a sequence's end, and
  /// of the parameters, which the recording shares: the layer may be moved or destroyed before
  /// Tape::backward. The tags are copied. Throws as above, and Error if the emissions are of
  /// another tape.
  Var log_likelihood(Tape& tape, Var emissions, IntSpan tags, IntSpan lengths = {});

  /// The most probable tags, [seq_len, batch]; -1 beyond a sequence's end. Of sequences with equal
  /// scores, the one with the lowest last tag, then with the lowest last but one, and so on. Throws
  /// ShapeError.
  [[nodiscard]] std::vector<std::int32_t> decode(const Tensor& emissions,
                                                 IntSpan lengths = {}) const;

  /// The probability of each tag at each step, given all of the sequence, [seq_len, batch,
  /// num_tags]; 0 beyond a sequence's end. Throws ShapeError.
  [[nodiscard]] Tensor marginals(const Tensor& emissions, IntSpan lengths = {}) const;

  /// "start_transitions", "end_transitions" and "transitions".
  [[nodiscard]] ParameterList parameters() { return list(); }
  [[nodiscard]] ConstParameterList parameters() const { return list(); }
  [[nodiscard]] const CrfOptions& options() const noexcept { return options_; }
  [[nodiscard]] Parameter& start_transitions() noexcept { return *start_; }
  [[nodiscard]] const Parameter& start_transitions() const noexcept { return *start_; }
  [[nodiscard]] Parameter& end_transitions() noexcept { return *end_; }
  [[nodiscard]] const Parameter& end_transitions() const noexcept { return *end_; }
  [[nodiscard]] Parameter& transitions() noexcept { return *transitions_; }
  [[nodiscard]] const Parameter& transitions() const noexcept { return *transitions_; }

 private:
  Crf(const Crf& other);
  [[nodiscard]] ParameterList list() const;

  CrfOptions options_;
  std::shared_ptr<Parameter> start_;
  std::shared_ptr<Parameter> end_;
  std::shared_ptr<Parameter> transitions_;
};

}  // namespace riverrun
