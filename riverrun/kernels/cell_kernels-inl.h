// The kernels of one cell, generated from its Programs by the compiler. Included once per SIMD
// target, through hwy/foreach_target.h, by the translation unit that cmake/RiverrunAddCell.cmake
// makes for a cell.

#if defined(RIVERRUN_KERNELS_CELL_KERNELS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef RIVERRUN_KERNELS_CELL_KERNELS_INL_H_
#undef RIVERRUN_KERNELS_CELL_KERNELS_INL_H_
#else
#define RIVERRUN_KERNELS_CELL_KERNELS_INL_H_
#endif

#include <array>
#include <cstdint>
#include <utility>

#include "hwy/highway.h"

#include "riverrun/cell/cell.h"
#include "riverrun/kernels/apply-inl.h"
#include "riverrun/kernels/product-inl.h"
#include "riverrun/kernels/sequence-inl.h"

HWY_BEFORE_NAMESPACE();
namespace riverrun::kernels {
namespace HWY_NAMESPACE {

/// Applies node I of program P to vectors; `inputs(kind, number)` loads an input.
template <const Program& P, int I, class Inputs>
HWY_INLINE void EvaluateNode(VF* HWY_RESTRICT values, const Inputs& inputs) {
  const DF d;
  constexpr Node n = P[I];
  if constexpr (n.op == Op::kInput) {
    values[I] = inputs.template Load<n.input, n.a>();
  } else if constexpr (n.op == Op::kConstant) {
    values[I] = hn::Set(d, static_cast<float>(n.constant));
  } else if constexpr (n.op == Op::kAdd) {
    // An addition to a product that nothing else needs is one instruction.
    constexpr auto kUses = P.uses();
    if constexpr (P[n.b].op == Op::kMul && kUses[n.b] == 1) {
      values[I] = hn::MulAdd(values[P[n.b].a], values[P[n.b].b], values[n.a]);
    } else if constexpr (P[n.a].op == Op::kMul && kUses[n.a] == 1) {
      values[I] = hn::MulAdd(values[P[n.a].a], values[P[n.a].b], values[n.b]);
    } else {
      values[I] = hn::Add(values[n.a], values[n.b]);
    }
  } else if constexpr (n.op == Op::kSub) {
    constexpr auto kUses = P.uses();
    if constexpr (P[n.b].op == Op::kMul && kUses[n.b] == 1) {
      values[I] = hn::NegMulAdd(values[P[n.b].a], values[P[n.b].b], values[n.a]);
    } else {
      values[I] = hn::Sub(values[n.a], values[n.b]);
    }
  } else if constexpr (operands(n.op) == 1) {
    values[I] = Apply<n.op>(values[n.a]);
  } else if constexpr (operands(n.op) == 2) {
    values[I] = Apply<n.op>(values[n.a], values[n.b]);
  } else {
    values[I] = Apply<n.op>(values[n.a], values[n.b], values[n.c]);
  }
}

template <const Program& P, class Inputs, int... I>
HWY_INLINE void EvaluateNodes(VF* HWY_RESTRICT values, const Inputs& inputs,
                              std::integer_sequence<int, I...>) {
  (EvaluateNode<P, I>(values, inputs), ...);
}

/// The values of all nodes of P; those that are not outputs stay in registers or vanish.
template <const Program& P, class Inputs>
HWY_INLINE void Evaluate(VF* HWY_RESTRICT values, const Inputs& inputs) {
  EvaluateNodes<P>(values, inputs, std::make_integer_sequence<int, P.size>());
}

/// The step of cell C and its derivative, compiled.
template <class C>
struct CompiledCell {
  // Copies, as a template argument may not be a part of an object before clang 18.
  static constexpr Program kForward = kPrograms<C>.forward;
  static constexpr Program kBackward = kPrograms<C>.backward;
  static constexpr int kValues = static_cast<int>(kGateValues<C>);
  static constexpr int kStates = static_cast<int>(kStateCount<C>);
  static constexpr int kParams = static_cast<int>(kParamCount<C>);
  static constexpr int kSaved = kPrograms<C>.saved;
  static_assert(kStates <= kMaxStates && kParams <= kMaxParams);

  /// Where a vector of units stands. Only the last one of a row may be incomplete; that the others
  /// are not is known to the compiler.
  template <bool kIsWhole>
  struct Place {
    std::int64_t row, unit, count;

    HWY_INLINE VF Load(Rows<const float> from, std::int64_t offset = 0) const {
      return LoadAt(from(row) + offset);
    }
    HWY_INLINE VF Load(Rows<float> from, std::int64_t offset = 0) const {
      return LoadAt(from(row) + offset);
    }
    HWY_INLINE VF LoadAt(const float* p) const {
      if constexpr (kIsWhole) return hn::LoadU(DF(), p + unit);
      return LoadFirst(p + unit, count);
    }
    HWY_INLINE void Store(VF v, Rows<float> to, std::int64_t offset = 0) const {
      if constexpr (kIsWhole) {
        hn::StoreU(v, DF(), to(row) + offset + unit);
      } else {
        StoreFirst(v, to(row) + offset + unit, count);
      }
    }
  };

  template <class At>
  struct ForwardInputs {
    const ForwardRows& args;
    const At& at;

    template <Input kKind, int kNumber>
    HWY_INLINE VF Load() const {
      if constexpr (kKind == Input::kGate) {
        return at.Load(args.gates, kNumber * args.hidden);
      } else if constexpr (kKind == Input::kState) {
        const VF state = at.Load(args.previous[kNumber]);
        return kNumber == 0 ? state : FlushSubnormal(DF(), state);  // h was flushed when stored
      } else {
        return at.LoadAt(args.params[kNumber]);
      }
    }
  };

  template <class At>
  static HWY_INLINE void ForwardAt(const ForwardRows& args, const At& at) {
    VF values[kForward.size];
    Evaluate<kForward>(values, ForwardInputs<At>{args, at});
    at.Store(FlushSubnormal(DF(), values[kForward.output(0)]), args.next[0]);
    for (int s = 1; s < kStates; ++s) at.Store(values[kForward.output(s)], args.next[s]);
    if (args.saved.data == nullptr) return;
    for (int k = 0; k < kSaved; ++k) {
      at.Store(values[kForward.output(kStates + k)], args.saved, k * args.hidden);
    }
  }

  template <class At>
  struct BackwardInputs {
    const BackwardRows& args;
    const At& at;

    template <Input kKind, int kNumber>
    HWY_INLINE VF Load() const {
      if constexpr (kKind == Input::kState) {
        return at.Load(args.previous[kNumber]);
      } else if constexpr (kKind == Input::kNextState) {
        return at.Load(args.next[kNumber]);
      } else if constexpr (kKind == Input::kParam) {
        return at.LoadAt(args.params[kNumber]);
      } else if constexpr (kKind == Input::kSaved) {
        return at.Load(args.saved, kNumber * args.hidden);
      } else if constexpr (kNumber > 0) {
        return at.Load(args.grad_states[kNumber]);
      } else {
        const VF grad_h = at.Load(args.grad_h);
        return args.grad_output.data == nullptr ? grad_h
                                                : hn::Add(grad_h, at.Load(args.grad_output));
      }
    }
  };

  template <class At>
  static HWY_INLINE void BackwardAt(const BackwardRows& args, const At& at) {
    VF values[kBackward.size];
    Evaluate<kBackward>(values, BackwardInputs<At>{args, at});
    for (int v = 0; v < kValues; ++v) {
      at.Store(values[kBackward.output(v)], args.grad_gates, v * args.hidden);
    }
    for (int s = 0; s < kStates; ++s) {
      if (s == 0 && args.grad_states[0].data == nullptr) continue;
      at.Store(values[kBackward.output(kValues + s)], args.grad_states[s]);
    }
    for (int p = 0; p < kParams; ++p) {
      at.Store(hn::Add(at.Load(args.grad_params, p * args.hidden),
                       values[kBackward.output(kValues + kStates + p)]),
               args.grad_params, p * args.hidden);
    }
  }

  static void Forward(const ForwardRows& args) {
    for (std::int64_t row = 0; row < args.rows; ++row) {
      std::int64_t unit = args.unit_begin;
      for (; unit + kLanes <= args.unit_end; unit += kLanes) {
        ForwardAt(args, Place<true>{row, unit, kLanes});
      }
      if (unit < args.unit_end) ForwardAt(args, Place<false>{row, unit, args.unit_end - unit});
    }
  }

  static void Backward(const BackwardRows& args) {
    for (std::int64_t row = 0; row < args.rows; ++row) {
      std::int64_t unit = args.unit_begin;
      for (; unit + kLanes <= args.unit_end; unit += kLanes) {
        BackwardAt(args, Place<true>{row, unit, kLanes});
      }
      if (unit < args.unit_end) BackwardAt(args, Place<false>{row, unit, args.unit_end - unit});
    }
  }
};

namespace {

void CellForward(const ForwardArgs& args, const Part& part) {
  ForwardSequence<CompiledCell<RIVERRUN_CELL>>(args, part);
}
void CellBackward(const BackwardArgs& args, const Part& part) {
  BackwardSequence<CompiledCell<RIVERRUN_CELL>>(args, part);
}
void CellStep(const StepArgs& args, std::int64_t share, std::int64_t shares) {
  Step<CompiledCell<RIVERRUN_CELL>>(args, share, shares);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace riverrun::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace riverrun {
namespace kernels {

HWY_EXPORT(CellForward);
HWY_EXPORT(CellBackward);
HWY_EXPORT(CellStep);

}  // namespace kernels

template <class C>
const CellDescriptor& cell() {
  using namespace kernels;  // NOLINT(google-build-using-namespace): the dispatch tables are there
  static constexpr CellKernels kKernels = {
      .forward =
          [](const ForwardArgs& args, const Part& part) {
            HWY_DYNAMIC_DISPATCH(CellForward)
            (args, part);
          },
      .backward =
          [](const BackwardArgs& args, const Part& part) {
            HWY_DYNAMIC_DISPATCH(CellBackward)
            (args, part);
          },
      .step =
          [](const StepArgs& args, std::int64_t share, std::int64_t shares) {
            HWY_DYNAMIC_DISPATCH(CellStep)
            (args, share, shares);
          },
  };
  // Never destroyed: networks may still compute while the process ends.
  static const CellDescriptor& kDescriptor = *new CellDescriptor(describe<C>(kKernels));
  return kDescriptor;
}

template const CellDescriptor& cell<RIVERRUN_CELL>();

}  // namespace riverrun
#endif  // HWY_ONCE

#endif  // RIVERRUN_KERNELS_CELL_KERNELS_INL_H_
