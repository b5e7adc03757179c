#include "riverrun/kernels/highway-config.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "riverrun/kernels/pack.cpp"
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

#include "hwy/foreach_target.h"
#include "hwy/highway.h"

#include "riverrun/core/threads.h"
#include "riverrun/kernels/cell_kernels.h"
#include "riverrun/kernels/product-inl.h"

// The right operands of products, in the order in which product.cpp reads them.

HWY_BEFORE_NAMESPACE();
namespace riverrun::kernels {
namespace HWY_NAMESPACE {
namespace {

std::int64_t PackedSize(const GateColumns& c, std::int64_t depth, WeightType type) {
  const Columns columns = c;
  return columns.head(type) + columns.offset(columns.groups(), Words(type, depth));
}

// Column (gate, unit) of the matrix is column gate * hidden + unit of `matrix`. `packed` is the
// group's place.
void PackGroup(const Columns& columns, std::int64_t group, const float* matrix,
               std::int64_t row_stride, std::int64_t column_stride, std::int64_t depth,
               float* packed) {
  const DF d;
  const hn::RebindToSigned<DF> di;
  const std::int64_t begin = group * columns.group_blocks();
  const std::int64_t end = std::min(columns.blocks(), begin + columns.group_blocks());
  const std::int64_t blocks = (end - begin) * columns.gates;
  const bool gathers =
      kHasMasks && column_stride < std::numeric_limits<std::int32_t>::max() / kLanes;
  const auto lanes_apart =
      hn::Mul(hn::Iota(di, 0), hn::Set(di, static_cast<std::int32_t>(gathers ? column_stride : 0)));
  for (std::int64_t panel = 0; panel < blocks; panel += kPanelBlocks) {
    const std::int64_t width = std::min<std::int64_t>(kPanelBlocks, blocks - panel);
    for (std::int64_t b = 0; b < width; ++b) {
      const std::int64_t gate = (panel + b) / (end - begin);
      const std::int64_t unit = (begin + (panel + b) % (end - begin)) * kLanes;
      const std::int64_t count = std::min(kLanes, columns.hidden - unit);
      const float* from = matrix + (gate * columns.hidden + unit) * column_stride;
      float* to = packed + b * kLanes;
      for (std::int64_t k = 0; k < depth; ++k, from += row_stride, to += width * kLanes) {
        if (column_stride == 1) {
          hn::StoreU(LoadFirst(from, count), d, to);
        } else if (gathers && count == kLanes) {
          hn::StoreU(hn::GatherIndex(d, from, lanes_apart), d, to);
        } else {
          for (std::int64_t lane = 0; lane < kLanes; ++lane) {
            to[lane] = lane < count ? from[lane * column_stride] : 0.0f;
          }
        }
      }
    }
    packed += width * kLanes * depth;
  }
}

// To nearest even; NaN stays NaN.
std::uint32_t BFloat16(float x) {
  const auto bits = std::bit_cast<std::uint32_t>(x);
  if (std::isnan(x)) return bits >> 16 | 0x40;
  return (bits + 0x7FFF + (bits >> 16 & 1)) >> 16;
}

// A packed panel of float32 [depth][columns] in words of bf16.
void ConvertPanel(const float* from, std::int64_t columns, std::int64_t depth, float* words) {
  for (std::int64_t k = 0; k < depth; k += 2, words += columns) {
    for (std::int64_t n = 0; n < columns; ++n) {
      std::uint32_t word = BFloat16(from[k * columns + n]);
      if (k + 1 < depth) word |= BFloat16(from[(k + 1) * columns + n]) << 16;
      std::memcpy(words + n, &word, sizeof word);
    }
  }
}

// The same in int8.
void ConvertPanel(const float* from, std::int64_t columns, std::int64_t depth, float* scales,
                  float* words) {
  constexpr float kLargest = 127.0f;
  std::array<float, kPanelBlocks * kLanes> inverse;
  for (std::int64_t n = 0; n < columns; ++n) {
    float largest = 0.0f;
    bool finite = true;
    for (std::int64_t k = 0; k < depth; ++k) {
      const float magnitude = std::abs(from[k * columns + n]);
      finite = finite && std::isfinite(magnitude);
      largest = std::max(largest, magnitude);
    }
    // Weights so small that their scale could not be held become zeros.
    const float scale = largest / kLargest;
    const bool held = finite && scale >= 0x1p-100f;
    inverse[static_cast<std::size_t>(n)] = held ? 1.0f / scale : 0.0f;
    // See WeightOf.
    scales[n] = finite ? std::ldexp(scale, -24) : std::numeric_limits<float>::quiet_NaN();
  }
  for (std::int64_t k = 0; k < depth; k += 4, words += columns) {
    for (std::int64_t n = 0; n < columns; ++n) {
      std::uint32_t word = 0;
      for (std::int64_t i = 0; i < std::min<std::int64_t>(4, depth - k); ++i) {
        const float quotient = from[(k + i) * columns + n] * inverse[static_cast<std::size_t>(n)];
        const long q = std::isnan(quotient) ? 0 : std::lrint(quotient);
        word |= (static_cast<std::uint32_t>(q) & 0xFF) << (8 * i);
      }
      std::memcpy(words + n, &word, sizeof word);
    }
  }
}

// What PackGroup made, `blocks` of them, in a smaller type.
void ConvertGroup(WeightType type, const float* from, std::int64_t blocks, std::int64_t depth,
                  float* scales, float* words) {
  for (std::int64_t panel = 0; panel < blocks; panel += kPanelBlocks) {
    const std::int64_t columns = std::min<std::int64_t>(kPanelBlocks, blocks - panel) * kLanes;
    if (type == WeightType::kBFloat16) {
      ConvertPanel(from, columns, depth, words);
    } else {
      ConvertPanel(from, columns, depth, scales, words);
      scales += columns;
    }
    from += columns * depth;
    words += columns * Words(type, depth);
  }
}

void PackMatrix(const GateColumns& c, const float* matrix, std::int64_t row_stride,
                std::int64_t column_stride, std::int64_t depth, float* packed, WeightType type) {
  const Columns columns = c;
  const double work = static_cast<double>(depth) * static_cast<double>(c.hidden * c.gates);
  const std::int64_t pieces =
      std::clamp<std::int64_t>(static_cast<std::int64_t>(work / 32e3), 1, columns.groups());
  parallel_for(pieces, [&](std::int64_t piece) {
    const std::int64_t end = columns.groups() * (piece + 1) / pieces;
    std::vector<float> buffer;
    for (std::int64_t group = columns.groups() * piece / pieces; group < end; ++group) {
      float* to = packed + columns.head(type) + columns.offset(group, Words(type, depth));
      if (type == WeightType::kFloat32) {
        PackGroup(columns, group, matrix, row_stride, column_stride, depth, to);
        continue;
      }
      const std::int64_t size = columns.offset(group + 1, 1) - columns.offset(group, 1);
      buffer.resize(static_cast<std::size_t>(size * depth));
      PackGroup(columns, group, matrix, row_stride, column_stride, depth, buffer.data());
      ConvertGroup(type, buffer.data(), size / kLanes, depth, packed + columns.offset(group, 1),
                   to);
    }
  });
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace riverrun::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace riverrun::kernels {

HWY_EXPORT(PackedSize);
HWY_EXPORT(PackMatrix);

std::int64_t packed_size(const GateColumns& columns, std::int64_t depth, WeightType type) {
  return HWY_DYNAMIC_DISPATCH(PackedSize)(columns, depth, type);
}

void pack(const GateColumns& columns, const float* matrix, std::int64_t row_stride,
          std::int64_t column_stride, std::int64_t depth, float* packed, WeightType type) {
  HWY_DYNAMIC_DISPATCH(PackMatrix)(columns, matrix, row_stride, column_stride, depth, packed, type);
}

std::int64_t packed_grad_gates_size(const CellDescriptor& cell, std::int64_t hidden,
                                    std::int64_t recurrent) {
  return packed_size({recurrent}, cell.layout.gates * hidden);
}

void pack_grad_gates(const CellDescriptor& cell, const float* weight, std::int64_t hidden,
                     std::int64_t recurrent, float* packed) {
  for (const GateRun& run : cell.layout.recurrent_runs) {
    if (run.count == 0) break;
    pack({recurrent}, weight + run.gate * hidden * recurrent, recurrent, 1, run.count * hidden,
         packed);
    packed += packed_size({recurrent}, run.count * hidden);
  }
}

}  // namespace riverrun::kernels
#endif  // HWY_ONCE
