#include "riverrun/kernels/highway-config.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "riverrun/kernels/product_int8.cpp"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"

#include "riverrun/kernels/product_tile-inl.h"

HWY_BEFORE_NAMESPACE();
namespace riverrun::kernels {
namespace HWY_NAMESPACE {

const TileTable& Int8Tiles() {
  static constexpr TileTable kTiles = MakeTileTable<WeightType::kInt8, false>();
  return kTiles;
}

}  // namespace HWY_NAMESPACE
}  // namespace riverrun::kernels
HWY_AFTER_NAMESPACE();
