#include "riverrun/models/signal_model.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include <fmt/format.h>

#include "riverrun/core/error.h"
#include "riverrun/nn/ops.h"

namespace riverrun::models {
namespace {

const SignalOptions& checked(const SignalOptions& options) {
  check(options);
  return options;
}

SequenceModelOptions network_options(const SignalOptions& options) {
  SequenceModelOptions of_network;
  of_network.cell = options.cell;
  of_network.input_size = 1;
  of_network.hidden_size = options.hidden_size;
  of_network.num_layers = options.num_layers;
  of_network.output_size = 1;
  of_network.seed = options.seed;
  return of_network;
}

SequenceInput input_of(const Tensor& dry) {
  return {.seq_len = dry.size(0), .batch = dry.size(1), .numbers = &dry};
}

}  // namespace

void check(const SignalOptions& options) {
  check_fields("SignalModel", options);
  check(network_options(options));
}

std::vector<NamedShape> parameter_shapes(const SignalOptions& options) {
  check(options);
  return parameter_shapes(network_options(options));
}

SignalModel::SignalModel(const SignalOptions& options)
    : options_(checked(options)), network_(network_options(options)) {}

SignalModel::VarOutput SignalModel::forward(Tape& tape, const Tensor& dry, const State& initial) {
  SequenceModel::VarOutput said = network_.forward(tape, input_of(dry), initial);
  Var output = options_.residual ? add(said.output, tape.input(dry)) : said.output;
  return {.output = output, .state = std::move(said.state)};
}

void SignalModel::process(std::span<const float> dry, std::span<float> wet, State& state) const {
  if (dry.size() != wet.size()) {
    throw ShapeError(
        fmt::format("SignalModel.process: {} samples come and {} are wanted; they "
                    "must be as many",
                    dry.size(), wet.size()));
  }
  constexpr std::size_t kPiece = 8192;
  for (std::size_t i = 0; i < dry.size(); i += kPiece) {
    const std::size_t count = std::min(kPiece, dry.size() - i);
    const Tensor piece({static_cast<std::int64_t>(count), 1, 1}, dry.subspan(i, count));
    SequenceModel::Output said = network_.forward(input_of(piece), state);
    state = std::move(said.state);
    const std::span<const float> added = said.output.values();
    for (std::size_t k = 0; k < count; ++k) {
      wet[i + k] = options_.residual ? added[k] + dry[i + k] : added[k];
    }
  }
}

State SignalModel::read(const Tensor& dry) const { return network_.features(input_of(dry)).state; }

State SignalModel::zero_state(std::int64_t batch) const { return network_.rnn().zero_state(batch); }

}  // namespace riverrun::models
