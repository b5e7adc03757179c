#include "riverrun/insight/gradient_flow.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include <fmt/format.h>

#include "riverrun/core/error.h"
#include "riverrun/core/random.h"

namespace riverrun::insight {
namespace {

/// ln of the mean of exp(logs).
double log_mean_exp(std::span<const double> logs) {
  const double largest = *std::max_element(logs.begin(), logs.end());
  if (std::isinf(largest)) return largest;
  double sum = 0;
  for (const double value : logs) sum += std::exp(value - largest);
  return largest + std::log(sum / static_cast<double>(logs.size()));
}

}  // namespace

Tensor sequences(const Tensor& x, std::int64_t first, std::int64_t count) {
  const std::int64_t size = x.size(2);
  Tensor part = Tensor::uninitialized({x.size(0), count, size});
  for (std::int64_t t = 0; t < x.size(0); ++t) {
    std::copy_n(x.data() + (t * x.size(1) + first) * size, count * size,
                part.data() + t * count * size);
  }
  return part;
}

LossGradient random_direction(std::uint64_t seed) {
  return [seed](const ExactRecurrent::Run& run, std::int64_t first) {
    std::vector<double> all;
    for (std::int64_t b = 0; b < run.batch; ++b) {
      // From the last stream down: weights and inputs may have the first ones of the same seed.
      Random random(seed, ~static_cast<std::uint64_t>(first + b));
      std::vector<double> u(static_cast<std::size_t>(run.hidden_size));
      for (double& value : u) value = random.normal();
      const double norm = std::sqrt(std::inner_product(u.begin(), u.end(), u.begin(), 0.0));
      for (const double value : u) all.push_back(value / norm);
    }
    return all;
  };
}

LossGradient last_token_loss(const Linear& decoder, std::vector<std::int32_t> targets) {
  const std::int64_t vocabulary = decoder.options().out_features;
  for (const std::int32_t target : targets) {
    if (target < 0 || target >= vocabulary) {
      throw ConfigError(
          fmt::format("last_token_loss: a target is {}; it must be in [0, out_features = {})",
                      target, vocabulary));
    }
  }
  return [&decoder, vocabulary, targets = std::move(targets)](const ExactRecurrent::Run& run,
                                                              std::int64_t first) {
    const float* weight = decoder.weight().value().data();
    const Tensor& bias = decoder.bias().value();
    std::vector<double> all;
    for (std::int64_t b = 0; b < run.batch; ++b) {
      const std::span<const double> h = run.state(run.layers.size() - 1, run.steps, b, 0);
      const auto row = [&](std::int64_t token) { return weight + token * run.hidden_size; };
      std::vector<double> logits(static_cast<std::size_t>(vocabulary));
      for (std::int64_t token = 0; token < vocabulary; ++token) {
        logits[static_cast<std::size_t>(token)] = std::inner_product(
            h.begin(), h.end(), row(token), bias.empty() ? 0.0 : bias.data()[token]);
        // What the model itself, which computes in float32, cannot hold has no gradient either.
        if (!(std::abs(logits[static_cast<std::size_t>(token)]) <=
              std::numeric_limits<float>::max())) {
          throw NumericError(fmt::format(
              "last_token_loss: the logit of token {} is {}, beyond the range of float32; the "
              "model's weights are damaged",
              token, logits[static_cast<std::size_t>(token)]));
        }
      }
      // ∂L/∂logits = softmax(logits) - onehot(target)
      const double total = log_mean_exp(logits) + std::log(static_cast<double>(logits.size()));
      std::vector<double> grad(h.size());
      for (std::int64_t token = 0; token < vocabulary; ++token) {
        const bool is_target = token == targets[static_cast<std::size_t>(first + b)];
        const double factor =
            std::exp(logits[static_cast<std::size_t>(token)] - total) - (is_target ? 1 : 0);
        for (std::size_t u = 0; u < grad.size(); ++u) grad[u] += factor * row(token)[u];
      }
      all.insert(all.end(), grad.begin(), grad.end());
    }
    return all;
  };
}

MemoryHorizon GradientCurve::horizon() const {
  std::vector<double> lags(log_norms.size() - 1);
  std::iota(lags.begin(), lags.end(), 1.0);
  return memory_horizon(lags, std::span(log_norms).subspan(1));
}

std::vector<GradientCurve> gradient_flow(const ExactRecurrent& net, const Tensor& x,
                                         const LossGradient& loss) {
  if (x.rank() != 3 || x.elements() == 0) {
    throw ShapeError(
        fmt::format("gradient_flow: x is {}; it must be [seq_len, batch, input_size], not empty",
                    x.shape().to_string()));
  }
  const std::int64_t steps = x.size(0);
  const std::int64_t batch = x.size(1);
  const std::size_t states = net.cell().states.size();
  const std::size_t curves = net.layers().size() * states;
  // [curve, lag, sequence]
  std::vector<double> log_norms(curves * static_cast<std::size_t>((steps + 1) * batch));
  const auto norms_at = [&](std::size_t curve, std::int64_t lag) {
    return std::span(log_norms).subspan(
        (curve * static_cast<std::size_t>(steps + 1) + static_cast<std::size_t>(lag)) *
            static_cast<std::size_t>(batch),
        static_cast<std::size_t>(batch));
  };
  for (std::int64_t first = 0; first < batch; first += kSequencesTogether) {
    const Tensor part = sequences(x, first, std::min(kSequencesTogether, batch - first));
    const ExactRecurrent::Run run = net.forward(part);
    net.backward(run, loss(run, first), [&](const ExactRecurrent::StateGradient& g) {
      norms_at(g.layer * states + g.state, g.lag)[static_cast<std::size_t>(first + g.sequence)] =
          g.log_norm();
    });
  }
  std::vector<GradientCurve> result;
  for (std::size_t curve = 0; curve < curves; ++curve) {
    GradientCurve one{.layer = curve / states, .state = curve % states, .log_norms = {}};
    for (std::int64_t lag = 0; lag <= steps; ++lag) {
      one.log_norms.push_back(log_mean_exp(norms_at(curve, lag)));
    }
    result.push_back(std::move(one));
  }
  return result;
}

std::vector<std::int64_t> round_lags(std::int64_t steps) {
  std::vector<std::int64_t> lags;
  for (std::int64_t power = 1;; power *= 10) {
    for (const std::int64_t digit : {1, 2, 5}) {
      if (digit <= steps / power) lags.push_back(digit * power);
    }
    if (power > steps / 10) break;  // before it overflows
  }
  if (!lags.empty() && lags.back() != steps) lags.push_back(steps);
  return lags;
}

}  // namespace riverrun::insight
