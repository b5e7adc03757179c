#include "riverrun/nn/recurrent_layer.h"

#include <algorithm>

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

  const std::int64_t rows_at_once =
      std::clamp(kGateElements / gates_stride, kGateRows, std::max(kGateRows, batch.rows()));
  const std::int64_t steps_at_once =
      std::clamp<std::int64_t>(rows_at_once / batch.batch(), 1, batch.steps());
  Tensor gates = allocate({std::min(batch.rows(), steps_at_once * batch.batch()), gates_stride});
  args.gates = gates.data();
  for (std::int64_t begin = 0; begin < batch.steps(); begin += steps_at_once) {
    args.first_position = begin;
    args.end_position = std::min(batch.steps(), begin + steps_at_once);
    const auto step_of = [&](std::int64_t position) {
      return sizes_.reverse ? batch.steps() - 1 - position : position;
    };
    const std::int64_t first_step =
        std::min(step_of(args.first_position), step_of(args.end_position - 1));
    const std::int64_t last_step =
        std::max(step_of(args.first_position), step_of(args.end_position - 1));
    args.gates_row = batch.offsets()[index(first_step)];
    const std::int64_t rows =
        batch.offsets()[index(last_step)] + batch.sizes()[index(last_step)] - args.gates_row;
    kernels::begin_split_gates(*cell_, hidden, 0, hidden, rows, weights->bias.data(),
                               {gates.data(), gates_stride});
    args.gates_rows = rows;
    args.input = {input + args.gates_row * sizes_.input, sizes_.input};
    if (!shares_units) {
      kernels::product(kernels::GateColumns::input(*cell_, hidden), rows, sizes_.input, args.input,
                       packed_ih, args.bias, false, {gates.data(), gates_stride});
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
                              std::vector<Tensor>& grad_states, float* grad_input,
                              const Allocate& allocate,
                              const std::function<void(Tensor&&)>& recycle) {
  const CellPrograms& programs = cell_->programs;
  const GateLayout& layout = cell_->layout;
  const std::int64_t hidden = sizes_.hidden;
  const std::int64_t recurrent = sizes_.recurrent;
  const std::int64_t rows = batch.rows();
  const std::int64_t gates_stride = padded(programs.sizes.gate_values * hidden);

  Tensor grad_gates = allocate({rows, gates_stride});
  Tensor packed_hh, packed_hr, grad_projected;
  Tensor grad_params({batch.batch(), programs.sizes.params * hidden});

  kernels::BackwardArgs args;
  args.cell = cell_;
  args.sequence = sequence(batch);
  if (cell_->recurrent) {
    packed_hh = allocate({kernels::packed_grad_gates_size(*cell_, hidden, recurrent)});
    kernels::pack_grad_gates(*cell_, weight_hh.value().data(), hidden, recurrent, packed_hh.data());
    args.weight_hh = packed_hh.data();
  }
  if (sizes_.projected) {
    packed_hr = allocate({kernels::packed_size({hidden}, recurrent)});
    kernels::pack({hidden}, weight_hr.value().data(), hidden, 1, recurrent, packed_hr.data());
    args.weight_hr = packed_hr.data();
    grad_projected = allocate({rows, recurrent});
    args.grad_projected = grad_projected.data();
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
  args.grad_gates = {grad_gates.data(), gates_stride};
  args.grad_params = grad_params.data();
  parallel_parts(batch, [&](const kernels::Part& part) { cell_->kernels->backward(args, part); });

  // The right operands of the products that follow.
  const auto pack_rows = [&](std::int64_t columns, std::int64_t depth, const float* matrix) {
    Tensor to = allocate({kernels::packed_size({columns}, depth)});
    kernels::pack({columns}, matrix, columns, 1, depth, to.data());
    return to;
  };
  Tensor packed_input = pack_rows(sizes_.input, rows, input);
  const auto [grad_ih, add_ih] = weight_ih.grad_target();
  for (const GateRun& run : layout.input_runs) {
    if (run.count == 0) break;
    const std::int64_t units = run.count * hidden;
    const std::int64_t weight_row = run.gate * hidden * sizes_.input;
    const float* grad = grad_gates.data() + run.slot * hidden;
    kernels::product({sizes_.input}, units, rows, {grad, gates_stride, true}, packed_input.data(),
                     nullptr, add_ih, {grad_ih.data() + weight_row, sizes_.input});
    if (grad_input == nullptr) continue;
    Tensor packed_ih = pack_rows(sizes_.input, units, weight_ih.value().data() + weight_row);
    kernels::product({sizes_.input}, rows, units, {grad, gates_stride}, packed_ih.data(), nullptr,
                     true, {grad_input, sizes_.input});
    recycle(std::move(packed_ih));
  }
  recycle(std::move(packed_input));
  if (cell_->recurrent) {
    // What each packed row read as h: the output of the step before, or the initial state.
    Tensor h = allocate({rows, recurrent});
    parallel_for(batch.steps(), [&](std::int64_t t) {
      const std::int64_t before = sizes_.reverse ? t + 1 : t - 1;
      const bool is_first = before < 0 || before == batch.steps();
      const std::int64_t continuing =
          is_first ? 0 : std::min(batch.sizes()[index(t)], batch.sizes()[index(before)]);
      for (std::int64_t r = 0; r < batch.sizes()[index(t)]; ++r) {
        const float* from = r < continuing ? output(batch.offsets()[index(before)] + r)
                                           : pass.initial[0].data() + r * recurrent;
        std::copy_n(from, recurrent, h.data() + (batch.offsets()[index(t)] + r) * recurrent);
      }
    });
    Tensor packed_h = pack_rows(recurrent, rows, h.data());
    recycle(std::move(h));
    const auto [grad_hh, add_hh] = weight_hh.grad_target();
    for (const GateRun& run : layout.recurrent_runs) {
      if (run.count == 0) break;
      kernels::product({recurrent}, run.count * hidden, rows,
                       {grad_gates.data() + run.slot * hidden, gates_stride, true}, packed_h.data(),
                       nullptr, add_hh,
                       {grad_hh.data() + run.gate * hidden * recurrent, recurrent});
    }
    recycle(std::move(packed_h));
  }
  if (sizes_.projected) {
    Tensor packed_output = pack_rows(hidden, rows, pass.cell_output.data());
    const auto [grad_hr, add_hr] = weight_hr.grad_target();
    kernels::product({hidden}, recurrent, rows, {grad_projected.data(), recurrent, true},
                     packed_output.data(), nullptr, add_hr, {grad_hr.data(), hidden});
    recycle(std::move(packed_output));
  }
  if (sizes_.bias) {
    Tensor sums({layout.values * hidden});
    add_column_sums(rows, sums.elements(), grad_gates.data(), gates_stride, sums.data());
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
  for (Tensor* tensor : {&grad_gates, &packed_hh, &packed_hr, &grad_projected}) {
    recycle(std::move(*tensor));
  }
}

}  // namespace riverrun
