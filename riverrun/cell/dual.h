#pragma once

#include "riverrun/cell/real.h"

namespace riverrun {

/// A number and its derivative in one direction: forward-mode differentiation (Wengert 1964) of
/// the same lines that the adjoint is derived from, and independent of it.
struct Dual {
  Real value;
  Real slope;

  constexpr Dual() = default;
  // NOLINTNEXTLINE(google-explicit-constructor): constants in a step
  constexpr Dual(double v) : value(v) {}
  constexpr Dual(Real v, Real s) : value(v), slope(s) {}

  friend constexpr Dual operator+(Dual a, Dual b) { return {a.value + b.value, a.slope + b.slope}; }
  friend constexpr Dual operator-(Dual a, Dual b) { return {a.value - b.value, a.slope - b.slope}; }
  friend constexpr Dual operator*(Dual a, Dual b) {
    return {a.value * b.value, a.slope * b.value + a.value * b.slope};
  }
  friend constexpr Dual operator/(Dual a, Dual b) {
    return {a.value / b.value, (a.slope * b.value - a.value * b.slope) / (b.value * b.value)};
  }
  friend constexpr Dual operator-(Dual a) { return {-a.value, -a.slope}; }

  friend Dual exp(Dual a) { return {exp(a.value), exp(a.value) * a.slope}; }
  friend Dual log(Dual a) { return {log(a.value), a.slope / a.value}; }
  friend Dual tanh(Dual a) {
    // Not 1 - y², of which nothing is left where y is near ±1.
    return {tanh(a.value), 4.0 * sigmoid(2.0 * a.value) * sigmoid(-2.0 * a.value) * a.slope};
  }
  friend Dual sigmoid(Dual a) {
    return {sigmoid(a.value), sigmoid(a.value) * sigmoid(-a.value) * a.slope};
  }
  friend Dual log_sigmoid(Dual a) { return {log_sigmoid(a.value), sigmoid(-a.value) * a.slope}; }
  friend Dual sqrt(Dual a) { return {sqrt(a.value), 0.5 * a.slope / sqrt(a.value)}; }
  // Where there is no derivative, PyTorch's: 0 for |0| and relu(0), and half of each for max(a, a).
  // Where an operand is NaN, that of relu, max and min is 1, and of abs 0.
  friend Dual abs(Dual a) {
    return {abs(a.value), (less(0.0, a.value) - less(a.value, 0.0)) * a.slope};
  }
  friend constexpr Dual relu(Dual a) {
    return {relu(a.value), a.value.value <= 0.0 ? Real(0.0) : a.slope};
  }
  friend constexpr Dual max(Dual a, Dual b) {
    return {max(a.value, b.value),
            slope_of_one(less(b.value, a.value), less(a.value, b.value), a, b)};
  }
  friend constexpr Dual min(Dual a, Dual b) {
    return {min(a.value, b.value),
            slope_of_one(less(a.value, b.value), less(b.value, a.value), a, b)};
  }
  friend constexpr Dual less(Dual a, Dual b) { return a.value.value < b.value.value ? 1.0 : 0.0; }
  friend constexpr Dual select(Dual condition, Dual if_true, Dual if_false) {
    return condition.value.value != 0.0 ? if_true : if_false;
  }

 private:
  static constexpr Real slope_of_one(Real is_a, Real is_b, Dual a, Dual b) {
    if (is_a.value != 0.0) return a.slope;
    if (is_b.value != 0.0) return b.slope;
    return (a.value.value == b.value.value ? 0.5 : 1.0) * (a.slope + b.slope);
  }
};

}  // namespace riverrun
