#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <vector>

#include "riverrun/core/random.h"
#include "riverrun/core/tensor.h"

namespace riverrun {

class Tape;

/// A value that a Tape has recorded: a handle, cheap to copy, valid until the tape is cleared or
/// destroyed. One from before clear(), or made by default, has no value: all its functions, and
/// whoever is given it, throw Error. What is to last longer is copied: Tensor h = state[0].value().
class Var {
 public:
  Var() = default;
  [[nodiscard]] const Tensor& value() const;
  [[nodiscard]] const Shape& shape() const { return value().shape(); }
  /// The gradient after Tape::backward; empty if nothing asked for it or reached it.
  [[nodiscard]] const Tensor& grad() const;
  [[nodiscard]] bool requires_grad() const;
  [[nodiscard]] Tape& tape() const;

 private:
  friend class Tape;
  void require_value() const;
  Var(Tape* tape, std::size_t index, std::uint64_t step)
      : tape_(tape), index_(index), step_(step) {}
  Tape* tape_ = nullptr;
  std::size_t index_ = 0;
  std::uint64_t step_ = 0;  // the tape's, when it was recorded
};

/// Records what the layers compute, so that gradients come without writing a backward:
///
///   Tape tape;
///   Var y = lstm.forward(tape, tape.input(x)).output;
///   Var loss = cross_entropy(linear.forward(tape, y), targets);
///   tape.backward(loss);               // every Parameter's grad() has been added to
///   tape.clear();                      // memory is kept for the next step
///
/// A layer computes its output and calls `record` with the function that carries the output's
/// gradient back: forward and backward stand in one place. One thread at a time.
class Tape {
 public:
  /// `training` switches dropout on; `seed` is for what it draws.
  explicit Tape(bool training = true, std::uint64_t seed = 0)
      : random_(seed), training_(training) {}
  Tape(const Tape&) = delete;
  Tape& operator=(const Tape&) = delete;

  [[nodiscard]] bool training() const noexcept { return training_; }
  /// What dropout draws from. Its state can be saved and set back, to resume a training run.
  [[nodiscard]] Random& random() noexcept { return random_; }

  /// A value from outside; one that is borrowed is copied, here as in record(), as operations may
  /// read a little behind a value. With `requires_grad`, its gradient is there after backward().
  Var input(Tensor value, bool requires_grad = false);

  /// A value that a layer computed. `backward(grad)` gets ∂loss/∂value and must add to the
  /// gradients of what it came from, by Tape::grad and Parameter::mutable_grad. It is called at
  /// most once, after those of all values recorded later, and not if no gradient reaches the
  /// value. Tensors that it owns should be recycled at its end. Without a function (nullptr) the
  /// value is a constant.
  using Backward = std::function<void(const Tensor& grad)>;
  Var record(Tensor value, Backward backward);

  /// The value of `v`, in place, valid until clear(): for layers that are given it as a weight.
  /// Throws Error as require_own.
  [[nodiscard]] Tensor borrow(Var v);

  /// Throws Error unless `v` has been recorded by this tape since the last clear(): for functions
  /// that are given values and the tape to record on.
  void require_own(Var v) const;

  /// The gradient of `v`, for adding to; zeros at first. This and add_grad throw Error as
  /// require_own, and for a constant: ask v.requires_grad() first.
  [[nodiscard]] Tensor& grad(Var v);
  /// The gradient of `v` handed over whole: moved if it is the first, added and recycled otherwise.
  void add_grad(Var v, Tensor&& grad);

  /// Runs the recorded functions from the last to the first, beginning with ∂loss/∂loss = 1.
  /// Throws ShapeError unless loss holds one element, and Error the second time before clear() or
  /// if the loss is a constant: if it depends on no parameter and no input that requires a
  /// gradient.
  void backward(Var loss);
  /// The same from several values with given upstream gradients of their shapes. Throws before any
  /// gradient has changed.
  struct Upstream {
    Var value;
    Tensor grad;
  };
  void backward(std::vector<Upstream> upstream);

  /// Forgets everything recorded and keeps its memory for the tensors of the next step. Memory that
  /// no tensor has used since the last clear() is freed, so that what is kept does not grow.
  void clear();

  /// A tensor with undefined values, from the smallest kept memory that fits without wasting more
  /// than half of it; newly allocated if there is none.
  [[nodiscard]] Tensor allocate(const Shape& shape);
  [[nodiscard]] Tensor allocate_zeros(const Shape& shape);
  /// Gives a tensor's memory back before clear().
  void recycle(Tensor&& tensor);

 private:
  friend class Var;
  struct Node {
    Tensor value;
    Tensor grad;
    Backward backward;
    bool requires_grad = false;
  };
  std::deque<Node> nodes_;  // a deque, so that references to values survive recording
  struct Kept {
    Tensor memory;
    std::uint64_t step = 0;  // when it was last given back
  };
  std::multimap<std::size_t, Kept> kept_;  // by capacity
  Node& node_with_grad(Var v, const char* who);
  static std::uint64_t next_step() noexcept;
  // Of what is being recorded; no two recordings of the process have the same.
  std::uint64_t step_ = next_step();
  Random random_;
  bool training_;
  bool ran_backward_ = false;
};

}  // namespace riverrun
