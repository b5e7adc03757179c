#include "riverrun/nn/packed_weight.h"

#include <array>
#include <cstdint>
#include <mutex>
#include <string>

#include "riverrun/kernels/product.h"
#include "riverrun/kernels/targets.h"

namespace riverrun {

struct PackedWeight::Cache {
  struct Entry {
    std::shared_ptr<Tensor> packed;
    std::uint64_t version = 0;
    std::string simd_target;
  };
  std::mutex mutex;
  std::array<std::array<Entry, 2>, kWeightTypes.size()> entries;  // [type][few_rows]
};

PackedWeight::PackedWeight() : cache_(std::make_unique<Cache>()) {}
PackedWeight::PackedWeight(PackedWeight&&) noexcept = default;
PackedWeight& PackedWeight::operator=(PackedWeight&&) noexcept = default;
PackedWeight::~PackedWeight() = default;

std::shared_ptr<const Tensor> PackedWeight::of(const Parameter& weight, WeightType type,
                                               bool few_rows) const {
  const std::scoped_lock lock(cache_->mutex);
  auto& both = cache_->entries[static_cast<std::size_t>(type)];
  Cache::Entry& known = both[few_rows ? 1 : 0];
  if (known.version == weight.version() && known.simd_target == kernels::simd_target()) {
    return known.packed;
  }
  const std::int64_t out = weight.value().size(0);
  const std::int64_t in = weight.value().size(1);
  Cache::Entry& other = both[few_rows ? 0 : 1];
  if (other.version != weight.version()) other = {};
  // Whoever still computes with the old one keeps it.
  if (known.packed == nullptr || known.packed.use_count() > 1) {
    known.packed = std::make_shared<Tensor>();
  }
  const kernels::GateColumns columns{.hidden = out, .few_rows = few_rows};
  known.packed->resize({kernels::packed_size(columns, in, type)});
  kernels::pack(columns, weight.value().data(), 1, in, in, known.packed->data(), type);
  known.version = weight.version();
  known.simd_target = kernels::simd_target();
  return known.packed;
}

}  // namespace riverrun
