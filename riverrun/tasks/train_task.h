#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "riverrun/core/fields.h"
#include "riverrun/tasks/network.h"
#include "riverrun/tasks/task.h"
#include "riverrun/tasks/task_objective.h"
#include "riverrun/train/trainer.h"
#include "riverrun/train/trainer_options.h"

namespace riverrun::tasks {

inline constexpr std::array<std::string_view, 2> kTaskSchedules = {"constant", "cosine"};

struct TaskTrainerOptions {
  std::int64_t batch_size = 0;
  /// Of Adam.
  double lr = 0;
  /// "constant", or "cosine": the rate falls to 0 at max_sequences.
  std::string schedule = "constant";
  /// Largest norm of a gradient; 0: any.
  double clip = 0;
  std::int64_t max_sequences = 0;
  /// Sequences between two points of the curve, at which those held out are judged.
  std::int64_t evaluate_every = 0;
  /// Of dropout.
  std::uint64_t seed = 1;
};

}  // namespace riverrun::tasks

template <>
inline constexpr auto riverrun::kFields<riverrun::tasks::TaskTrainerOptions> = [] {
  using O = tasks::TaskTrainerOptions;
  return std::tuple{Field{"batch_size", &O::batch_size, from_to(1, kMostUpdates)},
                    Field{"lr", &O::lr, at_least(0)},
                    Field{"schedule", &O::schedule, one_of(tasks::kTaskSchedules)},
                    Field{"clip", &O::clip, at_least(0)},
                    Field{"max_sequences", &O::max_sequences, at_least(1)},
                    Field{"evaluate_every", &O::evaluate_every, from_to(1, kMostUpdates)},
                    Field{"seed", &O::seed}};
}();

namespace riverrun::tasks {

/// Throws ConfigError for invalid options.
void check(const TaskTrainerOptions& options);

struct TaskResult {
  bool solved = false;
  bool interrupted = false;
  std::int64_t sequences = 0;
  std::vector<TaskPoint> curve;
  /// Of a task that is judged at its end: how good the best weights are on what is held out.
  std::optional<Tally> best;
  /// Of the sequences for the end, or if there are none, of those held out.
  Tally test;
  TrainingResult run;  // what the training loop says of this call
};

struct TaskWatch {
  std::function<void(const TaskPoint&)> point;
  /// Ends training after the current update when it becomes true.
  const std::atomic<bool>* stop = nullptr;
  double max_seconds = 0;  // 0: no limit
};

/// Where a run is kept.
struct TaskPlace {
  RunFolder* folder = nullptr;  ///< null: nowhere; it must hold a config.json, see save_config()
  bool resume = false;          ///< from the checkpoint in it
};

/// Trains until the criterion is met, or sequences or time are up. The same task, network and
/// options give the same bits for any number of threads, unless time is up. Throws as check(),
/// NumericError if the loss or the gradient is not finite, and what Trainer::begin() and resume()
/// throw.
TaskResult train_task(const Task& task, SequenceModel& network, const TaskTrainerOptions& options,
                      const TaskWatch& watch = {}, const TaskPlace& place = {});

}  // namespace riverrun::tasks
