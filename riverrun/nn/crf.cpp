#include "riverrun/nn/crf.h"

#include <algorithm>
#include <cstddef>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "riverrun/core/error.h"
#include "riverrun/core/random.h"
#include "riverrun/nn/crf_chain.h"
#include "riverrun/nn/parallel_chunks.h"

namespace riverrun {
namespace {

using crf::at;
using crf::Chain;
using crf::Room;
using crf::Steps;

constexpr float kInitialBound = 0.1f;

// What is worth handing to a thread, in products, and what the parts' own sums may hold in all.
constexpr std::int64_t kProductsPerPart = 32768;
constexpr std::int64_t kMaxSums = std::int64_t{1} << 18;
constexpr std::int64_t kMaxParts = 16;

struct Batch {
  const float* emissions = nullptr;
  std::int64_t seq_len = 0;
  std::int64_t size = 0;
  std::int64_t tags = 0;
  std::vector<std::int64_t> lengths;

  [[nodiscard]] std::int64_t row(std::int64_t t, std::int64_t b) const { return t * size + b; }
  [[nodiscard]] Steps sequence(std::int64_t b) const {
    return {emissions + b * tags, size * tags, lengths[at(b)]};
  }
  // How many sequences one task takes; from the sizes alone, so that sums are made in one order.
  [[nodiscard]] std::int64_t part() const {
    const std::int64_t worth = row(seq_len, 0) * tags * tags / kProductsPerPart;
    const std::int64_t most = std::min(kMaxParts, kMaxSums / (tags * tags));
    const std::int64_t parts = std::max<std::int64_t>(1, std::min(worth, most));
    return std::max<std::int64_t>(1, (size + parts - 1) / parts);
  }
};

Batch check_batch(const char* who, const Tensor& emissions, IntSpan lengths, std::int64_t tags) {
  if (emissions.rank() != 3 || emissions.size(0) < 1 || emissions.size(2) != tags) {
    throw ShapeError(
        fmt::format("Crf.{}: emissions are {}; they must be [seq_len, batch, num_tags = {}], with "
                    "at least one step",
                    who, emissions.shape().to_string(), tags));
  }
  Batch batch{emissions.data(), emissions.size(0), emissions.size(1), tags, {}};
  if (!lengths.empty() && static_cast<std::int64_t>(lengths.size()) != batch.size) {
    throw ShapeError(
        fmt::format("Crf.{}: there are {} lengths; there must be one for each of batch = {} "
                    "sequences, or none",
                    who, lengths.size(), batch.size));
  }
  batch.lengths.assign(at(batch.size), batch.seq_len);
  for (std::size_t b = 0; b < lengths.size(); ++b) {
    if (lengths[b] < 1 || lengths[b] > batch.seq_len) {
      throw ShapeError(fmt::format("Crf.{}: length {} is {}; it must be from 1 to seq_len = {}",
                                   who, b, lengths[b], batch.seq_len));
    }
    batch.lengths[b] = lengths[b];
  }
  return batch;
}

// A copy, with 0 beyond a sequence's end.
std::vector<std::int32_t> check_tags(const Batch& batch, IntSpan tags) {
  const std::int64_t rows = batch.row(batch.seq_len, 0);
  if (static_cast<std::int64_t>(tags.size()) != rows) {
    throw ShapeError(
        fmt::format("Crf.log_likelihood: there are {} tags; there must be one for each of "
                    "seq_len = {} steps of batch = {} sequences",
                    tags.size(), batch.seq_len, batch.size));
  }
  std::vector<std::int32_t> copy(at(rows));
  for (std::int64_t b = 0; b < batch.size; ++b) {
    for (std::int64_t t = 0; t < batch.lengths[at(b)]; ++t) {
      const std::size_t i = at(batch.row(t, b));
      if (tags[i] < 0 || tags[i] >= batch.tags) {
        throw ConfigError(
            fmt::format("Crf.log_likelihood: the tag of step {} of sequence {} is {}; it must be "
                        "in [0, num_tags = {})",
                        t, b, tags[i], batch.tags));
      }
      copy[i] = static_cast<std::int32_t>(tags[i]);
    }
  }
  return copy;
}

std::vector<double> log_likelihoods(const Chain& chain, const Batch& batch,
                                    const std::vector<std::int32_t>& tags) {
  std::vector<double> nats(at(batch.size));
  parallel_chunks(batch.size, batch.part(), [&](std::int64_t begin, std::int64_t end) {
    Room room = chain.room(1);
    for (std::int64_t b = begin; b < end; ++b) {
      const Steps steps = batch.sequence(b);
      const double score =
          chain.score(steps, [&](std::int64_t t) { return tags[at(batch.row(t, b))]; });
      nats[at(b)] = score - chain.forward(steps, room, /*keep=*/false);
    }
  });
  return nats;
}

// The gradients of the parameters by some of the sequences.
struct Gradients {
  std::vector<double> start, end, transitions;  // [tags], [tags], [tags, width]
};

// Those of sequence `b` by its log-likelihood, times `upstream`, are added to `sums`; those of the
// emissions are written to `grad_emissions` unless it is null.
void add_gradients(const Chain& chain, const Batch& batch, std::int64_t b,
                   const std::vector<std::int32_t>& tags, double upstream, Room& room,
                   Gradients& sums, float* grad_emissions) {
  const Steps steps = batch.sequence(b);
  chain.forward(steps, room, /*keep=*/true);
  const auto tag = [&](std::int64_t t) -> std::int64_t { return tags[at(batch.row(t, b))]; };
  const auto add = [&](std::vector<double>& sum, std::int64_t t, std::span<const double> marginal) {
    for (std::size_t k = 0; k < marginal.size(); ++k) sum[k] -= upstream * marginal[k];
    sum[at(tag(t))] += upstream;
  };
  chain.backward(steps, room, -upstream, sums.transitions.data(),
                 [&](std::int64_t t, std::span<const double> marginal) {
                   if (t == 0) add(sums.start, t, marginal);
                   if (t == steps.length - 1) add(sums.end, t, marginal);
                   if (t > 0) sums.transitions[at(tag(t - 1) * chain.width() + tag(t))] += upstream;
                   if (!grad_emissions) return;
                   float* grad = grad_emissions + batch.row(t, b) * batch.tags;
                   for (std::int64_t k = 0; k < batch.tags; ++k) {
                     const double there = k == tag(t) ? 1.0 : 0.0;
                     grad[k] = static_cast<float>(upstream * (there - marginal[at(k)]));
                   }
                 });
  if (!grad_emissions) return;
  for (std::int64_t t = steps.length; t < batch.seq_len; ++t) {
    std::fill_n(grad_emissions + batch.row(t, b) * batch.tags, batch.tags, 0.0f);
  }
}

// The sum of one of the gradients over `parts`; its rows are `width` apart there.
void add_sums(const std::vector<Gradients>& parts, std::vector<double> Gradients::*which,
              std::int64_t width, Parameter& parameter) {
  Tensor& grad = parameter.mutable_grad();
  const std::int64_t columns = grad.size(-1);
  for (std::int64_t i = 0; i < grad.elements(); ++i) {
    double sum = 0.0;
    for (const Gradients& part : parts) sum += (part.*which)[at(i / columns * width + i % columns)];
    grad.data()[i] += static_cast<float>(sum);
  }
}

// best[k] = max over i of before[i] + transitions[i, k], and from[k] the first such i.
void best_before(const std::vector<double>& before, const float* transitions,
                 std::vector<double>& best, std::int32_t* from) {
  const std::size_t tags = before.size();
  for (std::size_t k = 0; k < tags; ++k) best[k] = before[0] + transitions[k];
  std::fill_n(from, tags, 0);
  for (std::size_t i = 1; i < tags; ++i) {
    const float* row = transitions + i * tags;
    for (std::size_t k = 0; k < tags; ++k) {
      const double score = before[i] + row[k];
      const bool better = score > best[k];
      best[k] = better ? score : best[k];
      from[k] = better ? static_cast<std::int32_t>(i) : from[k];
    }
  }
}

}  // namespace

Crf::Crf(const CrfOptions& options) : options_(options) {
  const auto [tags, seed] = options;
  if (tags < 1 || tags > kMostTags) {
    throw ConfigError(fmt::format("Crf: num_tags is {}; it must be from 1 to {}", tags, kMostTags));
  }
  Random random(seed);
  const auto make = [&random](const Shape& shape) {
    auto parameter = std::make_shared<Parameter>(shape);
    random.fill_uniform(parameter->mutable_value().values(), -kInitialBound, kInitialBound);
    return parameter;
  };
  start_ = make({tags});
  end_ = make({tags});
  transitions_ = make({tags, tags});
}

Crf::Crf(const Crf& other)
    : options_(other.options_),
      start_(other.start_->clone()),
      end_(other.end_->clone()),
      transitions_(other.transitions_->clone()) {}

std::vector<double> Crf::log_likelihood(const Tensor& emissions, IntSpan tags,
                                        IntSpan lengths) const {
  const Batch batch = check_batch("log_likelihood", emissions, lengths, options_.num_tags);
  const std::vector<std::int32_t> kept = check_tags(batch, tags);
  return log_likelihoods(Chain(*start_, *end_, *transitions_), batch, kept);
}

Var Crf::log_likelihood(Tape& tape, Var emissions, IntSpan tags, IntSpan lengths) {
  tape.require_own(emissions);
  Batch batch = check_batch("log_likelihood", emissions.value(), lengths, options_.num_tags);
  std::vector<std::int32_t> kept = check_tags(batch, tags);
  Tensor output = tape.allocate({batch.size});
  std::ranges::copy(log_likelihoods(Chain(*start_, *end_, *transitions_), batch, kept),
                    output.data());
  return tape.record(
      std::move(output), [&tape, emissions, start = start_, end = end_, transitions = transitions_,
                          batch = std::move(batch), tags = std::move(kept)](const Tensor& grad) {
        Tensor grad_emissions;
        if (emissions.requires_grad()) grad_emissions = tape.allocate(emissions.shape());
        // α is computed once more: it would be twice as large as the emissions.
        const Chain chain(*start, *end, *transitions);
        const std::int64_t part = batch.part();
        std::vector<Gradients> parts(at((batch.size + part - 1) / part));
        parallel_chunks(batch.size, part, [&](std::int64_t first, std::int64_t behind) {
          Gradients& sums = parts[at(first / part)];
          sums.start.resize(at(batch.tags));
          sums.end.resize(at(batch.tags));
          sums.transitions.resize(at(batch.tags * chain.width()));
          Room room = chain.room(batch.seq_len);
          for (std::int64_t b = first; b < behind; ++b) {
            add_gradients(chain, batch, b, tags, grad.data()[b], room, sums, grad_emissions.data());
          }
        });
        add_sums(parts, &Gradients::start, 0, *start);
        add_sums(parts, &Gradients::end, 0, *end);
        add_sums(parts, &Gradients::transitions, chain.width(), *transitions);
        if (emissions.requires_grad()) tape.add_grad(emissions, std::move(grad_emissions));
      });
}

std::vector<std::int32_t> Crf::decode(const Tensor& emissions, IntSpan lengths) const {
  const Batch batch = check_batch("decode", emissions, lengths, options_.num_tags);
  const std::int64_t tags = batch.tags;
  const float* transitions = transitions_->value().data();
  std::vector<std::int32_t> result(at(batch.row(batch.seq_len, 0)), -1);
  parallel_chunks(batch.size, batch.part(), [&](std::int64_t begin, std::int64_t end) {
    std::vector<double> best(at(tags));    // of all ways to a tag
    std::vector<double> before(at(tags));  // the same, a step before
    std::vector<std::int32_t> from(at(batch.seq_len * tags));
    for (std::int64_t b = begin; b < end; ++b) {
      const Steps steps = batch.sequence(b);
      for (std::int64_t k = 0; k < tags; ++k) {
        best[at(k)] = static_cast<double>(start_->value().data()[k]) + steps[0][k];
      }
      for (std::int64_t t = 1; t < steps.length; ++t) {
        std::swap(best, before);
        best_before(before, transitions, best, &from[at(t * tags)]);
        for (std::int64_t k = 0; k < tags; ++k) best[at(k)] += steps[t][k];
      }
      for (std::int64_t k = 0; k < tags; ++k) best[at(k)] += end_->value().data()[k];
      auto tag = static_cast<std::int32_t>(std::ranges::max_element(best) - best.begin());
      for (std::int64_t t = steps.length - 1; t >= 0; --t) {
        result[at(batch.row(t, b))] = tag;
        tag = from[at(t * tags + tag)];
      }
    }
  });
  return result;
}

Tensor Crf::marginals(const Tensor& emissions, IntSpan lengths) const {
  const Batch batch = check_batch("marginals", emissions, lengths, options_.num_tags);
  const Chain chain(*start_, *end_, *transitions_);
  Tensor result(emissions.shape());
  parallel_chunks(batch.size, batch.part(), [&](std::int64_t begin, std::int64_t end) {
    Room room = chain.room(batch.seq_len);
    for (std::int64_t b = begin; b < end; ++b) {
      const Steps steps = batch.sequence(b);
      chain.forward(steps, room, /*keep=*/true);
      chain.backward(steps, room, 0.0, nullptr,
                     [&](std::int64_t t, std::span<const double> marginal) {
                       std::ranges::copy(marginal, result.data() + batch.row(t, b) * batch.tags);
                     });
    }
  });
  return result;
}

ParameterList Crf::list() const {
  return {{"start_transitions", start_}, {"end_transitions", end_}, {"transitions", transitions_}};
}

}  // namespace riverrun
