// The adding problem, as it was published and as it is measured today.

#include <algorithm>

#include "riverrun/tasks/drawn_tasks.h"

namespace riverrun::tasks {
namespace {

/// Value and marker of each step.
constexpr TaskSizes kPairs{.input_size = 2};

/// Among how many first pairs X1 and X2 of the published form are chosen.
std::int64_t first_choice(std::int64_t length) {
  return std::min<std::int64_t>(10, length / 2 - 1);
}
std::int64_t second_choice(std::int64_t length) { return length / 2 - 1; }

/// X1 and X2 have the variance 1/3, or 0 at the first pair, and the target a 16th of their sum's.
double published_variance(std::int64_t length) {
  const double first = 1.0 / static_cast<double>(first_choice(length));
  const double second = (1.0 - first) / static_cast<double>(second_choice(length) - 1);
  return ((1.0 - first) + (1.0 - second)) / 3.0 / 16.0;
}

class PublishedAdding final : public DrawnTask {
 public:
  PublishedAdding(std::int64_t length, std::uint64_t seed)
      : DrawnTask({.sizes = kPairs,
                   .criterion = {.window = 2000, .all_right = true, .error_below = 0.01},
                   .memoryless_score = published_variance(length)},
                  seed, 1000),
        length_(length) {}

  [[nodiscard]] Verdict judge(const Sequence& sequence,
                              std::span<const float> outputs) const override {
    return judge_by_distance(sequence, outputs, 0.04);
  }

 private:
  [[nodiscard]] Sequence draw(Random& random) const override {
    const auto below = [&](std::int64_t bound) {
      return static_cast<std::size_t>(random.below(static_cast<std::uint32_t>(bound)));
    };
    const auto length = static_cast<std::size_t>(length_) + below(length_ / 10 + 1);
    Sequence sequence;
    sequence.input.resize(2 * length);
    for (std::size_t t = 0; t < length; ++t) sequence.input[2 * t] = random.uniform(-1.0f, 1.0f);
    const std::size_t first = below(first_choice(length_));
    std::size_t second = below(second_choice(length_) - 1);
    if (second >= first) ++second;  // one of those that are not marked yet
    sequence.input.front() = std::min(first, second) == 0 ? 0.0f : sequence.input.front();
    sequence.input[1] = -1.0f;
    sequence.input.back() = -1.0f;
    float sum = 0.0f;
    for (const std::size_t marked : {first, second}) {
      sequence.input[2 * marked + 1] = 1.0f;
      sum += sequence.input[2 * marked];
    }
    sequence.asked = {static_cast<std::int64_t>(length) - 1};
    sequence.values = {0.5f + sum / 4.0f};
    return sequence;
  }

  std::int64_t length_;
};

class ModernAdding final : public DrawnTask {
 public:
  ModernAdding(std::int64_t length, std::uint64_t seed)
      : DrawnTask(
            {.sizes = kPairs, .criterion = {.loss_below = 0.005}, .memoryless_score = 1.0 / 6.0},
            seed, 500),
        length_(length) {}

  [[nodiscard]] Verdict judge(const Sequence& sequence,
                              std::span<const float> outputs) const override {
    return judge_by_distance(sequence, outputs, 0.04);
  }

 private:
  [[nodiscard]] Sequence draw(Random& random) const override {
    const auto length = static_cast<std::size_t>(length_);
    Sequence sequence;
    sequence.input.resize(2 * length);
    for (std::size_t t = 0; t < length; ++t) sequence.input[2 * t] = random.uniform();
    const std::size_t half = length / 2;
    const std::size_t first = random.below(static_cast<std::uint32_t>(half));
    const std::size_t second = half + random.below(static_cast<std::uint32_t>(length - half));
    for (const std::size_t marked : {first, second}) sequence.input[2 * marked + 1] = 1.0f;
    sequence.asked = {length_ - 1};
    sequence.values = {sequence.input[2 * first] + sequence.input[2 * second]};
    return sequence;
  }

  std::int64_t length_;
};

}  // namespace

std::unique_ptr<Task> make_published_adding(const TaskOptions& options) {
  return std::make_unique<PublishedAdding>(options.length, options.seed);
}

std::unique_ptr<Task> make_adding(const TaskOptions& options) {
  return std::make_unique<ModernAdding>(options.length, options.seed);
}

}  // namespace riverrun::tasks
