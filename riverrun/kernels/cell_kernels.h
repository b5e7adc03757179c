#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>

#include "riverrun/cell/descriptor.h"
#include "riverrun/core/team.h"
#include "riverrun/kernels/product.h"

// What runs a cell over a sequence: one layer, one direction. Dimension letters: B batch,
// H hidden_size, P what the recurrent product reads (proj_size or H), G gates, V gate values
// (split gates count twice), S states, K saved values, N rows = Σ batch_sizes.
//
// A batch of sequences of different lengths is sorted by falling length and packed: the rows of
// step t are [offsets[t], offsets[t] + batch_sizes[t]), and row r of each step is sequence r.

namespace riverrun::kernels {

inline constexpr int kMaxStates = CellDescriptor::kMaxStates;
inline constexpr int kMaxParams = CellDescriptor::kMaxParams;

/// The steps of a packed batch, and the layer's sizes.
struct Sequence {
  std::int64_t steps = 0;
  const std::int64_t* batch_sizes = nullptr;  // [steps], never rising
  const std::int64_t* offsets = nullptr;      // [steps]
  bool reverse = false;                       // from the last step to the first
  std::int64_t hidden = 0;                    // H
  std::int64_t recurrent = 0;                 // P
  bool few_rows = false;                      // how weight_hr and those of backward are packed
};

/// W_ih or W_hh, or some of its gates, packed. Either all gates are one matrix, of units: then who
/// multiplies with some of its groups has all gates of their units. Or each run of neighbouring
/// gates is a matrix of one gate, in which a vector has columns of two gates where one ends: fewer
/// vectors, unless a gate fills them.
struct GateMatrix {
  GateColumns columns;
  int slot = 0;  // its results are the gate values from slot * H on
  Weights weights;

  [[nodiscard]] Rows<float> results(Rows<float> gates, std::int64_t hidden) const {
    return {gates.data + slot * hidden, gates.stride};
  }
};

/// What one thread does of a sequence: some rows alone, or all of them as a member of a team that
/// shares the units, for which weights of gates have to be packed.
struct Part {
  std::int64_t row_begin = 0;
  std::int64_t row_end = 0;
  Team* team = nullptr;
  std::int64_t member = 0;
};

struct ForwardArgs {
  const CellDescriptor* cell = nullptr;
  Sequence sequence;
  // The steps to do now, in the order of the direction, and biases + W_ih·x for them, [gates_rows,
  // V*H], beginning with packed row gates_row; overwritten.
  std::int64_t first_position = 0;
  std::int64_t end_position = 0;
  std::int64_t gates_row = 0;
  std::int64_t gates_rows = 0;
  float* gates = nullptr;
  // With weight_ih, biases + W_ih·x are computed here, which needs a batch of equal lengths; the
  // rows are then in an order of their own. So who goes on with some units or rows has their gates
  // in its own cache.
  Rows<const float> input;      // of the rows above, [gates_rows, I]
  std::int64_t input_size = 0;  // I
  std::span<const GateMatrix> weight_ih;
  const float* bias = nullptr;                     // [V*H]
  std::span<const GateMatrix> weight_hh;           // empty: not recurrent
  Weights weight_hr;                               // packed, [H] -> [P]; no data: no projection
  std::array<const float*, kMaxParams> params{};   // each [H]
  std::array<const float*, kMaxStates> initial{};  // [B, P] for h, [B, H] for the others
  bool from_zero = false;  // initial[0] is, W_hh finite: W_hh·h is left out
  Rows<float> output;      // h: [N, P]
  // The other states. With keep_states, [N, H]; without, [B, H], which holds the initial values
  // before and the final ones after.
  std::array<float*, kMaxStates> states{};
  float* cell_output = nullptr;  // h before the projection: [N, H], or [B, H] without keep_states
  bool keep_states = false;
  float* saved = nullptr;  // [N, K*H], or nullptr: nothing is saved
};

struct BackwardArgs {
  const CellDescriptor* cell = nullptr;
  Sequence sequence;
  // The steps to do now, in the order of the direction, after those that follow them; grad_gates
  // and grad_projected begin with packed row grad_row.
  std::int64_t first_position = 0;
  std::int64_t end_position = 0;
  std::int64_t grad_row = 0;
  // Those of each run of gates that W_hh enters, [gates of the run * H, P]; no data: not recurrent.
  std::array<Weights, GateLayout::kMaxGates> weight_hh;
  Weights weight_hr;  // [P, H]; no data: no projection
  std::array<const float*, kMaxParams> params{};
  // What the forward was given and made, with keep_states:
  std::array<const float*, kMaxStates> initial{};
  Rows<const float> output;
  std::array<const float*, kMaxStates> states{};
  const float* cell_output = nullptr;
  const float* saved = nullptr;
  Rows<const float> grad_output;    // [N, P], or no data: zeros
  Rows<float> grad_gates;           // out: [rows of these steps, V*H]
  float* grad_projected = nullptr;  // out, with a projection: ∂loss/∂h, [rows of these steps, P]
  // In: the gradients of the final states, or of those that the steps done before began with; out:
  // those of the states that these steps begin with. [B, P] and [B, H].
  std::array<float*, kMaxStates> grad_states{};
  bool grad_initial = true;      // whether anyone wants those of the initial states
  float* grad_params = nullptr;  // [B, params*H], added to
};

/// One step without gradients: y = step(W_ih·x + W_hh·h + biases), for streaming. Weights of gates
/// are of units, weight_hr is for few rows.
struct StepArgs {
  const CellDescriptor* cell = nullptr;
  std::int64_t batch = 0;
  std::int64_t input_size = 0;
  std::int64_t hidden = 0;
  std::int64_t recurrent = 0;
  Rows<const float> input;      // [B, input_size]
  const float* bias = nullptr;  // [V*H]
  Weights weight_ih;
  Weights weight_hh;  // no data: not recurrent
  Weights weight_hr;
  std::array<const float*, kMaxParams> params{};
  const float* h = nullptr;                 // [B, P]
  float* h_next = nullptr;                  // [B, P], not h
  std::array<float*, kMaxStates> states{};  // [B, H], in place; [0] is not used
  float* cell_output = nullptr;             // [B, H], with a projection
  float* gates = nullptr;                   // [B, V*H], scratch
};

/// The functions that run one cell. Each picks the best SIMD target of the machine once per call;
/// none allocates. Rows are independent, so that parts may be given to different threads. A team
/// needs a batch of equal lengths, and no projection.
struct CellKernels {
  void (*forward)(const ForwardArgs&, const Part&);
  void (*backward)(const BackwardArgs&, const Part&);
  /// One of `shares` parts of a step, each of some units; a projection allows one only.
  void (*step)(const StepArgs&, std::int64_t share, std::int64_t shares);
};

/// The parts of split gates that W_hh·h is added to, set to their biases for the units [begin,
/// end); `bias` is [V*H].
inline void begin_split_gates(const CellDescriptor& cell, std::int64_t hidden, std::int64_t begin,
                              std::int64_t end, std::int64_t rows, const float* bias,
                              Rows<float> gates) {
  const GateLayout& layout = cell.layout;
  for (int gate = 0; gate < layout.gates; ++gate) {
    if (!layout.is_split(gate)) continue;
    const std::int64_t column =
        layout.recurrent_slot[static_cast<std::size_t>(gate)] * hidden + begin;
    for (std::int64_t row = 0; row < rows; ++row) {
      std::copy_n(bias + column, end - begin, gates(row) + column);
    }
  }
}

/// The interpreter: runs any cell, one made at run time too.
[[nodiscard]] const CellKernels& interpreter_kernels();

}  // namespace riverrun::kernels
