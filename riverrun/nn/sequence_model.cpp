#include "riverrun/nn/sequence_model.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "riverrun/core/error.h"
#include "riverrun/core/random.h"
#include "riverrun/nn/cells.h"
#include "riverrun/nn/dropout.h"
#include "riverrun/nn/ops.h"

namespace riverrun {
namespace {

const SequenceModelOptions& checked(const SequenceModelOptions& options) {
  check(options);
  return options;
}

std::optional<Embedding> make_embedding(const SequenceModelOptions& options) {
  if (options.num_embeddings == 0) return std::nullopt;
  return Embedding({.num_embeddings = options.num_embeddings,
                    .embedding_dim = options.input_size,
                    .seed = part_seed(options.seed, 0)});
}

// The rows of [seq_len, batch, features] that are asked for, [asked, features]. Few of many, so
// that the others are not copied, as reshape() and index_select() would.
Var rows_of(Var states, std::span<const std::int64_t> asked) {
  Tape& tape = states.tape();
  const std::int64_t rows = states.shape()[0] * states.shape()[1];
  const std::int64_t features = states.shape()[2];
  Tensor output = tape.allocate({static_cast<std::int64_t>(asked.size()), features});
  float* to = output.data();
  for (const std::int64_t row : asked) {
    if (row < 0 || row >= rows) {
      throw ShapeError(
          fmt::format("SequenceModel: step * batch + sequence of what is asked for is {}; it must "
                      "be in [0, {})",
                      row, rows));
    }
    to = std::copy_n(states.value().data() + row * features, features, to);
  }
  if (!states.requires_grad()) return tape.record(std::move(output), nullptr);
  return tape.record(std::move(output),
                     [&tape, states, features,
                      kept = std::vector(asked.begin(), asked.end())](const Tensor& grad) {
                       float* const sums = tape.grad(states).data();
                       const float* from = grad.data();
                       for (const std::int64_t row : kept) {
                         for (std::int64_t k = 0; k < features; ++k)
                           sums[row * features + k] += *from++;
                       }
                     });
}

RecurrentOptions recurrent_options(const SequenceModelOptions& options) {
  RecurrentOptions recurrent;
  recurrent.input_size = options.input_size;
  recurrent.hidden_size = options.hidden_size;
  recurrent.num_layers = options.num_layers;
  recurrent.bidirectional = options.bidirectional;
  recurrent.dropout = options.num_layers > 1 ? options.dropout : 0.0f;
  recurrent.seed = part_seed(options.seed, 1);
  recurrent.recompute_steps = options.recompute_steps;
  return recurrent;
}

}  // namespace

void check(const SequenceModelOptions& options) {
  check_fields("SequenceModel", options);
  // A file may claim any sizes: refuse what could not be held before anything is allocated.
  constexpr double kMostParameters = 1e11;
  const auto embeddings = static_cast<double>(options.num_embeddings);
  const auto input = static_cast<double>(options.input_size);
  const auto hidden = static_cast<double>(options.hidden_size);
  const auto layers = static_cast<double>(options.num_layers);
  const auto output = static_cast<double>(options.output_size);
  const auto gates = static_cast<double>(find_cell(options.cell).gates.size());
  const double directions = options.bidirectional ? 2 : 1;
  const double parameters =
      embeddings * input + directions * gates * hidden * (input + hidden) +
      (layers - 1) * directions * gates * hidden * (directions * hidden + hidden) +
      directions * hidden * output;
  if (parameters > kMostParameters) {
    throw ConfigError(fmt::format(
        "SequenceModel: hidden_size = {}, num_layers = {}, num_embeddings = {}, input_size = {} "
        "and output_size = {} make about {:.0e} parameters; at most 1e11 are allowed",
        options.hidden_size, options.num_layers, options.num_embeddings, options.input_size,
        options.output_size, parameters));
  }
}

SequenceModel::SequenceModel(const SequenceModelOptions& options)
    : options_(checked(options)),
      embedding_(make_embedding(options)),
      rnn_(find_cell(options.cell), recurrent_options(options)),
      decoder_({.in_features = options.hidden_size * (options.bidirectional ? 2 : 1),
                .out_features = options.output_size,
                .bias = true,
                .seed = part_seed(options.seed, 2)}) {
  initialize(rnn_, options.init, part_seed(options.seed, 3));
}

SequenceModel::SequenceModel(const SequenceModel& other)
    : options_(other.options_), rnn_(other.rnn_.clone()), decoder_(other.decoder_.clone()) {
  if (!other.embedding_) return;
  embedding_ = other.embedding_->clone();
  if (&other.embedding_->weight() == &other.decoder_.weight()) {
    decoder_.share_weight(embedding_->shared_weight());
  }
}

void SequenceModel::check(const SequenceInput& input) const {
  const bool reads_symbols = embedding_.has_value();
  if (reads_symbols ? input.numbers != nullptr : input.numbers == nullptr) {
    throw ShapeError(
        std::string("SequenceModel: the input is of ") +
        (reads_symbols ? "numbers; the model reads symbols" : "symbols; the model reads numbers"));
  }
  if (!reads_symbols &&
      input.numbers->shape() != Shape{input.seq_len, input.batch, options_.input_size}) {
    throw ShapeError("SequenceModel: numbers are " + input.numbers->shape().to_string() +
                     "; they must be [seq_len, batch, input_size], " +
                     Shape{input.seq_len, input.batch, options_.input_size}.to_string());
  }
  if (!input.asked.empty() && options_.readout != Readout::kAsked) {
    throw ShapeError("SequenceModel: `asked` is given, but the readout is not kAsked");
  }
}

// From the outputs of the recurrent layers and their last h.
Var SequenceModel::read_out(Var output, Var h, const SequenceInput& input) const {
  Tape& tape = output.tape();
  switch (options_.readout) {
    case Readout::kEveryStep:
      return output;
    case Readout::kLast:
      // Not the output's last step, which is padding of shorter sequences, and where the backward
      // direction has read but one element.
      return options_.bidirectional ? cat({select(h, 0, -2), select(h, 0, -1)}, 1)
                                    : select(h, 0, -1);
    case Readout::kMean: {
      // Beyond a sequence's length the output is 0.
      Tensor shares({input.batch, 1});
      for (std::int64_t b = 0; b < input.batch; ++b) {
        const std::int64_t length =
            input.lengths.empty() ? input.seq_len : input.lengths[static_cast<std::size_t>(b)];
        shares.data()[b] = 1.0f / static_cast<float>(length);
      }
      return multiply(sum(output, 0), tape.input(std::move(shares)));
    }
    case Readout::kAsked:
      return rows_of(output, input.asked);
  }
  throw ConfigError("SequenceModel: there is no such readout");
}

SequenceModel::VarOutput SequenceModel::features(Tape& tape, const SequenceInput& input,
                                                 const State& initial) {
  check(input);
  std::vector<Var> state;
  state.reserve(initial.tensors.size());
  for (const Tensor& tensor : initial.tensors) state.push_back(tape.input(tensor));
  const Var x = embedding_ ? embedding_->forward(tape, input.symbols, {input.seq_len, input.batch})
                           : tape.input(*input.numbers);
  Recurrent::VarOutput result =
      rnn_.forward(tape, dropout(tape, x, options_.dropout), state, input.lengths);
  const Var answered_from = read_out(result.output, result.state.front(), input);
  return {dropout(tape, answered_from, options_.dropout), std::move(result.state)};
}

SequenceModel::Output SequenceModel::features(const SequenceInput& input,
                                              const State& initial) const {
  check(input);
  Recurrent::Output result =
      embedding_ ? rnn_.forward(embedding_->forward(input.symbols, {input.seq_len, input.batch}),
                                initial, input.lengths)
                 : rnn_.forward(*input.numbers, initial, input.lengths);
  if (options_.readout == Readout::kEveryStep) {
    return {std::move(result.output), std::move(result.state)};
  }
  Tape tape(/*training=*/false);
  const Var h = tape.input(result.state.h());
  return {read_out(tape.input(std::move(result.output)), h, input).value(),
          std::move(result.state)};
}

SequenceModel::VarOutput SequenceModel::forward(Tape& tape, const SequenceInput& input,
                                                const State& initial) {
  VarOutput result = features(tape, input, initial);
  result.output = decoder_.forward(tape, result.output);
  return result;
}

SequenceModel::Output SequenceModel::forward(const SequenceInput& input,
                                             const State& initial) const {
  Output result = features(input, initial);
  result.output = decoder_.forward(result.output);
  return result;
}

void SequenceModel::set_inference_weights(WeightType type) {
  rnn_.set_inference_weights(type);
  decoder_.set_inference_weights(type);
}

ParameterList SequenceModel::parameters() {
  ParameterList list;
  if (embedding_) list = prefixed("embedding", embedding_->parameters());
  return list + prefixed("rnn", rnn_.parameters()) + prefixed("decoder", decoder_.parameters());
}

ConstParameterList SequenceModel::parameters() const {
  ConstParameterList list;
  if (embedding_) list = prefixed("embedding", std::as_const(*embedding_).parameters());
  return list + prefixed("rnn", rnn_.parameters()) + prefixed("decoder", decoder_.parameters());
}

Embedding& SequenceModel::embedding() {
  static_cast<void>(std::as_const(*this).embedding());  // throws
  return *embedding_;
}

const Embedding& SequenceModel::embedding() const {
  if (!embedding_) throw Error("SequenceModel: it reads numbers, and has no embedding");
  return *embedding_;
}

}  // namespace riverrun
