#include <array>
#include <cmath>
#include <vector>

#include "riverrun/tasks/drawn_tasks.h"

namespace riverrun::tasks {
namespace {

/// a, b, c, d are noise, X and Y in their order are the class.
enum Symbol : std::int32_t { kA, kX = 4, kY, kE, kB, kSymbols };

/// Where X or Y stands, in hundredths of the length.
struct Place {
  std::int64_t from, to;
};
const std::vector<Place> kTwo = {{10, 20}, {50, 60}};
const std::vector<Place> kThree = {{10, 20}, {33, 43}, {66, 76}};

class TemporalOrder final : public DrawnTask {
 public:
  TemporalOrder(std::int64_t length, std::uint64_t seed, const std::vector<Place>& places)
      : DrawnTask({.sizes = {.symbols = kSymbols, .classes = std::int64_t{1} << places.size()},
                   .criterion = {.window = 2000, .all_right = true, .error_below = 0.1},
                   .memoryless_score = static_cast<double>(places.size()) * std::log(2.0)},
                  seed, 1000),
        length_(length),
        places_(places) {}

  [[nodiscard]] Verdict judge(const Sequence& sequence,
                              std::span<const float> outputs) const override {
    return judge_by_distance(sequence, outputs, 0.3);
  }

 private:
  [[nodiscard]] Sequence draw(Random& random) const override {
    const auto between = [&](std::int64_t low, std::int64_t high) {
      return low + random.below(static_cast<std::uint32_t>(high - low + 1));
    };
    const std::int64_t length = between(length_, length_ + length_ / 10);
    Sequence sequence;
    sequence.symbols.push_back(kE);
    while (static_cast<std::int64_t>(sequence.symbols.size()) < length - 1) {
      sequence.symbols.push_back(kA + static_cast<std::int32_t>(random.below(4)));
    }
    sequence.symbols.push_back(kB);
    std::int32_t order = 0;
    for (const auto [from, to] : places_) {
      const auto at = static_cast<std::size_t>(between(from * length_ / 100, to * length_ / 100));
      const auto bit = static_cast<std::int32_t>(random.below(2));
      sequence.symbols[at] = kX + bit;
      order = order * 2 + bit;
    }
    sequence.asked = {length - 1};
    sequence.classes = {order};
    return sequence;
  }

  std::int64_t length_;
  const std::vector<Place>& places_;
};

}  // namespace

std::unique_ptr<Task> make_temporal_order_2(const TaskOptions& options) {
  return std::make_unique<TemporalOrder>(options.length, options.seed, kTwo);
}

std::unique_ptr<Task> make_temporal_order_3(const TaskOptions& options) {
  return std::make_unique<TemporalOrder>(options.length, options.seed, kThree);
}

}  // namespace riverrun::tasks
