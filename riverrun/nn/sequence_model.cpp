#include "riverrun/nn/sequence_model.h"

#include <algorithm>
#include <cmath>
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

std::optional<Linear> make_decoder(const SequenceModelOptions& options) {
  if (options.output_size == 0) return std::nullopt;
  return Linear({.in_features = options.hidden_size * (options.bidirectional ? 2 : 1),
                 .out_features = options.output_size,
                 .bias = true,
                 .seed = part_seed(options.seed, 2)});
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

constexpr const char* kNoEmbedding = "SequenceModel: it reads numbers, and has no embedding";
constexpr const char* kNoDecoder = "SequenceModel: its output_size is 0, so it has no decoder";

/// A part that may be missing.
template <class Part>
auto& required(Part& part, const char* otherwise) {
  if (!part) throw Error(otherwise);
  return *part;
}

/// What the recurrent layers read of a step.
std::int64_t features_read(const SequenceModelOptions& options) {
  return options.conv_channels > 0 ? options.conv_channels : options.input_size;
}

Shape conv_shape(const SequenceModelOptions& options) {
  return {options.conv_channels, options.input_size, options.conv_kernel_size};
}

/// Uniform in ±1/√(what a feature is computed from), as PyTorch's Conv1d.
std::shared_ptr<Parameter> conv_parameter(const SequenceModelOptions& options, const Shape& shape,
                                          std::uint64_t stream) {
  if (options.conv_channels == 0) return nullptr;
  auto parameter = std::make_shared<Parameter>(shape);
  const float bound =
      1.0f / std::sqrt(static_cast<float>(options.input_size * options.conv_kernel_size));
  Random(part_seed(options.seed, 4), stream)
      .fill_uniform(parameter->mutable_value().values(), -bound, bound);
  return parameter;
}

RecurrentOptions recurrent_options(const SequenceModelOptions& options) {
  RecurrentOptions recurrent;
  recurrent.input_size = features_read(options);
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
  if (options.conv_kernel_size % 2 == 0) {
    throw ConfigError(fmt::format("SequenceModel: conv_kernel_size is {}; it must be odd",
                                  options.conv_kernel_size));
  }
  if (options.conv_channels == 0 && (options.conv_stride > 1 || options.conv_kernel_size > 1)) {
    throw ConfigError(fmt::format(
        "SequenceModel: conv_kernel_size is {} and conv_stride {}; with conv_channels = 0 there is "
        "no convolution, and both must be 1",
        options.conv_kernel_size, options.conv_stride));
  }
  if (options.conv_stride > 1 && options.readout == Readout::kAsked) {
    throw ConfigError(fmt::format(
        "SequenceModel: conv_stride is {}; where single steps are asked for it must be 1",
        options.conv_stride));
  }
  // A file may claim any sizes: refuse what could not be held before anything is allocated.
  constexpr double kMostParameters = 1e11;
  const auto embeddings = static_cast<double>(options.num_embeddings);
  const auto read = static_cast<double>(options.input_size);
  const auto convolved = static_cast<double>(options.conv_channels);
  const auto input = static_cast<double>(features_read(options));
  const auto hidden = static_cast<double>(options.hidden_size);
  const auto layers = static_cast<double>(options.num_layers);
  const auto output = static_cast<double>(options.output_size);
  const auto gates = static_cast<double>(options.cell.descriptor().gates.size());
  const double directions = options.bidirectional ? 2 : 1;
  const double parameters =
      embeddings * read + convolved * read * static_cast<double>(options.conv_kernel_size) +
      directions * gates * hidden * (input + hidden) +
      (layers - 1) * directions * gates * hidden * (directions * hidden + hidden) +
      directions * hidden * output;
  if (parameters > kMostParameters) {
    throw ConfigError(fmt::format(
        "SequenceModel: hidden_size = {}, num_layers = {}, num_embeddings = {}, input_size = {}{} "
        "and output_size = {} make about {:.0e} parameters; at most 1e11 are allowed",
        options.hidden_size, options.num_layers, options.num_embeddings, options.input_size,
        options.conv_channels > 0 ? fmt::format(", conv_channels = {}, conv_kernel_size = {}",
                                                options.conv_channels, options.conv_kernel_size)
                                  : "",
        options.output_size, parameters));
  }
}

std::vector<NamedShape> parameter_shapes(const SequenceModelOptions& options) {
  check(options);
  const CellDescriptor& cell = options.cell.descriptor();
  const std::int64_t hidden = options.hidden_size;
  const std::int64_t directions = options.bidirectional ? 2 : 1;
  const std::int64_t rows = cell.layout.gates * hidden;
  std::vector<NamedShape> shapes;
  if (options.num_embeddings > 0) {
    shapes.push_back({"embedding.weight", {options.num_embeddings, options.input_size}});
  }
  if (options.conv_channels > 0) {
    shapes.push_back({"conv.weight", conv_shape(options)});
    shapes.push_back({"conv.bias", {options.conv_channels}});
  }
  for (std::int64_t i = 0; i < options.num_layers * directions; ++i) {
    const std::int64_t layer = i / directions;
    const auto add = [&](std::string_view name, const Shape& shape) {
      shapes.push_back(
          {fmt::format("rnn.{}_l{}{}", name, layer, i % directions > 0 ? "_reverse" : ""), shape});
    };
    add("weight_ih", {rows, layer == 0 ? features_read(options) : directions * hidden});
    if (cell.recurrent) add("weight_hh", {rows, hidden});
    add("bias_ih", {rows});
    if (cell.recurrent) add("bias_hh", {rows});
    for (const std::string& param : cell.params) add(param, {hidden});
  }
  if (options.output_size > 0) {
    shapes.push_back({"decoder.weight", {options.output_size, directions * hidden}});
    shapes.push_back({"decoder.bias", {options.output_size}});
  }
  return shapes;
}

SequenceModel::SequenceModel(const SequenceModelOptions& options)
    : options_(checked(options)),
      embedding_(make_embedding(options)),
      conv_weight_(conv_parameter(options, conv_shape(options), 0)),
      conv_bias_(conv_parameter(options, {options.conv_channels}, 1)),
      rnn_(options.cell.descriptor(), recurrent_options(options)),
      decoder_(make_decoder(options)) {
  initialize(rnn_, options.init, part_seed(options.seed, 3));
}

SequenceModel::SequenceModel(const SequenceModel& other)
    : options_(other.options_), rnn_(other.rnn_.clone()) {
  if (other.decoder_) decoder_ = other.decoder_->clone();
  if (other.conv_weight_) {
    conv_weight_ = other.conv_weight_->clone();
    conv_bias_ = other.conv_bias_->clone();
  }
  if (!other.embedding_) return;
  embedding_ = other.embedding_->clone();
  if (decoder_ && &other.embedding_->weight() == &other.decoder_->weight()) {
    decoder_->share_weight(embedding_->shared_weight());
  }
}

void SequenceModel::check(const SequenceInput& input) const {
  const bool reads_symbols = embedding_.has_value() && !input.computed;
  const bool has_numbers = input.numbers != nullptr || input.computed;
  if (reads_symbols == has_numbers) {
    throw ShapeError(
        std::string("SequenceModel: the input is of ") +
        (reads_symbols ? "numbers; the model reads symbols" : "symbols; the model reads numbers"));
  }
  if (input.numbers != nullptr && input.computed) {
    throw ShapeError("SequenceModel: both `numbers` and `computed` are given");
  }
  const Shape wanted{input.seq_len, input.batch, options_.input_size};
  const Shape& given = input.computed  ? input.computed->shape()
                       : reads_symbols ? wanted
                                       : input.numbers->shape();
  if (given != wanted) {
    throw ShapeError("SequenceModel: numbers are " + given.to_string() +
                     "; they must be [seq_len, batch, input_size], " + wanted.to_string());
  }
  if (!input.lengths.empty()) {
    if (static_cast<std::int64_t>(input.lengths.size()) != input.batch) {
      throw ShapeError(fmt::format("SequenceModel: there are {} lengths for a batch of {}",
                                   input.lengths.size(), input.batch));
    }
    for (const std::int64_t length : input.lengths) {
      if (length >= 1 && length <= input.seq_len) continue;
      throw ShapeError(fmt::format("SequenceModel: a length is {}; it must be in [1, {}]", length,
                                   input.seq_len));
    }
  }
  if (!input.asked.empty() && options_.readout != Readout::kAsked) {
    throw ShapeError("SequenceModel: `asked` is given, but the readout is not kAsked");
  }
}

std::int64_t SequenceModel::steps_of(std::int64_t seq_len) const noexcept {
  return conv_weight_ ? (seq_len - 1) / options_.conv_stride + 1 : seq_len;
}

std::vector<std::int64_t> SequenceModel::recurrent_lengths(
    std::span<const std::int64_t> of_input) const {
  std::vector<std::int64_t> lengths(of_input.begin(), of_input.end());
  for (std::int64_t& length : lengths) length = steps_of(length);
  return lengths;
}

// The input itself where there is no convolution.
Var SequenceModel::convolve(Var input, std::span<const std::int64_t> lengths) const {
  if (!conv_weight_) return input;
  Tape& tape = input.tape();
  if (!lengths.empty()) {
    // What is beyond a sequence's end must not reach its last steps.
    const std::int64_t batch = input.shape()[1];
    Tensor inside({input.shape()[0], batch, 1});
    for (std::int64_t b = 0; b < batch; ++b) {
      for (std::int64_t t = 0; t < lengths[static_cast<std::size_t>(b)]; ++t) {
        inside.data()[t * batch + b] = 1.0f;
      }
    }
    input = multiply(input, tape.input(std::move(inside)));
  }
  return relu(
      conv1d(input, leaf(tape, conv_weight_), leaf(tape, conv_bias_),
             {.stride = options_.conv_stride, .padding = (options_.conv_kernel_size - 1) / 2}));
}

// From the outputs of the recurrent layers and their last h.
Var SequenceModel::read_out(Var output, Var h, std::span<const std::int64_t> lengths,
                            std::span<const std::int64_t> asked) const {
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
      const std::int64_t batch = output.shape()[1];
      Tensor shares({batch, 1});
      for (std::int64_t b = 0; b < batch; ++b) {
        const std::int64_t length =
            lengths.empty() ? output.shape()[0] : lengths[static_cast<std::size_t>(b)];
        shares.data()[b] = 1.0f / static_cast<float>(length);
      }
      return multiply(sum(output, 0), tape.input(std::move(shares)));
    }
    case Readout::kAsked:
      return rows_of(output, asked);
  }
  throw ConfigError("SequenceModel: there is no such readout");
}

SequenceModel::VarOutput SequenceModel::features(Tape& tape, const SequenceInput& input,
                                                 const State& initial) {
  check(input);
  std::vector<Var> state;
  for (const Tensor& tensor : initial.tensors) state.push_back(tape.input(tensor));
  if (input.computed) tape.require_own(*input.computed);
  const Var x = input.computed ? *input.computed
                : embedding_
                    ? embedding_->forward(tape, input.symbols, {input.seq_len, input.batch})
                    : tape.input(*input.numbers);
  const std::vector<std::int64_t> lengths = recurrent_lengths(input.lengths);
  const Var read = dropout(tape, convolve(x, input.lengths), options_.dropout);
  Recurrent::VarOutput result = rnn_.forward(tape, read, state, lengths);
  const Var answers = read_out(result.output, result.state.front(), lengths, input.asked);
  return {dropout(tape, answers, options_.dropout), std::move(result.state), read, result.output};
}

SequenceModel::Output SequenceModel::features(const SequenceInput& input,
                                              const State& initial) const {
  check(input);
  if (input.computed) {
    throw Error("SequenceModel: `computed` is on a tape, which forward() without one cannot use");
  }
  Tensor embedded;
  const Tensor* x = input.numbers;
  if (embedding_) {
    embedded = embedding_->forward(input.symbols, {input.seq_len, input.batch});
    x = &embedded;
  }
  Tape tape(/*training=*/false);
  if (conv_weight_) {
    embedded = convolve(tape.input(*x), input.lengths).value();
    x = &embedded;
  }
  const std::vector<std::int64_t> lengths = recurrent_lengths(input.lengths);
  Recurrent::Output result = rnn_.forward(*x, initial, lengths);
  if (options_.readout == Readout::kEveryStep) {
    return {std::move(result.output), std::move(result.state)};
  }
  const Var h = tape.input(result.state.h());
  return {read_out(tape.input(std::move(result.output)), h, lengths, input.asked).value(),
          std::move(result.state)};
}

SequenceModel::VarOutput SequenceModel::forward(Tape& tape, const SequenceInput& input,
                                                const State& initial) {
  VarOutput result = features(tape, input, initial);
  if (decoder_) result.output = decoder_->forward(tape, result.output);
  return result;
}

SequenceModel::Output SequenceModel::forward(const SequenceInput& input,
                                             const State& initial) const {
  Output result = features(input, initial);
  if (decoder_) result.output = decoder_->forward(result.output);
  return result;
}

void SequenceModel::set_inference_weights(WeightType type) {
  rnn_.set_inference_weights(type);
  if (decoder_) decoder_->set_inference_weights(type);
}

ParameterList SequenceModel::parameters() {
  ParameterList list;
  if (embedding_) list = prefixed("embedding", embedding_->parameters());
  if (conv_weight_) list += ParameterList{{"conv.weight", conv_weight_}, {"conv.bias", conv_bias_}};
  list += prefixed("rnn", rnn_.parameters());
  if (decoder_) list += prefixed("decoder", decoder_->parameters());
  return list;
}

ConstParameterList SequenceModel::parameters() const {
  ConstParameterList list;
  if (embedding_) list = prefixed("embedding", std::as_const(*embedding_).parameters());
  if (conv_weight_) {
    list += ConstParameterList{{"conv.weight", conv_weight_}, {"conv.bias", conv_bias_}};
  }
  list += prefixed("rnn", rnn_.parameters());
  if (decoder_) list += prefixed("decoder", std::as_const(*decoder_).parameters());
  return list;
}

Embedding& SequenceModel::embedding() { return required(embedding_, kNoEmbedding); }
const Embedding& SequenceModel::embedding() const { return required(embedding_, kNoEmbedding); }
Linear& SequenceModel::decoder() { return required(decoder_, kNoDecoder); }
const Linear& SequenceModel::decoder() const { return required(decoder_, kNoDecoder); }

}  // namespace riverrun
