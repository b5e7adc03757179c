#include "riverrun/insight/attribution.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "riverrun/core/error.h"

namespace riverrun::insight {
namespace {

/// A place on the way from the baseline, in (0, 1), and its weight; all weights add up to 1.
struct Node {
  double place = 0;
  double weight = 0;
};

/// Gauss-Legendre quadrature: the zeros of the Legendre polynomial by Newton's method.
std::vector<Node> quadrature(std::int64_t count) {
  const auto n = static_cast<double>(count);
  std::vector<Node> nodes;
  for (std::int64_t i = 0; i < count; ++i) {
    double z = std::cos(std::numbers::pi * (static_cast<double>(i) + 0.75) / (n + 0.5));
    double slope = 0;
    constexpr int kSteps = 8;  // from such a start each step doubles the digits
    for (int step = 0; step < kSteps; ++step) {
      double value = z;
      double before = 1;
      for (std::int64_t k = 2; k <= count; ++k) {
        const auto degree = static_cast<double>(k);
        const double next = ((2 * degree - 1) * z * value - (degree - 1) * before) / degree;
        before = std::exchange(value, next);
      }
      slope = n * (z * value - before) / (z * z - 1);
      z -= value / slope;
    }
    nodes.push_back({.place = (1 + z) / 2, .weight = 1 / ((1 - z * z) * slope * slope)});
  }
  return nodes;
}

/// Variants of a sequence side by side, [T, N, I]: baseline + place · (x - baseline).
Tensor on_the_way(const Tensor& x, const Tensor& baseline, std::span<const Node> nodes) {
  const auto size = static_cast<std::size_t>(x.size(2));
  Tensor variants({x.size(0), std::ssize(nodes), x.size(2)});
  float* to = variants.data();
  for (std::size_t row = 0; row < x.values().size(); row += size) {
    for (const Node& node : nodes) {
      for (std::size_t i = row; i < row + size; ++i) {
        const auto from = static_cast<double>(baseline.data()[i]);
        *to++ = static_cast<float>(from + node.place * (static_cast<double>(x.data()[i]) - from));
      }
    }
  }
  return variants;
}

void require_finite(std::span<const float> values, const char* what) {
  const auto wrong = std::ranges::find_if(values, [](float v) { return !std::isfinite(v); });
  if (wrong == values.end()) return;
  throw NumericError(
      fmt::format("integrated_gradients: {} is {}; the weights are too large", what, *wrong));
}

Var answered(const Answer& answer, Tape& tape, Var x) {
  const Var value = answer(tape, x);
  if (value.value().elements() != x.shape()[1]) {
    throw ShapeError(fmt::format("integrated_gradients: the answer is {} to {} variants",
                                 value.shape().to_string(), x.shape()[1]));
  }
  require_finite(value.value().values(), "an answer");
  return value;
}

/// The weighted sum of the gradients at some nodes, added to `sums` [T, I].
void add_gradients(const Answer& answer, const Tensor& x, const Tensor& baseline,
                   std::span<const Node> nodes, std::vector<double>& sums) {
  Tape tape(/*training=*/false);
  const Var read = tape.input(on_the_way(x, baseline, nodes), /*requires_grad=*/true);
  const Var value = answered(answer, tape, read);
  if (!value.requires_grad()) return;  // it depends on nothing that was read
  Tensor ones(value.shape());
  std::ranges::fill(ones.values(), 1.0f);
  tape.backward({{value, std::move(ones)}});
  if (read.grad().empty()) return;
  require_finite(read.grad().values(), "a gradient");
  const auto size = static_cast<std::size_t>(x.size(2));
  const float* from = read.grad().data();
  for (std::size_t row = 0; row < sums.size(); row += size) {
    for (const Node& node : nodes) {
      for (std::size_t i = row; i < row + size; ++i) {
        sums[i] += node.weight * static_cast<double>(*from++);
      }
    }
  }
}

}  // namespace

double Attribution::remainder() const {
  return answer - baseline - std::accumulate(inputs.begin(), inputs.end(), 0.0);
}

double Attribution::size() const {
  return std::accumulate(inputs.begin(), inputs.end(), 0.0,
                         [](double sum, double value) { return sum + std::abs(value); });
}

Attribution integrated_gradients(const Answer& answer, const Tensor& x, const Tensor& baseline,
                                 const AttributionOptions& options) {
  if (x.rank() != 3 || x.size(1) != 1 || x.elements() == 0 || baseline.shape() != x.shape()) {
    throw ShapeError(fmt::format(
        "integrated_gradients: x is {} and the baseline {}; both must be [seq_len, 1, input_size]",
        x.shape().to_string(), baseline.shape().to_string()));
  }
  if (options.points < 1) {
    throw ConfigError(
        fmt::format("integrated_gradients: points is {}; it must be at least 1", options.points));
  }
  Attribution result;
  {
    Tape tape(/*training=*/false);
    const Node ends[] = {{.place = 0}, {.place = 1}};
    const Tensor said = answered(answer, tape, tape.input(on_the_way(x, baseline, ends))).value();
    result.baseline = static_cast<double>(said.data()[0]);
    result.answer = static_cast<double>(said.data()[1]);
  }
  // So many rows are side by side that products are fast, and memory stays small.
  constexpr std::int64_t kMostRows = 1 << 14;
  const auto together =
      static_cast<std::size_t>(std::clamp<std::int64_t>(kMostRows / x.size(0), 1, 256));
  for (result.points = options.points;; result.points *= 2) {
    const std::vector<Node> nodes = quadrature(result.points);
    result.inputs.assign(x.values().size(), 0.0);
    for (std::span<const Node> left = nodes; !left.empty();) {
      const auto some = left.first(std::min(together, left.size()));
      add_gradients(answer, x, baseline, some, result.inputs);
      left = left.subspan(some.size());
    }
    for (std::size_t i = 0; i < result.inputs.size(); ++i) {
      result.inputs[i] *=
          static_cast<double>(x.data()[i]) - static_cast<double>(baseline.data()[i]);
    }
    const bool is_exact = std::abs(result.remainder()) <= options.tolerance * result.size();
    if (is_exact || 2 * result.points > options.most_points) return result;
  }
}

}  // namespace riverrun::insight
