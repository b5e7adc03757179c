#pragma once

#include <concepts>
#include <cstdint>
#include <stdexcept>
#include <type_traits>

#include "riverrun/cell/fail.h"
#include "riverrun/cell/program.h"

namespace riverrun {

namespace detail {
/// The number of the trace that make_cell is recording on this thread; 0: none. (runtime_cell.cpp;
/// an inline variable would be one that keeps a plug-in from being unloaded.)
[[nodiscard]] std::uint64_t current_trace() noexcept;
}  // namespace detail

/// A symbol: arithmetic on it is recorded in a Program instead of being carried out. It belongs to
/// the trace of one step; used in another, it is refused: by the compiler where that traces, else
/// by std::logic_error.
class Sym {
 public:
  constexpr Sym() = default;
  constexpr Sym(double constant)  // NOLINT(google-explicit-constructor): constants in a step
      : constant_(constant) {}
  constexpr Sym(Program& program, int node)
      : program_(&program), trace_(trace_of_caller()), node_(node) {}

  /// The number of this symbol's node in `program`.
  [[nodiscard]] constexpr int node(Program& program) const {
    if (program_ == nullptr) return program.constant(constant_);
    if (program_ != &program) refuse_number_of_another_trace();
    check_trace();
    return node_;
  }

  /// Asked for by `if`, `?:`, `&&`, `||` and `!`, which are impossible: a step is traced once,
  /// before any number is known.
  template <class Bool>
  requires std::same_as<Bool, bool>
  explicit constexpr operator Bool() const {
    static_assert(sizeof(Bool) == 0,
                  "a cell's step cannot branch on a number: write select(less(a, b), x, y)");
    return false;
  }

  friend constexpr Sym operator+(Sym a, Sym b) { return binary(Op::kAdd, a, b); }
  friend constexpr Sym operator-(Sym a, Sym b) { return binary(Op::kSub, a, b); }
  friend constexpr Sym operator*(Sym a, Sym b) { return binary(Op::kMul, a, b); }
  friend constexpr Sym operator/(Sym a, Sym b) { return binary(Op::kDiv, a, b); }
  friend constexpr Sym operator-(Sym a) { return unary(Op::kNeg, a); }

  friend constexpr Sym exp(Sym a) { return unary(Op::kExp, a); }
  friend constexpr Sym log(Sym a) { return unary(Op::kLog, a); }
  friend constexpr Sym tanh(Sym a) { return unary(Op::kTanh, a); }
  friend constexpr Sym sigmoid(Sym a) { return unary(Op::kSigmoid, a); }
  friend constexpr Sym log_sigmoid(Sym a) { return unary(Op::kLogSigmoid, a); }
  friend constexpr Sym sqrt(Sym a) { return unary(Op::kSqrt, a); }
  friend constexpr Sym abs(Sym a) { return unary(Op::kAbs, a); }
  friend constexpr Sym relu(Sym a) { return unary(Op::kRelu, a); }
  friend constexpr Sym max(Sym a, Sym b) { return binary(Op::kMax, a, b); }
  friend constexpr Sym min(Sym a, Sym b) { return binary(Op::kMin, a, b); }
  friend constexpr Sym less(Sym a, Sym b) { return binary(Op::kLess, a, b); }
  friend constexpr Sym select(Sym condition, Sym if_true, Sym if_false) {
    Program* program = condition.program_ != nullptr ? condition.program_
                       : if_true.program_ != nullptr ? if_true.program_
                                                     : if_false.program_;
    if (program == nullptr) return condition.constant_ != 0.0 ? if_true : if_false;
    for (const Sym& operand : {condition, if_true, if_false}) operand.check_trace();
    return {*program, program->select(condition.node(*program), if_true.node(*program),
                                      if_false.node(*program))};
  }

#define RIVERRUN_NO_COMPARISON(op)                                                      \
  template <class Other>                                                                \
  constexpr bool operator op(const Other&) const {                                      \
    static_assert(sizeof(Other) == 0, "a cell's step cannot compare with " #op          \
                                      ": write select(less(a, b), x, y), max(a, b) or " \
                                      "min(a, b)");                                     \
    return false;                                                                       \
  }
  RIVERRUN_NO_COMPARISON(<)
  RIVERRUN_NO_COMPARISON(>)
  RIVERRUN_NO_COMPARISON(<=)
  RIVERRUN_NO_COMPARISON(>=)
  RIVERRUN_NO_COMPARISON(==)
  RIVERRUN_NO_COMPARISON(!=)
#undef RIVERRUN_NO_COMPARISON

 private:
  static constexpr Sym binary(Op op, Sym a, Sym b) {
    Program* program = a.program_ != nullptr ? a.program_ : b.program_;
    // Two constants, as in 1.0 - T(0.5): there is no program yet to record them in.
    if (program == nullptr) {
      Program scratch;
      const int result = scratch.binary(op, a.node(scratch), b.node(scratch));
      if (scratch[result].op != Op::kConstant) {
        fail<std::logic_error>("a cell's step applies a function to constants alone");
      }
      return scratch[result].constant;
    }
    a.check_trace();
    b.check_trace();
    return {*program, program->binary(op, a.node(*program), b.node(*program))};
  }
  static constexpr Sym unary(Op op, Sym a) {
    if (a.program_ == nullptr) {
      if (op == Op::kNeg) return -a.constant_;
      fail<std::logic_error>("a cell's step applies a function to a constant");
    }
    a.check_trace();
    return {*a.program_, a.program_->unary(op, a.node_)};
  }

  /// Before a program is touched: that of a trace which is over may be gone, and another may lie
  /// where it was. The compiler, which keeps to lifetimes, needs no numbers.
  constexpr void check_trace() const {
    if (program_ != nullptr && trace_ != trace_of_caller()) refuse_number_of_another_trace();
  }
  [[nodiscard]] static constexpr std::uint64_t trace_of_caller() {
    return std::is_constant_evaluated() ? 0 : detail::current_trace();
  }
  [[noreturn]] static void refuse_number_of_another_trace() {
    fail<std::logic_error>(
        "a cell's step uses a number (Sym) of another step's trace; it may use only its arguments "
        "and what it computes from them");
  }

  Program* program_ = nullptr;
  std::uint64_t trace_ = 0;
  int node_ = -1;
  double constant_ = 0.0;
};

}  // namespace riverrun
