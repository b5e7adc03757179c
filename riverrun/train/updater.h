#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "riverrun/nn/optimizer.h"
#include "riverrun/nn/parameter.h"
#include "riverrun/nn/tape.h"

namespace riverrun {

/// The update of a training loop in two halves, so that the loop can check the gradient before
/// applying it.
class Updater {
 public:
  /// `clip` is the global norm that gradients are scaled down to (Pascanu et al. 2013); 0: none.
  /// `seed` is that of dropout.
  Updater(ParameterList parameters, std::unique_ptr<Optimizer> optimizer, double clip,
          std::uint64_t seed);

  struct Gradient {
    double loss = 0;
    double norm = 0;  ///< before clipping
  };
  /// Changes the gradients of the parameters before they are clipped: adds those of others that
  /// learn the same, say.
  using Reduce = std::function<void(const ParameterList&)>;
  /// Clears the tape and the gradients, makes the loss on the tape, runs backward from it, calls
  /// `reduce` if there is one, and clips. The values on the tape last until the next call.
  Gradient gradient(const std::function<Var(Tape&)>& loss, const Reduce& reduce = {});
  /// Updates the parameters by that gradient.
  void step(double lr);

  [[nodiscard]] Tape& tape() noexcept { return tape_; }
  [[nodiscard]] Optimizer& optimizer() noexcept { return *optimizer_; }
  [[nodiscard]] const Optimizer& optimizer() const noexcept { return *optimizer_; }
  [[nodiscard]] const ParameterList& parameters() const noexcept { return parameters_; }

 private:
  ParameterList parameters_;
  std::unique_ptr<Optimizer> optimizer_;
  double clip_;
  Tape tape_;
};

}  // namespace riverrun
