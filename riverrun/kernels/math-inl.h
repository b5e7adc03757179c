// The elementary functions of the cells' Programs, on SIMD vectors of float32.
//
// Included once per target from a translation unit that uses hwy/foreach_target.h. The largest
// errors over all float32 arguments, in units in the last place of the exact result, on targets
// with and without fused multiply-add (tests/kernels/math_test.cpp measures them):
//
//   Exp         0.9   1.2   subnormal results included
//   Log         0.9   0.9   subnormal arguments included
//   Tanh        2.6   2.8   odd to the bit, never beyond ±1; -0 gives 0
//   Sigmoid     2.6   2.6   subnormal results may be 0
//   LogSigmoid  2.9   3.0   subnormal results may be 0
//
// NaN gives NaN, and infinite arguments give the limits. A lane's result depends on that lane
// alone. The coefficients (cell/elementary.h) come from scripts/fit_activations.py.

#if defined(RIVERRUN_KERNELS_MATH_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef RIVERRUN_KERNELS_MATH_INL_H_
#undef RIVERRUN_KERNELS_MATH_INL_H_
#else
#define RIVERRUN_KERNELS_MATH_INL_H_
#endif

#include <limits>

#include "hwy/highway.h"

#include "riverrun/cell/elementary.h"

HWY_BEFORE_NAMESPACE();
namespace riverrun::kernels {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

/// x, or 0 where x is subnormal.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V FlushSubnormal(D d, V x) {
  const hn::RebindToSigned<D> di;
  const auto exponent = hn::And(hn::BitCast(di, x), hn::Set(di, 0x7F800000));
  return hn::IfThenZeroElse(hn::RebindMask(d, hn::Eq(exponent, hn::Zero(di))), x);
}

namespace math {

using elementary::kAtanh;
using elementary::kExp;
using elementary::kInverseLn2;
using elementary::kLn2High;
using elementary::kLn2Low;
using elementary::kLog;
using elementary::kTanh;

/// min(max(x, lo), hi), and NaN where x is NaN.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V ClampKeepingNaN(D d, V x, float lo, float hi) {
  const V vlo = hn::Set(d, lo), vhi = hn::Set(d, hi);
#if HWY_ARCH_X86 && HWY_TARGET != HWY_SCALAR && HWY_TARGET != HWY_EMU128
  // minps and maxps return their second operand if either is NaN.
  return hn::Max(vlo, hn::Min(vhi, x));
#else
  x = hn::IfThenElse(hn::Lt(x, vlo), vlo, x);
  return hn::IfThenElse(hn::Gt(x, vhi), vhi, x);
#endif
}

/// x = n·multiple·ln 2 + r, with n the nearest integer.
template <class D>
struct Reduced {
  hn::Vec<hn::RebindToSigned<D>> biased_n;  // the lowest 9 bits are those of n + kBias
  hn::Vec<D> r;                             // |r| <= |multiple|·ln(2)/2
};

/// `multiple` must be ± a power of two.
template <int kBias, class D, class V = hn::Vec<D>>
HWY_INLINE Reduced<D> Reduce(D d, V x, float multiple) {
  // At 1.5·2^23 the spacing of float32 is 1, so adding that rounds to an integer and leaves it in
  // the low bits of the mantissa: a rounding, a conversion and an addition in one.
  const V shift = hn::Set(d, 12582912.0f + kBias);
  const V shifted = hn::MulAdd(x, hn::Set(d, kInverseLn2 / multiple), shift);
  const V n = hn::Sub(shifted, shift);
  V r = hn::NegMulAdd(n, hn::Set(d, kLn2High * multiple), x);
  r = hn::NegMulAdd(n, hn::Set(d, kLn2Low * multiple), r);
  return {hn::BitCast(hn::RebindToSigned<D>(), shifted), r};
}

/// 2^n as a float, where the lowest 9 bits of `biased_n` are n + 127 in [0, 255]: n = -127 gives 0
/// and n = 128 infinity.
template <class D, class VI>
HWY_INLINE hn::Vec<D> PowerOf2(D d, VI biased_n) {
  return hn::BitCast(d, hn::ShiftLeft<23>(biased_n));
}

/// exp(r) for |r| <= ln(2)/2: 1 + r + r²·polynomial(r).
template <class D, class V = hn::Vec<D>>
HWY_INLINE V ExpReduced(D d, V r) {
  const V one = hn::Set(d, 1.0f);
  V p = hn::Set(d, kExp[4]);
  p = hn::MulAdd(p, r, hn::Set(d, kExp[3]));
  p = hn::MulAdd(p, r, hn::Set(d, kExp[2]));
  p = hn::MulAdd(p, r, hn::Set(d, kExp[1]));
  p = hn::MulAdd(p, r, hn::Set(d, kExp[0]));
  return hn::MulAdd(hn::MulAdd(p, r, one), r, one);
}

/// tanh(k·r) / r for |k·r| <= ln(2)/4, with k a power of two: k·(1 + (k·r)²·polynomial((k·r)²)).
template <class D, class V = hn::Vec<D>>
HWY_INLINE V TanhRatio(D d, V r, float k) {
  const V u = hn::Mul(r, r);
  V p = hn::Set(d, kTanh[1] * k * k * k * k * k);
  p = hn::MulAdd(p, u, hn::Set(d, kTanh[0] * k * k * k));
  return hn::MulAdd(p, u, hn::Set(d, k));
}

}  // namespace math

/// exp(x)
template <class D, class V = hn::Vec<D>>
HWY_INLINE V Exp(D d, V x) {
  // n goes from -150 to 128, beyond the exponents of one float, so 2^n is applied in two halves.
  const auto [biased_n, r] =
      math::Reduce<2 * 127>(d, math::ClampKeepingNaN(d, x, -104.0f, 89.0f), 1.0f);
  const auto half = hn::ShiftRight<1>(biased_n);
  const V first = math::PowerOf2(d, half);
  const V second = math::PowerOf2(d, hn::Sub(biased_n, half));
  return hn::Mul(hn::Mul(math::ExpReduced(d, r), first), second);
}

/// 1 / (1 + exp(-x))
template <class D, class V = hn::Vec<D>>
HWY_INLINE V Sigmoid(D d, V x) {
  // With x = -n·ln 2 + r and w = tanh(r/2): exp(-x) = 2^n·(1 - w)/(1 + w), so that
  // sigmoid(x) = (1 + w) / ((1 + w) + 2^n·(1 - w)).
  const V one = hn::Set(d, 1.0f);
  const auto [biased_n, r] =
      math::Reduce<127>(d, math::ClampKeepingNaN(d, x, -89.0f, 88.0f), -1.0f);
  const V ratio = math::TanhRatio(d, r, 0.5f);
  const V numerator = hn::MulAdd(ratio, r, one);
  return hn::Div(numerator,
                 hn::MulAdd(math::PowerOf2(d, biased_n), hn::NegMulAdd(ratio, r, one), numerator));
}

/// tanh(x)
template <class D, class V = hn::Vec<D>>
HWY_INLINE V Tanh(D d, V x) {
  // With x = n·ln(2)/2 + r, s = 2^n and w = tanh(r): exp(2x) = s·(1 + w)/(1 - w), so that
  // tanh(x) = (exp(2x) - 1) / (exp(2x) + 1) = ((s - 1) + (s + 1)·w) / ((s + 1) + (s - 1)·w).
  // Nothing cancels: for n = 0 it is w. A ratio of polynomials in x² on the whole interval takes
  // a sixth less time, but is twice as far from the exact value and oversteps ±1.
  const V one = hn::Set(d, 1.0f);
  const auto [biased_n, r] = math::Reduce<127>(d, math::ClampKeepingNaN(d, x, -9.5f, 9.5f), 0.5f);
  const V w = hn::Mul(math::TanhRatio(d, r, 1.0f), r);
  const V s = math::PowerOf2(d, biased_n);
  const V s_plus_1 = hn::Add(s, one);
  const V s_minus_1 = hn::Sub(s, one);
  return hn::Div(hn::MulAdd(s_plus_1, w, s_minus_1), hn::MulAdd(s_minus_1, w, s_plus_1));
}

/// log(sigmoid(x)) = min(x, 0) - log(1 + exp(-|x|))
template <class D, class V = hn::Vec<D>>
HWY_INLINE V LogSigmoid(D d, V x) {
  // With z = exp(-|x|) = 2^n·(1 + w)/(1 - w) and t = z/(2 + z): log(1 + z) = 2·atanh(t), t <= 1/3.
  const V one = hn::Set(d, 1.0f);
  const V minus_abs = hn::Neg(hn::Abs(x));
  const auto [biased_n, r] =
      math::Reduce<127>(d, math::ClampKeepingNaN(d, minus_abs, -88.0f, 0.0f), 1.0f);
  const V ratio = math::TanhRatio(d, r, 0.5f);
  const V numerator = hn::Mul(math::PowerOf2(d, biased_n), hn::MulAdd(ratio, r, one));
  const V t =
      hn::Div(numerator, hn::MulAdd(hn::NegMulAdd(ratio, r, one), hn::Set(d, 2.0f), numerator));
  const V u = hn::Mul(t, t);
  V p = hn::Set(d, 2 * math::kAtanh[3]);
  p = hn::MulAdd(p, u, hn::Set(d, 2 * math::kAtanh[2]));
  p = hn::MulAdd(p, u, hn::Set(d, 2 * math::kAtanh[1]));
  p = hn::MulAdd(p, u, hn::Set(d, 2 * math::kAtanh[0]));
  const V log1p = hn::MulAdd(hn::Mul(p, u), t, hn::Add(t, t));
  return hn::Sub(hn::IfThenElse(hn::Lt(x, hn::Zero(d)), x, hn::Zero(d)), log1p);
}

/// log(x): -infinity at ±0, NaN below
template <class D, class V = hn::Vec<D>>
HWY_INLINE V Log(D d, V x) {
  const hn::RebindToSigned<D> di;
  const V zero = hn::Zero(d);
  const auto subnormal = hn::Lt(x, hn::Set(d, std::numeric_limits<float>::min()));
  const V normal = hn::IfThenElse(subnormal, hn::Mul(x, hn::Set(d, 0x1p25f)), x);
  // normal = 2^e·m with sqrt(1/2) <= m < sqrt(2).
  const auto sqrt_half = hn::Set(di, 0x3F3504F3);
  const auto bits = hn::BitCast(di, normal);
  const auto exponent = hn::ShiftRight<23>(hn::Sub(bits, sqrt_half));
  const V m = hn::BitCast(d, hn::Sub(bits, hn::ShiftLeft<23>(exponent)));
  const V e =
      hn::Add(hn::ConvertTo(d, exponent), hn::IfThenElseZero(subnormal, hn::Set(d, -25.0f)));
  // log(1 + f) = f - f²/2 + f³·polynomial(f); the smallest terms are added first.
  const V f = hn::Sub(m, hn::Set(d, 1.0f));
  V p = hn::Set(d, math::kLog[7]);
  p = hn::MulAdd(p, f, hn::Set(d, math::kLog[6]));
  p = hn::MulAdd(p, f, hn::Set(d, math::kLog[5]));
  p = hn::MulAdd(p, f, hn::Set(d, math::kLog[4]));
  p = hn::MulAdd(p, f, hn::Set(d, math::kLog[3]));
  p = hn::MulAdd(p, f, hn::Set(d, math::kLog[2]));
  p = hn::MulAdd(p, f, hn::Set(d, math::kLog[1]));
  p = hn::MulAdd(p, f, hn::Set(d, math::kLog[0]));
  const V f2 = hn::Mul(f, f);
  V small = hn::MulAdd(e, hn::Set(d, math::kLn2Low), hn::Mul(hn::Mul(p, f), f2));
  small = hn::MulAdd(f2, hn::Set(d, -0.5f), small);
  const V finite = hn::MulAdd(e, hn::Set(d, math::kLn2High), hn::Add(f, small));
  const V infinity = hn::Set(d, std::numeric_limits<float>::infinity());
  const V positive = hn::IfThenElse(hn::Eq(x, infinity), infinity, finite);
  const V limit = hn::IfThenElse(hn::Eq(x, zero), hn::Neg(infinity),
                                 hn::Set(d, std::numeric_limits<float>::quiet_NaN()));
  return hn::IfThenElse(hn::Gt(x, zero), positive, limit);
}

}  // namespace HWY_NAMESPACE
}  // namespace riverrun::kernels
HWY_AFTER_NAMESPACE();

#endif  // RIVERRUN_KERNELS_MATH_INL_H_
