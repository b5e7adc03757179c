// How any cell is run over the steps of a packed batch, forward and backward: which rows go on,
// which begin and which end at a step. The cell itself is a parameter. Included once per target.

#if defined(RIVERRUN_KERNELS_SEQUENCE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef RIVERRUN_KERNELS_SEQUENCE_INL_H_
#undef RIVERRUN_KERNELS_SEQUENCE_INL_H_
#else
#define RIVERRUN_KERNELS_SEQUENCE_INL_H_
#endif

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>

#include "hwy/highway.h"

#include "riverrun/cell/program.h"
#include "riverrun/kernels/cell_kernels.h"
#include "riverrun/kernels/product-inl.h"

HWY_BEFORE_NAMESPACE();
namespace riverrun::kernels {
namespace HWY_NAMESPACE {

/// One step of rows that all come from the same place. Row 0 is the first of them.
struct ForwardRows {
  const CellDescriptor* cell;
  std::int64_t rows, hidden;
  std::int64_t unit_begin, unit_end;
  Rows<float> gates;  // [rows, V*H]: the complete gate values
  std::array<Rows<const float>, kMaxStates> previous;
  std::array<Rows<float>, kMaxStates> next;
  std::array<const float*, kMaxParams> params;
  Rows<float> saved;  // may have no data
};

/// The same step backward.
struct BackwardRows {
  const CellDescriptor* cell;
  std::int64_t rows, hidden;
  std::int64_t unit_begin, unit_end;
  Rows<const float> grad_h;       // [rows, H]: ∂loss/∂h' from the steps after this one, and
  Rows<const float> grad_output;  // [rows, H] from the layer above; may have no data
  std::array<Rows<const float>, kMaxStates> previous;
  std::array<Rows<const float>, kMaxStates> next;
  std::array<const float*, kMaxParams> params;
  Rows<const float> saved;
  Rows<float> grad_gates;  // out
  // In: of the next states; out: of the previous, through the step itself. [0] may have no data.
  std::array<Rows<float>, kMaxStates> grad_states;
  Rows<float> grad_params;  // added to
};

/// grad_h += grad_gates·W_hh for some groups of h; weight_hh is that of each run of gates.
HWY_INLINE void AddGradOfGates(const CellDescriptor& cell, const Columns& columns,
                               std::int64_t first, std::int64_t last, std::int64_t rows,
                               std::int64_t hidden, Rows<const float> grad_gates,
                               std::span<const Weights> weight_hh, Rows<float> grad_h,
                               Ahead* ahead = nullptr) {
  for (std::size_t i = 0; i < static_cast<std::size_t>(cell.layout.recurrent_run_count); ++i) {
    const GateRun& run = cell.layout.recurrent_runs[i];
    Product(columns, first, last, rows, run.count * hidden,
            {grad_gates.data + run.slot * hidden, grad_gates.stride}, weight_hh[i], {.add = true},
            grad_h, ahead);
  }
}

/// The product with W_ih or W_hh.
class ProductOfGates {
 public:
  ProductOfGates(std::span<const GateMatrix> weight, const Part& part, std::int64_t hidden,
                 std::int64_t depth)
      : weight_(weight), with_team_(part.team != nullptr), hidden_(hidden), depth_(depth) {
    for (std::size_t i = 0; i < weight.size(); ++i) columns_[i] = weight[i].columns;
  }

  /// gates = begin + x·W; in a team, of the groups [first, last) of units.
  HWY_INLINE void operator()(std::int64_t first, std::int64_t last, std::int64_t rows,
                             Rows<const float> x, Runs runs, Begin begin, Rows<float> gates) const {
    for (std::size_t i = 0; i < weight_.size(); ++i) {
      const GateMatrix& matrix = weight_[i];
      Begin its = begin;
      if (its.bias != nullptr) its.bias += matrix.slot * hidden_;
      Product(columns_[i], with_team_ ? first : 0, with_team_ ? last : columns_[i].groups(), rows,
              depth_, x, runs, matrix.weights, its, matrix.results(gates, hidden_));
    }
  }

 private:
  std::span<const GateMatrix> weight_;
  std::array<Columns, GateLayout::kMaxGates> columns_;
  bool with_team_;
  std::int64_t hidden_, depth_;
};

/// Who does what of a step: this thread everything, or each member of a team some groups of units.
class Phases {
 public:
  explicit Phases(const Part& part)
      : shares_(part.team == nullptr ? 1 : part.team->shares()), member_(part.team, part.member) {}

  /// body(first, last) for groups that together are [0, groups); afterwards all of them are done.
  template <class Body>
  HWY_INLINE void Run(std::int64_t groups, const Body& body) {
    if (shares_ == 1) return body(0, groups);
    member_.phase([&](std::int64_t share) {
      body(groups * share / shares_, groups * (share + 1) / shares_);
    });
  }

 private:
  std::int64_t shares_;
  Team::Member member_;
};

/// to = from + other (if that has data); from = 0.
HWY_INLINE void MoveSum(std::int64_t rows, std::int64_t columns, Rows<float> from,
                        Rows<const float> other, Rows<float> to) {
  for (std::int64_t row = 0; row < rows; ++row) {
    for (std::int64_t column = 0; column < columns; column += kLanes) {
      VF sum = LoadFirst(from(row) + column, columns - column);
      if (other.data != nullptr) {
        sum = hn::Add(sum, LoadFirst(other(row) + column, columns - column));
      }
      StoreFirst(sum, to(row) + column, columns - column);
      StoreFirst(hn::Zero(DF()), from(row) + column, columns - column);
    }
  }
}

/// The steps of a packed batch in the order in which a direction takes them.
class Order {
 public:
  explicit Order(const Sequence& sequence) : sequence_(sequence) {}

  [[nodiscard]] std::int64_t step(std::int64_t position) const {
    return sequence_.reverse ? sequence_.steps - 1 - position : position;
  }
  [[nodiscard]] std::int64_t rows(std::int64_t position) const {
    return sequence_.batch_sizes[step(position)];
  }
  [[nodiscard]] std::int64_t offset(std::int64_t position) const {
    return sequence_.offsets[step(position)];
  }
  /// How many rows of this position were there at the one before, and at the one after: always the
  /// first ones, because the batch is sorted.
  [[nodiscard]] std::int64_t continuing(std::int64_t position) const {
    return position == 0 ? 0 : std::min(rows(position), rows(position - 1));
  }
  [[nodiscard]] std::int64_t continued(std::int64_t position) const {
    return position + 1 == sequence_.steps ? 0 : std::min(rows(position), rows(position + 1));
  }

 private:
  const Sequence& sequence_;
};

/// body(begin, end) for [begin, end) cut at the given rows, empty stretches left out.
template <class Body>
HWY_INLINE void ForStretches(std::int64_t begin, std::int64_t end, std::int64_t cut_a,
                             std::int64_t cut_b, const Body& body) {
  const std::array<std::int64_t, 4> edges = {
      begin, std::clamp(std::min(cut_a, cut_b), begin, std::max(begin, end)),
      std::clamp(std::max(cut_a, cut_b), begin, std::max(begin, end)), end};
  for (std::size_t i = 0; i + 1 < edges.size(); ++i) {
    if (edges[i] < edges[i + 1]) body(edges[i], edges[i + 1]);
  }
}

/// `Cell` is CompiledCell<C>, or the interpreter.
template <class Cell>
void ForwardSequence(const ForwardArgs& a, const Part& part) {
  const Order order(a.sequence);
  const CellPrograms& programs = a.cell->programs;
  const std::int64_t hidden = a.sequence.hidden;
  const std::int64_t recurrent = a.sequence.recurrent;
  const Columns units = GateColumns::units(hidden, a.cell->layout.gates, nullptr);
  const Columns projection = GateColumns{.hidden = recurrent, .few_rows = a.sequence.few_rows};
  const ProductOfGates product_hh(a.weight_hh, part, hidden, recurrent);
  Phases phases(part);
  const bool projected = a.weight_hr.data != nullptr;
  const std::int64_t gates_stride = programs.sizes.gate_values * hidden;
  const std::int64_t saved_stride = programs.saved * hidden;
  // A part that computes its gates has those of its rows together, step by step: if parts were
  // neighbours in each step, what CPUs fetch ahead would go from one to the other and back.
  const bool own_gates = !a.weight_ih.empty();
  const std::int64_t batch = a.sequence.batch_sizes[0];
  const std::int64_t rows_of_step = part.row_end - part.row_begin;
  const std::int64_t steps = own_gates ? a.gates_rows / batch : 0;
  const std::int64_t first_step = own_gates ? a.gates_row / batch : 0;
  const Rows<float> gates = {a.gates + steps * part.row_begin * gates_stride, gates_stride};
  if (own_gates) {
    const ProductOfGates product_ih(a.weight_ih, part, hidden, a.input_size);
    phases.Run(units.groups(), [&](std::int64_t first, std::int64_t last) {
      begin_split_gates(*a.cell, hidden, units.unit(first), units.unit(last), steps * rows_of_step,
                        a.bias, gates);
      product_ih(first, last, steps * rows_of_step, a.input.from(part.row_begin),
                 {rows_of_step, batch}, {.bias = a.bias}, gates);
    });
  }
  for (std::int64_t position = a.first_position; position < a.end_position; ++position) {
    const std::int64_t now = order.offset(position);
    const std::int64_t state_now = a.keep_states ? now : 0;
    const std::int64_t continuing = order.continuing(position);
    const std::int64_t end = std::min(part.row_end, order.rows(position));
    ForStretches(
        part.row_begin, end, continuing, continuing, [&](std::int64_t lo, std::int64_t hi) {
          const bool continues = lo < continuing;
          const std::int64_t before = continues ? order.offset(position - 1) : 0;
          const Rows<float> output = a.output.from(now + lo);
          const Rows<const float> h =
              continues ? Rows<const float>{a.output(before + lo), a.output.stride}
                        : Rows<const float>{a.initial[0] + lo * recurrent, recurrent};
          ForwardRows rows{};
          rows.cell = a.cell;
          rows.rows = hi - lo;
          rows.hidden = hidden;
          rows.gates = gates.from(own_gates ? (order.step(position) - first_step) * rows_of_step +
                                                  lo - part.row_begin
                                            : now - a.gates_row + lo);
          rows.params = a.params;
          rows.previous[0] = h;
          rows.next[0] =
              projected ? Rows<float>{a.cell_output + (state_now + lo) * hidden, hidden} : output;
          for (std::size_t s = 1; s < static_cast<std::size_t>(programs.sizes.states); ++s) {
            rows.next[s] = {a.states[s] + (state_now + lo) * hidden, hidden};
            if (!a.keep_states) {
              rows.previous[s] = {rows.next[s].data, hidden};
            } else if (continues) {
              rows.previous[s] = {a.states[s] + (before + lo) * hidden, hidden};
            } else {
              rows.previous[s] = {a.initial[s] + lo * hidden, hidden};
            }
          }
          if (a.saved != nullptr) rows.saved = {a.saved + (now + lo) * saved_stride, saved_stride};
          phases.Run(units.groups(), [&](std::int64_t first, std::int64_t last) {
            if (continues || !a.from_zero) {
              product_hh(first, last, hi - lo, h, {hi - lo, hi - lo}, {.add = true}, rows.gates);
            }
            ForwardRows some = rows;
            some.unit_begin = units.unit(first);
            some.unit_end = units.unit(last);
            Cell::Forward(some);
          });
          if (projected) {
            Product(projection, 0, projection.groups(), hi - lo, hidden,
                    {rows.next[0].data, hidden}, a.weight_hr, {}, output);
          }
        });
  }
}

template <class Cell>
void BackwardSequence(const BackwardArgs& a, const Part& part) {
  const Order order(a.sequence);
  const CellPrograms& programs = a.cell->programs;
  const std::int64_t hidden = a.sequence.hidden;
  const std::int64_t recurrent = a.sequence.recurrent;
  const Columns columns = GateColumns{.hidden = recurrent, .few_rows = a.sequence.few_rows};
  const Columns units = GateColumns{.hidden = hidden, .few_rows = a.sequence.few_rows};
  Phases phases(part);
  const bool projected = a.weight_hr.data != nullptr;
  const bool recurrent_gates = a.weight_hh[0].data != nullptr;
  const std::int64_t saved_stride = programs.saved * hidden;
  const std::int64_t params_stride = programs.sizes.params * hidden;
  for (std::int64_t position = a.end_position - 1; position >= a.first_position; --position) {
    const std::int64_t now = order.offset(position);
    const std::int64_t grad_now = now - a.grad_row;
    const std::int64_t continuing = order.continuing(position);
    // Of the steps done before, the gradients came with the states'.
    const std::int64_t continued = position + 1 == a.end_position ? 0 : order.continued(position);
    const std::int64_t end = std::min(part.row_end, order.rows(position));
    ForStretches(part.row_begin, end, continuing, continued, [&](std::int64_t lo, std::int64_t hi) {
      const bool continues = lo < continuing;
      const std::int64_t before = continues ? order.offset(position - 1) : 0;
      const Rows<float> grad_h = {a.grad_states[0] + lo * recurrent, recurrent};
      const Rows<const float> grad_output =
          a.grad_output.data != nullptr ? a.grad_output.from(now + lo) : Rows<const float>{};
      BackwardRows rows{};
      rows.cell = a.cell;
      rows.rows = hi - lo;
      rows.hidden = hidden;
      rows.params = a.params;
      rows.previous[0] = continues ? a.output.from(before + lo)
                                   : Rows<const float>{a.initial[0] + lo * recurrent, recurrent};
      rows.next[0] = projected ? Rows<const float>{a.cell_output + (now + lo) * hidden, hidden}
                               : a.output.from(now + lo);
      for (std::size_t s = 1; s < static_cast<std::size_t>(programs.sizes.states); ++s) {
        rows.next[s] = {a.states[s] + (now + lo) * hidden, hidden};
        rows.previous[s] = {
            continues ? a.states[s] + (before + lo) * hidden : a.initial[s] + lo * hidden, hidden};
        rows.grad_states[s] = {a.grad_states[s] + lo * hidden, hidden};
      }
      rows.saved = {a.saved + (now + lo) * saved_stride, saved_stride};
      rows.grad_gates = a.grad_gates.from(grad_now + lo);
      rows.grad_params = {a.grad_params + lo * params_stride, params_stride};

      // What the forward saved is far away by now; the cell reads it after the product. Of all
      // units at once, because it is one stretch.
      Ahead saved = {rows.saved.data, (hi - lo) * saved_stride};
      // ∂loss/∂h through the gates of the step after this one; for all groups, or some.
      const auto add_later = [&](std::int64_t first, std::int64_t last) {
        if (!recurrent_gates || lo >= continued) return;
        const Rows<float> later = a.grad_gates.from(order.offset(position + 1) - a.grad_row + lo);
        AddGradOfGates(*a.cell, columns, first, last, hi - lo, hidden, {later.data, later.stride},
                       a.weight_hh, grad_h, &saved);
      };
      if (projected) {
        add_later(0, columns.groups());
        const Rows<float> grad_projected = {a.grad_projected + (grad_now + lo) * recurrent,
                                            recurrent};
        MoveSum(hi - lo, recurrent, grad_h, grad_output, grad_projected);
        // The room of a gate's gradients is free until the step's own overwrite it, unit by unit.
        Product(units, 0, units.groups(), hi - lo, recurrent, {grad_projected.data, recurrent},
                a.weight_hr, {}, rows.grad_gates);
        rows.grad_h = {rows.grad_gates.data, rows.grad_gates.stride};
      } else {
        rows.grad_h = {grad_h.data, recurrent};
        rows.grad_output = grad_output;
        rows.grad_states[0] = grad_h;
      }
      phases.Run(units.groups(), [&](std::int64_t first, std::int64_t last) {
        if (!projected) add_later(first, last);
        BackwardRows some = rows;
        some.unit_begin = units.unit(first);
        some.unit_end = units.unit(last);
        Cell::Backward(some);
      });
      const bool hands_on = continues ? position == a.first_position : a.grad_initial;
      if (hands_on && recurrent_gates) {
        phases.Run(columns.groups(), [&](std::int64_t first, std::int64_t last) {
          AddGradOfGates(*a.cell, columns, first, last, hi - lo, hidden,
                         {rows.grad_gates.data, rows.grad_gates.stride}, a.weight_hh, grad_h);
        });
      }
    });
  }
}

template <class Cell>
void Step(const StepArgs& a, std::int64_t share, std::int64_t shares) {
  const CellSizes& sizes = a.cell->programs.sizes;
  const bool projected = a.weight_hr.data != nullptr;
  const std::int64_t gates_stride = sizes.gate_values * a.hidden;
  ForwardRows rows{};
  rows.cell = a.cell;
  rows.rows = a.batch;
  rows.hidden = a.hidden;
  rows.gates = {a.gates, gates_stride};
  rows.params = a.params;
  rows.previous[0] = {a.h, a.recurrent};
  rows.next[0] =
      projected ? Rows<float>{a.cell_output, a.hidden} : Rows<float>{a.h_next, a.recurrent};
  for (std::size_t s = 1; s < static_cast<std::size_t>(sizes.states); ++s) {
    rows.next[s] = {a.states[s], a.hidden};
    rows.previous[s] = {a.states[s], a.hidden};
  }
  const GateLayout& layout = a.cell->layout;
  const Columns input = GateColumns::units(a.hidden, layout.gates, layout.input_slot.data());
  const Columns recurrent =
      GateColumns::units(a.hidden, layout.gates, layout.recurrent_slot.data());
  const std::int64_t first = input.groups() * share / shares;
  const std::int64_t last = input.groups() * (share + 1) / shares;
  rows.unit_begin = input.unit(first);
  rows.unit_end = input.unit(last);
  begin_split_gates(*a.cell, a.hidden, rows.unit_begin, rows.unit_end, a.batch, a.bias, rows.gates);
  Product(input, first, last, a.batch, a.input_size, a.input, a.weight_ih, {.bias = a.bias},
          rows.gates);
  if (a.weight_hh.data != nullptr) {
    Product(recurrent, first, last, a.batch, a.recurrent, rows.previous[0], a.weight_hh,
            {.add = true}, rows.gates);
  }
  Cell::Forward(rows);
  if (projected) {
    const Columns projection = GateColumns{.hidden = a.recurrent, .few_rows = true};
    Product(projection, 0, projection.groups(), a.batch, a.hidden, {a.cell_output, a.hidden},
            a.weight_hr, {}, {a.h_next, a.recurrent});
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace riverrun::kernels
HWY_AFTER_NAMESPACE();

#endif  // RIVERRUN_KERNELS_SEQUENCE_INL_H_
