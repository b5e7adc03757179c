#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "riverrun/core/fields.h"
#include "riverrun/core/tensor.h"
#include "riverrun/core/weight_type.h"
#include "riverrun/nn/cells.h"
#include "riverrun/nn/embedding.h"
#include "riverrun/nn/init.h"
#include "riverrun/nn/linear.h"
#include "riverrun/nn/parameter.h"
#include "riverrun/nn/recurrent.h"
#include "riverrun/nn/tape.h"

namespace riverrun {

/// Which states a sequence is answered from.
enum class Readout {
  kEveryStep,  ///< each step's: one answer for each element
  kLast,       ///< the last state of each direction: one answer for the sequence
  kMean,       ///< the mean over the sequence's own steps: one answer for the sequence
  kAsked,      ///< those of the steps that the input names
};

struct SequenceModelOptions {
  CellChoice cell = "lstm";
  /// It reads symbols in [0, num_embeddings), as vectors that are learnt; 0: numbers.
  std::int64_t num_embeddings = 0;
  /// Of these vectors, or how many numbers a step has.
  std::int64_t input_size = 0;
  /// The recurrent layers read so many features of a convolution along time, and relu, in place of
  /// the input; 0: the input itself. Each is of the conv_kernel_size steps around one; with a
  /// conv_stride of n, around every n-th step from the first on, so that a sequence is shortened to
  /// ⌈length/n⌉ steps. The kernel's size is odd.
  std::int64_t conv_channels = 0;
  std::int64_t conv_kernel_size = 1;
  std::int64_t conv_stride = 1;
  std::int64_t hidden_size = 0;
  std::int64_t num_layers = 1;
  bool bidirectional = false;
  Readout readout = Readout::kEveryStep;
  /// What it answers with: logits of classes, or numbers; 0: there is no decoder, and it answers
  /// with the features that one would read.
  std::int64_t output_size = 0;
  /// While training: on what the recurrent layers read, between them, and on what is answered from
  /// (Zaremba et al. 2014: never on the recurrent connections).
  float dropout = 0.0f;
  /// Of the recurrent layers.
  Initialization init = {};
  /// As in RecurrentOptions.
  std::int64_t recompute_steps = 0;
  /// Of the initial parameters.
  std::uint64_t seed = 1;
};

inline constexpr std::array<std::string_view, 4> kReadouts = {"every_step", "last", "mean",
                                                              "asked"};
template <>
inline constexpr std::span<const std::string_view> kNames<Readout> = kReadouts;

template <>
inline constexpr auto kFields<SequenceModelOptions> = [] {
  using O = SequenceModelOptions;
  return std::tuple{
      Field{"cell", &O::cell},
      Field{"num_embeddings", &O::num_embeddings, at_least(0)},
      Field{"input_size", &O::input_size, from_to(1, kLargestSize)},
      Field{"conv_channels", &O::conv_channels, from_to(0, kLargestSize)},
      Field{"conv_kernel_size", &O::conv_kernel_size, from_to(1, kLargestSize)},
      Field{"conv_stride", &O::conv_stride, from_to(1, kLargestSize)},
      Field{"hidden_size", &O::hidden_size, from_to(1, kLargestSize)},
      Field{"num_layers", &O::num_layers, from_to(1, kMostLayers)},
      Field{"bidirectional", &O::bidirectional},
      Field{"readout", &O::readout},
      Field{"output_size", &O::output_size, from_to(0, kLargestSize)},
      Field{"dropout", &O::dropout, from_below(0, 1)},
      Field{"init", &O::init, any_value(), "", kInitial},
      Field{"recompute_steps", &O::recompute_steps, at_least(kRecomputeAuto)},
      Field{"seed", &O::seed, any_value(), "", kInitial},
  };
}();

/// Throws ConfigError, which names it, if an option is out of range. Allocates nothing of the sizes
/// that are asked for.
void check(const SequenceModelOptions& options);

/// The names and shapes that SequenceModel::parameters() will have, without making them. Throws
/// ConfigError as check().
[[nodiscard]] std::vector<NamedShape> parameter_shapes(const SequenceModelOptions& options);

/// What a model reads: symbols or numbers of some sequences side by side. The arrays must outlive
/// the call that they are given to.
struct SequenceInput {
  std::int64_t seq_len = 0;  // of the longest
  std::int64_t batch = 0;
  std::span<const std::int32_t> symbols = {};  // [seq_len, batch], of a model of symbols
  const Tensor* numbers = nullptr;             // [seq_len, batch, input_size], of one of numbers
  // In place of numbers, or of the vectors of symbols, what other layers computed on the tape; its
  // gradient reaches them.
  std::optional<Var> computed = {};
  std::span<const std::int64_t> lengths = {};  // [batch]; empty: each is seq_len
  std::span<const std::int64_t> asked = {};    // for Readout::kAsked: step * batch + sequence
};

/// A recurrent network from what is read to what is answered: an embedding of symbols, or numbers;
/// a convolution; dropout; a recurrent stack around any cell; a readout; dropout; and a linear
/// decoder, if it is to have one. With R answers (seq_len · batch, batch, or as many as are asked
/// for) of F = directions · hidden_size features each.
///
/// Parameters: embedding.weight [num_embeddings, input_size] if it reads symbols, conv.weight
/// [conv_channels, input_size, conv_kernel_size] and conv.bias [conv_channels] if there is a
/// convolution, rnn.weight_ih_l0 … as Recurrent, decoder.weight [output_size, F] and decoder.bias
/// [output_size] if there is a decoder.
///
/// Several threads may call const functions at once; changing parameters is for one alone.
class SequenceModel {
 public:
  /// Throws ConfigError as check().
  explicit SequenceModel(const SequenceModelOptions& options);
  SequenceModel(SequenceModel&&) noexcept = default;
  SequenceModel& operator=(SequenceModel&&) noexcept = default;
  ~SequenceModel() = default;
  /// The same model once more, with parameters of its own; an embedding and a decoder that share
  /// their weight share it there too.
  [[nodiscard]] SequenceModel clone() const { return SequenceModel(*this); }

  struct VarOutput {
    Var output;
    std::vector<Var> state;  // at the end, in the order of State::tensors
    // Of the recurrent layers: what they read, and their output at every step,
    // [steps_of(seq_len), batch, features].
    Var read;
    Var hidden;
  };
  struct Output {
    Tensor output;
    State state;
  };

  /// The answers: [steps_of(seq_len), batch, output_size] of Readout::kEveryStep, [batch,
  /// output_size] of kLast and kMean, [asked, output_size] of kAsked. On a tape, with gradients of
  /// all parameters; without, for several threads at once. Both throw ShapeError, and ConfigError
  /// if a symbol is not in [0, num_embeddings).
  VarOutput forward(Tape& tape, const SequenceInput& input, const State& initial = {});
  [[nodiscard]] Output forward(const SequenceInput& input, const State& initial = {}) const;

  /// What the decoder reads, of the same shapes with F features in place of output_size: for a loss
  /// that takes the decoder along (linear_cross_entropy). Throws as forward.
  VarOutput features(Tape& tape, const SequenceInput& input, const State& initial = {});
  [[nodiscard]] Output features(const SequenceInput& input, const State& initial = {}) const;

  /// In which numbers weight matrices are read without gradients; see Recurrent. The embedding
  /// stays float32, of which a symbol reads one row. Throws ConfigError if there is no such type.
  void set_inference_weights(WeightType type);

  /// In a fixed order, under the names that a file gives them.
  [[nodiscard]] ParameterList parameters();
  [[nodiscard]] ConstParameterList parameters() const;
  [[nodiscard]] const SequenceModelOptions& options() const noexcept { return options_; }

  /// How many steps the recurrent layers make of so many of the input.
  [[nodiscard]] std::int64_t steps_of(std::int64_t seq_len) const noexcept;

  /// The parts. embedding() of a model of numbers throws Error, and decoder() of one without it.
  [[nodiscard]] Embedding& embedding();
  [[nodiscard]] const Embedding& embedding() const;
  [[nodiscard]] Recurrent& rnn() noexcept { return rnn_; }
  [[nodiscard]] const Recurrent& rnn() const noexcept { return rnn_; }
  [[nodiscard]] Linear& decoder();
  [[nodiscard]] const Linear& decoder() const;

 private:
  SequenceModel(const SequenceModel& other);
  void check(const SequenceInput& input) const;
  [[nodiscard]] std::vector<std::int64_t> recurrent_lengths(
      std::span<const std::int64_t> of_input) const;
  [[nodiscard]] Var convolve(Var input, std::span<const std::int64_t> lengths) const;
  [[nodiscard]] Var read_out(Var output, Var h, std::span<const std::int64_t> lengths,
                             std::span<const std::int64_t> asked) const;

  SequenceModelOptions options_;
  std::optional<Embedding> embedding_;
  std::shared_ptr<Parameter> conv_weight_;  // null: there is no convolution
  std::shared_ptr<Parameter> conv_bias_;
  Recurrent rnn_;
  std::optional<Linear> decoder_;
};

}  // namespace riverrun
