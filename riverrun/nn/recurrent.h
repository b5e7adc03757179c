#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "riverrun/cell/descriptor.h"
#include "riverrun/core/fields.h"
#include "riverrun/core/list_span.h"
#include "riverrun/core/tensor.h"
#include "riverrun/core/weight_type.h"
#include "riverrun/nn/parameter.h"
#include "riverrun/nn/tape.h"

namespace riverrun {

/// For RecurrentOptions::recompute_steps: the square root of the length, and at least so many steps
/// that a segment has 256 rows, which fast products need.
inline constexpr std::int64_t kRecomputeAuto = -1;

/// The most layers of a stack.
inline constexpr std::int64_t kMostLayers = 1000;
/// Of a layer, so that products of sizes fit 64 bits; what is too large for the memory shows when
/// it is made.
inline constexpr std::int64_t kLargestSize = std::int64_t{1} << 28;

/// The arguments of PyTorch's nn.RNN, nn.GRU and nn.LSTM, under the same names, and some more.
struct RecurrentOptions {
  std::int64_t input_size = 0;
  std::int64_t hidden_size = 0;
  std::int64_t num_layers = 1;
  bool bias = true;
  /// Input and output are [batch, seq_len, features] instead of [seq_len, batch, features].
  bool batch_first = false;
  /// On the output of each layer but the last, while training.
  float dropout = 0.0f;
  bool bidirectional = false;
  /// Size of a projection of h, if not 0 (Sak et al. 2014); for cells whose step does not read h.
  std::int64_t proj_size = 0;
  /// What the biases of the gate "f" add up to at the start (1 after Jozefowicz et al. 2015);
  /// not set: uniform, as PyTorch.
  std::optional<float> forget_bias = std::nullopt;
  /// Of the initial weights: uniform in ±1/√hidden_size, as PyTorch.
  std::uint64_t seed = 0;
  /// For training on long sequences: n > 0 keeps the states of every n-th step only, and the
  /// backward pass runs each segment of n steps forward once more (Chen et al. 2016, "Training Deep
  /// Nets with Sublinear Memory Cost"; Gruslys et al. 2016, "Memory-Efficient Backpropagation
  /// Through Time"). Beside its input and output and their gradients, a layer then needs memory for
  /// seq_len / n states and n steps, least with n near √seq_len, instead of for all steps: an LSTM,
  /// six times its output. It costs one more forward, a third of the operations of training.
  /// Outputs have the same bits; the gradients of parameters are added up in another order. 0 (or n
  /// >= seq_len) keeps everything.
  std::int64_t recompute_steps = 0;
};

template <>
inline constexpr auto kFields<RecurrentOptions> = [] {
  using O = RecurrentOptions;
  return std::tuple{
      Field{"input_size", &O::input_size, from_to(1, kLargestSize)},
      Field{"hidden_size", &O::hidden_size, from_to(1, kLargestSize)},
      Field{"num_layers", &O::num_layers, from_to(1, kMostLayers)},
      Field{"bias", &O::bias},
      Field{"batch_first", &O::batch_first},
      Field{"dropout", &O::dropout, from_below(0, 1)},
      Field{"bidirectional", &O::bidirectional},
      Field{"proj_size", &O::proj_size, at_least(0)},
      Field{"forget_bias", &O::forget_bias, any_value(), "", kInitial},
      Field{"seed", &O::seed, any_value(), "", kInitial},
      Field{"recompute_steps", &O::recompute_steps, at_least(kRecomputeAuto)},
  };
}();

/// What a recurrent network carries from step to step: a value that can be copied, saved and
/// carried on. One tensor for each state of the cell ("h", and "c" for an LSTM), each
/// [num_layers * directions, batch, hidden_size] (h: proj_size if that is set), without the batch
/// for an unbatched input. Empty stands for zeros.
struct State {
  std::vector<Tensor> tensors;

  [[nodiscard]] bool empty() const noexcept { return tensors.empty(); }
  /// Of all layers; select(state.h(), 0, -1) is the last one's (nn/ops.h). Of a temporary it is
  /// the tensor itself, so that const Tensor& h = lstm.forward(x).state.h() is one that lasts.
  [[nodiscard]] Tensor& h() & { return tensors.at(0); }
  [[nodiscard]] const Tensor& h() const& { return tensors.at(0); }
  [[nodiscard]] Tensor h() && { return std::move(tensors.at(0)); }
  [[nodiscard]] Tensor h() const&& { return tensors.at(0); }
  [[nodiscard]] Tensor& c() & { return tensors.at(1); }
  [[nodiscard]] const Tensor& c() const& { return tensors.at(1); }
  [[nodiscard]] Tensor c() && { return std::move(tensors.at(1)); }
  [[nodiscard]] Tensor c() const&& { return tensors.at(1); }
};

class Stream;

/// A stack of recurrent layers around any cell; RNN, GRU and LSTM below are this with their cell.
///
/// Shapes: input [seq_len, batch, input_size] (or [batch, seq_len, input_size] with batch_first,
/// or [seq_len, input_size] unbatched); output the same with directions * (proj_size or
/// hidden_size) features. Parameters have PyTorch's names and layouts: weight_ih_l0
/// [gates * hidden_size, input_size], weight_hh_l0, bias_ih_l0, bias_hh_l0, weight_hr_l0, suffix
/// _reverse; a cell's own parameters (a peephole "p_o") are called p_o_l0 and are [hidden_size].
///
/// Several threads may call const functions at once; changing parameters is for one alone.
class Recurrent {
 public:
  /// The network owns the cell. Throws ConfigError if a size is not positive, dropout is outside
  /// [0, 1), the cell does not allow a projection, or recompute_steps is negative and not
  /// kRecomputeAuto.
  Recurrent(CellDescriptor cell, const RecurrentOptions& options);
  Recurrent(Recurrent&&) noexcept;
  Recurrent& operator=(Recurrent&&) noexcept;
  ~Recurrent();
  /// The same network once more, with parameters of its own.
  [[nodiscard]] Recurrent clone() const;

  struct Output {
    Tensor output;
    State state;
  };
  /// The whole sequence, without gradients. `lengths`, if not empty, holds one length per sequence
  /// of the batch, in any order, each in [1, seq_len]; the output beyond a sequence's length is
  /// zero and its final state is that of its last step (as PyTorch's pack_padded_sequence with
  /// enforce_sorted=False). Throws ShapeError.
  [[nodiscard]] Output forward(const Tensor& input, const State& initial = {},
                               IntSpan lengths = {}) const;

  struct VarOutput {
    Var output;
    std::vector<Var> state;  // in the order of State::tensors
  };
  /// The same on a tape, with gradients of the input, the initial state and the parameters. The
  /// recording shares the network, which may be moved or destroyed before Tape::backward. Throws
  /// Error for a value of another tape. With recompute_steps, Tape::backward throws Error if
  /// parameters have changed since this call.
  VarOutput forward(Tape& tape, Var input, ListSpan<Var> initial = {}, IntSpan lengths = {});
  /// The same with `weights` in place of the parameters, in the order of parameters(): values of
  /// the tape, as those made of a parameter by dropping some of a recurrent weight (Merity et al.
  /// 2018, "Regularizing and Optimizing LSTM Language Models") or by normalising it (Salimans and
  /// Kingma 2016). They are used where they are, and get the gradients. Throws ShapeError unless
  /// each has the shape of its parameter.
  VarOutput forward_with(Tape& tape, ListSpan<Var> weights, Var input, ListSpan<Var> initial = {},
                         IntSpan lengths = {}) const;

  /// One step at a time. Allocates here and never while stepping; later changes of the parameters
  /// do not reach it. Takes two steps, and forgets them, so that the caller's first one is as fast
  /// as any. Throws ConfigError if bidirectional.
  [[nodiscard]] Stream stream(std::int64_t batch = 1) const;

  /// In which numbers the weight matrices are read without gradients: by the first forward() and by
  /// streams made from now on. kBFloat16 and kInt8 make a single sample's step through a network
  /// that is larger than the caches faster, as it waits for its weights. The parameters, training
  /// and gradients stay float32. Throws ConfigError if there is no such type.
  void set_inference_weights(WeightType type);
  [[nodiscard]] WeightType inference_weights() const noexcept;

  /// All zeros, for `batch` sequences.
  [[nodiscard]] State zero_state(std::int64_t batch) const;

  /// In PyTorch's order and under its names.
  [[nodiscard]] ParameterList parameters();
  [[nodiscard]] ConstParameterList parameters() const;
  [[nodiscard]] const RecurrentOptions& options() const noexcept;
  [[nodiscard]] const CellDescriptor& cell() const noexcept;

 private:
  friend class Stream;
  struct Impl;
  explicit Recurrent(std::shared_ptr<Impl> impl);
  static VarOutput record(const std::shared_ptr<Impl>& impl, Tape& tape, Var input,
                          ListSpan<Var> initial, IntSpan lengths,
                          std::vector<std::vector<Var>> weights);
  std::shared_ptr<Impl> impl_;  // a recording shares it
};

/// A recurrent network that runs sample by sample. Never allocates, locks or throws in step().
/// Its state is its own; the weights are shared. One thread at a time.
///
/// States below 2^-126 are 0, here and in forward(): h when it is stored, the others when a step
/// reads them. In silence they would otherwise shrink to subnormal numbers, stay there, and make
/// every step slower.
///
/// A step of 8 million operations or more, some 0.2 ms, is shared by the threads of parallel_for;
/// one of 300,000 if the step before was less than 20 µs ago, so that the threads are still awake.
/// set_num_threads(1) before stream() keeps it to the caller, as a real-time thread will want.
/// stream() makes the threads. If set_num_threads() changes their number later, steps are the
/// caller's alone until another parallel_for, as that of a forward(), has made them anew.
class Stream {
 public:
  Stream(Stream&&) noexcept;
  Stream& operator=(Stream&&) noexcept;
  ~Stream();

  /// input [batch, input_size] -> output [batch, proj_size or hidden_size]. The spans' sizes are
  /// the caller's duty; they are only asserted.
  void step(std::span<const float> input, std::span<float> output) noexcept;

  /// Back to zeros.
  void reset() noexcept;
  [[nodiscard]] State state() const;
  /// Throws ShapeError.
  void set_state(const State& state);

 private:
  friend class Recurrent;
  struct Impl;
  explicit Stream(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// Long short-term memory, as torch.nn.LSTM.
class LSTM : public Recurrent {
 public:
  explicit LSTM(const RecurrentOptions& options);
  [[nodiscard]] LSTM clone() const { return LSTM(Recurrent::clone()); }

 private:
  explicit LSTM(Recurrent&& network) : Recurrent(std::move(network)) {}
};

/// Gated recurrent unit, as torch.nn.GRU.
class GRU : public Recurrent {
 public:
  explicit GRU(const RecurrentOptions& options);
  [[nodiscard]] GRU clone() const { return GRU(Recurrent::clone()); }

 private:
  explicit GRU(Recurrent&& network) : Recurrent(std::move(network)) {}
};

enum class Nonlinearity { kTanh, kRelu };

/// Elman network, as torch.nn.RNN; the nonlinearity is tanh unless kRelu is asked for.
class RNN : public Recurrent {
 public:
  explicit RNN(const RecurrentOptions& options, Nonlinearity nonlinearity = Nonlinearity::kTanh);
  [[nodiscard]] RNN clone() const { return RNN(Recurrent::clone()); }

 private:
  explicit RNN(Recurrent&& network) : Recurrent(std::move(network)) {}
};

}  // namespace riverrun
