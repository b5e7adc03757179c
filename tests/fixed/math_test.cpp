#include "riverrun/fixed/math.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "riverrun/cell/real.h"

namespace riverrun::fixed {
namespace {

// With -ffast-math neither NaN nor infinity means anything, small numbers may be lost, and only the
// absolute error is promised.
#if defined(__FAST_MATH__)
constexpr bool kFastMath = true;
#else
constexpr bool kFastMath = false;
#endif

template <Op kOp, int kLanes, class... Operands>
float applied(Operands... operands) {
  using F = detail::Floats<kLanes>;
  return detail::apply<kOp>(detail::broadcast<F>(operands)...)[kLanes - 1];
}

/// The largest error over arguments of every sign and exponent in [lo, hi], in units in the last
/// place of the exact value; with -ffast-math, absolute.
template <Op kOp, int kLanes>
double largest_error(Real (*exact)(Real), float lo, float hi) {
  double largest = 0.0;
  const auto look_at = [&](float x) {
    if (!(x >= lo && x <= hi)) return;
    const double expected = exact(Real(x)).value;
    const double error = std::abs(static_cast<double>(applied<kOp, kLanes>(x)) - expected);
    int exponent = 0;
    std::frexp(std::max(std::abs(expected), 0x1p-126), &exponent);
    largest = std::max(largest, kFastMath ? error : error / std::ldexp(1.0, exponent - 24));
  };
  for (std::uint64_t bits = 0; bits < std::uint64_t{1} << 32; bits += 20011) {
    look_at(std::bit_cast<float>(static_cast<std::uint32_t>(bits)));
  }
  for (int i = -100'000; i <= 100'000; ++i) look_at(static_cast<float>(i) * 1.7e-4f);
  return largest;
}

template <class Lanes>
class FixedMath : public testing::Test {};

using AllLanes = testing::Types<std::integral_constant<int, 4>
#if defined(__AVX__)
                                ,
                                std::integral_constant<int, 8>
#endif
#if defined(__AVX512F__)
                                ,
                                std::integral_constant<int, 16>
#endif
                                >;
TYPED_TEST_SUITE(FixedMath, AllLanes);

Real exact_tanh(Real x) { return tanh(x); }
Real exact_sigmoid(Real x) { return sigmoid(x); }
Real exact_log_sigmoid(Real x) { return log_sigmoid(x); }
Real exact_exp(Real x) { return exp(x); }
Real exact_log(Real x) { return log(x); }
Real exact_sqrt(Real x) { return sqrt(x); }

TYPED_TEST(FixedMath, IsAsExactAsItSays) {
  constexpr int kLanes = TypeParam::value;
  constexpr float kMax = std::numeric_limits<float>::max();
  constexpr float kMin = std::numeric_limits<float>::min();
  const auto limit = [](double ulps) { return kFastMath ? 5e-7 : ulps; };
  EXPECT_LE((largest_error<Op::kTanh, kLanes>(exact_tanh, -kMax, kMax)), limit(2.9));
  EXPECT_LE((largest_error<Op::kSigmoid, kLanes>(exact_sigmoid, -86.0f, kMax)), limit(2.7));
  // Where the values are large, so are the absolute errors: 3 units in the last place of 16.
  EXPECT_LE((largest_error<Op::kLogSigmoid, kLanes>(exact_log_sigmoid, -16.0f, 87.0f)),
            kFastMath ? 3e-6 : 3.1);
  EXPECT_LE((largest_error<Op::kExp, kLanes>(exact_exp, kFastMath ? -87.0f : -103.0f,
                                             kFastMath ? 0.0f : 88.7f)),
            limit(1.3));
  EXPECT_LE((largest_error<Op::kLog, kLanes>(exact_log, kFastMath ? 0.01f : kMin,
                                             kFastMath ? 50.0f : kMax)),
            limit(1.0));
  EXPECT_LE((largest_error<Op::kSqrt, kLanes>(exact_sqrt, kFastMath ? kMin : 0.0f,
                                              kFastMath ? 1.0f : kMax)),
            limit(0.51));
}

TYPED_TEST(FixedMath, NeverOverstepsTheLimits) {
  constexpr int kLanes = TypeParam::value;
  for (int i = -200'000; i <= 200'000; ++i) {
    const float x = static_cast<float>(i) * 1e-3f;
    ASSERT_LE(std::abs((applied<Op::kTanh, kLanes>(x))), kFastMath ? 1.0f + 2e-7f : 1.0f) << x;
    ASSERT_GE((applied<Op::kSigmoid, kLanes>(x)), 0.0f) << x;
    ASSERT_LE((applied<Op::kSigmoid, kLanes>(x)), kFastMath ? 1.0f + 2e-7f : 1.0f) << x;
  }
}

TYPED_TEST(FixedMath, TakesInfinityAndNaN) {
  if (kFastMath) GTEST_SKIP() << "with -ffast-math there is neither";
  constexpr int kLanes = TypeParam::value;
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ((applied<Op::kTanh, kLanes>(kInfinity)), 1.0f);
  EXPECT_EQ((applied<Op::kTanh, kLanes>(-kInfinity)), -1.0f);
  EXPECT_EQ((applied<Op::kSigmoid, kLanes>(kInfinity)), 1.0f);
  EXPECT_NEAR((applied<Op::kSigmoid, kLanes>(-kInfinity)), 0.0f, 1e-37f);
  EXPECT_EQ((applied<Op::kExp, kLanes>(kInfinity)), kInfinity);
  EXPECT_EQ((applied<Op::kExp, kLanes>(-kInfinity)), 0.0f);
  EXPECT_EQ((applied<Op::kLog, kLanes>(0.0f)), -kInfinity);
  EXPECT_EQ((applied<Op::kLog, kLanes>(kInfinity)), kInfinity);
  EXPECT_TRUE(std::isnan(applied<Op::kLog, kLanes>(-1.0f)));
  EXPECT_TRUE(std::isnan(applied<Op::kTanh, kLanes>(kNaN)));
  EXPECT_TRUE(std::isnan(applied<Op::kSigmoid, kLanes>(kNaN)));
  EXPECT_TRUE(std::isnan(applied<Op::kExp, kLanes>(kNaN)));
  EXPECT_TRUE(std::isnan(applied<Op::kLogSigmoid, kLanes>(kNaN)));
  EXPECT_TRUE(std::isnan(applied<Op::kSqrt, kLanes>(kNaN)));
  EXPECT_TRUE(std::isnan(applied<Op::kAbs, kLanes>(kNaN)));
  EXPECT_TRUE(std::isnan(applied<Op::kRelu, kLanes>(kNaN)));
  EXPECT_EQ((applied<Op::kRelu, kLanes>(-kInfinity)), 0.0f);
  for (const auto& [a, b] : {std::pair(kNaN, 1.0f), std::pair(1.0f, kNaN)}) {
    EXPECT_TRUE(std::isnan(applied<Op::kMax, kLanes>(a, b)));
    EXPECT_TRUE(std::isnan(applied<Op::kMin, kLanes>(a, b)));
    EXPECT_EQ((applied<Op::kLess, kLanes>(a, b)), 0.0f);
  }
  EXPECT_EQ((applied<Op::kSelect, kLanes>(kNaN, 1.0f, 2.0f)), 1.0f);
  EXPECT_TRUE(
      std::isnan(detail::flush_subnormal(detail::broadcast<detail::Floats<kLanes>>(kNaN))[0]));
}

}  // namespace
}  // namespace riverrun::fixed
