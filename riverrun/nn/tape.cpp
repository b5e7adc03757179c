#include "riverrun/nn/tape.h"

#include <atomic>
#include <string>
#include <utility>

#include "riverrun/core/error.h"
#include "riverrun/nn/parallel_chunks.h"

namespace riverrun {
namespace {

// A capacity is rounded up to whole cache lines; so many elements more than asked for are never
// waste, or the smallest tensors would be allocated anew at each step.
constexpr std::size_t kSlack = 64;

void check_shape(const char* who, const Tensor& grad, const Tensor& value) {
  if (grad.shape() == value.shape()) return;
  throw ShapeError(std::string(who) + ": gradient is " + grad.shape().to_string() +
                   "; it must have the shape of its value, " + value.shape().to_string());
}

}  // namespace

Tape& Var::tape() const {
  if (tape_ == nullptr) {
    throw Error("Var: it has no value, being made by default; Tape::input and layers make values");
  }
  return *tape_;
}

void Var::require_value() const {
  if (tape().step_ != step_) {
    throw Error(
        "Var: its tape has been cleared or made anew since it was recorded; copy a value that is "
        "to last, and "
        "give it back by Tape::input");
  }
}

const Tensor& Var::value() const {
  require_value();
  return tape_->nodes_[index_].value;
}

const Tensor& Var::grad() const {
  require_value();
  return tape_->nodes_[index_].grad;
}

bool Var::requires_grad() const {
  require_value();
  return tape_->nodes_[index_].requires_grad;
}

void Tape::require_own(Var v) const {
  v.require_value();
  if (v.tape_ != this) throw Error("Tape: the value belongs to another tape");
}

Var Tape::input(Tensor value, bool requires_grad) {
  if (value.is_borrowed()) value = Tensor(value);
  nodes_.push_back({std::move(value), Tensor(), nullptr, requires_grad});
  return {this, nodes_.size() - 1, step_};
}

Var Tape::record(Tensor value, Backward backward) {
  if (value.is_borrowed()) value = Tensor(value);
  const bool requires_grad = backward != nullptr;
  nodes_.push_back({std::move(value), Tensor(), std::move(backward), requires_grad});
  return {this, nodes_.size() - 1, step_};
}

Tensor Tape::borrow(Var v) {
  require_own(v);
  Tensor& value = nodes_[v.index_].value;
  return Tensor::borrow(value.shape(), value.data());
}

Tape::Node& Tape::node_with_grad(Var v, const char* who) {
  require_own(v);
  Node& node = nodes_[v.index_];
  if (!node.requires_grad) {
    throw Error(std::string(who) +
                ": the value is a constant, which has no gradient: ask requires_grad() first");
  }
  return node;
}

Tensor& Tape::grad(Var v) {
  Node& node = node_with_grad(v, "Tape.grad");
  if (node.grad.empty()) node.grad = allocate_zeros(node.value.shape());
  return node.grad;
}

void Tape::add_grad(Var v, Tensor&& grad) {
  Node& node = node_with_grad(v, "Tape.add_grad");
  check_shape("Tape.add_grad", grad, node.value);
  if (node.grad.empty()) {
    node.grad = std::move(grad);
    return;
  }
  float* sum = node.grad.data();
  const float* term = grad.data();
  parallel_chunks(grad.elements(), kElementsPerChunk, [=](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) sum[i] += term[i];
  });
  recycle(std::move(grad));
}

void Tape::backward(Var loss) {
  if (loss.value().elements() != 1) {
    throw ShapeError("Tape.backward: loss is " + loss.shape().to_string() +
                     "; it must hold one element");
  }
  Tensor one = allocate(loss.shape());
  one.fill(1.0f);
  std::vector<Upstream> upstream;
  upstream.push_back({loss, std::move(one)});
  backward(std::move(upstream));
}

void Tape::backward(std::vector<Upstream> upstream) {
  if (ran_backward_) {
    throw Error("Tape.backward: it has run on this recording; clear() must come before the next");
  }
  for (const Upstream& entry : upstream) {
    require_own(entry.value);
    check_shape("Tape.backward", entry.grad, entry.value.value());
    if (!entry.value.requires_grad()) {
      throw Error(
          "Tape.backward: the value is a constant; neither a parameter nor an input that requires "
          "a gradient takes part in it");
    }
  }
  for (Upstream& entry : upstream) add_grad(entry.value, std::move(entry.grad));
  ran_backward_ = true;
  for (std::size_t i = nodes_.size(); i-- > 0;) {
    Node& node = nodes_[i];
    if (node.grad.empty() || !node.backward) continue;
    node.backward(node.grad);
    node.backward = nullptr;
  }
}

std::uint64_t Tape::next_step() noexcept {
  static std::atomic<std::uint64_t> last{0};
  return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

void Tape::clear() {
  std::erase_if(kept_, [this](const auto& entry) { return entry.second.step < step_; });
  for (Node& node : nodes_) {
    recycle(std::move(node.value));
    recycle(std::move(node.grad));
  }
  nodes_.clear();
  step_ = next_step();
  ran_backward_ = false;
}

Tensor Tape::allocate(const Shape& shape) {
  const auto needed = static_cast<std::size_t>(shape.elements());
  const auto found = kept_.lower_bound(needed);
  if (found == kept_.end() || found->first > 2 * needed + kSlack) {
    return Tensor::uninitialized(shape);
  }
  Tensor tensor = std::move(found->second.memory);
  kept_.erase(found);
  tensor.resize(shape);
  return tensor;
}

Tensor Tape::allocate_zeros(const Shape& shape) {
  Tensor tensor = allocate(shape);
  tensor.fill(0.0f);
  return tensor;
}

void Tape::recycle(Tensor&& tensor) {
  if (tensor.capacity() == 0 || tensor.is_borrowed()) return;
  const std::size_t capacity = tensor.capacity();
  kept_.emplace(capacity, Kept{std::move(tensor), step_});
}

}  // namespace riverrun
