#pragma once

#include <limits>

#include "riverrun/cell/elementary.h"
#include "riverrun/cell/program.h"
#include "riverrun/fixed/vector.h"

// Internal to riverrun/fixed: the elementary functions of the cells' Programs, by the formulas of
// kernels/math-inl.h, where they are derived. The largest errors, in units in the last place, are
// those: 1.2 for exp, 0.9 for log, 2.8 for tanh, 2.6 for sigmoid (never below 4e-38), 3.0 for
// log_sigmoid. With -ffast-math, tanh and sigmoid are within 5e-7 (tests/fixed/math_test.cpp).

namespace riverrun::fixed::detail {

/// min(max(x, lo), hi), and NaN where x is NaN.
template <class F>
[[nodiscard]] RIVERRUN_FIXED_INLINE F clamp(F x, float lo, float hi) {
  return min(broadcast<F>(hi), max(broadcast<F>(lo), x));
}

/// x = n·multiple·ln 2 + r, with n the nearest integer.
template <class F>
struct Reduced {
  IntsOf<F> biased_n;  // the lowest 9 bits are those of n + kBias
  F r;                 // |r| <= |multiple|·ln(2)/2
};

/// `multiple` must be ± a power of two.
template <int kBias, class F>
[[nodiscard]] RIVERRUN_FIXED_INLINE Reduced<F> reduce(F x, float multiple) {
  // At 1.5·2^23 the spacing of float32 is 1, so adding that rounds to an integer and leaves it in
  // the low bits of the mantissa.
  constexpr float kShift = 12582912.0f + kBias;
  const F shifted =
      mul_add(x, broadcast<F>(elementary::kInverseLn2 / multiple), broadcast<F>(kShift));
  // Not shifted - kShift: with -ffast-math, a compiler finds that this changes nothing.
  const F n = __builtin_convertvector(bits(shifted) - std::bit_cast<std::int32_t>(kShift), F);
  F r = neg_mul_add(n, broadcast<F>(elementary::kLn2High * multiple), x);
  r = neg_mul_add(n, broadcast<F>(elementary::kLn2Low * multiple), r);
  return {bits(shifted), r};
}

/// 2^n, where the lowest 9 bits of `biased_n` are n + 127 in [0, 255].
template <class F>
[[nodiscard]] RIVERRUN_FIXED_INLINE F power_of_2(IntsOf<F> biased_n) {
  return from_bits<F>(biased_n << 23);
}

/// The polynomial with these coefficients, lowest power first.
template <class F>
[[nodiscard]] RIVERRUN_FIXED_INLINE F polynomial(F, float constant) {
  return broadcast<F>(constant);
}
template <class F, class... Higher>
[[nodiscard]] RIVERRUN_FIXED_INLINE F polynomial(F x, float constant, Higher... higher) {
  return mul_add(polynomial(x, higher...), x, broadcast<F>(constant));
}

/// tanh(k·r) / r for |k·r| <= ln(2)/4, with k a power of two.
template <class F>
[[nodiscard]] RIVERRUN_FIXED_INLINE F tanh_ratio(F r, float k) {
  constexpr auto& kC = elementary::kTanh;
  return polynomial(r * r, k, kC[0] * k * k * k, kC[1] * k * k * k * k * k);
}

template <class F>
[[nodiscard]] RIVERRUN_FIXED_INLINE F exp(F x) {
  // n goes from -150 to 128, beyond the exponents of one float, so 2^n is applied in two halves.
  constexpr auto& kC = elementary::kExp;
  const auto [biased_n, r] = reduce<2 * 127>(clamp(x, -104.0f, 89.0f), 1.0f);
  const IntsOf<F> half = biased_n >> 1;
  const F e = polynomial(r, 1.0f, 1.0f, kC[0], kC[1], kC[2], kC[3], kC[4]);
  return e * power_of_2<F>(half) * power_of_2<F>(biased_n - half);
}

template <class F>
[[nodiscard]] RIVERRUN_FIXED_INLINE F sigmoid(F x) {
  // With x = -n·ln 2 + r and w = tanh(r/2): (1 + w) / ((1 + w) + 2^n·(1 - w)).
  // Not below -86, or the denominator would have no reciprocal, by which -ffast-math multiplies.
  const auto [biased_n, r] = reduce<127>(clamp(x, -86.0f, 88.0f), -1.0f);
  const F ratio = tanh_ratio(r, 0.5f);
  const F one = broadcast<F>(1.0f);
  const F numerator = mul_add(ratio, r, one);
  return numerator / mul_add(power_of_2<F>(biased_n), neg_mul_add(ratio, r, one), numerator);
}

template <class F>
[[nodiscard]] RIVERRUN_FIXED_INLINE F tanh(F x) {
  // With x = n·ln(2)/2 + r, s = 2^n and w = tanh(r): ((s - 1) + (s + 1)·w) / ((s + 1) + (s - 1)·w).
  const auto [biased_n, r] = reduce<127>(clamp(x, -9.5f, 9.5f), 0.5f);
  const F w = tanh_ratio(r, 1.0f) * r;
  const F s = power_of_2<F>(biased_n);
  const F plus = s + 1.0f;
  const F minus = s - 1.0f;
  return mul_add(plus, w, minus) / mul_add(minus, w, plus);
}

template <class F>
[[nodiscard]] RIVERRUN_FIXED_INLINE F abs(F x) {
  return from_bits<F>(bits(x) & 0x7FFFFFFF);
}

template <class F>
[[nodiscard]] RIVERRUN_FIXED_INLINE F log_sigmoid(F x) {
  // min(x, 0) - log(1 + z) with z = exp(-|x|) = 2^n·(1 + w)/(1 - w); with t = z/(2 + z),
  // log(1 + z) = 2·atanh(t), t <= 1/3.
  constexpr auto& kC = elementary::kAtanh;
  const auto [biased_n, r] = reduce<127>(clamp(-abs(x), -88.0f, 0.0f), 1.0f);
  const F ratio = tanh_ratio(r, 0.5f);
  const F one = broadcast<F>(1.0f);
  const F z = power_of_2<F>(biased_n) * mul_add(ratio, r, one);
  const F t = z / mul_add(neg_mul_add(ratio, r, one), broadcast<F>(2.0f), z);
  const F u = t * t;
  const F p = polynomial(u, 2 * kC[0], 2 * kC[1], 2 * kC[2], 2 * kC[3]);
  const F zero = {};
  return min(zero, x) - mul_add(p * u, t, t + t);
}

/// -infinity at ±0, NaN below
template <class F>
[[nodiscard]] RIVERRUN_FIXED_INLINE F log(F x) {
  using Limits = std::numeric_limits<float>;
  constexpr auto& kC = elementary::kLog;
  const F zero = {};
  const auto subnormal = x < broadcast<F>(Limits::min());
  const F normal = subnormal ? x * 0x1p25f : x;
  // normal = 2^e·m with √½ <= m < √2.
  const IntsOf<F> above = bits(normal) - 0x3F3504F3;
  const IntsOf<F> exponent = above >> 23;
  const F m = from_bits<F>(bits(normal) - (exponent << 23));
  const F e = __builtin_convertvector(exponent, F) + (subnormal ? broadcast<F>(-25.0f) : zero);
  // log(1 + f) = f - f²/2 + f³·polynomial(f); the smallest terms are added first.
  const F f = m - 1.0f;
  const F p = polynomial(f, kC[0], kC[1], kC[2], kC[3], kC[4], kC[5], kC[6], kC[7]);
  const F f2 = f * f;
  F small = mul_add(e, broadcast<F>(elementary::kLn2Low), p * f * f2);
  small = mul_add(f2, broadcast<F>(-0.5f), small);
  const F finite = mul_add(e, broadcast<F>(elementary::kLn2High), f + small);
  const F infinity = broadcast<F>(Limits::infinity());
  const F limit = x == zero ? -infinity : broadcast<F>(Limits::quiet_NaN());
  return x > zero ? (x == infinity ? infinity : finite) : limit;
}

/// x, or 0 where x is subnormal.
template <class F>
[[nodiscard]] RIVERRUN_FIXED_INLINE F flush_subnormal(F x) {
  const IntsOf<F> is_normal = (bits(x) & 0x7F800000) != 0;
  return from_bits<F>(bits(x) & is_normal);
}

/// Which elements are subnormal.
template <class F>
[[nodiscard]] RIVERRUN_FIXED_INLINE IntsOf<F> is_subnormal(F x) {
  using Unsigned = typename VectorTypes<kLanesOf<F>>::Unsigned;
  constexpr std::int32_t kLeast = std::numeric_limits<std::int32_t>::min();
  // Twice the bits, which drops the sign, are 2 to 2^24 - 2 for a subnormal number. Less 2^31 + 1,
  // those are the smallest of the signed integers, and 0, which is not meant, is the largest.
  const auto twice = (Unsigned)x + (Unsigned)x;
  return (IntsOf<F>)(twice + 0x7FFFFFFFU) < kLeast + 0xFFFFFF;
}

/// Which elements are numbers: a NaN differs even from itself.
template <class F>
[[nodiscard]] RIVERRUN_FIXED_INLINE auto is_number(F a) {
  return a == a;  // NOLINT(misc-redundant-expression)
}

/// Operation kOp of a Program (cell/program.h) on vectors.
template <Op kOp, class F>
[[nodiscard]] RIVERRUN_FIXED_INLINE F apply(F a, F b = F{}, F c = F{}) {
  const F zero = {};
  if constexpr (kOp == Op::kAdd) return a + b;
  if constexpr (kOp == Op::kSub) return a - b;
  if constexpr (kOp == Op::kMul) return a * b;
  if constexpr (kOp == Op::kDiv) return a / b;
  if constexpr (kOp == Op::kNeg) return -a;
  if constexpr (kOp == Op::kExp) return exp(a);
  if constexpr (kOp == Op::kLog) return log(a);
  if constexpr (kOp == Op::kTanh) return tanh(a);
  if constexpr (kOp == Op::kSigmoid) return sigmoid(a);
  if constexpr (kOp == Op::kLogSigmoid) return log_sigmoid(a);
  if constexpr (kOp == Op::kSqrt) return sqrt(a);
  if constexpr (kOp == Op::kAbs) return abs(a);
  // A NaN operand makes the result NaN: max and min give their second operand if either is NaN.
  if constexpr (kOp == Op::kRelu) return max(zero, a);
  if constexpr (kOp == Op::kMax) return is_number(a) ? max(a, b) : a;
  if constexpr (kOp == Op::kMin) return is_number(a) ? min(a, b) : a;
  if constexpr (kOp == Op::kLess) return a < b ? broadcast<F>(1.0f) : zero;
  if constexpr (kOp == Op::kSelect) return a != zero ? b : c;
}

}  // namespace riverrun::fixed::detail
