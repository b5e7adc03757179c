#include "riverrun/nn/recurrent_layer.h"

#include <algorithm>
#include <span>

#include "riverrun/core/cpus.h"
#include "riverrun/core/threads.h"
#include "riverrun/kernels/targets.h"
#include "riverrun/nn/stretch.h"

namespace riverrun {
namespace {

// The preactivations of so many steps are computed by one large product before those steps run:
// enough rows for a fast product, few enough that they are still in the cache when they are used.
constexpr std::int64_t kGateRows = 96;
constexpr std::int64_t kGateElements = std::int64_t{1} << 18;

// Below this many floating-point operations, another thread costs more than it takes over.
constexpr double kWorkPerThread = 1e6;
// The same in a step whose units are shared: meeting after it takes about 0.2 µs.
constexpr double kWorkPerShare = 30e3;
// So many rows and more keep a thread busy with the weights it reads. A product of 4 is nearly as
// fast as one of many while the thread's own second-level cache holds them. Large weights come from
// the third level, which threads share; huge ones leave too little room there for each other.
constexpr std::int64_t kRowsPerThread = 4;
constexpr std::int64_t kRowsPerThreadOfLarge = 8;
constexpr std::int64_t kRowsPerThreadOfHuge = 12;
constexpr std::int64_t kLargeWeights = std::int64_t{3} << 18;  // bytes, and more
constexpr std::int64_t kHugeWeights = std::int64_t{1} << 23;
constexpr std::int64_t kFloatBytes = sizeof(float);

std::size_t index(std::int64_t i) { return static_cast<std::size_t>(i); }

}  // namespace

RecurrentLayer::RecurrentLayer(const CellDescriptor& cell, const Sizes& sizes)
    : cell_(&cell), sizes_(sizes), cache_(std::make_unique<Cache>()) {
  const std::int64_t rows = cell.layout.gates * sizes.hidden;
  const auto make = [](bool is_there, const Shape& shape) {
    return is_there ? std::make_shared<Parameter>(shape) : std::make_shared<Parameter>();
  };
  weight_ih = make(true, {rows, sizes.input});
  weight_hh = make(cell.recurrent, {rows, sizes.recurrent});
  bias_ih = make(sizes.bias, {rows});
  bias_hh = make(sizes.bias && cell.recurrent, {rows});
  weight_hr = make(sizes.projected, {sizes.recurrent, sizes.hidden});
  for (std::size_t p = 0; p < cell.params.size(); ++p) params.push_back(make(true, {sizes.hidden}));
}

RecurrentLayer::RecurrentLayer(const RecurrentLayer& other, const Other& replaced)
    : cell_(other.cell_), sizes_(other.sizes_), cache_(std::make_unique<Cache>()) {
  const auto take = [&](const std::shared_ptr<Parameter>& parameter) {
    return parameter->value().empty() ? parameter : replaced(*parameter);
  };
  weight_ih = take(other.weight_ih);
  weight_hh = take(other.weight_hh);
  bias_ih = take(other.bias_ih);
  bias_hh = take(other.bias_hh);
  weight_hr = take(other.weight_hr);
  for (const std::shared_ptr<Parameter>& param : other.params) params.push_back(take(param));
}

std::vector<std::shared_ptr<Parameter>> RecurrentLayer::parameters() const {
  std::vector<std::shared_ptr<Parameter>> all = {weight_ih, weight_hh, bias_ih, bias_hh, weight_hr};
  all.insert(all.end(), params.begin(), params.end());
  std::erase_if(all, [](const auto& parameter) { return parameter->value().empty(); });
  return all;
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
  std::vector<std::uint64_t> all = {weight_ih->version(), weight_hh->version(), bias_ih->version(),
                                    bias_hh->version(), weight_hr->version()};
  for (const std::shared_ptr<Parameter>& param : params) all.push_back(param->version());
  return all;
}

std::shared_ptr<const RecurrentLayer::Packed> RecurrentLayer::packed(WeightType type,
                                                                     Packing packing) const {
  // Gates that each begin with a vector of their own are faster for one row, as long as the
  // first-level cache holds them beside what else a step touches. Where it does not, fewer bytes
  // are.
  if (packing == Packing::kOneRow) {
    static const std::int64_t first_level = first_level_cache();
    const auto units = kernels::GateColumns::units(sizes_.hidden, cell_->layout.gates, nullptr);
    const std::int64_t bytes = kernels::packed_size(units, sizes_.recurrent, type) * kFloatBytes;
    if (bytes > first_level * 3 / 4) packing = Packing::kFewRows;
  }
  const std::scoped_lock lock(cache_->mutex);
  std::vector<std::uint64_t> now = versions();
  auto& of_type = cache_->packed[static_cast<std::size_t>(type)];
  std::shared_ptr<const Packed>& known = of_type[static_cast<std::size_t>(packing)];
  if (known != nullptr && known->versions == now && known->simd_target == kernels::simd_target()) {
    return known;
  }
  const std::int64_t hidden = sizes_.hidden;
  const GateLayout& layout = cell_->layout;
  auto packed = std::make_shared<Packed>();
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
  if (!bias_ih->value().empty()) add_bias(*bias_ih, layout.input_slot);
  if (!bias_hh->value().empty()) add_bias(*bias_hh, layout.recurrent_slot);
  const auto pack = [&](const kernels::GateColumns& columns, const Parameter& weight,
                        std::int64_t first_row, std::int64_t depth) {
    Tensor& to = packed->memory.emplace_back(
        Tensor::uninitialized({kernels::packed_size(columns, depth, type)}));
    kernels::pack(columns, weight.value().data() + first_row * depth, 1, depth, depth, to.data(),
                  type);
    return kernels::Weights(to.data(), type);
  };
  const auto pack_gates = [&](const Parameter& weight, std::int64_t depth,
                              std::span<const GateRun> runs, const auto& slots, bool of_units,
                              bool few_rows) {
    std::vector<kernels::GateMatrix> matrices;
    if (of_units) {
      const auto columns = kernels::GateColumns::units(hidden, layout.gates, slots.data());
      matrices.push_back({columns, 0, pack(columns, weight, 0, depth)});
      return matrices;
    }
    for (const GateRun& run : runs) {
      const kernels::GateColumns columns{.hidden = run.count * hidden, .few_rows = few_rows};
      matrices.push_back({columns, run.slot, pack(columns, weight, run.gate * hidden, depth)});
    }
    return matrices;
  };
  const bool few_rows = packing != Packing::kManyRows;
  packed->weight_ih = pack_gates(*weight_ih, sizes_.input,
                                 std::span(layout.input_runs).first(index(layout.input_run_count)),
                                 layout.input_slot, packing == Packing::kUnits,
                                 /*few_rows=*/false);
  if (cell_->recurrent) {
    packed->finite_hh = kernels::all_finite(weight_hh->value().values());
    packed->weight_hh = pack_gates(
        *weight_hh, sizes_.recurrent,
        std::span(layout.recurrent_runs).first(index(layout.recurrent_run_count)),
        layout.recurrent_slot, packing == Packing::kUnits || packing == Packing::kOneRow, few_rows);
  }
  if (sizes_.projected) {
    packed->weight_hr =
        pack({.hidden = sizes_.recurrent, .few_rows = few_rows}, *weight_hr, 0, hidden);
  }
  for (std::shared_ptr<const Packed>& stale : of_type) {
    if (stale != nullptr && stale->versions != packed->versions) stale.reset();
  }
  known = packed;
  return packed;
}

RecurrentLayer::Packing RecurrentLayer::packing(const PackedBatch& batch,
                                                const Division& division) {
  if (division.shares_units || batch.rows() / division.parts < kernels::kManyRows) {
    return Packing::kUnits;
  }
  const std::int64_t rows = batch.batch() / division.parts;
  if (rows >= kernels::kManyRows) return Packing::kManyRows;
  return rows > 1 ? Packing::kFewRows : Packing::kOneRow;
}

kernels::Sequence RecurrentLayer::sequence(const PackedBatch& batch, Packing packing) const {
  return {.steps = batch.steps(),
          .batch_sizes = batch.sizes().data(),
          .offsets = batch.offsets().data(),
          .reverse = sizes_.reverse,
          .hidden = sizes_.hidden,
          .recurrent = sizes_.recurrent,
          .few_rows = packing != Packing::kManyRows};
}

// Rows do not depend on each other, so each thread takes some of them through all steps without
// ever waiting for another. With few rows that would be few operations for each weight that is
// read: then the threads share the units of each step, and meet after it.
RecurrentLayer::Division RecurrentLayer::division(const PackedBatch& batch) const {
  // Of a unit at each step: its products with h, or, without those, the cell's own operations,
  // which take that many floating-point operations each.
  constexpr std::int64_t kWorkOfNode = 8;
  const std::int64_t of_unit = cell_->recurrent ? cell_->layout.gates * sizes_.recurrent
                                                : cell_->programs.forward.size * kWorkOfNode;
  const double work =
      2.0 * static_cast<double>(batch.batch()) * static_cast<double>(sizes_.hidden * of_unit);
  const std::int64_t threads = num_threads();
  const auto parts = [&](double all_work, double least) {
    return std::clamp<std::int64_t>(static_cast<std::int64_t>(all_work / least), 1, threads);
  };
  const std::int64_t bytes = cell_->layout.gates * sizes_.hidden * sizes_.recurrent * kFloatBytes;
  const std::int64_t enough_rows = bytes < kLargeWeights  ? kRowsPerThread
                                   : bytes < kHugeWeights ? kRowsPerThreadOfLarge
                                                          : kRowsPerThreadOfHuge;
  const bool can_share = batch.is_even() && cell_->recurrent && !sizes_.projected;
  if (can_share && batch.batch() < enough_rows * threads && parts(work, kWorkPerShare) > 1) {
    return {.parts = parts(work, kWorkPerShare), .shares_units = true};
  }
  return {.parts = std::min(
              parts(work * static_cast<double>(batch.rows()) / static_cast<double>(batch.batch()),
                    kWorkPerThread),
              batch.batch())};
}

void RecurrentLayer::parallel_parts(const PackedBatch& batch, const Division& division,
                                    const std::function<void(const kernels::Part&)>& body) {
  if (division.shares_units) {
    Team team(division.parts);
    parallel_for(division.parts, [&](std::int64_t member) {
      body(
          kernels::Part{.row_begin = 0, .row_end = batch.batch(), .team = &team, .member = member});
    });
    return;
  }
  parallel_for(division.parts, [&](std::int64_t part) {
    body(kernels::Part{.row_begin = batch.batch() * part / division.parts,
                       .row_end = batch.batch() * (part + 1) / division.parts});
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

  kernels::ForwardArgs args;
  args.cell = cell_;
  const Division division = this->division(batch);
  const Packing packing = this->packing(batch, division);
  args.sequence = sequence(batch, packing);
  const std::shared_ptr<const Packed> weights = packed(pass.weights, packing);
  args.weight_hh = weights->weight_hh;
  args.weight_hr = weights->weight_hr;
  args.bias = weights->bias.data();
  // Parts compute their own gates, except of so few rows a step that their products would be slow.
  const bool in_parts = division.shares_units || (division.parts > 1 && batch.is_even() &&
                                                  batch.batch() >= kRowsPerThread * division.parts);
  if (in_parts) args.weight_ih = weights->weight_ih;
  args.input_size = sizes_.input;
  for (std::size_t p = 0; p < params.size(); ++p) args.params[p] = params[p]->value().data();
  const std::span<const float> initial_h = pass.initial[0].values();
  // The product would be zeros; or NaN, which a diverged network has to show.
  args.from_zero = weights->finite_hh && std::all_of(initial_h.begin(), initial_h.end(),
                                                     [](float h) { return h == 0.0f; });
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

  const std::int64_t at_once =
      steps_at_once(batch, std::max(kGateRows, kGateElements / gates_stride));
  Tensor gates = allocate({std::min(batch.rows(), at_once * batch.batch()), gates_stride});
  args.gates = gates.data();
  for (std::int64_t begin = 0; begin < batch.steps(); begin += at_once) {
    const Stretch now(batch, sizes_.reverse, begin, std::min(batch.steps(), begin + at_once));
    args.first_position = now.begin;
    args.end_position = now.end;
    args.gates_row = now.row;
    args.gates_rows = now.rows;
    args.input = {input + now.row * sizes_.input, sizes_.input};
    if (!in_parts) {
      const kernels::Rows<float> values = {gates.data(), gates_stride};
      kernels::begin_split_gates(*cell_, hidden, 0, hidden, now.rows, args.bias, values);
      for (const kernels::GateMatrix& matrix : weights->weight_ih) {
        kernels::product(matrix.columns, now.rows, sizes_.input, args.input, matrix.weights,
                         args.bias + matrix.slot * hidden, false, matrix.results(values, hidden));
      }
    }
    parallel_parts(batch, division,
                   [&](const kernels::Part& part) { cell_->kernels->forward(args, part); });
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

}  // namespace riverrun
