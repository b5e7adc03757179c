#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "riverrun/kernels/targets.h"

#include "tests/kernels/math_functions.h"

namespace riverrun::kernels {
namespace {

using test::Function;

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr float kSmallestNormal = std::numeric_limits<float>::min();

std::vector<float> apply(Function function, std::vector<float> in) {
  const std::size_t count = in.size();
  in.resize((count + 15) / 16 * 16, 0.0f);
  std::vector<float> out(in.size());
  test::apply(function, in.data(), out.data(), in.size());
  out.resize(count);
  return out;
}

double exact(Function function, double x) {
  switch (function) {
    case Function::kExp:
      return std::exp(x);
    case Function::kLog:
      return std::log(x);
    case Function::kTanh:
      return std::tanh(x);
    case Function::kSigmoid:
      return x >= 0 ? 1 / (1 + std::exp(-x)) : std::exp(x) / (1 + std::exp(x));
    case Function::kLogSigmoid:
      return std::min(x, 0.0) - std::log1p(std::exp(-std::abs(x)));
  }
  return 0;
}

/// |actual - expected| in units in the last place of a float32 of that size; infinite where one of
/// the two is NaN or infinite and the other something else.
double ulp_error(float actual, double expected) {
  const auto rounded = static_cast<float>(expected);
  if (actual == rounded || (std::isnan(actual) && std::isnan(expected))) return 0;
  if (!std::isfinite(actual) || !std::isfinite(rounded)) return kInfinity;
  int exponent = 0;
  std::frexp(std::max(std::abs(expected), double{kSmallestNormal}), &exponent);
  return std::abs(actual - expected) / std::ldexp(1.0, exponent - 24);
}

/// Floats over the whole range of bit patterns: every sign, exponent and kind.
std::vector<float> all_over() {
  constexpr std::uint64_t kStride = 2039;  // a prime, so that low bits vary
  std::vector<float> values;
  for (std::uint64_t bits = 0; bits < 1ull << 32; bits += kStride) {
    values.push_back(std::bit_cast<float>(static_cast<std::uint32_t>(bits)));
  }
  return values;
}

/// 0, step, … up to `end`.
std::vector<float> ascending(float end, float step) {
  std::vector<float> values;
  for (int i = 0; static_cast<float>(i) * step <= end; ++i) {
    values.push_back(static_cast<float>(i) * step);
  }
  return values;
}

std::vector<float> negated(std::vector<float> values) {
  for (float& value : values) value = -value;
  return values;
}

TEST(UlpError, CountsUnitsInTheLastPlace) {
  EXPECT_EQ(ulp_error(1.0f, 1.0), 0);
  EXPECT_EQ(ulp_error(1.0f + 3 * 0x1p-23f, 1.0), 3);
  EXPECT_EQ(ulp_error(0.75f + 0x1p-24f, 0.75), 1);
  EXPECT_EQ(ulp_error(0x1p-149f, 0.0), 1);
  EXPECT_EQ(ulp_error(kNaN, 1.0), kInfinity);
  EXPECT_EQ(ulp_error(1.0f, std::exp(100.0)), kInfinity);
  EXPECT_EQ(ulp_error(kInfinity, std::exp(100.0)), 0);
}

class SimdMath : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override { force_simd_target(GetParam()); }
  void TearDown() override { force_simd_target(""); }
};

INSTANTIATE_TEST_SUITE_P(Targets, SimdMath, testing::ValuesIn(simd_targets()),
                         [](const auto& target) { return target.param; });

struct Bound {
  Function function;
  double ulps;
  bool subnormals_are_zero;  // a subnormal result may be 0
};

void expect_within(const Bound& bound) {
  const std::vector<float> in = all_over();
  const std::vector<float> out = apply(bound.function, in);
  double worst = 0;
  float where = 0;
  for (std::size_t i = 0; i < in.size(); ++i) {
    const double expected = exact(bound.function, in[i]);
    if (bound.subnormals_are_zero && out[i] == 0 && std::abs(expected) < kSmallestNormal) continue;
    const double error = ulp_error(out[i], expected);
    if (error > worst) {
      worst = error;
      where = in[i];
    }
  }
  EXPECT_LE(worst, bound.ulps) << "at x = " << where;
  // A bound far above the truth says nothing.
  EXPECT_GE(worst, bound.ulps / 2);
}

TEST_P(SimdMath, ExpIsWithinItsBound) { expect_within({Function::kExp, 1.2, false}); }
TEST_P(SimdMath, LogIsWithinItsBound) { expect_within({Function::kLog, 0.9, false}); }
TEST_P(SimdMath, TanhIsWithinItsBound) { expect_within({Function::kTanh, 2.8, false}); }
TEST_P(SimdMath, SigmoidIsWithinItsBound) { expect_within({Function::kSigmoid, 2.6, true}); }
TEST_P(SimdMath, LogSigmoidIsWithinItsBound) { expect_within({Function::kLogSigmoid, 3.0, true}); }

struct Value {
  Function function;
  float x;
  float expected;
};

TEST_P(SimdMath, SpecialValuesAreExact) {
  const float largest = std::numeric_limits<float>::max();
  const std::vector<Value> values = {
      {Function::kExp, 0.0f, 1.0f},
      {Function::kExp, -0.0f, 1.0f},
      {Function::kExp, kInfinity, kInfinity},
      {Function::kExp, largest, kInfinity},
      {Function::kExp, 88.73f, kInfinity},
      {Function::kExp, -104.0f, 0.0f},
      {Function::kExp, -largest, 0.0f},
      {Function::kExp, -kInfinity, 0.0f},
      {Function::kLog, 1.0f, 0.0f},
      {Function::kLog, 0.0f, -kInfinity},
      {Function::kLog, -0.0f, -kInfinity},
      {Function::kLog, kInfinity, kInfinity},
      {Function::kLog, -1.0f, kNaN},
      {Function::kLog, -kInfinity, kNaN},
      {Function::kTanh, 0.0f, 0.0f},
      {Function::kTanh, -0.0f, 0.0f},
      {Function::kTanh, 1e-30f, 1e-30f},
      {Function::kTanh, 0x1p-149f, 0x1p-149f},
      {Function::kTanh, 10.0f, 1.0f},
      {Function::kTanh, -10.0f, -1.0f},
      {Function::kTanh, kInfinity, 1.0f},
      {Function::kTanh, -kInfinity, -1.0f},
      {Function::kSigmoid, 0.0f, 0.5f},
      {Function::kSigmoid, -0.0f, 0.5f},
      {Function::kSigmoid, 20.0f, 1.0f},
      {Function::kSigmoid, largest, 1.0f},
      {Function::kSigmoid, kInfinity, 1.0f},
      {Function::kSigmoid, -90.0f, 0.0f},
      {Function::kSigmoid, -largest, 0.0f},
      {Function::kSigmoid, -kInfinity, 0.0f},
      {Function::kLogSigmoid, kInfinity, 0.0f},
      {Function::kLogSigmoid, 100.0f, 0.0f},
      {Function::kLogSigmoid, -100.0f, -100.0f},
      {Function::kLogSigmoid, -largest, -largest},
      {Function::kLogSigmoid, -kInfinity, -kInfinity},
  };
  for (const auto& [function, x, expected] : values) {
    // A whole vector's worth: a lane must not depend on where it is.
    for (const float result : apply(function, std::vector<float>(16, x))) {
      if (std::isnan(expected)) {
        EXPECT_TRUE(std::isnan(result)) << static_cast<int>(function) << "(" << x << ")";
      } else {
        EXPECT_EQ(result, expected) << static_cast<int>(function) << "(" << x << ")";
      }
    }
  }
}

TEST_P(SimdMath, NaNGivesNaN) {
  for (const Function function : {Function::kExp, Function::kLog, Function::kTanh,
                                  Function::kSigmoid, Function::kLogSigmoid}) {
    for (const float nan : {kNaN, -kNaN, std::bit_cast<float>(0x7F800001u)}) {
      EXPECT_TRUE(std::isnan(apply(function, {nan})[0])) << static_cast<int>(function);
    }
  }
}

TEST_P(SimdMath, TanhIsOddAndNeverBeyondOne) {
  const std::vector<float> x = ascending(12.0f, 1e-5f);
  const std::vector<float> positive = apply(Function::kTanh, x);
  const std::vector<float> negative = apply(Function::kTanh, negated(x));
  EXPECT_EQ(negated(negative), positive);
  EXPECT_LE(*std::max_element(positive.begin(), positive.end()), 1.0f);
}

TEST_P(SimdMath, SigmoidStaysBetweenZeroAndOne) {
  const std::vector<float> x = ascending(120.0f, 1e-4f);
  for (const std::vector<float>& out :
       {apply(Function::kSigmoid, x), apply(Function::kSigmoid, negated(x))}) {
    const auto [least, greatest] = std::minmax_element(out.begin(), out.end());
    EXPECT_GE(*least, 0.0f);
    EXPECT_LE(*greatest, 1.0f);
  }
}

TEST_P(SimdMath, SaturationIsMonotone) {
  // Neighbouring floats may be out of order by the rounding error; at steps whose effect is above
  // it they may not, up to where the result is constant.
  const std::vector<float> x = ascending(7.0f, 1.0f / 8);
  for (const Function function : {Function::kTanh, Function::kSigmoid, Function::kLogSigmoid}) {
    const std::vector<float> rising = apply(function, x);
    EXPECT_TRUE(std::is_sorted(rising.begin(), rising.end())) << static_cast<int>(function);
    const std::vector<float> falling = apply(function, negated(x));
    EXPECT_TRUE(std::is_sorted(falling.rbegin(), falling.rend())) << static_cast<int>(function);
  }
  for (const float saturated : apply(Function::kTanh, ascending(1e6f, 37.0f))) {
    EXPECT_TRUE(saturated == 1.0f || saturated == 0.0f);
  }
  const std::vector<float> vanishing = apply(Function::kSigmoid, negated(ascending(120.0f, 0.5f)));
  EXPECT_TRUE(std::is_sorted(vanishing.rbegin(), vanishing.rend()));
  EXPECT_EQ(vanishing.back(), 0.0f);
}

TEST_P(SimdMath, ALaneDependsOnItsOwnArgumentOnly) {
  std::vector<float> x = ascending(9.0f, 0.003f);
  x.resize(x.size() / 16 * 16);
  for (const Function function : {Function::kExp, Function::kLog, Function::kTanh,
                                  Function::kSigmoid, Function::kLogSigmoid}) {
    const std::vector<float> forwards = apply(function, x);
    std::vector<float> backwards = apply(function, std::vector<float>(x.rbegin(), x.rend()));
    std::reverse(backwards.begin(), backwards.end());
    EXPECT_EQ(forwards, backwards) << static_cast<int>(function);
  }
}

}  // namespace
}  // namespace riverrun::kernels
