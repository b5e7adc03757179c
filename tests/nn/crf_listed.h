#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include "riverrun/nn/crf.h"

#include "tests/nn/gradient_check.h"

namespace riverrun::test {

inline std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

inline Crf zero_crf(std::int64_t tags) {
  Crf crf({.num_tags = tags});
  for (const NamedParameter& entry : crf.parameters()) entry.parameter->mutable_value().fill(0.0f);
  return crf;
}

/// With parameters of a standard deviation of 1: as made, they hardly matter.
inline Crf random_crf(std::int64_t tags, std::uint64_t seed = 1) {
  Crf crf({.num_tags = tags});
  for (const NamedParameter& entry : crf.parameters()) {
    entry.parameter->set_value(random_tensor(entry.parameter->value().shape(), ++seed));
  }
  return crf;
}

/// What is known of one sequence from a list of all its sequences of tags.
struct Listed {
  double log_z = 0;
  std::vector<double> marginals;  ///< [length, tags]
  std::vector<double> pairs;      ///< [tags, tags]: how often one is expected to follow another
  double best = -std::numeric_limits<double>::infinity();
};

/// Of tags of sequence `b`.
inline double score(const Crf& crf, const Tensor& emissions, std::int64_t b,
                    const std::vector<std::int32_t>& tags) {
  const std::int64_t n = crf.options().num_tags;
  double sum = static_cast<double>(crf.start_transitions().value().data()[tags.front()]) +
               crf.end_transitions().value().data()[tags.back()];
  for (std::size_t t = 0; t < tags.size(); ++t) {
    const std::int64_t row = static_cast<std::int64_t>(t) * emissions.size(1) + b;
    sum += emissions.data()[row * n + tags[t]];
    if (t > 0) sum += crf.transitions().value().data()[tags[t - 1] * n + tags[t]];
  }
  return sum;
}

inline Listed list_all(const Crf& crf, const Tensor& emissions, std::int64_t b,
                       std::int64_t length) {
  const std::int64_t n = crf.options().num_tags;
  std::vector<std::vector<std::int32_t>> all{{}};
  for (std::int64_t t = 0; t < length; ++t) {
    std::vector<std::vector<std::int32_t>> longer;
    for (const auto& tags : all) {
      for (std::int32_t k = 0; k < n; ++k) {
        longer.push_back(tags);
        longer.back().push_back(k);
      }
    }
    all = std::move(longer);
  }
  Listed listed;
  for (const auto& tags : all) listed.best = std::max(listed.best, score(crf, emissions, b, tags));
  double sum = 0;
  for (const auto& tags : all) sum += std::exp(score(crf, emissions, b, tags) - listed.best);
  listed.log_z = listed.best + std::log(sum);
  listed.marginals.resize(at(length * n));
  listed.pairs.resize(at(n * n));
  for (const auto& tags : all) {
    const double p = std::exp(score(crf, emissions, b, tags) - listed.best) / sum;
    for (std::int64_t t = 0; t < length; ++t) {
      listed.marginals[at(t * n + tags[at(t)])] += p;
      if (t > 0) listed.pairs[at(tags[at(t - 1)] * n + tags[at(t)])] += p;
    }
  }
  return listed;
}

/// What a Crf makes of a batch.
struct Everything {
  std::vector<float> likelihood;
  std::vector<float> emissions, start, end, transitions;  ///< gradients
  std::vector<float> marginals;
  std::vector<std::int32_t> decoded;

  friend bool operator==(const Everything&, const Everything&) = default;
};

/// With `upstream` as the gradients of the likelihoods.
inline Everything everything(Crf& crf, const Tensor& emissions, IntSpan tags, IntSpan lengths,
                             const Tensor& upstream) {
  const auto copy = [](const Tensor& tensor) {
    return std::vector<float>(tensor.values().begin(), tensor.values().end());
  };
  zero_grad(crf.parameters());
  Tape tape;
  const Var input = tape.input(emissions, true);
  const Var likelihood = crf.log_likelihood(tape, input, tags, lengths);
  std::vector<Tape::Upstream> all;
  all.push_back({likelihood, upstream});
  tape.backward(std::move(all));
  return {copy(likelihood.value()),
          copy(input.grad()),
          copy(crf.start_transitions().grad()),
          copy(crf.end_transitions().grad()),
          copy(crf.transitions().grad()),
          copy(crf.marginals(emissions, lengths)),
          crf.decode(emissions, lengths)};
}

}  // namespace riverrun::test
