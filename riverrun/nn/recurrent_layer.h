#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "riverrun/cell/descriptor.h"
#include "riverrun/core/tensor.h"
#include "riverrun/core/weight_type.h"
#include "riverrun/kernels/cell_kernels.h"
#include "riverrun/nn/packed_batch.h"
#include "riverrun/nn/parameter.h"

namespace riverrun {

/// One layer of a Recurrent in one direction: its parameters, and running it over a packed batch.
/// Dimension letters as in kernels/cell_kernels.h; I input_size, N packed rows.
class RecurrentLayer {
 public:
  struct Sizes {
    std::int64_t input = 0;      // I
    std::int64_t hidden = 0;     // H
    std::int64_t recurrent = 0;  // P
    bool projected = false;
    bool bias = true;
    bool reverse = false;
  };
  RecurrentLayer(const CellDescriptor& cell, const Sizes& sizes);
  RecurrentLayer(RecurrentLayer&&) noexcept = default;
  RecurrentLayer& operator=(RecurrentLayer&&) noexcept = default;
  ~RecurrentLayer() = default;
  /// The same layer once more, with parameters of its own.
  /// The same layer around other parameters: `other(p)` in place of each, in PyTorch's order, that
  /// has elements.
  using Other = std::function<std::shared_ptr<Parameter>(const Parameter& parameter)>;
  [[nodiscard]] RecurrentLayer with(const Other& other) const { return {*this, other}; }

  // Each is there, but without elements where the layer has none.
  std::shared_ptr<Parameter> weight_ih;            // [G*H, I]
  std::shared_ptr<Parameter> weight_hh;            // [G*H, P]; if the cell is recurrent
  std::shared_ptr<Parameter> bias_ih;              // [G*H]; if sizes.bias
  std::shared_ptr<Parameter> bias_hh;              // [G*H]; the same, and if the cell is recurrent
  std::shared_ptr<Parameter> weight_hr;            // [P, H]; with a projection
  std::vector<std::shared_ptr<Parameter>> params;  // each [H]

  /// Those that have elements, in PyTorch's order.
  [[nodiscard]] std::vector<std::shared_ptr<Parameter>> parameters() const;

  [[nodiscard]] const CellDescriptor& cell() const { return *cell_; }
  [[nodiscard]] const Sizes& sizes() const { return sizes_; }
  /// The features of state s: P for h, H for the others.
  [[nodiscard]] std::int64_t state_size(std::size_t s) const {
    return s == 0 ? sizes_.recurrent : sizes_.hidden;
  }

  /// Where tensors get their memory from.
  using Allocate = std::function<Tensor(const Shape&)>;

  /// What a forward pass keeps for its backward pass.
  struct Pass {
    std::vector<Tensor> initial;                // of each state, [B, state_size], in packed order
    bool grad_initial = true;                   // whether anyone wants their gradients
    std::vector<Tensor> states;                 // [N, H]; [0] is empty: h is the output
    Tensor cell_output;                         // [N, H], with a projection
    Tensor saved;                               // [N, K*H]
    WeightType weights = WeightType::kFloat32;  // what the forward reads; not of a pass to keep

    // With recomputation, instead: the states at the beginning of each segment of so many steps,
    // in the order of the direction, of the sequences in it; and the parameters' versions.
    std::int64_t segment_steps = 0;
    std::vector<std::vector<Tensor>> segments;
    std::vector<std::uint64_t> versions;

    [[nodiscard]] std::vector<Tensor*> tensors();
  };

  /// Runs over `input` [N, I] from `pass.initial` into `output` [N, P]; returns the final states,
  /// each [B, state_size] in packed order. What the backward pass needs is kept if `keep`.
  std::vector<Tensor> forward(const PackedBatch& batch, const float* input,
                              kernels::Rows<float> output, Pass& pass, bool keep,
                              const Allocate& allocate) const;

  /// Adds to the parameters' gradients. `grad_states` holds the gradients of the final states and
  /// then, with pass.grad_initial, those of the initial ones; `grad_input` [N, I] is written, or
  /// added to, unless it is nullptr.
  void backward(const PackedBatch& batch, const float* input, kernels::Rows<const float> output,
                kernels::Rows<const float> grad_output, Pass& pass,
                std::vector<Tensor>& grad_states, float* grad_input, bool add_input,
                const Allocate& allocate, const std::function<void(Tensor&&)>& recycle);

  /// As `forward` with `keep`, to the bit, but keeps the states of every `steps`-th step only.
  std::vector<Tensor> forward_segments(const PackedBatch& batch, const float* input,
                                       kernels::Rows<float> output, Pass& pass, std::int64_t steps,
                                       const Allocate& allocate) const;

  /// As `backward`, after forward_segments: the segments from last to first, each forward again
  /// and then backward. The output is computed anew with the rest. Throws Error if a parameter has
  /// changed in between.
  void backward_segments(const PackedBatch& batch, const float* input,
                         kernels::Rows<const float> grad_output, Pass& pass,
                         std::vector<Tensor>& grad_states, float* grad_input, bool add_input);

  /// What weights are packed for: steps of many rows each, of few, or of one, while the product of
  /// all steps' inputs has many; or few rows throughout, and threads that share the units of a
  /// step. A layer keeps the weights packed for each that it met since they last changed; for one
  /// row as for few where the first-level cache does not hold what is faster.
  enum class Packing : std::uint8_t { kManyRows, kFewRows, kOneRow, kUnits };

  /// The weights in the order in which the kernels read them.
  struct Packed {
    Tensor bias;                                            // [V*H]
    std::vector<kernels::GateMatrix> weight_ih, weight_hh;  // in kUnits each is one of units
    kernels::Weights weight_hr;
    std::vector<Tensor> memory;  // of the weights
    bool finite_hh = true;       // all of weight_hh is, in any type
    std::vector<std::uint64_t> versions;
    std::string simd_target;
  };
  /// Packed anew if a parameter has changed since. May be called by several threads.
  [[nodiscard]] std::shared_ptr<const Packed> packed(WeightType type, Packing packing) const;

 private:
  RecurrentLayer(const RecurrentLayer& other, const Other& replaced);
  [[nodiscard]] std::vector<std::uint64_t> versions() const;
  /// How threads divide a batch among them: its rows, or the units of each step.
  struct Division {
    std::int64_t parts = 1;
    bool shares_units = false;
  };
  [[nodiscard]] Division division(const PackedBatch& batch) const;
  [[nodiscard]] static Packing packing(const PackedBatch& batch, const Division& division);
  [[nodiscard]] kernels::Sequence sequence(const PackedBatch& batch, Packing packing) const;
  static void parallel_parts(const PackedBatch& batch, const Division& division,
                             const std::function<void(const kernels::Part&)>& body);

  const CellDescriptor* cell_;
  Sizes sizes_;
  // On the heap so that a layer can be moved.
  struct Cache {
    std::mutex mutex;
    // [type][packing], so that validating or writing meanwhile does not undo the other's work.
    std::array<std::array<std::shared_ptr<const Packed>, 4>, kWeightTypes.size()> packed;
  };
  std::unique_ptr<Cache> cache_;
};

}  // namespace riverrun
