// The derived backward of every cell against two derivatives that know nothing of it: forward mode
// (Dual) on the step as it is written, and central differences.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
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
