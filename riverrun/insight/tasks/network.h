#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "riverrun/insight/tasks/task.h"
#include "riverrun/nn/embedding.h"
#include "riverrun/nn/init.h"
#include "riverrun/nn/linear.h"
#include "riverrun/nn/parameter.h"
#include "riverrun/nn/recurrent.h"
#include "riverrun/nn/tape.h"

namespace riverrun::insight {

struct TaskNetworkOptions {
  std::string cell = "lstm";
  std::int64_t hidden_size = 0;
  std::int64_t num_layers = 1;
  bool bidirectional = false;
  /// Of the symbols' vectors, which are learnt; without a meaning for a task of numbers.
  std::int64_t embedding_size = 0;
  /// While training, on what is read (the symbols' vectors, or numbers) and on the states that are
  /// answered from.
  float dropout = 0;
  Initialization init = {};
  std::uint64_t seed = 1;
  /// As in RecurrentOptions.
  std::int64_t recompute_steps = 0;
};

/// Embedding (of symbols), recurrent layers and a linear layer on the states of those steps where
/// an answer is asked for.
class TaskNetwork {
 public:
  /// Throws ConfigError.
  TaskNetwork(const Task& task, const TaskNetworkOptions& options);

  /// [asked, outputs], in the order of batch.asked: logits of classes, or numbers.
  Var answer(Tape& tape, const TaskBatch& batch);
  [[nodiscard]] Tensor answer(const TaskBatch& batch) const;

  [[nodiscard]] ParameterList parameters();

 private:
  float dropout_;
  std::optional<Embedding> embedding_;
  Recurrent rnn_;
  Linear decoder_;
};

}  // namespace riverrun::insight
