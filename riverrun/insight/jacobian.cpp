#include "riverrun/insight/jacobian.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "riverrun/cell/dual.h"
#include "riverrun/core/error.h"

namespace riverrun::insight {
namespace {

using reference::Matrix;

Matrix product(const Matrix& a, const Matrix& b) {
  Matrix result(a.rows, b.columns);
  for (std::int64_t r = 0; r < a.rows; ++r) {
    for (std::int64_t k = 0; k < a.columns; ++k) {
      for (std::int64_t c = 0; c < b.columns; ++c) result(r, c) += a(r, k) * b(k, c);
    }
  }
  return result;
}

/// Brings the largest number near 1. Powers of two change no digit.
void normalize(ScaledMatrix& matrix) {
  double largest = 0;
  for (const double value : matrix.values.data) largest = std::max(largest, std::abs(value));
  if (largest == 0) return;
  const int exponent = std::ilogb(largest);
  for (double& value : matrix.values.data) value = std::ldexp(value, -exponent);
  matrix.exponent += exponent;
}

}  // namespace

Matrix step_jacobian(const ExactRecurrent& net, const ExactRecurrent::Run& run, std::int64_t t,
                     std::int64_t sequence) {
  const CellPrograms& programs = net.cell().programs;
  const std::int64_t hidden = net.hidden_size();
  const int states = programs.sizes.states;
  const auto place = [&](std::size_t layer, int s, std::int64_t unit) {
    return (static_cast<std::int64_t>(layer) * states + s) * hidden + unit;
  };
  const std::int64_t size = std::ssize(net.layers()) * states * hidden;
  Matrix jacobian(size, size);
  for (std::size_t l = 0; l < net.layers().size(); ++l) {
    const ExactRecurrent::Layer& layer = net.layers()[l];
    for (std::int64_t unit = 0; unit < hidden; ++unit) {
      // The slopes of all next states in the direction of one input of the step.
      const auto slopes = [&](Input kind, int number) {
        const auto nodes = reference::evaluate<Dual>(programs.forward, [&](Input k, int n) -> Dual {
          const auto u = static_cast<std::size_t>(unit);
          const double slope = k == kind && n == number ? 1.0 : 0.0;
          if (k == Input::kGate) return {run.gate(l, t, sequence, n)[u], slope};
          if (k == Input::kState) {
            return {run.state(l, t, sequence, static_cast<std::size_t>(n))[u], slope};
          }
          return layer.params(n, unit);
        });
        std::vector<double> result(static_cast<std::size_t>(states));
        for (int s = 0; s < states; ++s) {
          result[static_cast<std::size_t>(s)] =
              nodes[static_cast<std::size_t>(programs.next_state(s))].slope.value;
        }
        return result;
      };
      for (int s = 0; s < states; ++s) {
        const std::vector<double> slope = slopes(Input::kState, s);
        for (int next = 0; next < states; ++next) {
          jacobian(place(l, next, unit), place(l, s, unit)) +=
              slope[static_cast<std::size_t>(next)];
        }
      }
      for (int v = 0; v < programs.sizes.gate_values; ++v) {
        const std::vector<double> slope = slopes(Input::kGate, v);
        const std::int64_t column = v * hidden + unit;
        for (int next = 0; next < states; ++next) {
          const std::int64_t row = place(l, next, unit);
          const double factor = slope[static_cast<std::size_t>(next)];
          for (std::int64_t k = 0; k < layer.weight_hh.rows; ++k) {
            jacobian(row, place(l, 0, k)) += factor * layer.weight_hh(k, column);
          }
          if (l == 0) continue;
          // The input is what the layer below has just put out.
          for (std::int64_t k = 0; k < hidden; ++k) {
            const double weight = factor * layer.weight_ih(k, column);
            for (std::int64_t j = 0; j < size; ++j) {
              jacobian(row, j) += weight * jacobian(place(l - 1, 0, k), j);
            }
          }
        }
      }
    }
  }
  return jacobian;
}

std::vector<ScaledMatrix> jacobian_products(const ExactRecurrent& net,
                                            const ExactRecurrent::Run& run, std::int64_t sequence,
                                            std::span<const std::int64_t> lags) {
  std::vector<ScaledMatrix> result;
  ScaledMatrix sofar;
  std::int64_t lag = 0;
  for (const std::int64_t wanted : lags) {
    if (wanted <= lag || wanted > run.steps) {
      throw ConfigError(fmt::format(
          "jacobian_products: a lag is {} after {}; lags must rise, from 1 to the {} steps there "
          "are",
          wanted, lag, run.steps));
    }
    for (; lag < wanted; ++lag) {
      Matrix step = step_jacobian(net, run, run.steps - 1 - lag, sequence);
      sofar.values = lag == 0 ? std::move(step) : product(sofar.values, step);
      normalize(sofar);
    }
    result.push_back(sofar);
  }
  return result;
}

double largest_singular_value(Matrix matrix) {
  ScaledMatrix scaled{.values = std::move(matrix)};
  normalize(scaled);  // so that no square of a number is lost
  Matrix& m = scaled.values;
  const auto dot = [&](std::int64_t a, std::int64_t b) {
    double sum = 0;
    for (std::int64_t c = 0; c < m.columns; ++c) sum += m(a, c) * m(b, c);
    return sum;
  };
  constexpr int kMostSweeps = 60;
  constexpr double kOrthogonal = 1e-14;  // the cosine of two rows
  bool rotated = true;
  for (int sweep = 0; rotated && sweep < kMostSweeps; ++sweep) {
    rotated = false;
    for (std::int64_t a = 0; a < m.rows; ++a) {
      for (std::int64_t b = a + 1; b < m.rows; ++b) {
        const double aa = dot(a, a);
        const double bb = dot(b, b);
        const double ab = dot(a, b);
        if (std::abs(ab) <= kOrthogonal * std::sqrt(aa) * std::sqrt(bb)) continue;
        rotated = true;
        const double zeta = (bb - aa) / (2 * ab);
        const double tangent = std::copysign(1.0, zeta) / (std::abs(zeta) + std::hypot(1.0, zeta));
        const double cosine = 1 / std::hypot(1.0, tangent);
        const double sine = cosine * tangent;
        for (std::int64_t c = 0; c < m.columns; ++c) {
          const double x = m(a, c);
          const double y = m(b, c);
          m(a, c) = cosine * x - sine * y;
          m(b, c) = sine * x + cosine * y;
        }
      }
    }
  }
  double largest = 0;
  for (std::int64_t r = 0; r < m.rows; ++r) largest = std::max(largest, dot(r, r));
  return std::ldexp(std::sqrt(largest), scaled.exponent);
}

}  // namespace riverrun::insight
