#include <cmath>

#include "riverrun/tasks/drawn_tasks.h"

namespace riverrun::tasks {
namespace {

class TwoSequence final : public DrawnTask {
 public:
  TwoSequence(std::int64_t length, std::uint64_t seed)
      : DrawnTask({.sizes = {.input_size = 1},
                   .criterion = {.all_right = true, .error_below = 0.01},
                   .memoryless_score = 0.25},
                  seed, 256),
        length_(length) {}

  [[nodiscard]] Verdict judge(const Sequence& sequence,
                              std::span<const float> outputs) const override {
    return judge_by_distance(sequence, outputs, 0.2);
  }

 private:
  [[nodiscard]] Sequence draw(Random& random) const override {
    constexpr std::size_t kTelling = 3;  // N
    const float deviation = std::sqrt(0.2f);
    const bool first_class = random.below(2) == 0;
    const std::int64_t length =
        length_ + random.below(static_cast<std::uint32_t>(length_ / 10 + 1));
    Sequence sequence;
    sequence.input.resize(static_cast<std::size_t>(length));
    for (std::size_t t = 0; t < sequence.input.size(); ++t) {
      sequence.input[t] = t < kTelling ? (first_class ? 1.0f : -1.0f) : deviation * random.normal();
    }
    sequence.asked = {length - 1};
    sequence.values = {first_class ? 1.0f : 0.0f};
    return sequence;
  }

  std::int64_t length_;
};

}  // namespace

std::unique_ptr<Task> make_two_sequence(const TaskOptions& options) {
  return std::make_unique<TwoSequence>(options.length, options.seed);
}

}  // namespace riverrun::tasks
