// The operations of a Program on vectors, for compiled cells and the interpreter. Included once per
// target.

#if defined(RIVERRUN_KERNELS_APPLY_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef RIVERRUN_KERNELS_APPLY_INL_H_
#undef RIVERRUN_KERNELS_APPLY_INL_H_
#else
#define RIVERRUN_KERNELS_APPLY_INL_H_
#endif

#include "hwy/highway.h"

#include "riverrun/cell/program.h"
#include "riverrun/kernels/math-inl.h"
#include "riverrun/kernels/product-inl.h"

HWY_BEFORE_NAMESPACE();
namespace riverrun::kernels {
namespace HWY_NAMESPACE {

template <Op kOp>
HWY_INLINE VF Apply(VF a) {
  const DF d;
  if constexpr (kOp == Op::kNeg) return hn::Neg(a);
  if constexpr (kOp == Op::kExp) return Exp(d, a);
  if constexpr (kOp == Op::kLog) return Log(d, a);
  if constexpr (kOp == Op::kTanh) return Tanh(d, a);
  if constexpr (kOp == Op::kSigmoid) return Sigmoid(d, a);
  if constexpr (kOp == Op::kLogSigmoid) return LogSigmoid(d, a);
  if constexpr (kOp == Op::kSqrt) return hn::Sqrt(a);
  if constexpr (kOp == Op::kAbs) return hn::Abs(a);
  // Max(a, 0) would turn NaN into 0 on some targets, and a diverged training would look healthy.
  if constexpr (kOp == Op::kRelu) return hn::IfThenElse(hn::Lt(a, hn::Zero(d)), hn::Zero(d), a);
}

template <Op kOp>
HWY_INLINE VF Apply(VF a, VF b) {
  const DF d;
  if constexpr (kOp == Op::kAdd) return hn::Add(a, b);
  if constexpr (kOp == Op::kSub) return hn::Sub(a, b);
  if constexpr (kOp == Op::kMul) return hn::Mul(a, b);
  if constexpr (kOp == Op::kDiv) return hn::Div(a, b);
  // As above: if either is NaN, so is the result.
  if constexpr (kOp == Op::kMax) return hn::IfThenElse(hn::Or(hn::Lt(a, b), hn::IsNaN(b)), b, a);
  if constexpr (kOp == Op::kMin) return hn::IfThenElse(hn::Or(hn::Lt(b, a), hn::IsNaN(b)), b, a);
  if constexpr (kOp == Op::kLess) return hn::IfThenElseZero(hn::Lt(a, b), hn::Set(d, 1.0f));
}

template <Op kOp>
HWY_INLINE VF Apply(VF condition, VF if_true, VF if_false) {
  static_assert(kOp == Op::kSelect);
  const DF d;
  // NaN is not 0. Not Ne, which denies that on some targets.
  return hn::IfThenElse(hn::Eq(condition, hn::Zero(d)), if_false, if_true);
}

}  // namespace HWY_NAMESPACE
}  // namespace riverrun::kernels
HWY_AFTER_NAMESPACE();

#endif  // RIVERRUN_KERNELS_APPLY_INL_H_
