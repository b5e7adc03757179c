#include "riverrun/tasks/network.h"

#include <fmt/format.h>

#include "riverrun/core/error.h"

namespace riverrun::tasks {

SequenceModel make_network(const Task& task, SequenceModelOptions options) {
  const TaskSizes& sizes = task.traits().sizes;
  options.num_embeddings = sizes.symbols;
  if (sizes.symbols == 0) options.input_size = sizes.input_size;
  options.output_size = sizes.outputs();
  options.readout = Readout::kAsked;
  const Tensor& vectors = task.symbol_vectors();
  if (!vectors.empty() && vectors.size(1) != options.input_size) {
    throw ConfigError(
        fmt::format("make_network: input_size is {}; it must be that of the vectors, "
                    "{}",
                    options.input_size, vectors.size(1)));
  }
  SequenceModel network(options);
  if (!vectors.empty()) network.embedding().weight().set_value(vectors);
  return network;
}

SequenceInput input_of(const TaskBatch& batch) {
  return {.seq_len = batch.seq_len,
          .batch = batch.batch(),
          .symbols = batch.symbols,
          .numbers = batch.symbols.empty() ? &batch.input : nullptr,
          .lengths = batch.lengths,
          .asked = batch.asked};
}

}  // namespace riverrun::tasks
