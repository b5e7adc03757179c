#pragma once

// What crf.cpp makes of a sequence: the sums over all its sequences of tags.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "riverrun/nn/parameter.h"

namespace riverrun::crf {

inline constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Each exp is at most 1, so what is lost where one underflows, or is flushed to 0, is below 1e-304
// in a sum of kMostTags of their products: nothing beside this. A smaller sum is made from
// logarithms.
inline constexpr double kSmallestSum = 1e-200;

inline constexpr std::int64_t kLanes = 4;

[[nodiscard]] inline std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

// Of nothing but -inf it is -inf, so that what cannot be reached stays so.
template <class Term>
double log_sum_exp(std::int64_t terms, Term&& term) {
  double most = -kInfinity;
  for (std::int64_t i = 0; i < terms; ++i) {
    const double x = term(i);
    if (std::isnan(x)) return x;
    most = std::max(most, x);
  }
  if (most == -kInfinity) return most;
  double sum = 0.0;
  for (std::int64_t i = 0; i < terms; ++i) sum += std::exp(term(i) - most);
  return most + std::log(sum);
}

// Subtracts the largest of `logs`, which is returned, and writes what is left as `exps`. If there
// is none but -inf, or a NaN or +inf, some become NaN.
inline double scale_to_one(std::span<double> logs, double* exps) {
  double most = -kInfinity;
  for (const double x : logs) most = std::max(most, x);
  for (std::size_t i = 0; i < logs.size(); ++i) exps[i] = std::exp(logs[i] -= most);
  return most;
}

// The emissions of one sequence.
struct Steps {
  const float* first = nullptr;
  std::int64_t stride = 0;
  std::int64_t length = 0;

  const float* operator[](std::int64_t t) const { return first + t * stride; }
};

// What a sequence needs at a time. Rows are `width` long, with 0 behind the last tag.
struct Room {
  Room(std::int64_t steps, std::int64_t width)
      : log_alpha(at(steps * width)),
        alpha(at(steps * width)),
        log_beta(at(width)),
        log_next(at(width)),
        next(at(width)),
        logs(at(width)),
        marginal(at(width)) {}

  std::vector<double> log_alpha, alpha;  // [steps, width], scaled, and their exps
  std::vector<double> log_beta;          // of a step
  std::vector<double> log_next, next;    // of the step after it: β·exp(e), scaled, and their exps
  std::vector<double> logs, marginal;
};

// The sums over all sequences of tags, in the notation of crf.h. A step's α and β are scaled so
// that the largest is 1. They are kept as logarithms, which lose no small number, and summed as
// exps: so a step costs tags and not tags² of those functions.
class Chain {
 public:
  // The values are not copied.
  Chain(const Parameter& start, const Parameter& end, const Parameter& transitions)
      : tags_(start.value().size(0)),
        width_((tags_ + kLanes - 1) / kLanes * kLanes),
        start_(start.value().data()),
        end_(end.value().data()),
        transitions_(transitions.value().data()),
        factors_(at(tags_ * width_)) {
    const float most = *std::max_element(transitions_, transitions_ + tags_ * tags_);
    if (std::isfinite(most)) shift_ = most;
    for (std::int64_t i = 0; i < tags_; ++i) {
      for (std::int64_t j = 0; j < tags_; ++j) {
        factors_[at(i * width_ + j)] = std::exp(transition(i, j));
      }
    }
  }

  [[nodiscard]] Room room(std::int64_t steps) const { return {steps, width_}; }
  [[nodiscard]] std::int64_t width() const { return width_; }

  // Of the tags that tag(t) gives.
  template <class Tag>
  double score(const Steps& steps, Tag&& tag) const {
    double sum = static_cast<double>(start_[tag(0)]) + end_[tag(steps.length - 1)];
    for (std::int64_t t = 0; t < steps.length; ++t) sum += steps[t][tag(t)];
    for (std::int64_t t = 1; t < steps.length; ++t) {
      sum += transitions_[tag(t - 1) * tags_ + tag(t)];
    }
    return sum;
  }

  // log Z. α is kept for backward, in a room with a row for each step; else one row is enough.
  double forward(const Steps& steps, Room& room, bool keep) const {
    double* logs = room.logs.data();
    double* log_alpha = room.log_alpha.data();
    double* alpha = room.alpha.data();
    double log_scale = 0.0;
    std::copy_n(start_, tags_, logs);
    for (std::int64_t t = 0; t < steps.length; ++t) {
      if (t > 0) {
        sum_into(alpha, log_alpha, logs);
        log_scale += shift_;
        if (keep) {
          log_alpha += width_;
          alpha += width_;
        }
      }
      for (std::int64_t k = 0; k < tags_; ++k) log_alpha[k] = logs[k] + steps[t][k];
      log_scale += scale_to_one({log_alpha, at(tags_)}, alpha);
    }
    return log_scale + log_sum_exp(tags_, [&](std::int64_t k) { return log_alpha[k] + end_[k]; });
  }

  // After forward: calls take(t, p(y_t) [tags]) from the last step to the first. If `pairs`
  // [tags, width] is not null, `factor` times p(y_t, y_t+1) of all steps is added there.
  template <class Take>
  void backward(const Steps& steps, Room& room, double factor, double* pairs, Take&& take) const {
    double* log_beta = room.log_beta.data();
    double* log_next = room.log_next.data();
    std::copy_n(end_, tags_, log_beta);
    for (std::int64_t t = steps.length - 1; t >= 0; --t) {
      const double* log_alpha = room.log_alpha.data() + t * width_;
      for (std::int64_t k = 0; k < tags_; ++k) room.logs[at(k)] = log_alpha[k] + log_beta[k];
      const std::span<double> marginal = std::span(room.marginal).first(at(tags_));
      const double most = scale_to_one(std::span(room.logs).first(at(tags_)), marginal.data());
      double sum = 0.0;
      for (const double p : marginal) sum += p;
      for (double& p : marginal) p /= sum;
      if (pairs && t < steps.length - 1) {
        add_pairs(room, t * width_, most + std::log(sum), factor, pairs);
      }
      take(t, std::span<const double>(marginal));
      if (t == 0) break;
      for (std::int64_t k = 0; k < tags_; ++k) log_next[k] = log_beta[k] + steps[t][k];
      scale_to_one({log_next, at(tags_)}, room.next.data());
      sum_from(room.next.data(), log_next, log_beta);
    }
  }

 private:
  // Scaled, so that none is above 0.
  [[nodiscard]] double transition(std::int64_t from, std::int64_t to) const {
    return transitions_[from * tags_ + to] - shift_;
  }

  // logs[j] = log Σᵢ alpha[i]·exp(transition(i, j))
  void sum_into(const double* alpha, const double* log_alpha, double* logs) const {
    std::fill_n(logs, width_, 0.0);
    for (std::int64_t i = 0; i < tags_; ++i) {
      const double* row = &factors_[at(i * width_)];
      const double factor = alpha[i];
      for (std::int64_t j = 0; j < width_; ++j) logs[j] += factor * row[j];
    }
    for (std::int64_t j = 0; j < tags_; ++j) {
      logs[j] =
          logs[j] > kSmallestSum
              ? std::log(logs[j])
              : log_sum_exp(tags_, [&](std::int64_t i) { return log_alpha[i] + transition(i, j); });
    }
  }

  // logs[i] = log Σⱼ exp(transition(i, j))·next[j]
  void sum_from(const double* next, const double* log_next, double* logs) const {
    for (std::int64_t i = 0; i < tags_; ++i) {
      const double* row = &factors_[at(i * width_)];
      std::array<double, kLanes> lanes{};
      for (std::int64_t j = 0; j < width_; j += kLanes) {
        for (std::int64_t lane = 0; lane < kLanes; ++lane) {
          lanes[at(lane)] += row[j + lane] * next[j + lane];
        }
      }
      const double sum = (lanes[0] + lanes[1]) + (lanes[2] + lanes[3]);
      logs[i] = sum > kSmallestSum ? std::log(sum) : log_sum_exp(tags_, [&](std::int64_t j) {
        return transition(i, j) + log_next[j];
      });
    }
  }

  // `row` is where α of the first of both steps begins, `log_sum` of all pairs, as scaled here.
  void add_pairs(const Room& room, std::int64_t row, double log_sum, double factor,
                 double* pairs) const {
    const double* next = room.next.data();
    if (log_sum > std::log(kSmallestSum)) {
      for (std::int64_t i = 0; i < tags_; ++i) {
        const double scale = factor * std::exp(-log_sum) * room.alpha[at(row + i)];
        const double* factors = &factors_[at(i * width_)];
        for (std::int64_t j = 0; j < width_; ++j) {
          pairs[i * width_ + j] += scale * factors[j] * next[j];
        }
      }
      return;
    }
    for (std::int64_t i = 0; i < tags_; ++i) {
      const double log_alpha = room.log_alpha[at(row + i)];
      for (std::int64_t j = 0; j < tags_; ++j) {
        pairs[i * width_ + j] +=
            factor * std::exp(log_alpha + transition(i, j) + room.log_next[at(j)] - log_sum);
      }
    }
  }

  std::int64_t tags_;
  std::int64_t width_;
  const float* start_;
  const float* end_;
  const float* transitions_;
  double shift_ = 0.0;
  std::vector<double> factors_;  // [tags, width]: exp(transition)
};

}  // namespace riverrun::crf
