#pragma once

#include <cmath>

namespace riverrun {

/// A plain number in double precision: the reference that every kernel is compared with.
struct Real {
  double value = 0.0;

  constexpr Real() = default;
  // NOLINTNEXTLINE(google-explicit-constructor): constants in a step
  constexpr Real(double v) : value(v) {}

  // Not std::isnan, which is not constexpr.
  [[nodiscard]] constexpr bool is_nan() const { return value != value; }

  friend constexpr Real operator+(Real a, Real b) { return a.value + b.value; }
  friend constexpr Real operator-(Real a, Real b) { return a.value - b.value; }
  friend constexpr Real operator*(Real a, Real b) { return a.value * b.value; }
  friend constexpr Real operator/(Real a, Real b) { return a.value / b.value; }
  friend constexpr Real operator-(Real a) { return -a.value; }

  friend Real exp(Real a) { return std::exp(a.value); }
  friend Real log(Real a) { return std::log(a.value); }
  friend Real tanh(Real a) { return std::tanh(a.value); }
  friend Real sigmoid(Real a) { return 1.0 / (1.0 + std::exp(-a.value)); }
  // In this form neither a large positive nor a large negative argument overflows.
  friend Real log_sigmoid(Real a) {
    return std::fmin(a.value, 0.0) - std::log1p(std::exp(-std::fabs(a.value)));
  }
  friend Real sqrt(Real a) { return std::sqrt(a.value); }
  friend Real abs(Real a) { return std::fabs(a.value); }
  // These give NaN for NaN.
  friend constexpr Real relu(Real a) { return a.value < 0.0 ? 0.0 : a.value; }
  friend constexpr Real max(Real a, Real b) {
    return a.value < b.value || b.is_nan() ? b.value : a.value;
  }
  friend constexpr Real min(Real a, Real b) {
    return b.value < a.value || b.is_nan() ? b.value : a.value;
  }
  friend constexpr Real less(Real a, Real b) { return a.value < b.value ? 1.0 : 0.0; }
  friend constexpr Real select(Real condition, Real if_true, Real if_false) {
    return condition.value != 0.0 ? if_true : if_false;
  }
};

}  // namespace riverrun
