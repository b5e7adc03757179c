#include <cmath>

#include "riverrun/tasks/drawn_tasks.h"

namespace riverrun::tasks {
namespace {

constexpr std::int64_t kCopied = 10;
constexpr std::int32_t kAlphabet = 8;
constexpr std::int32_t kBlank = kAlphabet;
constexpr std::int32_t kGo = kAlphabet + 1;

double blank_nats(std::int64_t length) {
  return kCopied * std::log(static_cast<double>(kAlphabet)) /
         static_cast<double>(length + 2 * kCopied);
}

class Copy final : public DrawnTask {
 public:
  Copy(std::int64_t length, std::uint64_t seed)
      : DrawnTask({.sizes = {.symbols = kAlphabet + 2, .classes = kAlphabet + 1},
                   .criterion = {.loss_below = blank_nats(length) / 10},
                   .memoryless_score = blank_nats(length)},
                  seed, 500),
        length_(length) {}

  [[nodiscard]] Verdict judge(const Sequence& sequence,
                              std::span<const float> outputs) const override {
    return judge_by_largest(sequence, outputs);
  }

 private:
  [[nodiscard]] Sequence draw(Random& random) const override {
    const auto length = static_cast<std::size_t>(length_);
    Sequence sequence;
    for (std::int64_t i = 0; i < kCopied; ++i) {
      sequence.symbols.push_back(static_cast<std::int32_t>(random.below(kAlphabet)));
    }
    sequence.classes.assign(length + kCopied, kBlank);
    sequence.classes.insert(sequence.classes.end(), sequence.symbols.begin(),
                            sequence.symbols.end());
    sequence.symbols.resize(length + kCopied - 1, kBlank);
    sequence.symbols.push_back(kGo);
    sequence.symbols.resize(length + 2 * kCopied, kBlank);
    for (std::int64_t t = 0; t < length_ + 2 * kCopied; ++t) sequence.asked.push_back(t);
    return sequence;
  }

  std::int64_t length_;
};

}  // namespace

std::unique_ptr<Task> make_copy(const TaskOptions& options) {
  return std::make_unique<Copy>(options.length, options.seed);
}

}  // namespace riverrun::tasks
