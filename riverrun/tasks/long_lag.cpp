// Hochreiter & Schmidhuber 1997, experiments 2a, 2b and 2c: the last symbol is that of the
// beginning.

#include <cmath>

#include "riverrun/tasks/drawn_tasks.h"

namespace riverrun::tasks {
namespace {

/// 2a and 2b: x or y, p - 1 symbols between, and x or y again; each symbol is to be predicted.
class NextSymbol final : public DrawnTask {
 public:
  enum class Between { kCounting, kRandom };

  NextSymbol(std::int64_t p, std::uint64_t seed, Between between)
      : DrawnTask({.sizes = {.symbols = p + 1, .classes = p + 1},
                   .criterion = {.all_right = true},
                   .memoryless_score = between == Between::kCounting
                                           ? std::log(2.0) / static_cast<double>(p)
                                           : memoryless_nats(static_cast<double>(p))},
                  seed, 10'000),
        p_(p),
        between_(between) {}

  /// In 2b only the end can be predicted, and is judged.
  [[nodiscard]] Verdict judge(const Sequence& sequence,
                              std::span<const float> outputs) const override {
    const std::size_t last = sequence.asked.size() - 1;
    return judge_by_distance(sequence, outputs, 0.25, between_ == Between::kRandom ? last : 0);
  }

 private:
  /// 2b: after x or y one of p - 1 symbols follows. After one of these, what was read says nothing,
  /// and 1 time in p - 1 the end follows, which is x or y.
  static double memoryless_nats(double p) {
    const double others = std::log(p - 1);
    const double inside = others + std::log((p - 1) / (p - 2));
    return (others + (p - 2) * inside + others + std::log(2.0)) / p;
  }

  [[nodiscard]] Sequence draw(Random& random) const override {
    const auto p = static_cast<std::int32_t>(p_);
    const std::int32_t x_or_y = p - 1 + static_cast<std::int32_t>(random.below(2));
    Sequence sequence;
    sequence.symbols.push_back(x_or_y);
    for (std::int32_t i = 0; i < p - 1; ++i) {
      sequence.symbols.push_back(
          between_ == Between::kCounting
              ? i
              : static_cast<std::int32_t>(random.below(static_cast<std::uint32_t>(p - 1))));
    }
    for (std::int64_t t = 0; t < p_; ++t) sequence.asked.push_back(t);
    sequence.classes.assign(sequence.symbols.begin() + 1, sequence.symbols.end());
    sequence.classes.push_back(x_or_y);
    return sequence;
  }

  std::int64_t p_;
  Between between_;
};

/// 2c, with p = q symbols of noise: b, x or y, q or more of them, e; then, what was second?
class AfterTrigger final : public DrawnTask {
 public:
  AfterTrigger(std::int64_t q, std::uint64_t seed)
      : DrawnTask({.sizes = {.symbols = q + 4, .classes = 2},
                   .criterion = {.all_right = true},
                   .memoryless_score = std::log(2.0)},
                  seed, 10'000),
        q_(q) {}

  [[nodiscard]] Verdict judge(const Sequence& sequence,
                              std::span<const float> outputs) const override {
    return judge_by_distance(sequence, outputs, 0.2);
  }

 private:
  [[nodiscard]] Sequence draw(Random& random) const override {
    const auto q = static_cast<std::int32_t>(q_);
    const std::int32_t e = q;
    const std::int32_t b = q + 1;
    const std::int32_t x = q + 2;
    const auto y_or_x = static_cast<std::int32_t>(random.below(2));
    Sequence sequence;
    sequence.symbols = {b, x + y_or_x};
    const auto add_noise = [&] {
      sequence.symbols.push_back(
          static_cast<std::int32_t>(random.below(static_cast<std::uint32_t>(q))));
    };
    for (std::int32_t i = 0; i < q; ++i) add_noise();
    while (random.below(10) != 0) add_noise();
    sequence.symbols.push_back(e);
    sequence.asked = {static_cast<std::int64_t>(sequence.symbols.size()) - 1};
    sequence.classes = {y_or_x};
    return sequence;
  }

  std::int64_t q_;
};

}  // namespace

std::unique_ptr<Task> make_long_lag_a(const TaskOptions& options) {
  return std::make_unique<NextSymbol>(options.length, options.seed, NextSymbol::Between::kCounting);
}

std::unique_ptr<Task> make_long_lag_b(const TaskOptions& options) {
  return std::make_unique<NextSymbol>(options.length, options.seed, NextSymbol::Between::kRandom);
}

std::unique_ptr<Task> make_long_lag_c(const TaskOptions& options) {
  return std::make_unique<AfterTrigger>(options.length, options.seed);
}

}  // namespace riverrun::tasks
