#include "riverrun/train/updater.h"

#include <limits>
#include <utility>

#include "riverrun/nn/clip.h"

namespace riverrun {

Updater::Updater(ParameterList parameters, std::unique_ptr<Optimizer> optimizer, double clip,
                 std::uint64_t seed)
    : parameters_(std::move(parameters)),
      optimizer_(std::move(optimizer)),
      clip_(clip > 0 ? clip : std::numeric_limits<double>::infinity()),
      tape_(/*training=*/true, seed) {}

Updater::Gradient Updater::gradient(const std::function<Var(Tape&)>& loss, const Reduce& reduce) {
  tape_.clear();
  zero_grad(parameters_);
  const Var value = loss(tape_);
  tape_.backward(value);
  if (reduce) reduce(parameters_);
  return {.loss = value.value().values()[0], .norm = clip_grad_norm(parameters_, clip_)};
}

void Updater::step(double lr) {
  optimizer_->set_lr(lr);
  optimizer_->step();
}

}  // namespace riverrun
