// The gradient of each operation in float32, from compiled kernels and interpreter, on every SIMD
// target: over the whole range of its arguments, and at those where PyTorch's word decides.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "riverrun/cell/cell.h"
#include "riverrun/cell/dual.h"
#include "riverrun/kernels/cell_kernels.h"
#include "riverrun/kernels/targets.h"
#include "riverrun/nn/recurrent.h"
#include "riverrun/nn/tape.h"

#include "tests/cell/odd_cells.h"

namespace riverrun {
namespace {

using odd_cells::EachFunction;

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr float kTiny = std::numeric_limits<float>::min();
constexpr float kLargest = std::numeric_limits<float>::max();
constexpr std::size_t kGates = kGateCount<EachFunction>;

enum Gate : std::uint8_t {
  kExp,
  kLog,
  kTanh,
  kSigmoid,
  kLogSigmoid,
  kSqrt,
  kAbs,
  kRelu,
  kDivA,
  kDivB,
  kMaxA,
  kMaxB,
  kMinA,
  kMinB,
  kSelectA,
  kSelectB
};

/// One number for each gate.
using Numbers = std::array<float, kGates>;

/// Where the function is tame.
constexpr Numbers tame() {
  Numbers numbers{};
  numbers.fill(0.75f);
  return numbers;
}

struct Result {
  std::vector<std::array<float, 4>> values;  // of the states
  std::vector<Numbers> gradients;            // of the gates
};

/// A hidden unit for each point, whose gates' weights are its numbers. The input is 1.
Result run(const CellDescriptor& cell, const std::vector<Numbers>& points, float grad) {
  const auto units = static_cast<std::int64_t>(points.size());
  Recurrent net(cell, {.input_size = 1, .hidden_size = units, .bias = false});
  Parameter& weight = *net.parameters().front().parameter;
  Tensor& value = weight.mutable_value();
  for (std::size_t gate = 0; gate < kGates; ++gate) {
    for (std::size_t unit = 0; unit < points.size(); ++unit) {
      value.data()[gate * points.size() + unit] = points[unit][gate];
    }
  }
  Tape tape;
  const Var x = tape.input(Tensor({1, 1, 1}, {1.0f}));
  const auto [output, state] = net.forward(tape, x);
  std::vector<Tape::Upstream> upstream;
  for (const Var& next : state) {
    Tensor ones(next.shape());
    ones.fill(grad);
    upstream.push_back({next, std::move(ones)});
  }
  tape.backward(std::move(upstream));
  Result result{.values = std::vector<std::array<float, 4>>(points.size()),
                .gradients = std::vector<Numbers>(points.size())};
  for (std::size_t unit = 0; unit < points.size(); ++unit) {
    for (std::size_t s = 0; s < 4; ++s) result.values[unit][s] = state[s].value().data()[unit];
    for (std::size_t gate = 0; gate < kGates; ++gate) {
      result.gradients[unit][gate] = weight.grad().data()[gate * points.size() + unit];
    }
  }
  return result;
}

/// check(cell) for the compiled cell and the interpreted one, on each target.
template <class Check>
void with_each_evaluator(const Check& check) {
  CellDescriptor interpreted = cell<EachFunction>();
  interpreted.kernels = &kernels::interpreter_kernels();
  for (const std::string& target : kernels::simd_targets()) {
    kernels::force_simd_target(target);
    {
      SCOPED_TRACE(target + ", compiled");
      check(cell<EachFunction>());
    }
    SCOPED_TRACE(target + ", interpreted");
    check(interpreted);
  }
  kernels::force_simd_target("");
}

/// The derivative of one gate's function, exactly.
double exact(const Numbers& point, std::size_t gate) {
  Gates<Dual, kGates> gates;
  for (std::size_t k = 0; k < kGates; ++k) gates[k] = Dual(point[k], k == gate ? 1.0 : 0.0);
  double sum = 0.0;
  for (const Dual& next : EachFunction::step<Dual>(gates, {})) sum += next.slope.value;
  return sum;
}

/// Numbers of every sign and exponent.
std::vector<float> whole_range() {
  std::vector<float> numbers = {0.0f};
  for (int exponent = -126; exponent <= 127; ++exponent) {
    for (const float mantissa : {1.0f, 1.3f, 1.7f}) {
      numbers.push_back(std::ldexp(mantissa, exponent));
      numbers.push_back(-std::ldexp(mantissa, exponent));
    }
  }
  for (int i = -2000; i <= 2000; ++i) numbers.push_back(static_cast<float>(i) * 0.05f);
  return numbers;
}

TEST(DerivativesInFloat32, AreExactOverTheWholeRange) {
  const std::vector<float> range = whole_range();
  std::vector<Numbers> points;
  for (std::size_t i = 0; i < range.size(); ++i) {
    Numbers point;
    for (std::size_t gate = 0; gate < kGates; ++gate) {
      point[gate] = gate <= kRelu || gate % 2 == 0 ? range[i] : range[(7 * i + 3) % range.size()];
    }
    points.push_back(point);
  }
  // In units in the last place of the derivative (of the smallest normal number, if it is smaller);
  // tanh's and sigmoid's, which are taken from the function's value, in those of their largest.
  constexpr double kUlp = 0x1p-24;
  const auto tolerance = [](std::size_t gate, double argument, double expected) {
    double result = 4.0 * kUlp * std::max(std::abs(expected), double{kTiny});
    if (gate == kTanh) result += 6.0 * kUlp;
    if (gate == kSigmoid && argument > 0.0) result += 3.0 * kUlp;
    // Subnormal values of the sigmoid may be 0.
    if (gate == kSigmoid || gate == kLogSigmoid) result += double{kTiny};
    return result;
  };
  with_each_evaluator([&](const CellDescriptor& cell) {
    const Result result = run(cell, points, 1.0f);
    std::array<int, kGates> checked{};
    for (std::size_t i = 0; i < points.size(); ++i) {
      for (std::size_t gate = 0; gate < kGates; ++gate) {
        Numbers alone = tame();
        alone[gate] = points[i][gate];
        if (gate >= kDivA) alone[gate ^ 1U] = points[i][gate ^ 1U];
        const double argument = alone[gate];
        if ((gate == kLog || gate == kSqrt) && argument <= 0.0) continue;
        const double expected = exact(alone, gate);
        if (!(std::abs(expected) <= kLargest)) continue;
        ++checked[gate];
        ASSERT_NEAR(result.gradients[i][gate], expected, tolerance(gate, argument, expected))
            << EachFunction::gates.items[gate].name << " of " << argument << ", point " << i;
      }
    }
    for (std::size_t gate = 0; gate < kGates; ++gate) {
      EXPECT_GT(checked[gate], static_cast<int>(points.size()) / 3) << gate;
    }
  });
}

struct Case {
  std::vector<std::pair<Gate, float>> arguments;
  float grad;                                    // from above
  std::vector<std::pair<Gate, float>> expected;  // gradients
};

// By the formulas of PyTorch (tools/autograd/derivatives.yaml): relu, maximum, minimum, where, abs,
// log, sqrt, tanh, sigmoid, exp and logsigmoid, each with these inputs and this gradient.
const std::vector<Case> kPyTorch = {
    {{{kRelu, kNaN}}, 2.0f, {{kRelu, 2.0f}}},
    {{{kRelu, kNaN}}, kNaN, {{kRelu, kNaN}}},
    {{{kRelu, 0.0f}}, 2.0f, {{kRelu, 0.0f}}},
    {{{kRelu, -0.0f}}, 2.0f, {{kRelu, 0.0f}}},
    {{{kRelu, -1.0f}}, kNaN, {{kRelu, 0.0f}}},
    {{{kRelu, -1.0f}}, kInfinity, {{kRelu, 0.0f}}},
    {{{kRelu, kInfinity}}, 2.0f, {{kRelu, 2.0f}}},
    {{{kRelu, -kInfinity}}, 2.0f, {{kRelu, 0.0f}}},
    {{{kAbs, 0.0f}}, 2.0f, {{kAbs, 0.0f}}},
    {{{kAbs, -0.0f}}, 2.0f, {{kAbs, 0.0f}}},
    {{{kAbs, -3.0f}}, 2.0f, {{kAbs, -2.0f}}},
    {{{kAbs, kNaN}}, 2.0f, {{kAbs, 0.0f}}},
    {{{kAbs, kNaN}}, kNaN, {{kAbs, kNaN}}},
    {{{kAbs, -kInfinity}}, 2.0f, {{kAbs, -2.0f}}},
    {{{kMaxA, 1.0f}, {kMaxB, 1.0f}}, 2.0f, {{kMaxA, 1.0f}, {kMaxB, 1.0f}}},
    {{{kMaxA, 1.0f}, {kMaxB, 0.0f}}, 2.0f, {{kMaxA, 2.0f}, {kMaxB, 0.0f}}},
    {{{kMaxA, 1.0f}, {kMaxB, 0.0f}}, kNaN, {{kMaxA, kNaN}, {kMaxB, 0.0f}}},
    {{{kMaxA, kNaN}, {kMaxB, 1.0f}}, 2.0f, {{kMaxA, 2.0f}, {kMaxB, 2.0f}}},
    {{{kMaxA, 1.0f}, {kMaxB, kNaN}}, 2.0f, {{kMaxA, 2.0f}, {kMaxB, 2.0f}}},
    {{{kMaxA, kInfinity}, {kMaxB, kInfinity}}, 2.0f, {{kMaxA, 1.0f}, {kMaxB, 1.0f}}},
    {{{kMaxA, -kInfinity}, {kMaxB, -kInfinity}}, 2.0f, {{kMaxA, 1.0f}, {kMaxB, 1.0f}}},
    {{{kMaxA, -kInfinity}, {kMaxB, kInfinity}}, 2.0f, {{kMaxA, 0.0f}, {kMaxB, 2.0f}}},
    {{{kMaxA, kInfinity}, {kMaxB, kNaN}}, 2.0f, {{kMaxA, 2.0f}, {kMaxB, 2.0f}}},
    {{{kMinA, kInfinity}, {kMinB, kInfinity}}, 2.0f, {{kMinA, 1.0f}, {kMinB, 1.0f}}},
    {{{kMinA, -kInfinity}, {kMinB, -kInfinity}}, 2.0f, {{kMinA, 1.0f}, {kMinB, 1.0f}}},
    {{{kMinA, -kInfinity}, {kMinB, kInfinity}}, 2.0f, {{kMinA, 2.0f}, {kMinB, 0.0f}}},
    {{{kMinA, kNaN}, {kMinB, -kInfinity}}, 2.0f, {{kMinA, 2.0f}, {kMinB, 2.0f}}},
    {{{kMinA, 1.0f}, {kMinB, 1.0f}}, 2.0f, {{kMinA, 1.0f}, {kMinB, 1.0f}}},
    {{{kMinA, 1.0f}, {kMinB, 0.0f}}, kNaN, {{kMinA, 0.0f}, {kMinB, kNaN}}},
    {{{kMinA, kNaN}, {kMinB, 1.0f}}, 2.0f, {{kMinA, 2.0f}, {kMinB, 2.0f}}},
    {{{kMinA, 1.0f}, {kMinB, kNaN}}, 2.0f, {{kMinA, 2.0f}, {kMinB, 2.0f}}},
    {{{kSelectA, kNaN}, {kSelectB, 1.0f}}, 2.0f, {{kSelectA, 0.0f}, {kSelectB, 2.0f}}},
    {{{kSelectA, 0.0f}, {kSelectB, 1.0f}}, kNaN, {{kSelectA, 0.0f}, {kSelectB, 0.0f}}},
    {{{kSelectA, -1.0f}, {kSelectB, kNaN}}, 2.0f, {{kSelectB, 2.0f}}},
    {{{kLog, 0.0f}}, 2.0f, {{kLog, kInfinity}}},
    {{{kSqrt, 0.0f}}, 2.0f, {{kSqrt, kInfinity}}},
    {{{kTanh, kNaN}}, 2.0f, {{kTanh, kNaN}}},
    {{{kTanh, kInfinity}}, 2.0f, {{kTanh, 0.0f}}},
    {{{kSigmoid, kNaN}}, 2.0f, {{kSigmoid, kNaN}}},
    {{{kSigmoid, kInfinity}}, 2.0f, {{kSigmoid, 0.0f}}},
    {{{kExp, kNaN}}, 2.0f, {{kExp, kNaN}}},
    {{{kExp, kInfinity}}, 2.0f, {{kExp, kInfinity}}},
    {{{kLogSigmoid, kNaN}}, 2.0f, {{kLogSigmoid, kNaN}}},
    {{{kLogSigmoid, kInfinity}}, 2.0f, {{kLogSigmoid, 0.0f}}},
    {{{kLogSigmoid, -kInfinity}}, 2.0f, {{kLogSigmoid, 2.0f}}},
};

TEST(DerivativesInFloat32, AreThoseOfPyTorchWhereTheyAreAMatterOfChoice) {
  with_each_evaluator([&](const CellDescriptor& cell) {
    for (std::size_t i = 0; i < kPyTorch.size(); ++i) {
      const Case& c = kPyTorch[i];
      Numbers point = tame();
      for (const auto& [gate, value] : c.arguments) point[gate] = value;
      // In each lane of a vector and behind the last whole one.
      const Result result = run(cell, std::vector<Numbers>(19, point), c.grad);
      for (const Numbers& gradients : result.gradients) {
        for (const auto& [gate, expected] : c.expected) {
          const float actual = gradients[gate];
          if (std::isnan(expected)) {
            EXPECT_TRUE(std::isnan(actual)) << "case " << i << ": " << actual;
          } else if (expected == 0.0f) {
            EXPECT_NEAR(actual, 0.0f, 1e-37f) << "case " << i;  // that of sigmoid(88)
          } else {
            EXPECT_EQ(actual, expected) << "case " << i;
          }
        }
      }
    }
  });
}

TEST(FunctionsInFloat32, GiveNaNForNaN) {
  // The state that each gate's function is part of.
  constexpr std::array<std::size_t, kGates> kState = {0, 0, 0, 0, 1, 1, 1, 1,
                                                      2, 2, 2, 2, 3, 3, 3, 3};
  std::vector<Numbers> points;
  for (std::size_t gate = 0; gate < kGates; ++gate) {
    for (const float other : {-1.0f, 0.75f, 1.0f}) {
      Numbers point = tame();
      point[gate] = kNaN;
      if (gate >= kDivA) point[gate ^ 1U] = other;
      points.push_back(point);
    }
  }
  with_each_evaluator([&](const CellDescriptor& cell) {
    const Result result = run(cell, points, 1.0f);
    for (std::size_t i = 0; i < points.size(); ++i) {
      const std::size_t gate = i / 3;
      for (std::size_t s = 0; s < 4; ++s) {
        // A condition is not a value: one that is NaN is not 0.
        const bool expected = s == kState[gate] && gate != kSelectA;
        EXPECT_EQ(std::isnan(result.values[i][s]), expected) << "gate " << gate << ", state " << s;
      }
      if (gate == kSelectA) {
        EXPECT_EQ(result.values[i][3], 0.75f + points[i][kSelectB]);
      }
    }
  });
  // less(a, b), which has no state of its own: comparisons with NaN are false.
  EXPECT_EQ(less(Real(kNaN), Real(1.0)).value, 0.0);
  EXPECT_EQ(less(Real(1.0), Real(kNaN)).value, 0.0);
}

}  // namespace
}  // namespace riverrun
