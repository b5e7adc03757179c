#pragma once

// What recurrent.cpp, recurrent_training.cpp and stream.cpp share; not for users.

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "riverrun/nn/recurrent.h"
#include "riverrun/nn/recurrent_layer.h"

namespace riverrun {

/// Where the part of one layer and direction begins in a state as the caller sees it.
inline std::int64_t slice(const Tensor& state, std::int64_t layer) {
  return layer * (state.elements() / state.size(0));
}

struct Recurrent::Impl {
  Impl(CellDescriptor cell, const RecurrentOptions& options);
  /// With parameters of its own.
  Impl(const Impl& other);
  /// With those that `replaced` makes of `other`'s.
  Impl(const Impl& other, const RecurrentLayer::Other& replaced);

  [[nodiscard]] std::int64_t directions() const { return options.bidirectional ? 2 : 1; }
  /// The features of h.
  [[nodiscard]] std::int64_t recurrent() const {
    return options.proj_size > 0 ? options.proj_size : options.hidden_size;
  }
  [[nodiscard]] ParameterList parameters() const;

  /// An input's extents. Throws ShapeError.
  struct Input {
    std::int64_t steps = 0;
    std::int64_t batch = 0;
    bool batched = true;
  };
  [[nodiscard]] Input describe(const Shape& shape) const;
  [[nodiscard]] PackedBatch pack(const Input& input, IntSpan lengths) const;
  [[nodiscard]] Shape output_shape(const Input& input) const;
  [[nodiscard]] Shape state_shape(std::size_t s, std::int64_t batch, bool batched) const;
  void check_state(std::span<const Tensor* const> state, std::int64_t batch, bool batched) const;
  /// The part of the caller's initial state that a layer begins with, in packed order.
  [[nodiscard]] std::vector<Tensor> sorted_states(std::span<const Tensor* const> state,
                                                  std::size_t layer, const PackedBatch& batch,
                                                  const RecurrentLayer::Allocate& allocate) const;

  std::shared_ptr<const CellDescriptor> cell;  // streams share it
  RecurrentOptions options;
  WeightType inference_weights = WeightType::kFloat32;
  std::vector<RecurrentLayer> layers;  // forward and reverse of a layer are neighbours
};

}  // namespace riverrun
