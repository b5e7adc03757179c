#include "riverrun/tasks/train_task.h"

#include <cmath>

#include <fmt/format.h>

#include "riverrun/core/error.h"
#include "riverrun/train/trainer.h"

namespace riverrun::tasks {

void check(const TaskTrainerOptions& options) { check_fields("train_task", options); }

TaskResult train_task(const Task& task, SequenceModel& network, const TaskTrainerOptions& options,
                      const TaskWatch& watch, const TaskPlace& place) {
  check(options);
  TaskObjective objective(task, network, options.batch_size, options.max_sequences);
  objective.watch_points(watch.point);
  TrainerOptions of_trainer;
  of_trainer.batch_size = options.batch_size;
  of_trainer.epochs = 1;
  of_trainer.optimizer = "adam";
  of_trainer.lr = options.lr;
  of_trainer.schedule = options.schedule;
  of_trainer.warmup = 0;
  of_trainer.clip = options.clip;
  of_trainer.valid_every = (options.evaluate_every - 1) / options.batch_size + 1;
  of_trainer.seed = options.seed;
  Trainer trainer(objective, of_trainer);
  if (place.folder == nullptr) {
    trainer.begin();
  } else if (place.resume) {
    trainer.resume(*place.folder);
  } else {
    trainer.begin(*place.folder);
  }
  Trainer::Watch of_run;
  of_run.stop = watch.stop;
  of_run.max_seconds = watch.max_seconds;

  TaskResult result;
  result.run = trainer.run(of_run);
  result.interrupted = result.run.reason != StopReason::kFinished;
  result.sequences = objective.sequences();
  result.curve = objective.curve();
  result.best = objective.best();
  const Criterion& criterion = task.traits().criterion;
  if (criterion.at_end && result.best) trainer.take_best();
  result.test = objective.test();
  if (!std::isfinite(result.test.loss())) {  // the last update may have been the one too many
    throw NumericError(fmt::format(
        "train_task: the loss of the test is {} after {} sequences; try a lower learning rate "
        "(here {}) or stronger clipping (here {})",
        result.test.loss(), result.sequences, options.lr, options.clip));
  }
  result.solved = criterion.at_end ? criterion.met(result.test) : objective.is_done();
  return result;
}

}  // namespace riverrun::tasks
