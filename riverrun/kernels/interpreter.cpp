#include "riverrun/kernels/highway-config.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "riverrun/kernels/interpreter.cpp"
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

#include "hwy/foreach_target.h"
#include "hwy/highway.h"

#include "riverrun/kernels/apply-inl.h"
#include "riverrun/kernels/cell_kernels.h"
#include "riverrun/kernels/product-inl.h"
#include "riverrun/kernels/sequence-inl.h"

HWY_BEFORE_NAMESPACE();
namespace riverrun::kernels {
namespace HWY_NAMESPACE {
namespace {

// Units that a node is applied to before the next node: enough to make the choice of the operation
// cheap, few enough that the values of all nodes stay in the cache.
constexpr std::int64_t kUnits = 64;

void FlushSubnormals(float* values, std::int64_t count) {
  for (std::int64_t u = 0; u < count; u += kLanes) {
    StoreFirst(FlushSubnormal(DF(), LoadFirst(values + u, count - u)), values + u, count - u);
  }
}

/// The values of all nodes of a program for some units.
class NodeValues {
 public:
  /// With `flushes`, states other than h that are subnormal are taken for 0: h was flushed when
  /// stored.
  explicit NodeValues(bool flushes) : flushes_(flushes) {}

  float* operator[](int node) { return values_ + node * kUnits; }

  /// Computes all nodes for `count` units; `input(kind, number)` is where an input's values are.
  template <class InputOf>
  void Evaluate(const Program& program, std::int64_t count, const InputOf& input) {
    for (int i = 0; i < program.size; ++i) {
      const Node& node = program[i];
      float* out = (*this)[i];
      if (node.op == Op::kInput) {
        std::memcpy(out, input(node.input, node.a),
                    static_cast<std::size_t>(count) * sizeof(float));
        if (flushes_ && node.input == Input::kState && node.a > 0) FlushSubnormals(out, count);
        std::fill(out + count, out + kUnits, 0.0f);  // computed along and dropped
      } else if (node.op == Op::kConstant) {
        std::fill(out, out + kUnits, static_cast<float>(node.constant));
      } else {
        Compute(node, out, count);
      }
    }
  }

 private:
  template <Op kOp>
  void Map(const Node& node, float* out, std::int64_t count) {
    const DF d;
    const float* a = (*this)[node.a];
    for (std::int64_t u = 0; u < count; u += kLanes) {
      if constexpr (operands(kOp) == 1) {
        hn::Store(Apply<kOp>(hn::Load(d, a + u)), d, out + u);
      } else if constexpr (operands(kOp) == 2) {
        const float* b = (*this)[node.b];
        hn::Store(Apply<kOp>(hn::Load(d, a + u), hn::Load(d, b + u)), d, out + u);
      } else {
        const float* b = (*this)[node.b];
        const float* c = (*this)[node.c];
        hn::Store(Apply<kOp>(hn::Load(d, a + u), hn::Load(d, b + u), hn::Load(d, c + u)), d,
                  out + u);
      }
    }
  }

  void Compute(const Node& node, float* out, std::int64_t count) {
    switch (node.op) {
      case Op::kInput:
      case Op::kConstant:
        break;
      case Op::kAdd:
        return Map<Op::kAdd>(node, out, count);
      case Op::kSub:
        return Map<Op::kSub>(node, out, count);
      case Op::kMul:
        return Map<Op::kMul>(node, out, count);
      case Op::kDiv:
        return Map<Op::kDiv>(node, out, count);
      case Op::kNeg:
        return Map<Op::kNeg>(node, out, count);
      case Op::kExp:
        return Map<Op::kExp>(node, out, count);
      case Op::kLog:
        return Map<Op::kLog>(node, out, count);
      case Op::kTanh:
        return Map<Op::kTanh>(node, out, count);
      case Op::kSigmoid:
        return Map<Op::kSigmoid>(node, out, count);
      case Op::kLogSigmoid:
        return Map<Op::kLogSigmoid>(node, out, count);
      case Op::kSqrt:
        return Map<Op::kSqrt>(node, out, count);
      case Op::kAbs:
        return Map<Op::kAbs>(node, out, count);
      case Op::kRelu:
        return Map<Op::kRelu>(node, out, count);
      case Op::kMax:
        return Map<Op::kMax>(node, out, count);
      case Op::kMin:
        return Map<Op::kMin>(node, out, count);
      case Op::kLess:
        return Map<Op::kLess>(node, out, count);
      case Op::kSelect:
        return Map<Op::kSelect>(node, out, count);
    }
  }

  HWY_ALIGN float values_[Program::kMaxNodes * kUnits];
  bool flushes_;
};

/// The step of any cell and its derivative, node by node over stretches of units.
struct Interpreter {
  template <class Rows>
  static void ForUnits(const Rows& args, const auto& body) {
    for (std::int64_t row = 0; row < args.rows; ++row) {
      for (std::int64_t unit = args.unit_begin; unit < args.unit_end; unit += kUnits) {
        body(row, unit, std::min(kUnits, args.unit_end - unit));
      }
    }
  }

  static void Forward(const ForwardRows& args) {
    const CellPrograms& programs = args.cell->programs;
    NodeValues values(/*flushes=*/true);
    ForUnits(args, [&](std::int64_t row, std::int64_t unit, std::int64_t count) {
      values.Evaluate(programs.forward, count, [&](Input kind, int number) -> const float* {
        const auto n = static_cast<std::size_t>(number);
        switch (kind) {
          case Input::kGate:
            return args.gates(row) + number * args.hidden + unit;
          case Input::kState:
            return args.previous[n](row) + unit;
          default:
            return args.params[n] + unit;
        }
      });
      const auto keep = [&](int output, float* to) {
        std::memcpy(to + unit, values[programs.forward.output(output)],
                    static_cast<std::size_t>(count) * sizeof(float));
      };
      for (int s = 0; s < programs.sizes.states; ++s) {
        keep(s, args.next[static_cast<std::size_t>(s)](row));
      }
      FlushSubnormals(args.next[0](row) + unit, count);
      if (args.saved.data == nullptr) return;
      for (int k = 0; k < programs.saved; ++k) {
        keep(programs.sizes.states + k, args.saved(row) + k * args.hidden);
      }
    });
  }

  static void Backward(const BackwardRows& args) {
    const CellPrograms& programs = args.cell->programs;
    NodeValues values(/*flushes=*/false);
    float grad_h[kUnits];
    ForUnits(args, [&](std::int64_t row, std::int64_t unit, std::int64_t count) {
      for (std::int64_t u = 0; u < count; ++u) {
        grad_h[u] = args.grad_h(row)[unit + u];
        if (args.grad_output.data != nullptr) grad_h[u] += args.grad_output(row)[unit + u];
      }
      values.Evaluate(programs.backward, count, [&](Input kind, int number) -> const float* {
        const auto n = static_cast<std::size_t>(number);
        switch (kind) {
          case Input::kState:
            return args.previous[n](row) + unit;
          case Input::kNextState:
            return args.next[n](row) + unit;
          case Input::kParam:
            return args.params[n] + unit;
          case Input::kSaved:
            return args.saved(row) + number * args.hidden + unit;
          default:
            return number == 0 ? grad_h : args.grad_states[n](row) + unit;
        }
      });
      const std::size_t bytes = static_cast<std::size_t>(count) * sizeof(float);
      int output = 0;
      const auto gradient = [&] { return values[programs.backward.output(output++)]; };
      for (int v = 0; v < programs.sizes.gate_values; ++v) {
        std::memcpy(args.grad_gates(row) + v * args.hidden + unit, gradient(), bytes);
      }
      for (std::size_t s = 0; s < static_cast<std::size_t>(programs.sizes.states); ++s) {
        const float* from = gradient();
        if (s == 0 && args.grad_states[0].data == nullptr) continue;
        std::memcpy(args.grad_states[s](row) + unit, from, bytes);
      }
      for (int p = 0; p < programs.sizes.params; ++p) {
        const float* from = gradient();
        float* sum = args.grad_params(row) + p * args.hidden + unit;
        for (std::int64_t u = 0; u < count; ++u) sum[u] += from[u];
      }
    });
  }
};

void InterpretForward(const ForwardArgs& args, const Part& part) {
  ForwardSequence<Interpreter>(args, part);
}
void InterpretBackward(const BackwardArgs& args, const Part& part) {
  BackwardSequence<Interpreter>(args, part);
}
void InterpretStep(const StepArgs& args, std::int64_t share, std::int64_t shares) {
  Step<Interpreter>(args, share, shares);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace riverrun::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace riverrun::kernels {

HWY_EXPORT(InterpretForward);
HWY_EXPORT(InterpretBackward);
HWY_EXPORT(InterpretStep);

const CellKernels& interpreter_kernels() {
  static constexpr CellKernels kKernels = {
      .forward =
          [](const ForwardArgs& args, const Part& part) {
            HWY_DYNAMIC_DISPATCH(InterpretForward)
            (args, part);
          },
      .backward =
          [](const BackwardArgs& args, const Part& part) {
            HWY_DYNAMIC_DISPATCH(InterpretBackward)
            (args, part);
          },
      .step =
          [](const StepArgs& args, std::int64_t share, std::int64_t shares) {
            HWY_DYNAMIC_DISPATCH(InterpretStep)
            (args, share, shares);
          },
  };
  return kKernels;
}

}  // namespace riverrun::kernels
#endif  // HWY_ONCE
