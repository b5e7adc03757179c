#pragma once

#include "riverrun/nn/sequence_model.h"
#include "riverrun/tasks/task.h"

namespace riverrun::tasks {

/// A network for a task: what it reads and answers is the task's, the rest as in `options`. Of its
/// sizes only that of symbols' vectors is asked for (input_size). Throws ConfigError.
[[nodiscard]] SequenceModel make_network(const Task& task, SequenceModelOptions options);

/// What a network reads of a batch, which must outlive it: [asked, outputs] is what it answers.
[[nodiscard]] SequenceInput input_of(const TaskBatch& batch);

}  // namespace riverrun::tasks
