#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "riverrun/nn/packed_batch.h"

namespace riverrun {

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
        row(batch.offsets()[static_cast<std::size_t>(first_step)]),
        rows(batch.offsets()[static_cast<std::size_t>(end_step - 1)] +
             batch.sizes()[static_cast<std::size_t>(end_step - 1)] - row) {}
};

/// How many steps are computed together, so that they have about so many rows.
[[nodiscard]] inline std::int64_t steps_at_once(const PackedBatch& batch, std::int64_t rows) {
  return std::clamp<std::int64_t>(rows / batch.batch(), 1, batch.steps());
}

}  // namespace riverrun
