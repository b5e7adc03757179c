#pragma once

#include <array>
#include <cstddef>

#include "riverrun/cell/real.h"

namespace riverrun {

/// As Real, for several hidden units at once, each for itself: an operation is chosen once for all
/// of them, and the compiler vectorises those that it can.
struct Reals {
  static constexpr std::size_t kUnits = 32;

  std::array<double, kUnits> values{};

  Reals() = default;
  // NOLINTNEXTLINE(google-explicit-constructor): constants in a program
  Reals(double v) { values.fill(v); }

  /// f of each unit's numbers.
  template <class F, class... Others>
  [[nodiscard]] static Reals map(const F& f, const Reals& a, const Others&... others) {
    Reals result;
    for (std::size_t u = 0; u < kUnits; ++u) {
      result.values[u] = f(Real(a.values[u]), Real(others.values[u])...).value;
    }
    return result;
  }

  friend Reals operator+(const Reals& a, const Reals& b) {
    return map([](Real x, Real y) { return x + y; }, a, b);
  }
  friend Reals operator-(const Reals& a, const Reals& b) {
    return map([](Real x, Real y) { return x - y; }, a, b);
  }
  friend Reals operator*(const Reals& a, const Reals& b) {
    return map([](Real x, Real y) { return x * y; }, a, b);
  }
  friend Reals operator/(const Reals& a, const Reals& b) {
    return map([](Real x, Real y) { return x / y; }, a, b);
  }
  friend Reals operator-(const Reals& a) {
    return map([](Real x) { return -x; }, a);
  }

  friend Reals exp(const Reals& a) {
    return map([](Real x) { return exp(x); }, a);
  }
  friend Reals log(const Reals& a) {
    return map([](Real x) { return log(x); }, a);
  }
  friend Reals tanh(const Reals& a) {
    return map([](Real x) { return tanh(x); }, a);
  }
  friend Reals sigmoid(const Reals& a) {
    return map([](Real x) { return sigmoid(x); }, a);
  }
  friend Reals log_sigmoid(const Reals& a) {
    return map([](Real x) { return log_sigmoid(x); }, a);
  }
  friend Reals sqrt(const Reals& a) {
    return map([](Real x) { return sqrt(x); }, a);
  }
  friend Reals abs(const Reals& a) {
    return map([](Real x) { return abs(x); }, a);
  }
  friend Reals relu(const Reals& a) {
    return map([](Real x) { return relu(x); }, a);
  }
  friend Reals max(const Reals& a, const Reals& b) {
    return map([](Real x, Real y) { return max(x, y); }, a, b);
  }
  friend Reals min(const Reals& a, const Reals& b) {
    return map([](Real x, Real y) { return min(x, y); }, a, b);
  }
  friend Reals less(const Reals& a, const Reals& b) {
    return map([](Real x, Real y) { return less(x, y); }, a, b);
  }
  friend Reals select(const Reals& condition, const Reals& if_true, const Reals& if_false) {
    return map([](Real c, Real x, Real y) { return select(c, x, y); }, condition, if_true,
               if_false);
  }
};

}  // namespace riverrun
