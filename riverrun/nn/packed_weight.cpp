#include "riverrun/nn/packed_weight.h"

#include <cstdint>
#include <mutex>
#include <string>

#include "riverrun/kernels/product.h"
#include "riverrun/kernels/targets.h"

namespace riverrun {

struct PackedWeight::Cache {
  std::mutex mutex;
  std::shared_ptr<Tensor> packed;
  std::uint64_t version = 0;
  std::string simd_target;
};

PackedWeight::PackedWeight() : cache_(std::make_unique<Cache>()) {}
PackedWeight::PackedWeight(PackedWeight&&) noexcept = default;
PackedWeight& PackedWeight::operator=(PackedWeight&&) noexcept = default;
PackedWeight::~PackedWeight() = default;

std::shared_ptr<const Tensor> PackedWeight::of(const Parameter& weight) const {
  const std::scoped_lock lock(cache_->mutex);
  if (cache_->version == weight.version() && cache_->simd_target == kernels::simd_target()) {
    return cache_->packed;
  }
  const std::int64_t out = weight.value().size(0);
  const std::int64_t in = weight.value().size(1);
  // Whoever still computes with the old one keeps it.
  if (cache_->packed == nullptr || cache_->packed.use_count() > 1) {
    cache_->packed = std::make_shared<Tensor>();
  }
  cache_->packed->resize({kernels::packed_size({out}, in)});
  kernels::pack({out}, weight.value().data(), 1, in, in, cache_->packed->data());
  cache_->version = weight.version();
  cache_->simd_target = kernels::simd_target();
  return cache_->packed;
}

}  // namespace riverrun
