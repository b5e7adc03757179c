#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "riverrun/cell/descriptor.h"
#include "riverrun/core/tensor.h"
#include "riverrun/nn/parameter.h"
#include "riverrun/nn/recurrent.h"
#include "riverrun/nn/tape.h"

namespace riverrun {

/// The arguments of PyTorch's nn.RNNCell, nn.GRUCell and nn.LSTMCell, under the same names.
struct RecurrentCellOptions {
  std::int64_t input_size = 0;
  std::int64_t hidden_size = 0;
  bool bias = true;
  /// As in RecurrentOptions.
  std::optional<float> forget_bias = std::nullopt;
  std::uint64_t seed = 0;
};

/// One step of any cell, for loops of one's own; RNNCell, GRUCell and LSTMCell below are this with
/// their cell. For whole sequences Recurrent is faster, and for streaming Recurrent::stream, which
/// does not allocate.
///
/// Shapes: input [batch, input_size], or [input_size] unbatched; each tensor of the state
/// [batch, hidden_size], or [hidden_size]. Parameters have PyTorch's names and layouts: weight_ih
/// [gates * hidden_size, input_size], weight_hh, bias_ih, bias_hh; a cell's own have its own names.
class RecurrentCell {
 public:
  /// Owns the cell and throws ConfigError as Recurrent does.
  RecurrentCell(CellDescriptor cell, const RecurrentCellOptions& options);
  /// The same once more, with parameters of its own.
  [[nodiscard]] RecurrentCell clone() const { return {options_, network_.clone()}; }

  /// The state after one step, from `state` (empty: zeros). Throws ShapeError.
  [[nodiscard]] State forward(const Tensor& input, const State& state = {}) const;
  /// The same on a tape, with gradients of the input, the state and the parameters; the states in
  /// the order of State::tensors. Throws Error for a value of another tape.
  std::vector<Var> forward(Tape& tape, Var input, ListSpan<Var> state = {});

  /// In PyTorch's order and under its names.
  [[nodiscard]] ParameterList parameters();
  [[nodiscard]] ConstParameterList parameters() const;
  [[nodiscard]] const RecurrentCellOptions& options() const noexcept { return options_; }
  [[nodiscard]] const CellDescriptor& cell() const noexcept { return network_.cell(); }

 private:
  RecurrentCell(const RecurrentCellOptions& options, Recurrent network)
      : options_(options), network_(std::move(network)) {}
  RecurrentCellOptions options_;
  Recurrent network_;
};

/// Long short-term memory, as torch.nn.LSTMCell.
class LSTMCell : public RecurrentCell {
 public:
  explicit LSTMCell(const RecurrentCellOptions& options);
  [[nodiscard]] LSTMCell clone() const { return LSTMCell(RecurrentCell::clone()); }

 private:
  explicit LSTMCell(RecurrentCell&& cell) : RecurrentCell(std::move(cell)) {}
};

/// Gated recurrent unit, as torch.nn.GRUCell.
class GRUCell : public RecurrentCell {
 public:
  explicit GRUCell(const RecurrentCellOptions& options);
  [[nodiscard]] GRUCell clone() const { return GRUCell(RecurrentCell::clone()); }

 private:
  explicit GRUCell(RecurrentCell&& cell) : RecurrentCell(std::move(cell)) {}
};

/// Elman network, as torch.nn.RNNCell; the nonlinearity is tanh unless kRelu is asked for.
class RNNCell : public RecurrentCell {
 public:
  explicit RNNCell(const RecurrentCellOptions& options,
                   Nonlinearity nonlinearity = Nonlinearity::kTanh);
  [[nodiscard]] RNNCell clone() const { return RNNCell(RecurrentCell::clone()); }

 private:
  explicit RNNCell(RecurrentCell&& cell) : RecurrentCell(std::move(cell)) {}
};

}  // namespace riverrun
