#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "riverrun/tasks/drawn_tasks.h"

namespace riverrun::tasks {
namespace {

enum Symbol : std::int32_t { kB, kT, kP, kS, kX, kV, kE, kSymbols };

/// The Reber grammar between its B and its E: from each state two ways, and from kEnd none.
struct Edge {
  std::int32_t symbol;
  std::size_t to;
};
constexpr std::size_t kEnd = 5;
constexpr std::array<std::array<Edge, 2>, kEnd> kGrammar = {{
    {{{kT, 1}, {kP, 2}}},
    {{{kS, 1}, {kX, 3}}},
    {{{kT, 2}, {kV, 4}}},
    {{{kX, 2}, {kS, kEnd}}},
    {{{kP, 3}, {kV, kEnd}}},
}};

using String = std::vector<std::int32_t>;

/// B, T or P, a string of the Reber grammar, the same T or P again, E.
String draw_string(Random& random) {
  const std::int32_t kept = random.below(2) == 0 ? kT : kP;
  String string = {kB, kept, kB};
  for (std::size_t state = 0; state != kEnd;) {
    const Edge& edge = kGrammar[state][random.below(2)];
    string.push_back(edge.symbol);
    state = edge.to;
  }
  string.insert(string.end(), {kE, kept, kE});
  return string;
}

/// For each symbol of a string but the last: which may follow, as bits.
std::vector<unsigned> possible_next(const String& string) {
  const auto bit = [](std::int32_t symbol) { return 1u << symbol; };
  std::vector<unsigned> possible = {bit(kT) | bit(kP), bit(kB)};
  std::size_t state = 0;
  for (std::size_t t = 2; state != kEnd; ++t) {
    const auto [one, other] = kGrammar[state];
    possible.push_back(bit(one.symbol) | bit(other.symbol));
    state = (string[t + 1] == one.symbol ? one : other).to;
  }
  possible.insert(possible.end(), {bit(kE), bit(string[1]), bit(kE)});
  return possible;
}

class EmbeddedReber final : public Task {
 public:
  explicit EmbeddedReber(std::uint64_t seed)
      : Task({.sizes = {.symbols = kSymbols, .classes = kSymbols},
              .criterion = {.all_right = true},
              .score = Score::kRightShare,
              // Every string has a T or a P outside, which B or E follows, and one inside, which
              // neither follows; a T or P inside is in every string too.
              .memoryless_score = 0.0}),
        choice_(part_seed(seed, 1)) {
    Random random(part_seed(seed, 0));
    while (strings_.size() < 2 * kSetSize) {
      String string = draw_string(random);
      const auto training_end =
          strings_.begin() + static_cast<std::ptrdiff_t>(std::min(strings_.size(), kSetSize));
      const bool is_test = strings_.size() >= kSetSize;
      if (is_test && std::find(strings_.begin(), training_end, string) != training_end) continue;
      strings_.push_back(std::move(string));
    }
  }

  [[nodiscard]] Sequence training(std::int64_t n) const override {
    return sequence(Random(choice_, static_cast<std::uint64_t>(n)).below(kSetSize));
  }
  /// The strings of both sets, as the published criterion is about both.
  [[nodiscard]] Sequence held_out(std::int64_t n) const override {
    return sequence(static_cast<std::size_t>(n));
  }
  [[nodiscard]] std::int64_t held_out_size() const override { return 2 * kSetSize; }
  [[nodiscard]] Sequence test(std::int64_t n) const override { return held_out(n); }
  [[nodiscard]] std::int64_t test_size() const override { return 0; }

  /// Right is if whatever may follow has a larger output than whatever may not, each time.
  [[nodiscard]] Verdict judge(const Sequence& sequence,
                              std::span<const float> outputs) const override {
    Verdict verdict = judge_by_distance(sequence, outputs, 0.0);
    const std::vector<unsigned> possible = possible_next(sequence.symbols);
    verdict.right = true;
    for (std::size_t t = 0; t < possible.size(); ++t) {
      const auto row = outputs.subspan(t * kSymbols, kSymbols);
      float least_possible = Criterion::kAny;
      float most_impossible = -Criterion::kAny;
      for (std::size_t s = 0; s < kSymbols; ++s) {
        if ((possible[t] >> s & 1u) != 0) {
          least_possible = std::min(least_possible, row[s]);
        } else {
          most_impossible = std::max(most_impossible, row[s]);
        }
      }
      if (!(least_possible > most_impossible)) verdict.right = false;
    }
    return verdict;
  }

 private:
  static constexpr std::size_t kSetSize = 256;

  [[nodiscard]] Sequence sequence(std::size_t index) const {
    Sequence made;
    made.symbols = strings_[index];
    made.classes.assign(made.symbols.begin() + 1, made.symbols.end());
    made.symbols.pop_back();
    for (std::size_t t = 0; t < made.symbols.size(); ++t) {
      made.asked.push_back(static_cast<std::int64_t>(t));
    }
    return made;
  }

  std::uint64_t choice_;
  std::vector<String> strings_;  // to learn from, and then to test with
};

}  // namespace

std::unique_ptr<Task> make_reber(const TaskOptions& options) {
  return std::make_unique<EmbeddedReber>(options.seed);
}

}  // namespace riverrun::tasks
