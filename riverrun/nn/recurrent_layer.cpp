#include "riverrun/nn/recurrent_layer.h"

#include <algorithm>
#include <array>
#include <span>

#include "riverrun/core/threads.h"
#include "riverrun/kernels/targets.h"
#include "riverrun/nn/elementwise.h"
#include "riverrun/nn/parallel_chunks.h"

namespace riverrun {
namespace {

// The preactivations of so many steps are computed by one large product before those steps run:
// enough rows for a fast product, few enough that they are still in the cache when they are used.
constexpr std::int64_t kGateRows = 96;
constexpr std::int64_t kGateElements = std::int64_t{1} << 18;

// The gradients of the gates of so many steps are computed before the products that they enter:
// enough rows that a weight's gradient is seldom read and written, few enough that they are still
// in the third-level cache.
constexpr std::int64_t kGradRows = 1024;
constexpr std::int64_t kGradElements = std::int64_t{1} << 17;

// Below this many floating-point operations, another thread costs more than it takes over.
constexpr double kWorkPerThread = 200e3;
// The same in a step whose units are shared: meeting after it takes about 0.2 µs.
constexpr double kWorkPerShare = 30e3;
// So many rows and more keep a thread busy with the weights it reads.
constexpr std::int64_t kRowsPerThread = 12;

// Rows whose distance is a large power of two meet in the same few sets of the cache, which a
// product that reads down a column feels: 65 instead of 89 GFLOP/s for 512 columns.
std::int64_t padded(std::int64_t columns) { return columns % 128 == 0 ? columns + 16 : columns; }

std::size_t index(std::int64_t i) { return static_cast<std::size_t>(i); }

/// Steps that are computed together, at positions [begin, end) in the order of the direction, and
/// their packed rows.
struct Stretch {
  std::int64_t begin, end;
  std::int64_t first_step, end_step;
  std::int64_t row, rows;

  Stretch(const PackedBatch& batch, bool reverse, std::int64_t from, std::int64_t to)
      : begin(from),
        end(to),
        first_step(reverse ? batch.steps() - end : begin),
        end_step(first_step + end - begin),
        row(batch.offsets()[index(first_step)]),
        rows(batch.offsets()[index(end_step - 1)] + batch.sizes()[index(end_step - 1)] - row) {}
};

/// How many steps are computed together, so that they have `least` rows, or more if those hold no
/// more than `elements` in rows of a length.
std::int64_t steps_at_once(const PackedBatch& batch, std::int64_t least, std::int64_t elements,
                           std::int64_t length) {
  return std::clamp<std::int64_t>(std::max(least, elements / length) / batch.batch(), 1,
                                  batch.steps());
}

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

RecurrentLayer::RecurrentLayer(const CellDescriptor& cell, const Sizes& sizes)
    : weight_ih({cell.layout.gates * sizes.hidden, sizes.input}),
      cell_(&cell),
      sizes_(sizes),
      cache_(std::make_unique<Cache>()) {
  const std::int64_t rows = cell.layout.gates * sizes.hidden;
  if (cell.recurrent) weight_hh = Parameter({rows, sizes.recurrent});
  if (sizes.bias) bias_ih = Parameter({rows});
  if (sizes.bias && cell.recurrent) bias_hh = Parameter({rows});
  if (sizes.projected) weight_hr = Parameter({sizes.recurrent, sizes.hidden});
  for (std::size_t p = 0; p < cell.params.size(); ++p) {
    params.emplace_back(Shape{sizes.hidden});
  }
}

std::vector<Tensor*> RecurrentLayer::Pass::tensors() {
  std::vector<Tensor*> all;
  for (Tensor& tensor : initial) all.push_back(&tensor);
  for (Tensor& tensor : states) all.push_back(&tensor);
  all.push_back(&cell_output);
  all.push_back(&saved);
  for (std::vector<Tensor>& segment : segments) {
    for (Tensor& tensor : segment) all.push_back(&tensor);
  }
  return all;
}

std::vector<std::uint64_t> RecurrentLayer::versions() const {
  std::vector<std::uint64_t> all = {weight_ih.version(), weight_hh.version(), bias_ih.version(),
                                    bias_hh.version(), weight_hr.version()};
  for (const Parameter& param : params) all.push_back(param.version());
  return all;
}

std::shared_ptr<const RecurrentLayer::Packed> RecurrentLayer::packed(WeightType type) const {
  const std::scoped_lock lock(cache_->mutex);
  std::vector<std::uint64_t> now = versions();
  std::shared_ptr<const Packed>& known = cache_->packed[static_cast<std::size_t>(type)];
  if (known != nullptr && known->versions == now && known->simd_target == kernels::simd_target()) {
    return known;
  }
  const std::int64_t hidden = sizes_.hidden;
  const GateLayout& layout = cell_->layout;
  auto packed = std::make_shared<Packed>();
  packed->type = type;
  packed->versions = std::move(now);
  packed->simd_target = kernels::simd_target();
  packed->bias = Tensor({layout.values * hidden});
  const auto add_bias = [&](const Parameter& bias, const auto& slots) {
    for (int g = 0; g < layout.gates; ++g) {
      const float* from = bias.value().data() + g * hidden;
      float* to = packed->bias.data() + slots[static_cast<std::size_t>(g)] * hidden;
      for (std::int64_t u = 0; u < hidden; ++u) to[u] += from[u];
    }
  };
  if (!bias_ih.value().empty()) add_bias(bias_ih, layout.input_slot);
  if (!bias_hh.value().empty()) add_bias(bias_hh, layout.recurrent_slot);
  const auto pack = [type](const kernels::GateColumns& columns, const Parameter& weight,
                           std::int64_t depth) {
    Tensor to = Tensor::uninitialized({kernels::packed_size(columns, depth, type)});
    kernels::pack(columns, weight.value().data(), 1, depth, depth, to.data(), type);
    return to;
  };
  packed->weight_ih = pack(kernels::GateColumns::input(*cell_, hidden), weight_ih, sizes_.input);
  if (cell_->recurrent) {
    packed->weight_hh =
        pack(kernels::GateColumns::recurrent(*cell_, hidden), weight_hh, sizes_.recurrent);
  }
  if (sizes_.projected) packed->weight_hr = pack({sizes_.recurrent}, weight_hr, hidden);
  known = packed;
  return packed;
}

kernels::Sequence RecurrentLayer::sequence(const PackedBatch& batch) const {
  return {.steps = batch.steps(),
          .batch_sizes = batch.sizes().data(),
          .offsets = batch.offsets().data(),
          .reverse = sizes_.reverse,
          .hidden = sizes_.hidden,
          .recurrent = sizes_.recurrent};
}

// Rows do not depend on each other, so each thread takes some of them through all steps without
// ever waiting for another. With few rows that would be few operations for each weight that is
// read: then the threads share the units of each step, and meet after it.
std::int64_t RecurrentLayer::threads_that_share(const PackedBatch& batch) const {
  const double work = 2.0 * static_cast<double>(cell_->layout.gates * batch.batch()) *
                      static_cast<double>(sizes_.hidden * sizes_.recurrent);
  const std::int64_t threads = num_threads();
  const bool possible = batch.is_even() && cell_->recurrent && !sizes_.projected;
  if (!possible || batch.batch() >= kRowsPerThread * threads) return 1;
  return std::clamp<std::int64_t>(static_cast<std::int64_t>(work / kWorkPerShare), 1, threads);
}

void RecurrentLayer::parallel_parts(const PackedBatch& batch, const auto& body) const {
  const std::int64_t sharing = threads_that_share(batch);
  if (sharing > 1) {
    Team team(sharing);
    parallel_for(sharing, [&](std::int64_t member) {
      body(
          kernels::Part{.row_begin = 0, .row_end = batch.batch(), .team = &team, .member = member});
    });
    return;
  }
  const double work = 2.0 * static_cast<double>(cell_->layout.gates * batch.rows()) *
                      static_cast<double>(sizes_.hidden * sizes_.recurrent);
  const std::int64_t blocks =
      std::clamp<std::int64_t>(static_cast<std::int64_t>(work / kWorkPerThread), 1,
                               std::min<std::int64_t>(num_threads(), batch.batch()));
  parallel_for(blocks, [&](std::int64_t block) {
    body(kernels::Part{.row_begin = batch.batch() * block / blocks,
                       .row_end = batch.batch() * (block + 1) / blocks});
  });
}

std::vector<Tensor> RecurrentLayer::forward(const PackedBatch& batch, const float* input,
                                            kernels::Rows<float> output, Pass& pass, bool keep,
                                            const Allocate& allocate) const {
  const CellPrograms& programs = cell_->programs;
  const auto state_count = static_cast<std::size_t>(programs.sizes.states);
  const std::int64_t hidden = sizes_.hidden;
  const std::int64_t gates_stride = programs.sizes.gate_values * hidden;
  const std::int64_t kept_rows = keep ? batch.rows() : batch.batch();
  const std::shared_ptr<const Packed> weights = packed(pass.weights);

  kernels::ForwardArgs args;
  args.cell = cell_;
  args.sequence = sequence(batch);
  args.weight_hh = weights->weights_of(weights->weight_hh);
  args.weight_hr = weights->weights_of(weights->weight_hr);
  args.bias = weights->bias.data();
  const kernels::Weights packed_ih = weights->weights_of(weights->weight_ih);
  const bool shares_units = threads_that_share(batch) > 1;
  if (shares_units) args.weight_ih = packed_ih;
  args.input_size = sizes_.input;
  for (std::size_t p = 0; p < params.size(); ++p) args.params[p] = params[p].value().data();
  args.output = output;
  args.keep_states = keep;
  pass.states.resize(state_count);
  for (std::size_t s = 0; s < state_count; ++s) {
    args.initial[s] = pass.initial[s].data();
    if (s == 0) continue;
    if (keep) {
      pass.states[s] = allocate({batch.rows(), hidden});
    } else {
      pass.states[s] = std::move(pass.initial[s]);
    }
    args.states[s] = pass.states[s].data();
  }
  if (sizes_.projected) {
    pass.cell_output = allocate({kept_rows, hidden});
    args.cell_output = pass.cell_output.data();
  }
  if (keep) {
    pass.saved = allocate({batch.rows(), programs.saved * hidden});
    args.saved = pass.saved.data();
  }

  const std::int64_t at_once = steps_at_once(batch, kGateRows, kGateElements, gates_stride);
  Tensor gates = allocate({std::min(batch.rows(), at_once * batch.batch()), gates_stride});
  args.gates = gates.data();
  for (std::int64_t begin = 0; begin < batch.steps(); begin += at_once) {
    const Stretch now(batch, sizes_.reverse, begin, std::min(batch.steps(), begin + at_once));
    args.first_position = now.begin;
    args.end_position = now.end;
    args.gates_row = now.row;
    args.gates_rows = now.rows;
    args.input = {input + now.row * sizes_.input, sizes_.input};
    kernels::begin_split_gates(*cell_, hidden, 0, hidden, now.rows, weights->bias.data(),
                               {gates.data(), gates_stride});
    if (!shares_units) {
      kernels::product(kernels::GateColumns::input(*cell_, hidden), now.rows, sizes_.input,
                       args.input, packed_ih, args.bias, false, {gates.data(), gates_stride});
    }
    parallel_parts(batch, [&](const kernels::Part& part) { cell_->kernels->forward(args, part); });
  }

  std::vector<Tensor> last;
  for (std::size_t s = 0; s < state_count; ++s) {
    if (s > 0 && !keep) {
      last.push_back(std::move(pass.states[s]));
      continue;
    }
    const kernels::Rows<const float> from =
        s == 0 ? kernels::Rows<const float>{output.data, output.stride}
               : kernels::Rows<const float>{pass.states[s].data(), hidden};
    last.push_back(Tensor::uninitialized({batch.batch(), state_size(s)}));
    for (std::int64_t r = 0; r < batch.batch(); ++r) {
      const std::int64_t step = sizes_.reverse ? 0 : batch.length(r) - 1;
      std::copy_n(from(batch.offsets()[index(step)] + r), state_size(s),
                  last.back().data() + r * state_size(s));
    }
  }
  return last;
}

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
  const std::int64_t at_once = steps_at_once(batch, kGradRows, kGradElements, gates_stride);
  const std::int64_t most_rows = std::min(batch.rows(), at_once * batch.batch());

  std::vector<Tensor> scratch;
  const auto allocate_scratch = [&](const Shape& shape) {
    return scratch.emplace_back(allocate(shape)).data();
  };
  kernels::BackwardArgs args;
  args.cell = cell_;
  args.sequence = sequence(batch);
  args.grad_gates = {allocate_scratch({most_rows, gates_stride}), gates_stride};
  if (cell_->recurrent) {
    float* packed = allocate_scratch({kernels::packed_grad_gates_size(*cell_, hidden, recurrent)});
    kernels::pack_grad_gates(*cell_, weight_hh.value().data(), hidden, recurrent, packed);
    args.weight_hh = packed;
  }
  if (sizes_.projected) {
    float* packed = allocate_scratch({kernels::packed_size({hidden}, recurrent)});
    kernels::pack({hidden}, weight_hr.value().data(), hidden, 1, recurrent, packed);
    args.weight_hr = packed;
    args.grad_projected = allocate_scratch({most_rows, recurrent});
  }
  // W_ih as the right operand of the input's gradient, for each run of gates.
  std::vector<const float*> packed_ih;
  for (const GateRun& run : layout.input_runs) {
    if (run.count == 0 || grad_input == nullptr) break;
    const std::int64_t units = run.count * hidden;
    float* packed = allocate_scratch({kernels::packed_size({sizes_.input}, units)});
    kernels::pack({sizes_.input}, weight_ih.value().data() + run.gate * hidden * sizes_.input,
                  sizes_.input, 1, units, packed);
    packed_ih.push_back(packed);
  }
  for (std::size_t p = 0; p < params.size(); ++p) args.params[p] = params[p].value().data();
  for (std::size_t s = 0; s < grad_states.size(); ++s) {
    args.initial[s] = pass.initial[s].data();
    args.states[s] = pass.states[s].data();
    args.grad_states[s] = grad_states[s].data();
  }
  args.output = output;
  args.cell_output = pass.cell_output.data();
  args.saved = pass.saved.data();
  args.grad_output = grad_output;
  Tensor grad_params({batch.batch(), programs.sizes.params * hidden});
  args.grad_params = grad_params.data();

  // The inputs of the weights, as right operands of the weights' gradients.
  float* const packed_input = allocate_scratch({kernels::packed_size({sizes_.input}, most_rows)});
  float* const packed_h = allocate_scratch({kernels::packed_size({recurrent}, most_rows)});
  float* const packed_output =
      allocate_scratch({sizes_.projected ? kernels::packed_size({hidden}, most_rows) : 0});
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
  Gradient grad_ih = gradient(weight_ih), grad_hh = gradient(weight_hh),
           grad_hr = gradient(weight_hr);
  for (std::int64_t end = batch.steps(); end > 0; end -= at_once) {
    const Stretch now(batch, sizes_.reverse, std::max<std::int64_t>(0, end - at_once), end);
    args.first_position = now.begin;
    args.end_position = now.end;
    args.grad_row = now.row;
    parallel_parts(batch, [&](const kernels::Part& part) { cell_->kernels->backward(args, part); });

    const float* const x = input + now.row * sizes_.input;
    kernels::pack({sizes_.input}, x, sizes_.input, 1, now.rows, packed_input);
    if (cell_->recurrent) {
      find_h(batch, sizes_.reverse, now, output, {pass.initial[0].data(), recurrent}, h.data());
      kernels::pack_rows(recurrent, h.data(), now.rows, packed_h);
    }
    for (const SlotRun& run : slot_runs(*cell_)) {
      std::array<kernels::Term, 2> terms;
      std::size_t count = 0;
      if (run.input_gate >= 0) {
        terms[count++] = {{sizes_.input},
                          packed_input,
                          {grad_ih.data + run.input_gate * hidden * sizes_.input, sizes_.input},
                          grad_ih.add};
      }
      if (run.recurrent_gate >= 0) {
        terms[count++] = {{recurrent},
                          packed_h,
                          {grad_hh.data + run.recurrent_gate * hidden * recurrent, recurrent},
                          grad_hh.add};
      }
      kernels::transposed_product(
          run.count * hidden, now.rows, {args.grad_gates.data + run.slot * hidden, gates_stride},
          std::span(terms).first(count), sizes_.bias ? sums.data() + run.slot * hidden : nullptr);
    }
    for (std::size_t i = 0; i < packed_ih.size(); ++i) {
      const GateRun& run = layout.input_runs[i];
      kernels::product({sizes_.input}, now.rows, run.count * hidden,
                       {args.grad_gates.data + run.slot * hidden, gates_stride}, packed_ih[i],
                       nullptr, add_input || i > 0,
                       {grad_input + now.row * sizes_.input, sizes_.input});
    }
    if (sizes_.projected) {
      kernels::pack({hidden}, pass.cell_output.data() + now.row * hidden, hidden, 1, now.rows,
                    packed_output);
      const std::array<kernels::Term, 1> terms{
          {{{hidden}, packed_output, {grad_hr.data, hidden}, grad_hr.add}}};
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
    add_to(bias_ih, layout.input_slot);
    if (cell_->recurrent) add_to(bias_hh, layout.recurrent_slot);
  }
  for (std::size_t p = 0; p < params.size(); ++p) {
    float* to = params[p].mutable_grad().data();
    for (std::int64_t r = 0; r < batch.batch(); ++r) {
      const float* from =
          grad_params.data() + (r * programs.sizes.params + static_cast<std::int64_t>(p)) * hidden;
      for (std::int64_t u = 0; u < hidden; ++u) to[u] += from[u];
    }
  }
  for (Tensor& tensor : scratch) recycle(std::move(tensor));
}

}  // namespace riverrun
