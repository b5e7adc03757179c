#include "riverrun/kernels/highway-config.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "riverrun/kernels/product_bfloat16.cpp"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"

#include "riverrun/kernels/product_tile-inl.h"

HWY_BEFORE_NAMESPACE();
namespace riverrun::kernels {
namespace HWY_NAMESPACE {

const TileTable& BFloat16Tiles() {
  static constexpr TileTable kTiles = MakeTileTable<WeightType::kBFloat16, false>();
  return kTiles;
}

}  // namespace HWY_NAMESPACE
}  // namespace riverrun::kernels
HWY_AFTER_NAMESPACE();
