// The product of a few rows with a packed matrix: a step's recurrent product, a projection.
// Declared here for the kernels of each SIMD target, defined in product.cpp.

#if defined(RIVERRUN_KERNELS_PRODUCT_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef RIVERRUN_KERNELS_PRODUCT_INL_H_
#undef RIVERRUN_KERNELS_PRODUCT_INL_H_
#else
#define RIVERRUN_KERNELS_PRODUCT_INL_H_
#endif

#include <cstdint>
#include <cstring>

#include "hwy/highway.h"

#include "riverrun/kernels/cell_kernels.h"

HWY_BEFORE_NAMESPACE();
namespace riverrun::kernels {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using DF = hn::ScalableTag<float>;
using VF = hn::Vec<DF>;

inline constexpr std::int64_t kLanes = static_cast<std::int64_t>(hn::MaxLanes(DF()));

/// The vector at p, of which only `count` elements may be touched; the others are zero.
HWY_INLINE VF LoadFirst(const float* p, std::int64_t count) {
  const DF d;
  if (count >= kLanes) return hn::LoadU(d, p);
  HWY_ALIGN float lanes[kLanes] = {};
  std::memcpy(lanes, p, static_cast<std::size_t>(count) * sizeof(float));
  return hn::Load(d, lanes);
}

HWY_INLINE void StoreFirst(VF v, float* p, std::int64_t count) {
  const DF d;
  if (count >= kLanes) {
    hn::StoreU(v, d, p);
    return;
  }
  HWY_ALIGN float lanes[kLanes];
  hn::Store(v, d, lanes);
  std::memcpy(p, lanes, static_cast<std::size_t>(count) * sizeof(float));
}

/// out[rows, columns] = x[rows, depth]·w, or with `add` out + x·w. w is packed by pack_product.
/// Every element adds its products in the order of the depth, whatever the number of rows, and so
/// gets the same bits.
void Product(std::int64_t rows, std::int64_t columns, std::int64_t depth, Rows<const float> x,
             const float* packed, bool add, Rows<float> out);

}  // namespace HWY_NAMESPACE
}  // namespace riverrun::kernels
HWY_AFTER_NAMESPACE();

#endif  // RIVERRUN_KERNELS_PRODUCT_INL_H_
