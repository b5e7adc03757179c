#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "riverrun/core/random.h"
#include "riverrun/core/tensor.h"

namespace riverrun::tasks {

/// What a network for a task reads and answers at each step.
struct TaskSizes {
  /// It reads one of so many symbols; 0: numbers.
  std::int64_t symbols = 0;
  /// So many numbers, if not symbols.
  std::int64_t input_size = 0;
  /// It answers with one of so many classes; 0: with a number.
  std::int64_t classes = 0;

  [[nodiscard]] std::int64_t outputs() const { return classes > 0 ? classes : 1; }
};

/// One sequence of a task: what is read, and the right answers at the steps where one is asked for.
struct Sequence {
  std::vector<std::int32_t> symbols;  // [seq_len], of a task of symbols
  std::vector<float> input;           // [seq_len, input_size], of a task of numbers
  std::vector<std::int64_t> asked;    // steps, in rising order; at least one
  std::vector<std::int32_t> classes;  // for each of these, of a task of classes
  std::vector<float> values;          // the same, of a task of numbers

  [[nodiscard]] std::int64_t seq_len(const TaskSizes& sizes) const;
};

/// Sequences side by side, as a network reads them.
struct TaskBatch {
  std::int64_t seq_len = 0;           // of the longest
  std::vector<std::int64_t> lengths;  // [batch]
  std::vector<std::int32_t> symbols;  // [seq_len, batch], 0 beyond a sequence's end
  Tensor input;                       // [seq_len, batch, input_size], the same
  std::vector<std::int64_t> asked;    // step * batch + sequence, sequence after sequence
  std::vector<std::int32_t> classes;  // for each of these
  std::vector<float> values;          // the same

  TaskBatch(std::span<const Sequence> sequences, const TaskSizes& sizes);
  [[nodiscard]] std::int64_t batch() const { return static_cast<std::int64_t>(lengths.size()); }
};

/// How well one sequence was answered.
struct Verdict {
  /// The mean over what was asked: nats, or the squared error of a number.
  double loss = 0;
  /// The largest absolute error of an output (of classes: of a probability).
  double error = 0;
  /// By the task's own measure.
  bool right = false;
  /// Of a task of two classes, whether the second, rare one was asked for, and answered.
  bool rare = false;
  bool called_rare = false;
};

/// Verdicts on many sequences.
struct Tally {
  std::int64_t sequences = 0;
  std::int64_t right = 0;
  double losses = 0;
  double errors = 0;
  std::int64_t rare = 0;
  std::int64_t called_rare = 0;
  std::int64_t rare_right = 0;

  void add(const Verdict& verdict);
  [[nodiscard]] double loss() const { return losses / static_cast<double>(sequences); }
  [[nodiscard]] double error() const { return errors / static_cast<double>(sequences); }
  [[nodiscard]] double right_share() const {
    return static_cast<double>(right) / static_cast<double>(sequences);
  }
  /// The harmonic mean of how many of the rare ones were called so, and how many of those so called
  /// are; 0 if none is.
  [[nodiscard]] double f1() const {
    return rare_right == 0
               ? 0.0
               : 2.0 * static_cast<double>(rare_right) / static_cast<double>(rare + called_rare);
  }
};

/// When a task counts as solved.
struct Criterion {
  static constexpr double kAny = std::numeric_limits<double>::infinity();

  /// By the last so many training sequences, each as it was answered before it was learnt from; if
  /// 0, by those held out, and training ends with it.
  std::int64_t window = 0;
  /// Instead by the test sequences, once training has ended, with the weights that were best on
  /// those held out.
  bool at_end = false;
  bool all_right = false;
  double error_below = kAny;
  double loss_below = kAny;
  double right_share = 0;  // at least
  double f1_above = -1;

  [[nodiscard]] bool met(const Tally& tally) const;
};

/// In what a task's score is given.
enum class Score { kLoss, kRightShare, kF1 };
[[nodiscard]] double score(const Tally& tally, Score kind);

struct TaskTraits {
  TaskSizes sizes;
  Criterion criterion;
  Score score = Score::kLoss;
  /// The score of the best answers without memory.
  double memoryless_score = 0;
  /// Of how many symbols a file had the vector that they begin with; the others begin with zeros.
  std::int64_t symbols_with_vectors = 0;
};

/// A source of sequences, and the judge of what is answered. Sequences are functions of their
/// number and the task's seed. Several threads may call const functions at once.
class Task {
 public:
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;
  virtual ~Task() = default;

  [[nodiscard]] const TaskTraits& traits() const noexcept { return traits_; }

  /// Sequence `n` of an endless row to learn from.
  [[nodiscard]] virtual Sequence training(std::int64_t n) const = 0;
  /// Sequences that are not learnt from, to judge by meanwhile: n < held_out_size().
  [[nodiscard]] virtual Sequence held_out(std::int64_t n) const = 0;
  [[nodiscard]] virtual std::int64_t held_out_size() const = 0;
  /// Others, to judge by once, at the end: n < test_size(), which may be 0.
  [[nodiscard]] virtual Sequence test(std::int64_t n) const = 0;
  [[nodiscard]] virtual std::int64_t test_size() const = 0;

  /// The vectors [symbols, embedding_size] that the symbols begin with; empty: random ones.
  [[nodiscard]] virtual const Tensor& symbol_vectors() const {
    static const Tensor kNone;
    return kNone;
  }

  /// `outputs` [asked, sizes.outputs()]: what the network answered, as logits or numbers.
  [[nodiscard]] virtual Verdict judge(const Sequence& sequence,
                                      std::span<const float> outputs) const = 0;

 protected:
  explicit Task(const TaskTraits& traits) : traits_(traits) {}

 private:
  TaskTraits traits_;
};

/// A task whose sequences are all drawn.
class DrawnTask : public Task {
 public:
  [[nodiscard]] Sequence training(std::int64_t n) const final { return drawn(n, 0); }
  [[nodiscard]] Sequence held_out(std::int64_t n) const final { return drawn(n, 1); }
  [[nodiscard]] std::int64_t held_out_size() const final { return held_out_size_; }
  [[nodiscard]] Sequence test(std::int64_t n) const final { return drawn(n, 2); }
  /// As many as the tests of Hochreiter & Schmidhuber 1997.
  [[nodiscard]] std::int64_t test_size() const final { return 2560; }

 protected:
  DrawnTask(const TaskTraits& traits, std::uint64_t seed, std::int64_t held_out_size)
      : Task(traits), seed_(seed), held_out_size_(held_out_size) {}
  [[nodiscard]] virtual Sequence draw(Random& random) const = 0;

 private:
  [[nodiscard]] Sequence drawn(std::int64_t n, std::uint64_t part) const {
    Random random(part_seed(seed_, part), static_cast<std::uint64_t>(n));
    return draw(random);
  }
  std::uint64_t seed_;
  std::int64_t held_out_size_;
};

/// Judges by the distance from the right number, or of the probabilities from 0 and 1: right is
/// what is below `tolerance` wherever it was asked, from the `first_asked`-th answer on.
[[nodiscard]] Verdict judge_by_distance(const Sequence& sequence, std::span<const float> outputs,
                                        double tolerance, std::size_t first_asked = 0);
/// Judges classes: right is if each time the right one has the largest output.
[[nodiscard]] Verdict judge_by_largest(const Sequence& sequence, std::span<const float> outputs);

}  // namespace riverrun::tasks
