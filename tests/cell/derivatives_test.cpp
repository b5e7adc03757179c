// The derived backward of every cell against two derivatives that know nothing of it: forward mode
// (Dual) on the step as it is written, and central differences.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "riverrun/cell/cell.h"
#include "riverrun/cell/gru.h"
#include "riverrun/cell/lstm.h"
#include "riverrun/cell/memoryless.h"
#include "riverrun/cell/reference.h"
#include "riverrun/cell/rnn.h"
#include "riverrun/core/random.h"

#include "tests/cell/odd_cells.h"

namespace riverrun {
namespace {

using reference::evaluate;

constexpr int kPoints = 1000;
constexpr double kStepWidth = 1e-5;

/// One step of C as a function of a vector: gate values, then states, then params.
template <class C>
struct Step {
  static constexpr std::size_t kInputs = kGateValues<C> + kStateCount<C> + kParamCount<C>;
  static constexpr std::size_t kOutputs = kStateCount<C>;
  using Point = std::array<double, kInputs>;

  static std::size_t index(Input kind, int number) {
    const auto n = static_cast<std::size_t>(number);
    switch (kind) {
      case Input::kGate:
        return n;
      case Input::kState:
        return kGateValues<C> + n;
      default:
        return kGateValues<C> + kStateCount<C> + n;
    }
  }

  template <class T>
  static States<T, kOutputs> apply(const std::array<T, kInputs>& x) {
    Gates<T, kGateValues<C>> gates;
    States<T, kOutputs> states;
    Params<T, kParamCount<C>> params;
    std::copy_n(x.begin(), gates.size(), gates.begin());
    std::copy_n(x.begin() + gates.size(), states.size(), states.begin());
    std::copy_n(x.begin() + gates.size() + states.size(), params.size(), params.begin());
    return cell_step<C, T>(gates, states, params);
  }

  /// Σ weight[s] * (next state s).
  static double weighted(const Point& x, const std::vector<double>& weight) {
    std::array<Real, kInputs> numbers;
    std::copy(x.begin(), x.end(), numbers.begin());
    const auto next = apply(numbers);
    double sum = 0.0;
    for (std::size_t s = 0; s < kOutputs; ++s) sum += weight[s] * next[s].value;
    return sum;
  }

  static Point adjoint(const CellPrograms& programs, const Point& x,
                       const std::vector<double>& weight) {
    const auto forward = evaluate<Real>(
        programs.forward, [&](Input kind, int n) -> Real { return x[index(kind, n)]; });
    const auto value = [&](int node) { return forward[static_cast<std::size_t>(node)]; };
    const auto backward = evaluate<Real>(programs.backward, [&](Input kind, int n) -> Real {
      switch (kind) {
        case Input::kNextState:
          return value(programs.next_state(n));
        case Input::kSaved:
          return value(programs.saved_value(n));
        case Input::kGradNextState:
          return weight[static_cast<std::size_t>(n)];
        default:
          return x[index(kind, n)];
      }
    });
    Point result;
    for (std::size_t j = 0; j < kInputs; ++j) {
      const int node = programs.backward.output(static_cast<int>(j));
      result[j] = backward[static_cast<std::size_t>(node)].value;
    }
    return result;
  }

  static Point forward_mode(const Point& x, const std::vector<double>& weight) {
    Point result{};
    for (std::size_t j = 0; j < kInputs; ++j) {
      std::array<Dual, kInputs> numbers;
      for (std::size_t k = 0; k < kInputs; ++k) numbers[k] = Dual(x[k], k == j ? 1.0 : 0.0);
      const auto next = apply(numbers);
      for (std::size_t s = 0; s < kOutputs; ++s) result[j] += weight[s] * next[s].slope.value;
    }
    return result;
  }

  static double central_difference(Point x, std::size_t j, const std::vector<double>& weight) {
    const double at = x[j];
    x[j] = at + kStepWidth;
    const double above = weighted(x, weight);
    x[j] = at - kStepWidth;
    return (above - weighted(x, weight)) / (2.0 * kStepWidth);
  }

  /// True if no max, less, … decides otherwise within the width of a central difference, where the
  /// step has no derivative.
  static bool is_smooth(const Point& x, std::size_t j) {
    const auto decisions = [&](double shift) {
      Point moved = x;
      moved[j] += shift;
      const Program& program = kPrograms<C>.forward;
      const auto values =
          evaluate<Real>(program, [&](Input kind, int n) -> Real { return moved[index(kind, n)]; });
      std::vector<bool> result;
      for (int i = 0; i < program.size; ++i) {
        const Node& node = program[i];
        const auto operand = [&](int n) { return values[static_cast<std::size_t>(n)].value; };
        if (node.op == Op::kAbs || node.op == Op::kRelu) result.push_back(operand(node.a) > 0);
        if (node.op == Op::kMax || node.op == Op::kMin || node.op == Op::kLess) {
          result.push_back(operand(node.a) < operand(node.b));
        }
      }
      return result;
    };
    return decisions(kStepWidth) == decisions(-kStepWidth);
  }
};

struct Errors {
  double against_dual = 0.0;
  double against_differences = 0.0;
  int not_smooth = 0;
};

/// The largest errors over many random points, relative to the largest gradient at the point.
template <class C>
Errors largest_errors(const CellPrograms& programs) {
  using S = Step<C>;
  Random random(7);
  const auto uniform = [&] { return 4.0 * random.uniform() - 2.0; };
  Errors errors;
  for (int point = 0; point < kPoints; ++point) {
    typename S::Point x;
    std::generate(x.begin(), x.end(), uniform);
    std::vector<double> weight(S::kOutputs);
    std::generate(weight.begin(), weight.end(), uniform);

    const auto adjoint = S::adjoint(programs, x, weight);
    const auto dual = S::forward_mode(x, weight);
    double scale = 1e-3;
    for (const double g : dual) scale = std::max(scale, std::abs(g));
    for (std::size_t j = 0; j < S::kInputs; ++j) {
      errors.against_dual = std::max(errors.against_dual, std::abs(adjoint[j] - dual[j]) / scale);
      if (!S::is_smooth(x, j)) {
        ++errors.not_smooth;
        continue;
      }
      const double difference = S::central_difference(x, j, weight);
      errors.against_differences =
          std::max(errors.against_differences, std::abs(adjoint[j] - difference) / scale);
    }
  }
  return errors;
}

template <class C>
class Derivatives : public testing::Test {};

using AllCells =
    testing::Types<cells::LSTM, cells::GRU, cells::RNNTanh, cells::RNNRelu, cells::Memoryless,
                   odd_cells::Everything, odd_cells::SLSTM, odd_cells::IndRNN, odd_cells::AllSplit,
                   odd_cells::Degenerate, odd_cells::CoupledLSTM>;

struct CellName {
  template <class C>
  static std::string GetName(int) {
    return C::name;
  }
};

TYPED_TEST_SUITE(Derivatives, AllCells, CellName);

TYPED_TEST(Derivatives, AdjointEqualsForwardModeAndDifferences) {
  const Errors errors = largest_errors<TypeParam>(kPrograms<TypeParam>);
  EXPECT_LE(errors.against_dual, 1e-9);
  EXPECT_LE(errors.against_differences, 1e-6);
  EXPECT_LE(errors.not_smooth, kPoints / 100);
  this->RecordProperty("against_dual", std::to_string(errors.against_dual));
}

TYPED_TEST(Derivatives, ForwardProgramIsTheStep) {
  using S = Step<TypeParam>;
  Random random(8);
  const CellPrograms& programs = kPrograms<TypeParam>;
  for (int point = 0; point < kPoints; ++point) {
    std::array<Real, S::kInputs> x;
    std::generate(x.begin(), x.end(), [&] { return Real(6.0 * random.uniform() - 3.0); });
    const auto step = S::apply(x);
    const auto values =
        evaluate<Real>(programs.forward, [&](Input kind, int n) { return x[S::index(kind, n)]; });
    for (int s = 0; s < programs.sizes.states; ++s) {
      const double expected = step[static_cast<std::size_t>(s)].value;
      const double actual = values[static_cast<std::size_t>(programs.next_state(s))].value;
      ASSERT_NEAR(actual, expected, 1e-15 + 1e-14 * std::abs(expected));
    }
  }
}

using EachStep = Step<odd_cells::EachFunction>;

/// ∂(h + s + t + u)/∂gate of EachFunction, by both ways, where all gates but some are 0.75.
struct Slopes {
  EachStep::Point adjoint, dual;
};
Slopes slopes(const std::vector<std::pair<int, double>>& arguments) {
  EachStep::Point x;
  x.fill(0.75);
  for (const auto& [gate, value] : arguments) x[static_cast<std::size_t>(gate)] = value;
  const std::vector<double> weight(EachStep::kOutputs, 1.0);
  Slopes result{EachStep::adjoint(kPrograms<odd_cells::EachFunction>, x, weight), {}};
  // One gate at a time: the value of another function may be infinite.
  std::array<Dual, EachStep::kInputs> numbers;
  for (std::size_t j = 0; j < EachStep::kInputs; ++j) {
    for (std::size_t k = 0; k < EachStep::kInputs; ++k) numbers[k] = Dual(x[k], k == j ? 1.0 : 0.0);
    result.dual[j] = 0.0;
    for (const Dual& next : EachStep::apply(numbers)) result.dual[j] += next.slope.value;
  }
  return result;
}

/// Numbers of each sign and exponent that float32 has, and between.
std::vector<double> whole_range() {
  std::vector<double> numbers = {0.0};
  for (int exponent = -126; exponent < 127; ++exponent) {
    for (const double mantissa : {1.0, 1.3, 1.7}) {
      numbers.push_back(std::ldexp(mantissa, exponent));
      numbers.push_back(-std::ldexp(mantissa, exponent));
    }
  }
  for (int i = -2000; i <= 2000; ++i) numbers.push_back(i * 0.05);
  return numbers;
}

TEST(DerivativesOfFunctions, AreExactOverTheWholeRange) {
  enum Gate { kExp, kLog, kTanh, kSigmoid, kLogSigmoid, kSqrt, kAbs, kRelu, kDivA, kDivB, kMaxA };
  const std::vector<double> range = whole_range();
  for (std::size_t i = 0; i < range.size(); ++i) {
    const double a = range[i];
    const double b = range[(7 * i + 3) % range.size()];
    const auto expect_slope = [&](Gate gate, double absolute,
                                  std::vector<std::pair<int, double>> of) {
      const Slopes s = slopes(of);
      const auto at = static_cast<std::size_t>(gate);
      if (!std::isfinite(s.dual[at])) return;
      const double tolerance = absolute + 1e-15 * std::abs(s.dual[at]) + 1e-300;
      ASSERT_NEAR(s.adjoint[at], s.dual[at], tolerance)
          << "gate " << at << " of " << a << ", " << b;
    };
    // From the function's value alone: with the error of the largest value.
    expect_slope(kTanh, 4e-16, {{kTanh, a}});
    expect_slope(kSigmoid, 2e-16, {{kSigmoid, a}});
    if (a < 0) expect_slope(kSigmoid, 0, {{kSigmoid, a}});
    expect_slope(kExp, 0, {{kExp, a}});
    expect_slope(kLogSigmoid, 0, {{kLogSigmoid, a}});
    expect_slope(kAbs, 0, {{kAbs, a}});
    expect_slope(kRelu, 0, {{kRelu, a}});
    if (a > 0) expect_slope(kLog, 0, {{kLog, a}});
    if (a > 0) expect_slope(kSqrt, 0, {{kSqrt, a}});
    for (const int second : {0, 1}) {
      const auto other = [second](int gate) { return static_cast<Gate>(gate + second); };
      if (b != 0) expect_slope(other(kDivA), 0, {{kDivA, a}, {kDivB, b}});
      for (const double c : {b, a}) {
        for (const int function : {0, 2, 4}) {  // max, min, select
          const int first = kMaxA + function;
          expect_slope(other(first), 0, {{first, a}, {first + 1, c}});
        }
      }
    }
  }
}

// The comparison sees a single wrong sign anywhere in the backward.
TEST(DerivativesControl, AWrongSignIsFound) {
  const CellPrograms& good = kPrograms<cells::LSTM>;
  int changed = 0;
  for (int i = 0; i < good.backward.size; ++i) {
    CellPrograms wrong = good;
    Node& node = wrong.backward.nodes[static_cast<std::size_t>(i)];
    if (node.op != Op::kAdd && node.op != Op::kSub) continue;
    node.op = node.op == Op::kAdd ? Op::kSub : Op::kAdd;
    ++changed;
    const Errors errors = largest_errors<cells::LSTM>(wrong);
    EXPECT_GT(errors.against_dual, 1e-3) << "node " << i;
    EXPECT_GT(errors.against_differences, 1e-3) << "node " << i;
  }
  EXPECT_GE(changed, 6);
}

}  // namespace
}  // namespace riverrun
