#include "tests/kernels/math_functions.h"

#include "riverrun/kernels/highway-config.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tests/kernels/math_functions.cpp"
#include "hwy/foreach_target.h"
// Once per target, so after foreach_target.h.
#include "riverrun/kernels/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace riverrun::kernels::test {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
namespace functions = riverrun::kernels::HWY_NAMESPACE;

template <class F>
void ForEachVector(const float* in, float* out, std::size_t count, F f) {
  const hn::ScalableTag<float> d;
  for (std::size_t i = 0; i < count; i += hn::Lanes(d)) {
    hn::StoreU(f(d, hn::LoadU(d, in + i)), d, out + i);
  }
}

// Not lambdas: their bodies would not inherit the target's compiler attributes.
#define RIVERRUN_FUNCTOR(NAME)                \
  struct NAME##Functor {                      \
    template <class D, class V>               \
    HWY_INLINE V operator()(D d, V x) const { \
      return functions::NAME(d, x);           \
    }                                         \
  }
RIVERRUN_FUNCTOR(Exp);
RIVERRUN_FUNCTOR(Log);
RIVERRUN_FUNCTOR(Tanh);
RIVERRUN_FUNCTOR(Sigmoid);
RIVERRUN_FUNCTOR(LogSigmoid);
#undef RIVERRUN_FUNCTOR

void Apply(Function function, const float* in, float* out, std::size_t count) {
  switch (function) {
    case Function::kExp:
      return ForEachVector(in, out, count, ExpFunctor());
    case Function::kLog:
      return ForEachVector(in, out, count, LogFunctor());
    case Function::kTanh:
      return ForEachVector(in, out, count, TanhFunctor());
    case Function::kSigmoid:
      return ForEachVector(in, out, count, SigmoidFunctor());
    case Function::kLogSigmoid:
      return ForEachVector(in, out, count, LogSigmoidFunctor());
  }
}

const char* TargetHere() { return hwy::TargetName(HWY_TARGET); }

}  // namespace HWY_NAMESPACE
}  // namespace riverrun::kernels::test
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

namespace riverrun::kernels::test {

HWY_EXPORT(Apply);
HWY_EXPORT(TargetHere);

void apply(Function function, const float* in, float* out, std::size_t count) {
  HWY_DYNAMIC_DISPATCH(Apply)(function, in, out, count);
}

std::string_view dispatched_target() { return HWY_DYNAMIC_DISPATCH(TargetHere)(); }

}  // namespace riverrun::kernels::test

#endif  // HWY_ONCE
