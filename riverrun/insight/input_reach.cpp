#include "riverrun/insight/input_reach.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "riverrun/core/error.h"
#include "riverrun/nn/tape.h"

namespace riverrun::insight {
namespace {

std::size_t at(std::int64_t index) { return static_cast<std::size_t>(index); }

/// Squared norms at each lag, and of how many sequences.
struct Squares {
  std::vector<double> sums;
  std::vector<std::int64_t> counts;

  void add(std::int64_t lag, double square) {
    if (std::ssize(sums) <= lag) {
      sums.resize(at(lag) + 1);
      counts.resize(at(lag) + 1);
    }
    sums[at(lag)] += square;
    ++counts[at(lag)];
  }
  [[nodiscard]] ReachCurve curve() const {
    ReachCurve curve;
    for (std::size_t lag = 0; lag < sums.size(); ++lag) {
      // Below float32's normal range, digits are lost, and rounding keeps what should vanish.
      constexpr double kLeast = std::numeric_limits<float>::min();
      const double norm = std::sqrt(sums[lag] / static_cast<double>(counts[lag]));
      curve.log_norms.push_back(norm < kLeast ? -std::numeric_limits<double>::infinity()
                                              : std::log(norm));
    }
    return curve;
  }
};

/// The gradient of step t of sequence b, squared.
double square(const Tensor& grad, std::int64_t t, std::int64_t b) {
  const auto size = at(grad.size(2));
  double sum = 0;
  for (const float g : grad.values().subspan((at(t) * at(grad.size(1)) + at(b)) * size, size)) {
    sum += static_cast<double>(g) * static_cast<double>(g);
  }
  return sum;
}

/// Upstream gradients of some of the stack's results, carried back to what it read: [T, B, I].
template <class Choose>
Tensor carried_back(Recurrent& net, const StackGradient& given, const Choose& choose) {
  Tape tape(/*training=*/false);
  const Var x = tape.input(given.x, /*requires_grad=*/true);
  const Recurrent::VarOutput read = net.forward(tape, x, {}, given.lengths);
  tape.backward(choose(read));
  for (const NamedParameter& named : net.parameters()) named.parameter->zero_grad();
  Tensor grad = x.grad();
  if (grad.empty()) return Tensor(given.x.shape());
  const auto wrong = std::ranges::find_if(grad.values(), [](float g) { return !std::isfinite(g); });
  if (wrong != grad.values().end()) {
    throw NumericError(fmt::format(
        "input_reach: a gradient is {}; the weights are too large for float32", *wrong));
  }
  return grad;
}

/// Of the output at the steps that are answered, and 0 elsewhere.
std::vector<Tape::Upstream> of_answered(const Recurrent::VarOutput& read,
                                        const StackGradient& given) {
  const std::int64_t features = given.output.size(2);
  Tensor grad(given.output.shape());
  for (std::int64_t b = 0; b < std::ssize(given.answered); ++b) {
    const std::int64_t row = given.answered[at(b)] * given.output.size(1) + b;
    std::copy_n(given.output.data() + row * features, features, grad.data() + row * features);
  }
  std::vector<Tape::Upstream> upstream;
  upstream.push_back({read.output, std::move(grad)});
  return upstream;
}

/// Of the last states; with `parity` 0 or 1, only those of forward or reverse directions.
std::vector<Tape::Upstream> of_states(const Recurrent::VarOutput& read, const StackGradient& given,
                                      std::optional<std::int64_t> parity) {
  std::vector<Tape::Upstream> upstream;
  for (std::size_t s = 0; s < given.state.size(); ++s) {
    if (given.state[s].empty()) continue;
    Tensor grad = given.state[s];
    const std::int64_t size = grad.elements() / grad.size(0);
    for (std::int64_t row = 0; parity && row < grad.size(0); ++row) {
      if (row % 2 != *parity) std::fill_n(grad.data() + row * size, size, 0.0f);
    }
    upstream.push_back({read.state[s], std::move(grad)});
  }
  if (upstream.empty()) throw ShapeError("input_reach: no gradient of a state is given");
  return upstream;
}

void check(const StackGradient& given, std::int64_t batch) {
  if (given.answered.empty()) return;
  if (std::ssize(given.answered) != batch || given.output.rank() != 3) {
    throw ShapeError(fmt::format(
        "input_reach: {} steps are answered, with gradients {}; there must be one for each of {} "
        "sequences, and [seq_len, batch, features]",
        given.answered.size(), given.output.shape().to_string(), batch));
  }
  for (std::int64_t b = 0; b < batch; ++b) {
    const std::int64_t length = given.lengths.empty() ? given.x.size(0) : given.lengths[at(b)];
    if (given.answered[at(b)] >= 0 && given.answered[at(b)] < length) continue;
    throw ConfigError(fmt::format("input_reach: step {} is answered; it must be in [0, {})",
                                  given.answered[at(b)], length));
  }
}

}  // namespace

std::optional<MemoryHorizon> ReachCurve::horizon() const {
  if (log_norms.size() < 2) return std::nullopt;
  std::vector<double> lags;
  for (std::size_t lag = 1; lag < log_norms.size(); ++lag) {
    lags.push_back(static_cast<double>(lag));
  }
  return memory_horizon(lags, std::span(log_norms).subspan(1));
}

InputReach input_reach(Recurrent& net, const StackGradient& gradient) {
  const bool both = net.options().bidirectional;
  const std::int64_t batch = gradient.x.size(1);
  check(gradient, batch);
  const auto length = [&](std::int64_t b) {
    return gradient.lengths.empty() ? gradient.x.size(0) : gradient.lengths[at(b)];
  };
  Squares back;
  Squares ahead;
  if (!gradient.answered.empty()) {
    const Tensor grad =
        carried_back(net, gradient, [&](const auto& read) { return of_answered(read, gradient); });
    for (std::int64_t b = 0; b < batch; ++b) {
      const std::int64_t answered = gradient.answered[at(b)];
      for (std::int64_t t = 0; t < length(b); ++t) {
        if (t <= answered) back.add(answered - t, square(grad, t, b));
        if (t >= answered && both) ahead.add(t - answered, square(grad, t, b));
      }
    }
    return {.back = back.curve(), .ahead = ahead.curve()};
  }
  const Tensor to_end = carried_back(net, gradient, [&](const auto& read) {
    return of_states(read, gradient, both ? std::optional<std::int64_t>(0) : std::nullopt);
  });
  for (std::int64_t b = 0; b < batch; ++b) {
    for (std::int64_t t = 0; t < length(b); ++t) {
      back.add(length(b) - 1 - t, square(to_end, t, b));
    }
  }
  if (!both) return {.back = back.curve(), .ahead = {}};
  const Tensor to_begin =
      carried_back(net, gradient, [&](const auto& read) { return of_states(read, gradient, 1); });
  for (std::int64_t b = 0; b < batch; ++b) {
    for (std::int64_t t = 0; t < length(b); ++t) ahead.add(t, square(to_begin, t, b));
  }
  return {.back = back.curve(), .ahead = ahead.curve()};
}

}  // namespace riverrun::insight
