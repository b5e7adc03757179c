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
    const Real y = tanh(a.value);
    return {y, (1.0 - y * y) * a.slope};
  }
  friend Dual sigmoid(Dual a) {
    return {sigmoid(a.value), sigmoid(a.value) * sigmoid(-a.value) * a.slope};
  }
  friend Dual log_sigmoid(Dual a) { return {log_sigmoid(a.value), sigmoid(-a.value) * a.slope}; }
  friend Dual sqrt(Dual a) { return {sqrt(a.value), 0.5 * a.slope / sqrt(a.value)}; }
  friend constexpr Dual abs(Dual a) { return a.value.value < 0.0 ? -a : a; }
  friend constexpr Dual relu(Dual a) { return a.value.value > 0.0 ? a : Dual(0.0); }
  friend constexpr Dual max(Dual a, Dual b) { return a.value.value < b.value.value ? b : a; }
  friend constexpr Dual min(Dual a, Dual b) { return b.value.value < a.value.value ? b : a; }
  friend constexpr Dual less(Dual a, Dual b) { return a.value.value < b.value.value ? 1.0 : 0.0; }
  friend constexpr Dual select(Dual condition, Dual if_true, Dual if_false) {
    return condition.value.value != 0.0 ? if_true : if_false;
  }
};

}  // namespace riverrun
