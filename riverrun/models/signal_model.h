#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include "riverrun/core/fields.h"
#include "riverrun/core/tensor.h"
#include "riverrun/nn/cells.h"
#include "riverrun/nn/parameter.h"
#include "riverrun/nn/recurrent.h"
#include "riverrun/nn/sequence_model.h"
#include "riverrun/nn/tape.h"

namespace riverrun::models {

/// What a model of a signal's way through a device is made of.
struct SignalOptions {
  /// Samples a second of the signals that it learns from; it is right for this rate alone.
  std::int64_t sample_rate = 0;
  /// The factor by which the dry signal that it learns from is nearest to the wet one: what a model
  /// has to be better than.
  double gain = 1;

  CellChoice cell = "lstm";
  std::int64_t hidden_size = 16;
  std::int64_t num_layers = 1;
  /// Whether the network says only what is added to the dry signal.
  bool residual = true;
  /// Of the errors that are minimised; see PreEmphasis.
  double pre_emphasis = 0.85;
  /// Of the initial parameters.
  std::uint64_t seed = 1;

  friend bool operator==(const SignalOptions&, const SignalOptions&) = default;
};

}  // namespace riverrun::models

template <>
inline constexpr auto riverrun::kFields<riverrun::models::SignalOptions> = [] {
  using O = models::SignalOptions;
  return std::tuple{
      Field{"sample_rate", &O::sample_rate, from_to(1, 2147483647)},
      Field{"gain", &O::gain},
      Field{"cell", &O::cell},
      Field{"hidden_size", &O::hidden_size, from_to(1, kLargestSize), "Units of a layer"},
      Field{"num_layers", &O::num_layers, from_to(1, kMostLayers), "Recurrent layers"},
      Field{"residual", &O::residual, any_value(),
            "Learn only the difference from the dry signal: true or false"},
      Field{"pre_emphasis", &O::pre_emphasis, from_to(0, 1),
            "Coefficient of the high-pass filter that is applied to the errors; 0: none"},
      Field{"seed", &O::seed, any_value(), "", kInitial},
  };
}();

namespace riverrun::models {

/// Throws ConfigError if an option is out of range; the message names it. Allocates nothing of the
/// sizes that are asked for.
void check(const SignalOptions& options);

/// The names and shapes that SignalModel::parameters() will have. Throws ConfigError as check().
[[nodiscard]] std::vector<NamedShape> parameter_shapes(const SignalOptions& options);

/// Turns one signal into another as a device does that it has learnt from, an amplifier or an
/// effect: sample by sample, without looking ahead, by a recurrent network.
///
/// Several threads may call const functions at once; changing parameters is for one alone.
class SignalModel {
 public:
  /// Throws ConfigError as check().
  explicit SignalModel(const SignalOptions& options);
  SignalModel(SignalModel&&) noexcept = default;
  SignalModel& operator=(SignalModel&&) noexcept = default;
  ~SignalModel() = default;

  struct VarOutput {
    Var output;              // [seq_len, batch, 1]
    std::vector<Var> state;  // at the end, in the order of State::tensors
  };
  /// Stretches of signals side by side, dry [seq_len, batch, 1], on a tape and with gradients of
  /// all parameters. Throws ShapeError.
  VarOutput forward(Tape& tape, const Tensor& dry, const State& initial = {});

  /// The next samples of a signal: fills `wet`, which is as long as `dry`, and carries `state` on;
  /// an empty one is that of a signal's beginning. A signal that is cut anywhere gives the same as
  /// in one. Needs memory for some thousand samples, however many there are. Throws ShapeError if
  /// the lengths differ.
  void process(std::span<const float> dry, std::span<float> wet, State& state) const;
  /// The state after reading dry [seq_len, batch, 1].
  [[nodiscard]] State read(const Tensor& dry) const;

  [[nodiscard]] State zero_state(std::int64_t batch) const;

  /// In a fixed order, under the names of SequenceModel: rnn.…, decoder.….
  [[nodiscard]] ParameterList parameters() { return network_.parameters(); }
  [[nodiscard]] ConstParameterList parameters() const { return network_.parameters(); }
  [[nodiscard]] const SignalOptions& options() const noexcept { return options_; }
  /// The network inside; with SignalOptions::residual, it says what is added to the dry signal.
  [[nodiscard]] const SequenceModel& network() const noexcept { return network_; }

 private:
  SignalOptions options_;
  SequenceModel network_;
};

}  // namespace riverrun::models
