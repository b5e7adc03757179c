#include "riverrun/train/progress.h"

#include <numeric>

namespace riverrun {

void RunningMean::add(double value) noexcept {
  constexpr double kShare = 0.05;
  sum_ += kShare * (value - sum_);
  weight_ += kShare * (1 - weight_);
}

bool ValidationPlan::due_after(std::int64_t step) const noexcept {
  return step % steps_of_epochs == 0 || step % valid_every == 0;
}

std::int64_t ValidationPlan::due_within(std::int64_t first, std::int64_t last) const noexcept {
  if (last < first) return 0;
  const auto multiples = [&](std::int64_t of) { return last / of - (first - 1) / of; };
  const std::int64_t due = multiples(steps_of_epochs) + multiples(valid_every);
  // What is counted twice: common multiples. Their least may be beyond 64 bits, and then beyond
  // `last`.
  const std::int64_t factor = valid_every / std::gcd(steps_of_epochs, valid_every);
  return factor > last / steps_of_epochs ? due : due - multiples(factor * steps_of_epochs);
}

}  // namespace riverrun
