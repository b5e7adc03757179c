#include "riverrun/nn/packed_batch.h"

#include <algorithm>
#include <numeric>

#include "riverrun/nn/parallel_chunks.h"

namespace riverrun {
namespace {

/// Calls `body(step)` for the steps of a batch, each of at most so many elements.
template <class Body>
void parallel_steps(std::int64_t steps, std::int64_t elements, const Body& body) {
  const std::int64_t at_once = kElementsPerChunk / std::max<std::int64_t>(1, elements);
  parallel_chunks(steps, std::max<std::int64_t>(1, at_once),
                  [&](std::int64_t begin, std::int64_t end) {
                    for (std::int64_t step = begin; step < end; ++step) body(step);
                  });
}

}  // namespace

PackedBatch::PackedBatch(std::int64_t steps, std::int64_t batch, bool batch_first,
                         std::span<const std::int64_t> lengths)
    : total_steps_(steps),
      batch_first_(batch_first),
      order_(index(batch)),
      lengths_(index(batch), steps) {
  std::iota(order_.begin(), order_.end(), 0);
  if (!lengths.empty()) {
    std::stable_sort(order_.begin(), order_.end(), [&](std::int64_t a, std::int64_t b) {
      return lengths[index(a)] > lengths[index(b)];
    });
    for (std::int64_t r = 0; r < batch; ++r) lengths_[index(r)] = lengths[index(sequence(r))];
  }
  // Lengths that are all `steps` change nothing.
  is_identity_ = (!batch_first || batch == 1) &&
                 std::all_of(lengths_.begin(), lengths_.end(),
                             [steps](std::int64_t length) { return length == steps; });
  const std::int64_t longest = batch > 0 ? lengths_[0] : 0;
  std::int64_t reaching = batch;
  for (std::int64_t t = 0; t < longest; ++t) {
    while (length(reaching - 1) <= t) --reaching;
    sizes_.push_back(reaching);
    offsets_.push_back(rows_);
    rows_ += reaching;
  }
}

PackedBatch PackedBatch::segment(std::int64_t begin, std::int64_t end) const {
  std::vector<std::int64_t> lengths(lengths_.begin(), lengths_.begin() + sizes_[index(begin)]);
  for (std::int64_t& length : lengths) length = std::min(length, end) - begin;
  return {end - begin, sizes_[index(begin)], false, lengths};
}

std::int64_t PackedBatch::caller_row(std::int64_t step, std::int64_t r) const {
  return batch_first_ ? sequence(r) * total_steps_ + step : step * batch() + sequence(r);
}

void PackedBatch::pack(const float* from, std::int64_t features, float* packed) const {
  parallel_steps(steps(), batch() * features, [&](std::int64_t t) {
    for (std::int64_t r = 0; r < sizes_[index(t)]; ++r) {
      std::copy_n(from + caller_row(t, r) * features, features,
                  packed + (offsets_[index(t)] + r) * features);
    }
  });
}

void PackedBatch::unpack(const float* packed, std::int64_t features, float* to) const {
  parallel_steps(total_steps_, batch() * features, [&](std::int64_t t) {
    const std::int64_t reaching = t < steps() ? sizes_[index(t)] : 0;
    for (std::int64_t r = 0; r < batch(); ++r) {
      float* row = to + caller_row(t, r) * features;
      if (r < reaching) {
        std::copy_n(packed + (offsets_[index(t)] + r) * features, features, row);
      } else {
        std::fill_n(row, features, 0.0f);
      }
    }
  });
}

void PackedBatch::sort(const float* from, std::int64_t features, float* sorted) const {
  for (std::int64_t r = 0; r < batch(); ++r) {
    std::copy_n(from + sequence(r) * features, features, sorted + r * features);
  }
}

void PackedBatch::unsort(const float* sorted, std::int64_t features, float* to) const {
  for (std::int64_t r = 0; r < batch(); ++r) {
    std::copy_n(sorted + r * features, features, to + sequence(r) * features);
  }
}

}  // namespace riverrun
