#include "riverrun/insight/tasks/network.h"

#include <algorithm>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "riverrun/core/error.h"
#include "riverrun/core/random.h"
#include "riverrun/nn/cells.h"
#include "riverrun/nn/dropout.h"

namespace riverrun::insight {
namespace {

std::optional<Embedding> make_embedding(const Task& task, const TaskNetworkOptions& options) {
  const std::int64_t symbols = task.traits().sizes.symbols;
  if (symbols == 0) return std::nullopt;
  Embedding embedding({.num_embeddings = symbols,
                       .embedding_dim = options.embedding_size,
                       .seed = part_seed(options.seed, 0)});
  const Tensor& vectors = task.symbol_vectors();
  if (vectors.empty()) return embedding;
  if (vectors.size(1) != options.embedding_size) {
    throw ConfigError(
        fmt::format("TaskNetwork: embedding_size is {}; it must be that of the "
                    "vectors, {}",
                    options.embedding_size, vectors.size(1)));
  }
  embedding.weight().set_value(vectors);
  return embedding;
}

RecurrentOptions recurrent_options(const TaskSizes& sizes, const TaskNetworkOptions& options) {
  RecurrentOptions recurrent;
  recurrent.input_size = sizes.symbols > 0 ? options.embedding_size : sizes.input_size;
  recurrent.hidden_size = options.hidden_size;
  recurrent.num_layers = options.num_layers;
  recurrent.bidirectional = options.bidirectional;
  recurrent.seed = part_seed(options.seed, 1);
  recurrent.recompute_steps = options.recompute_steps;
  return recurrent;
}

/// The rows `asked` of states [seq_len, batch, features].
void gather(const Tensor& states, const std::vector<std::int64_t>& asked, float* rows) {
  const std::int64_t features = states.size(-1);
  for (const std::int64_t row : asked) {
    rows = std::copy_n(states.data() + row * features, features, rows);
  }
}

Var gather(Var states, const std::vector<std::int64_t>& asked) {
  Tape& tape = states.tape();
  Tensor rows = tape.allocate({static_cast<std::int64_t>(asked.size()), states.shape()[-1]});
  gather(states.value(), asked, rows.data());
  return tape.record(std::move(rows), [&tape, states, asked](const Tensor& grad) {
    const std::int64_t features = grad.size(-1);
    Tensor sums = tape.allocate_zeros(states.shape());
    const float* from = grad.data();
    for (const std::int64_t row : asked) {
      float* to = sums.data() + row * features;
      for (std::int64_t f = 0; f < features; ++f) to[f] += from[f];
      from += features;
    }
    tape.add_grad(states, std::move(sums));
  });
}

}  // namespace

TaskNetwork::TaskNetwork(const Task& task, const TaskNetworkOptions& options)
    : dropout_(options.dropout),
      embedding_(make_embedding(task, options)),
      rnn_(find_cell(options.cell), recurrent_options(task.traits().sizes, options)),
      decoder_({.in_features = options.hidden_size * (options.bidirectional ? 2 : 1),
                .out_features = task.traits().sizes.outputs(),
                .bias = true,
                .seed = part_seed(options.seed, 2)}) {
  if (!(dropout_ >= 0.0f && dropout_ < 1.0f)) {
    throw ConfigError(fmt::format("TaskNetwork: dropout is {}; it must be in [0, 1)", dropout_));
  }
  initialize(rnn_, options.init, part_seed(options.seed, 3));
}

Var TaskNetwork::answer(Tape& tape, const TaskBatch& batch) {
  const Shape shape{batch.seq_len, batch.batch()};
  const Var input =
      embedding_ ? embedding_->forward(tape, batch.symbols, shape) : tape.input(batch.input);
  const Var states = rnn_.forward(tape, dropout(tape, input, dropout_), {}, batch.lengths).output;
  return decoder_.forward(tape, dropout(tape, gather(states, batch.asked), dropout_));
}

Tensor TaskNetwork::answer(const TaskBatch& batch) const {
  const Shape shape{batch.seq_len, batch.batch()};
  const Tensor states =
      rnn_.forward(embedding_ ? embedding_->forward(batch.symbols, shape) : batch.input, {},
                   batch.lengths)
          .output;
  Tensor rows({static_cast<std::int64_t>(batch.asked.size()), states.size(-1)});
  gather(states, batch.asked, rows.data());
  return decoder_.forward(rows);
}

ParameterList TaskNetwork::parameters() {
  ParameterList list;
  if (embedding_) list = prefixed("embedding", embedding_->parameters());
  return list + prefixed("rnn", rnn_.parameters()) + prefixed("decoder", decoder_.parameters());
}

}  // namespace riverrun::insight
