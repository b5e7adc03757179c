#include "riverrun/lm/horizon_probe.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <utility>

#include "riverrun/nn/loss.h"

namespace riverrun::lm {
namespace {

constexpr std::int64_t kSequences = 8;

/// The lags from `seq_len` down to 1: the pieces between them get shorter towards the loss.
std::vector<std::int64_t> falling_lags(std::int64_t seq_len) {
  std::vector<std::int64_t> lags;
  for (std::int64_t lag = 1; lag < seq_len; lag *= 2) lags.push_back(lag);
  lags.push_back(seq_len);
  std::reverse(lags.begin(), lags.end());
  return lags;
}

/// The first `columns` of rows [begin, end) of a row-major matrix.
std::vector<std::int32_t> first_columns(const std::vector<std::int32_t>& matrix, std::int64_t width,
                                        std::int64_t begin, std::int64_t end,
                                        std::int64_t columns) {
  std::vector<std::int32_t> result;
  result.reserve(static_cast<std::size_t>((end - begin) * columns));
  for (std::int64_t row = begin; row < end; ++row) {
    const auto first = matrix.begin() + row * width;
    result.insert(result.end(), first, first + columns);
  }
  return result;
}

/// [layers, batch, size] -> [layers, sequences, size]
Tensor first_sequences(const Tensor& state, std::int64_t sequences) {
  Tensor result = Tensor::uninitialized({state.size(0), sequences, state.size(2)});
  const auto from = static_cast<std::size_t>(state.size(1) * state.size(2));
  const auto to = static_cast<std::size_t>(sequences * state.size(2));
  for (std::size_t layer = 0; layer < static_cast<std::size_t>(state.size(0)); ++layer) {
    std::ranges::copy(state.values().subspan(layer * from, to),
                      result.values().subspan(layer * to).begin());
  }
  return result;
}

/// Of a gradient of the mean over `sequences`, each of which alone has `sequences` times as much.
double root_mean_square(const Tensor& grad, std::int64_t sequences) {
  double sum = 0;
  if (grad.empty()) return sum;  // nothing reached it
  for (const float g : grad.values()) sum += static_cast<double>(g) * g;
  return std::sqrt(static_cast<double>(sequences) * sum);
}

/// Updates between two measurements. A token costs as many multiplications as there are weights in
/// the layers; an update predicts each, a measurement only the last.
std::int64_t interval(LanguageModel& model, const text::BatchOptions& options) {
  double recurrent = 0;
  double decoder = 0;
  for (const NamedParameter& named : model.parameters()) {
    const auto weights = static_cast<double>(named.parameter->value().elements());
    if (named.name.starts_with("rnn.")) recurrent += weights;
    if (named.name.starts_with("decoder.")) decoder += weights;
  }
  const auto steps = static_cast<double>(options.seq_len);
  const auto sequences = static_cast<double>(options.batch_size);
  const double measured = std::min(sequences, static_cast<double>(kSequences));
  const double cost = measured * (steps * recurrent + decoder);
  const double update = sequences * steps * (recurrent + decoder);
  // A quarter of a per cent: an operation is dearer on a few rows and in short pieces.
  constexpr double kMostOfTime = 0.0025;
  // With threads for many rows it may take as long as an update, if it is shared by fewer of them.
  constexpr double kLeast = 200;
  return static_cast<std::int64_t>(std::max(kLeast, std::ceil(cost / update / kMostOfTime)));
}

}  // namespace

insight::MemoryHorizon memory_horizon(const std::vector<StateGradient>& gradients) {
  std::vector<double> lags;
  std::vector<double> log_norms;
  for (const StateGradient& gradient : gradients) {
    double squares = 0;
    for (const double norm : gradient.norms) squares += norm * norm;
    // Where one gradient overflowed, another may be 0 times infinity.
    if (std::isnan(squares)) squares = std::numeric_limits<double>::infinity();
    lags.push_back(static_cast<double>(gradient.lag));
    log_norms.push_back(0.5 * std::log(squares));
  }
  return insight::memory_horizon(lags, log_norms);
}

HorizonProbe::HorizonProbe(LanguageModel& model, const text::BatchOptions& options)
    : model_(model), every_(interval(model, options)) {}

std::vector<StateGradient> HorizonProbe::measure(const text::Batch& chunk,
                                                 const State& initial) const {
  const std::int64_t sequences = std::min(chunk.batch, kSequences);
  Tape tape(/*training=*/false);
  std::vector<Var> state;
  const State first = initial.empty() ? model_.zero_state(sequences) : initial;
  for (const Tensor& tensor : first.tensors) {
    state.push_back(tape.input(first_sequences(tensor, sequences), /*requires_grad=*/true));
  }

  // Piece by piece, so that the states between them are on the tape, and so are their gradients.
  const std::vector<std::int64_t> lags = falling_lags(chunk.seq_len);
  std::vector<std::vector<Var>> states;
  Var output;
  for (std::size_t i = 0; i < lags.size(); ++i) {
    states.push_back(state);
    const std::int64_t end = i + 1 < lags.size() ? lags[i + 1] : 0;
    const std::vector<std::int32_t> tokens = first_columns(
        chunk.inputs, chunk.batch, chunk.seq_len - lags[i], chunk.seq_len - end, sequences);
    const Var x = model_.embedding().forward(tape, tokens, {lags[i] - end, sequences});
    Recurrent::VarOutput read = model_.rnn().forward(tape, x, state);
    state = std::move(read.state);
    output = read.output;
  }
  const std::span<const std::int32_t> last =
      std::span(chunk.targets).last(static_cast<std::size_t>(chunk.batch));
  tape.backward(linear_cross_entropy(model_.decoder(), tape, output,
                                     last.first(static_cast<std::size_t>(sequences))));

  std::vector<StateGradient> result;
  for (std::size_t i = lags.size(); i-- > 0;) {
    StateGradient gradient{.lag = lags[i], .norms = {}};
    for (const Var& var : states[i]) {
      gradient.norms.push_back(root_mean_square(var.grad(), sequences));
    }
    result.push_back(std::move(gradient));
  }
  return result;
}

}  // namespace riverrun::lm
