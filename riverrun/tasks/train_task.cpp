#include "riverrun/tasks/train_task.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <deque>
#include <limits>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "riverrun/core/error.h"
#include "riverrun/core/threads.h"
#include "riverrun/nn/clip.h"
#include "riverrun/nn/loss.h"
#include "riverrun/nn/optimizer.h"
#include "riverrun/nn/schedule.h"

namespace riverrun::tasks {
namespace {

using Clock = std::chrono::steady_clock;

/// `get(n)` for n in [first, first + count).
template <class Get>
std::vector<Sequence> take(std::int64_t first, std::int64_t count, Get get) {
  std::vector<Sequence> sequences(static_cast<std::size_t>(count));
  parallel_for(count,
               [&](std::int64_t i) { sequences[static_cast<std::size_t>(i)] = get(first + i); });
  return sequences;
}

std::vector<Verdict> judge(const Task& task, std::span<const Sequence> sequences,
                           std::span<const float> answers) {
  const auto outputs = static_cast<std::size_t>(task.traits().sizes.outputs());
  std::vector<std::size_t> begins = {0};
  for (const Sequence& sequence : sequences) {
    begins.push_back(begins.back() + sequence.asked.size() * outputs);
  }
  std::vector<Verdict> verdicts(sequences.size());
  parallel_for(static_cast<std::int64_t>(sequences.size()), [&](std::int64_t index) {
    const auto i = static_cast<std::size_t>(index);
    verdicts[i] = task.judge(sequences[i], answers.subspan(begins[i], begins[i + 1] - begins[i]));
  });
  return verdicts;
}

/// Up to the first batch with a wrong answer, if `all_right`.
template <class Get>
Tally evaluate(const Task& task, const SequenceModel& network, std::int64_t size,
               std::int64_t batch_size, bool all_right, Get get) {
  Tally tally;
  for (std::int64_t first = 0; first < size; first += batch_size) {
    const std::vector<Sequence> sequences = take(first, std::min(batch_size, size - first), get);
    const TaskBatch batch(sequences, task.traits().sizes);
    const Tensor answers = network.forward(input_of(batch)).output;
    for (const Verdict& verdict : judge(task, sequences, answers.values())) tally.add(verdict);
    if (all_right && tally.right < tally.sequences) break;
  }
  return tally;
}

bool is_better(const Task& task, const Tally& tally, const Tally& than) {
  const Score kind = task.traits().score;
  if (kind == Score::kLoss || score(tally, kind) == score(than, kind)) {
    return tally.loss() < than.loss();
  }
  return score(tally, kind) > score(than, kind);
}

/// The verdicts on the last training sequences.
class Window {
 public:
  explicit Window(std::int64_t size) : size_(static_cast<std::size_t>(size)) {}
  void add(const Verdict& verdict) {
    last_.push_back(verdict);
    if (last_.size() > size_) last_.pop_front();
  }
  [[nodiscard]] Tally tally() const {
    Tally sum;
    for (const Verdict& verdict : last_) sum.add(verdict);
    return sum;
  }

 private:
  std::size_t size_;
  std::deque<Verdict> last_;
};

}  // namespace

void check(const TaskTrainerOptions& options) {
  const auto positive = [](const char* name, std::int64_t value) {
    if (value < 1) {
      throw ConfigError(fmt::format("train_task: {} is {}; it must be at least 1", name, value));
    }
  };
  positive("batch_size", options.batch_size);
  positive("max_sequences", options.max_sequences);
  positive("evaluate_every", options.evaluate_every);
  if (!(options.lr >= 0 && std::isfinite(options.lr))) {
    throw ConfigError(
        fmt::format("train_task: lr is {}; it must be a finite number of at least 0", options.lr));
  }
  if (options.schedule != "constant" && options.schedule != "cosine") {
    throw ConfigError(fmt::format("train_task: schedule is \"{}\"; it must be constant or cosine",
                                  options.schedule));
  }
  if (!(options.clip >= 0)) {
    throw ConfigError(fmt::format("train_task: clip is {}; it must be at least 0", options.clip));
  }
}

TaskResult train_task(const Task& task, SequenceModel& network, const TaskTrainerOptions& options,
                      const TaskWatch& watch) {
  check(options);
  const TaskSizes& sizes = task.traits().sizes;
  const Criterion& criterion = task.traits().criterion;
  const ParameterList parameters = network.parameters();
  Adam adam(parameters, {.lr = options.lr});
  const Schedule lr = options.schedule == "cosine"
                          ? cosine_schedule(options.lr, options.max_sequences)
                          : constant_schedule(options.lr);
  Tape tape(/*training=*/true, options.seed);
  Window window(criterion.window);
  TaskResult result;
  TaskPoint point;
  const Clock::time_point start = Clock::now();
  const auto seconds = [&] { return std::chrono::duration<double>(Clock::now() - start).count(); };
  std::vector<Tensor> best_weights;
  const auto held_out = [&](std::int64_t n) { return task.held_out(n); };

  const auto update = [&](std::span<const Sequence> sequences) {
    tape.clear();
    const TaskBatch batch(sequences, sizes);
    const Var answers = network.forward(tape, input_of(batch)).output;
    const Var loss =
        sizes.classes > 0 ? cross_entropy(answers, batch.classes) : mse_loss(answers, batch.values);
    zero_grad(parameters);
    tape.backward(loss);
    const double norm = clip_grad_norm(
        parameters, options.clip > 0 ? options.clip : std::numeric_limits<double>::infinity());
    if (!std::isfinite(loss.value().values()[0]) || !std::isfinite(norm)) {
      throw NumericError(fmt::format(
          "train_task: the loss is {} and the gradient's norm {} after {} sequences; try a lower "
          "learning rate (here {}) or stronger clipping (here {})",
          loss.value().values()[0], norm, result.sequences, options.lr, options.clip));
    }
    for (const Verdict& verdict : judge(task, sequences, answers.value().values())) {
      point.training.add(verdict);
      window.add(verdict);
    }
    adam.set_lr(lr(result.sequences));
    adam.step();
  };

  while (!result.solved && result.sequences < options.max_sequences) {
    result.interrupted = (watch.stop != nullptr && watch.stop->load()) ||
                         (watch.max_seconds > 0 && seconds() >= watch.max_seconds);
    if (result.interrupted) break;
    const std::int64_t count =
        std::min(options.batch_size, options.max_sequences - result.sequences);
    update(take(result.sequences, count, [&](std::int64_t n) { return task.training(n); }));
    result.sequences += count;
    if (criterion.window > 0) result.solved = criterion.met(window.tally());

    const bool due = point.training.sequences >= options.evaluate_every;
    if (!due && !result.solved && result.sequences < options.max_sequences) continue;
    point.sequences = result.sequences;
    if (criterion.window == 0) {
      point.held_out = evaluate(task, network, task.held_out_size(), options.batch_size,
                                criterion.all_right, held_out);
      if (criterion.at_end) {
        if (!result.best || is_better(task, *point.held_out, *result.best)) {
          result.best = point.held_out;
          best_weights.clear();
          for (const auto& named : parameters) best_weights.push_back(named.parameter->value());
        }
      } else {
        result.solved =
            point.held_out->sequences == task.held_out_size() && criterion.met(*point.held_out);
      }
    }
    if (watch.point) watch.point(point);
    result.curve.push_back(std::exchange(point, {}));
  }
  result.seconds = seconds();
  for (std::size_t i = 0; i < best_weights.size(); ++i) {
    parameters[i].parameter->set_value(std::move(best_weights[i]));
  }
  result.test = task.test_size() > 0 ? evaluate(task, network, task.test_size(), options.batch_size,
                                                false, [&](std::int64_t n) { return task.test(n); })
                                     : evaluate(task, network, task.held_out_size(),
                                                options.batch_size, false, held_out);
  if (!std::isfinite(result.test.loss())) {  // the last update may have been the one too many
    throw NumericError(fmt::format(
        "train_task: the loss of the test is {} after {} sequences; try a lower learning rate "
        "(here {}) or stronger clipping (here {})",
        result.test.loss(), result.sequences, options.lr, options.clip));
  }
  if (criterion.at_end) result.solved = criterion.met(result.test);
  return result;
}

}  // namespace riverrun::tasks
