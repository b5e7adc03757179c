// A layer's backward pass, and the products that the gradients of its gates enter.

#include <algorithm>
#include <array>
#include <span>

#include "riverrun/nn/recurrent_layer.h"
#include "riverrun/nn/stretch.h"

namespace riverrun {
namespace {

// The gradients of the gates of so many rows are computed before the products that they enter:
// enough that a weight's gradient is seldom read and written, few enough that they are still in the
// third-level cache.
constexpr std::int64_t kGradRows = 1024;

// Rows whose distance is a large power of two meet in the same few sets of the cache, which a
// product that reads down a column feels: 65 instead of 89 GFLOP/s for 512 columns.
std::int64_t padded(std::int64_t columns) { return columns % 128 == 0 ? columns + 16 : columns; }

std::size_t index(std::int64_t i) { return static_cast<std::size_t>(i); }

/// Where what each packed row of the stretch read as h is: in the output of the step before, or in
/// the initial state.
void find_h(const PackedBatch& batch, bool reverse, const Stretch& now,
            kernels::Rows<const float> output, kernels::Rows<const float> initial,
            const float** h) {
  for (std::int64_t t = now.first_step; t < now.end_step; ++t) {
    const std::int64_t before = reverse ? t + 1 : t - 1;
    const bool is_first = before < 0 || before == batch.steps();
    const std::int64_t rows = batch.sizes()[index(t)];
    const std::int64_t continuing = is_first ? 0 : std::min(rows, batch.sizes()[index(before)]);
    for (std::int64_t r = 0; r < rows; ++r) {
      *h++ = r < continuing ? output(batch.offsets()[index(before)] + r) : initial(r);
    }
  }
}

/// Neighbouring gate values whose gradients are those of neighbouring rows of W_ih, or of W_hh, or
/// of both.
struct SlotRun {
  int slot = 0;
  int count = 0;
  int input_gate = -1;  // the first one's, or -1
  int recurrent_gate = -1;
};

std::vector<SlotRun> slot_runs(const CellDescriptor& cell) {
  const GateLayout& layout = cell.layout;
  std::vector<SlotRun> slots(index(layout.values));
  for (int gate = 0; gate < layout.gates; ++gate) {
    slots[index(layout.input_slot[index(gate)])].input_gate = gate;
    if (cell.recurrent) slots[index(layout.recurrent_slot[index(gate)])].recurrent_gate = gate;
  }
  const auto follows = [](int gate, int before, int count) {
    return before < 0 ? gate < 0 : gate == before + count;
  };
  std::vector<SlotRun> runs;
  for (int slot = 0; slot < layout.values; ++slot) {
    const SlotRun& now = slots[index(slot)];
    if (!runs.empty() && follows(now.input_gate, runs.back().input_gate, runs.back().count) &&
        follows(now.recurrent_gate, runs.back().recurrent_gate, runs.back().count)) {
      ++runs.back().count;
    } else {
      runs.push_back({slot, 1, now.input_gate, now.recurrent_gate});
    }
  }
  return runs;
}

}  // namespace

void RecurrentLayer::backward(const PackedBatch& batch, const float* input,
                              kernels::Rows<const float> output,
                              kernels::Rows<const float> grad_output, Pass& pass,
                              std::vector<Tensor>& grad_states, float* grad_input, bool add_input,
                              const Allocate& allocate,
                              const std::function<void(Tensor&&)>& recycle) {
  const CellPrograms& programs = cell_->programs;
  const GateLayout& layout = cell_->layout;
  const std::int64_t hidden = sizes_.hidden;
  const std::int64_t recurrent = sizes_.recurrent;
  const std::int64_t gates_stride = padded(programs.sizes.gate_values * hidden);
  const std::int64_t at_once = steps_at_once(batch, kGradRows);
  const std::int64_t most_rows = std::min(batch.rows(), at_once * batch.batch());

  std::vector<Tensor> scratch;
  const auto allocate_scratch = [&](const Shape& shape) {
    return scratch.emplace_back(allocate(shape)).data();
  };
  kernels::BackwardArgs args;
  args.cell = cell_;
  const Division division = this->division(batch);
  args.sequence = sequence(batch, packing(batch, division));
  args.grad_gates = {allocate_scratch({most_rows, gates_stride}), gates_stride};
  // Some rows of a weight, from which gradients go back to its inputs.
  const auto operand = [&](const kernels::GateColumns& columns, const Parameter& weight,
                           std::int64_t first, std::int64_t rows) {
    const Tensor& values = weight.value();
    const kernels::Behind behind = kernels::behind(values);
    return kernels::right_operand(
        columns, values.data() + first * columns.hidden, rows,
        allocate_scratch({kernels::right_operand_size(columns, rows, behind)}), behind);
  };
  const bool few_rows = args.sequence.few_rows;
  for (std::size_t i = 0; cell_->recurrent && i < index(layout.recurrent_run_count); ++i) {
    const GateRun& run = layout.recurrent_runs[i];
    args.weight_hh[i] = operand({.hidden = recurrent, .few_rows = few_rows}, *weight_hh,
                                run.gate * hidden, run.count * hidden);
  }
  if (sizes_.projected) {
    args.weight_hr = operand({.hidden = hidden, .few_rows = few_rows}, *weight_hr, 0, recurrent);
    args.grad_projected = allocate_scratch({most_rows, recurrent});
  }
  std::array<kernels::Weights, GateLayout::kMaxGates> operand_ih;
  const std::size_t input_runs = grad_input == nullptr ? 0 : index(layout.input_run_count);
  for (std::size_t i = 0; i < input_runs; ++i) {
    const GateRun& run = layout.input_runs[i];
    operand_ih[i] = operand({sizes_.input}, *weight_ih, run.gate * hidden, run.count * hidden);
  }
  for (std::size_t p = 0; p < params.size(); ++p) args.params[p] = params[p]->value().data();
  for (std::size_t s = 0; s < grad_states.size(); ++s) {
    args.initial[s] = pass.initial[s].data();
    args.states[s] = pass.states[s].data();
    args.grad_states[s] = grad_states[s].data();
  }
  args.grad_initial = pass.grad_initial;
  args.output = output;
  args.cell_output = pass.cell_output.data();
  args.saved = pass.saved.data();
  args.grad_output = grad_output;
  Tensor grad_params({batch.batch(), programs.sizes.params * hidden});
  args.grad_params = grad_params.data();

  // The inputs of the weights, as right operands of the weights' gradients.
  float* const room_of_input =
      allocate_scratch({kernels::right_operand_size({sizes_.input}, most_rows)});
  float* const packed_h = allocate_scratch({kernels::packed_size({recurrent}, most_rows)});
  float* const room_of_output =
      allocate_scratch({sizes_.projected ? kernels::right_operand_size({hidden}, most_rows) : 0});
  std::vector<const float*> h(index(most_rows));
  Tensor sums({layout.values * hidden});
  struct Gradient {
    float* data = nullptr;
    bool add = false;
  };
  const auto gradient = [](Parameter& parameter) -> Gradient {
    if (parameter.value().empty()) return {};
    const auto [grad, add] = parameter.grad_target();
    return {grad.data(), add};
  };
  Gradient grad_ih = gradient(*weight_ih), grad_hh = gradient(*weight_hh),
           grad_hr = gradient(*weight_hr);
  for (std::int64_t end = batch.steps(); end > 0; end -= at_once) {
    const Stretch now(batch, sizes_.reverse, std::max<std::int64_t>(0, end - at_once), end);
    args.first_position = now.begin;
    args.end_position = now.end;
    args.grad_row = now.row;
    parallel_parts(batch, division,
                   [&](const kernels::Part& part) { cell_->kernels->backward(args, part); });

    const kernels::Weights x = kernels::right_operand(
        {sizes_.input}, input + now.row * sizes_.input, now.rows, room_of_input);
    if (cell_->recurrent) {
      find_h(batch, sizes_.reverse, now, output, {pass.initial[0].data(), recurrent}, h.data());
      kernels::pack_rows(recurrent, h.data(), now.rows, packed_h);
    }
    for (const SlotRun& run : slot_runs(*cell_)) {
      std::array<kernels::Term, 2> terms;
      std::size_t count = 0;
      if (run.input_gate >= 0) {
        terms[count++] = {sizes_.input,
                          x,
                          {grad_ih.data + run.input_gate * hidden * sizes_.input, sizes_.input},
                          grad_ih.add};
      }
      if (run.recurrent_gate >= 0) {
        terms[count++] = {recurrent,
                          packed_h,
                          {grad_hh.data + run.recurrent_gate * hidden * recurrent, recurrent},
                          grad_hh.add};
      }
      kernels::transposed_product(
          run.count * hidden, now.rows, {args.grad_gates.data + run.slot * hidden, gates_stride},
          std::span(terms).first(count), sizes_.bias ? sums.data() + run.slot * hidden : nullptr);
    }
    for (std::size_t i = 0; i < input_runs; ++i) {
      const GateRun& run = layout.input_runs[i];
      kernels::product({sizes_.input}, now.rows, run.count * hidden,
                       {args.grad_gates.data + run.slot * hidden, gates_stride}, operand_ih[i],
                       nullptr, add_input || i > 0,
                       {grad_input + now.row * sizes_.input, sizes_.input});
    }
    if (sizes_.projected) {
      const std::array<kernels::Term, 1> terms{
          {{hidden,
            kernels::right_operand({hidden}, pass.cell_output.data() + now.row * hidden, now.rows,
                                   room_of_output),
            {grad_hr.data, hidden},
            grad_hr.add}}};
      kernels::transposed_product(recurrent, now.rows, {args.grad_projected, recurrent}, terms,
                                  nullptr);
    }
    grad_ih.add = grad_hh.add = grad_hr.add = true;
  }

  if (sizes_.bias) {
    const auto add_to = [&](Parameter& bias, const auto& slots) {
      for (int g = 0; g < layout.gates; ++g) {
        const float* from = sums.data() + slots[static_cast<std::size_t>(g)] * hidden;
        float* to = bias.mutable_grad().data() + g * hidden;
        for (std::int64_t u = 0; u < hidden; ++u) to[u] += from[u];
      }
    };
    add_to(*bias_ih, layout.input_slot);
    if (cell_->recurrent) add_to(*bias_hh, layout.recurrent_slot);
  }
  for (std::size_t p = 0; p < params.size(); ++p) {
    float* to = params[p]->mutable_grad().data();
    for (std::int64_t r = 0; r < batch.batch(); ++r) {
      const float* from =
          grad_params.data() + (r * programs.sizes.params + static_cast<std::int64_t>(p)) * hidden;
      for (std::int64_t u = 0; u < hidden; ++u) to[u] += from[u];
    }
  }
  for (Tensor& tensor : scratch) recycle(std::move(tensor));
}

}  // namespace riverrun
