#include "riverrun/nn/dropout.h"

#include <cmath>
#include <cstdint>
#include <string>
#include <utility>

#include "riverrun/core/error.h"
#include "riverrun/core/random.h"
#include "riverrun/kernels/dropout.h"
#include "riverrun/nn/parallel_chunks.h"

namespace riverrun {
namespace {

// to = from, with a factor of 0 or 1/(1 - p) for each element. The i-th factor depends on the
// generator's position and i alone, so that the backward pass makes the same ones again instead of
// reading them from memory, and threads share the work freely.
void apply_mask(const Random::State& start, float p, const Tensor& from, Tensor& to) {
  const auto threshold = static_cast<std::uint32_t>(std::ldexp(static_cast<double>(p), 32));
  const float scale = 1.0f / (1.0f - p);
  const float* x = from.data();
  float* y = to.data();
  parallel_chunks(from.elements(), kElementsPerChunk, [=](std::int64_t begin, std::int64_t end) {
    kernels::dropout({start.seed, start.stream, start.drawn + static_cast<std::uint64_t>(begin)},
                     threshold, scale, end - begin, x + begin, y + begin);
  });
}

}  // namespace

Var dropout(Tape& tape, Var input, float p) {
  if (!(p >= 0.0f && p < 1.0f)) {
    throw ConfigError("dropout: p is " + std::to_string(p) + "; it must be in [0, 1)");
  }
  tape.require_own(input);
  if (!tape.training() || p == 0.0f) return input;
  const Random::State start = tape.random().state();
  tape.random() = Random({start.seed, start.stream,
                          start.drawn + static_cast<std::uint64_t>(input.value().elements())});
  Tensor output = tape.allocate(input.shape());
  apply_mask(start, p, input.value(), output);
  if (!input.requires_grad()) return tape.record(std::move(output), nullptr);
  return tape.record(std::move(output), [&tape, input, start, p](const Tensor& grad) {
    Tensor grad_input = tape.allocate(input.shape());
    apply_mask(start, p, grad, grad_input);
    tape.add_grad(input, std::move(grad_input));
  });
}

}  // namespace riverrun
