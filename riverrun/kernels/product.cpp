#include "riverrun/kernels/highway-config.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "riverrun/kernels/product.cpp"
#include <algorithm>
#include <cstdint>

#include "hwy/foreach_target.h"
#include "hwy/highway.h"

#include "riverrun/kernels/cell_kernels.h"
#include "riverrun/kernels/product-inl.h"

HWY_BEFORE_NAMESPACE();
namespace riverrun::kernels {
namespace HWY_NAMESPACE {
namespace {

// A tile is rows x blocks accumulators, a block being kLanes columns. An FMA's result is ready
// after 4 cycles and two start per cycle, so 8 accumulators keep the units busy; 12 leave 4 of 16
// registers for the operands, 24 leave 8 of AVX-512's 32. Six rows, because a weight is loaded once
// for all rows and a broadcast number once for all blocks, which 6 x 2 and 6 x 4 balance.
#if HWY_TARGET <= HWY_AVX3
constexpr int kAccumulators = 24;
#else
constexpr int kAccumulators = 12;
#endif
constexpr int kMaxRows = 6;

// One row meets each weight once: there the loads are the limit, and 8 streams of them enough.
constexpr int TileBlocks(int rows) { return rows == 1 ? 8 : std::min(4, kAccumulators / rows); }

// At most so much of the depth is gone through before the next tile of rows, so that its share of
// the packed blocks (kDepth x 2 blocks x 8 lanes x 4 bytes = 16 KiB) stays in 32 KiB of L1.
constexpr std::int64_t kDepth = 256;

/// What all tiles of one product share.
struct Operands {
  Rows<const float> x;
  const float* packed;
  Rows<float> out;
  std::int64_t columns, depth;
  bool add;
};

template <int kRows, int kBlocks>
HWY_NOINLINE void Tile(const Operands& o, std::int64_t first_row, std::int64_t first_block,
                       std::int64_t begin, std::int64_t end) {
  const DF d;
  const std::int64_t block_stride = o.depth * kLanes;
  const float* HWY_RESTRICT w = o.packed + first_block * block_stride;
  const float* HWY_RESTRICT x[kRows];
  VF sum[kRows][kBlocks];
  HWY_UNROLL(8)
  for (int r = 0; r < kRows; ++r) {
    x[r] = o.x(first_row + r);
    HWY_UNROLL(8)
    for (int b = 0; b < kBlocks; ++b) sum[r][b] = hn::Zero(d);
  }
  for (std::int64_t k = begin; k < end; ++k) {
    VF weight[kBlocks];
    HWY_UNROLL(8)
    for (int b = 0; b < kBlocks; ++b) weight[b] = hn::LoadU(d, w + b * block_stride + k * kLanes);
    HWY_UNROLL(8)
    for (int r = 0; r < kRows; ++r) {
      const VF number = hn::Set(d, x[r][k]);
      HWY_UNROLL(8)
      for (int b = 0; b < kBlocks; ++b) sum[r][b] = hn::MulAdd(number, weight[b], sum[r][b]);
    }
  }
  HWY_UNROLL(8)
  for (int r = 0; r < kRows; ++r) {
    float* out = o.out(first_row + r);
    HWY_UNROLL(8)
    for (int b = 0; b < kBlocks; ++b) {
      const std::int64_t column = (first_block + b) * kLanes;
      // Added at the end, so that a long sum is one of short ones and rounds less.
      if (o.add || begin > 0) {
        sum[r][b] = hn::Add(sum[r][b], LoadFirst(out + column, o.columns - column));
      }
      StoreFirst(sum[r][b], out + column, o.columns - column);
    }
  }
}

/// All tiles over the given blocks: the rows innermost, so that weights come into L1 once.
template <int kRows, int kBlocks>
void TileRows(const Operands& o, std::int64_t rows, std::int64_t tiles, std::int64_t block) {
  const std::int64_t pieces = (o.depth + kDepth - 1) / kDepth;
  for (std::int64_t piece = 0; piece < pieces; ++piece) {
    const std::int64_t begin = o.depth * piece / pieces;
    const std::int64_t end = o.depth * (piece + 1) / pieces;
    for (std::int64_t tile = 0; tile < tiles; ++tile) {
      // Heights that differ by one at most: a left-over single row would starve the FMA units.
      const std::int64_t row = rows * tile / tiles;
      if (rows * (tile + 1) / tiles - row == kRows) {
        Tile<kRows, kBlocks>(o, row, block, begin, end);
      } else {
        Tile<std::max(1, kRows - 1), kBlocks>(o, row, block, begin, end);
      }
    }
  }
}

/// Tiles of `height` rows or one less.
template <int kRows>
void TileAll(std::int64_t height, const Operands& o, std::int64_t rows, std::int64_t tiles) {
  if (height == kRows) {
    constexpr int kBlocks = TileBlocks(kRows);
    const std::int64_t blocks = (o.columns + kLanes - 1) / kLanes;
    std::int64_t block = 0;
    for (; block + kBlocks <= blocks; block += kBlocks) {
      TileRows<kRows, kBlocks>(o, rows, tiles, block);
    }
    for (; block < blocks; ++block) TileRows<kRows, 1>(o, rows, tiles, block);
  } else if constexpr (kRows > 1) {
    TileAll<kRows - 1>(height, o, rows, tiles);
  }
}

std::int64_t ProductSize(std::int64_t depth, std::int64_t columns) {
  return (columns + kLanes - 1) / kLanes * kLanes * depth;
}

// [block][k][lane], with zeros beyond the last column.
void PackProduct(const float* matrix, std::int64_t row_stride, std::int64_t column_stride,
                 std::int64_t depth, std::int64_t columns, float* packed) {
  for (std::int64_t first = 0; first < columns; first += kLanes) {
    const std::int64_t lanes = std::min(kLanes, columns - first);
    const float* from = matrix + first * column_stride;
    for (std::int64_t k = 0; k < depth; ++k) {
      for (std::int64_t lane = 0; lane < lanes; ++lane) {
        packed[lane] = from[k * row_stride + lane * column_stride];
      }
      std::fill(packed + lanes, packed + kLanes, 0.0f);
      packed += kLanes;
    }
  }
}

}  // namespace

void Product(std::int64_t rows, std::int64_t columns, std::int64_t depth, Rows<const float> x,
             const float* packed, bool add, Rows<float> out) {
  if (rows == 0) return;
  const std::int64_t tiles = (rows + kMaxRows - 1) / kMaxRows;
  TileAll<kMaxRows>((rows + tiles - 1) / tiles, {x, packed, out, columns, depth, add}, rows, tiles);
}

}  // namespace HWY_NAMESPACE
}  // namespace riverrun::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace riverrun::kernels {

HWY_EXPORT(ProductSize);
HWY_EXPORT(PackProduct);

std::int64_t packed_product_size(std::int64_t depth, std::int64_t columns) {
  return HWY_DYNAMIC_DISPATCH(ProductSize)(depth, columns);
}

void pack_product(const float* matrix, std::int64_t row_stride, std::int64_t column_stride,
                  std::int64_t depth, std::int64_t columns, float* packed) {
  HWY_DYNAMIC_DISPATCH(PackProduct)(matrix, row_stride, column_stride, depth, columns, packed);
}

std::int64_t packed_gates_size(const CellDescriptor& cell, bool recurrent, std::int64_t hidden,
                               std::int64_t columns) {
  const auto& runs = recurrent ? cell.layout.recurrent_runs : cell.layout.input_runs;
  std::int64_t size = 0;
  for (const GateRun& run : runs) size += packed_product_size(columns, run.count * hidden);
  return size;
}

void pack_gates(const CellDescriptor& cell, bool recurrent, const float* weight,
                std::int64_t hidden, std::int64_t columns, float* packed) {
  const auto& runs = recurrent ? cell.layout.recurrent_runs : cell.layout.input_runs;
  for (const GateRun& run : runs) {
    if (run.count == 0) break;
    pack_product(weight + run.gate * hidden * columns, 1, columns, columns, run.count * hidden,
                 packed);
    packed += packed_product_size(columns, run.count * hidden);
  }
}

std::int64_t packed_grad_gates_size(const CellDescriptor& cell, std::int64_t hidden,
                                    std::int64_t columns) {
  return packed_product_size(cell.layout.gates * hidden, columns);
}

void pack_grad_gates(const CellDescriptor& cell, const float* weight, std::int64_t hidden,
                     std::int64_t columns, float* packed) {
  for (const GateRun& run : cell.layout.recurrent_runs) {
    if (run.count == 0) break;
    pack_product(weight + run.gate * hidden * columns, columns, 1, run.count * hidden, columns,
                 packed);
    packed += packed_product_size(run.count * hidden, columns);
  }
}

}  // namespace riverrun::kernels
#endif  // HWY_ONCE
