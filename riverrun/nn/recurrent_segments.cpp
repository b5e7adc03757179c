// A layer's training with recomputation: in segments, of which only the states at the beginning
// are kept. A segment is a batch of its own, so that all that is new here is what lies between.

#include <algorithm>
#include <utility>

#include "riverrun/core/error.h"
#include "riverrun/nn/recurrent_layer.h"
#include "riverrun/nn/tape.h"

namespace riverrun {
namespace {

struct Segment {
  PackedBatch batch;
  std::int64_t first_row;  // in the whole batch
};

/// Segment `number` in the order of the direction; the last may be shorter.
Segment segment_of(const PackedBatch& whole, bool reverse, std::int64_t steps,
                   std::int64_t number) {
  const std::int64_t first_position = number * steps;
  const std::int64_t end_position = std::min(whole.steps(), first_position + steps);
  const std::int64_t begin = reverse ? whole.steps() - end_position : first_position;
  return {whole.segment(begin, begin + end_position - first_position),
          whole.offsets()[static_cast<std::size_t>(begin)]};
}

}  // namespace

std::vector<Tensor> RecurrentLayer::forward_segments(const PackedBatch& batch, const float* input,
                                                     kernels::Rows<float> output, Pass& pass,
                                                     std::int64_t steps,
                                                     const Allocate& allocate) const {
  // Of each sequence the state that it has reached: the initial one before its first step, which
  // comes late in the reverse direction, and the final one after its last.
  std::vector<Tensor> reached = std::move(pass.initial);
  pass.initial.clear();
  pass.versions = versions();
  pass.segment_steps = steps;
  const std::int64_t count = (batch.steps() + steps - 1) / steps;
  for (std::int64_t i = 0; i < count; ++i) {
    const Segment segment = segment_of(batch, sizes_.reverse, steps, i);
    std::vector<Tensor> kept;
    Pass unkept;
    for (std::size_t s = 0; s < reached.size(); ++s) {
      const Shape shape{segment.batch.batch(), state_size(s)};
      kept.push_back(allocate(shape));
      std::copy_n(reached[s].data(), shape.elements(), kept[s].data());
      unkept.initial.push_back(kept[s]);
    }
    const std::vector<Tensor> ends =
        forward(segment.batch, input + segment.first_row * sizes_.input,
                output.from(segment.first_row), unkept, false, Tensor::uninitialized);
    for (std::size_t s = 0; s < reached.size(); ++s) {
      std::copy_n(ends[s].data(), ends[s].elements(), reached[s].data());
    }
    pass.segments.push_back(std::move(kept));
  }
  return reached;
}

void RecurrentLayer::backward_segments(const PackedBatch& batch, const float* input,
                                       kernels::Rows<const float> grad_output, Pass& pass,
                                       std::vector<Tensor>& grad_states, float* grad_input,
                                       bool add_input) {
  if (pass.versions != versions()) {
    throw Error("Tape.backward: parameters of " + cell_->name +
                " have changed since its forward pass; with recompute_steps they must not");
  }
  // Records nothing: it keeps memory from segment to segment, and lets go of what has the wrong
  // size where sequences end and segments become smaller or larger.
  Tape memory;
  const Allocate allocate = [&](const Shape& shape) { return memory.allocate(shape); };
  const auto recycle = [&](Tensor&& tensor) { memory.recycle(std::move(tensor)); };
  for (std::size_t i = pass.segments.size(); i-- > 0;) {
    const Segment segment =
        segment_of(batch, sizes_.reverse, pass.segment_steps, static_cast<std::int64_t>(i));
    const float* x = input + segment.first_row * sizes_.input;
    Tensor output = allocate({segment.batch.rows(), sizes_.recurrent});
    Pass again;
    again.initial = std::move(pass.segments[i]);
    again.grad_initial = i > 0 || pass.grad_initial;
    forward(segment.batch, x, {output.data(), sizes_.recurrent}, again, true, allocate);
    // The gradients of the states at a segment's end are those at the beginning of the one after
    // it, and stay where they are; a sequence that is not in a segment keeps its own.
    backward(segment.batch, x, {output.data(), sizes_.recurrent},
             grad_output.from(segment.first_row), again, grad_states,
             grad_input == nullptr ? nullptr : grad_input + segment.first_row * sizes_.input,
             add_input, allocate, recycle);
    pass.segments[i] = std::move(again.initial);
    again.initial.clear();
    for (Tensor* tensor : again.tensors()) recycle(std::move(*tensor));
    recycle(std::move(output));
    memory.clear();
  }
}

}  // namespace riverrun
