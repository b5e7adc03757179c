#include "riverrun/kernels/highway-config.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "riverrun/kernels/product.cpp"
#include <algorithm>
#include <array>
#include <cassert>
#include <cstdint>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include "hwy/foreach_target.h"
#include "hwy/highway.h"

#include "riverrun/core/threads.h"
#include "riverrun/kernels/cell_kernels.h"
#include "riverrun/kernels/product-inl.h"
#include "riverrun/kernels/product_tile-inl.h"

HWY_BEFORE_NAMESPACE();
namespace riverrun::kernels {
namespace HWY_NAMESPACE {
namespace {

// At most so much of the depth is gone through before the next tile of rows, so that its share of a
// panel (kDepth x 4 blocks x 16 lanes x 4 bytes = 32 KiB with AVX-512, 8 KiB else) stays in L1.
constexpr std::int64_t kDepth = 128;

constexpr std::int64_t kCacheLine = 64 / sizeof(float);

constexpr TileTable kFloatTiles = MakeTileTable<WeightType::kFloat32, false>();
constexpr TileTable kInterleavedTiles = MakeTileTable<WeightType::kFloat32, true>();

const TileTable& TilesOf(WeightType type, bool interleaved) {
  if (type == WeightType::kBFloat16) return BFloat16Tiles();
  if (type == WeightType::kInt8) return Int8Tiles();
  return interleaved ? kInterleavedTiles : kFloatTiles;
}

/// The blocks of a group in their packed order; how many they are.
int BlocksOf(const Columns& columns, std::int64_t group, Block* blocks) {
  const std::int64_t begin = group * columns.group_blocks();
  const std::int64_t end = std::min(columns.blocks(), begin + columns.group_blocks());
  int count = 0;
  for (int gate = 0; gate < columns.gates; ++gate) {
    const std::int64_t slot = columns.slots == nullptr ? 0 : columns.slots[gate];
    for (std::int64_t b = begin; b < end; ++b) {
      blocks[count++] = {slot * columns.hidden + b * kLanes,
                         std::min(kLanes, columns.hidden - b * kLanes)};
    }
  }
  return count;
}

constexpr int kMaxGroupBlocks = GateLayout::kMaxGates * kPanelBlocks;

/// How rows are cut into tiles: heights that differ by one at most, because a left-over single row
/// would starve the FMA units.
struct Tiles {
  std::int64_t rows;

  [[nodiscard]] std::int64_t count() const { return (rows + kMaxRows - 1) / kMaxRows; }
  [[nodiscard]] std::int64_t begin(std::int64_t tile) const { return rows * tile / count(); }
  [[nodiscard]] std::int64_t height(std::int64_t tile) const {
    return begin(tile + 1) - begin(tile);
  }
};

/// A left operand whose tiles are interleaved: [tile][depth][row]. Of a transposed matrix, of which
/// a tile would read a few numbers here and there, it makes one stretch.
class Interleaved {
 public:
  /// The rows of x, [from, to) of its depth.
  Interleaved(Operand x, std::int64_t rows, std::int64_t from, std::int64_t to)
      // Tiles a power of two apart would meet in a few sets of the cache.
      : from_(from), stride_((to - from) * kMaxRows + kCacheLine) {
    const Tiles tiles{rows};
    static thread_local std::vector<float> buffer;
    buffer.resize(static_cast<std::size_t>(tiles.count() * stride_));
    data_ = buffer.data();
    Fill<kMaxRows>(x, tiles, to, buffer.data());
  }

  [[nodiscard]] const float* at(std::int64_t tile, std::int64_t height, std::int64_t k) const {
    return data_ + tile * stride_ + (k - from_) * height;
  }

 private:
  // Copies of a length that the compiler knows: most tiles are kHeight high, the others one less.
  template <int kHeight>
  void Fill(Operand x, const Tiles& tiles, std::int64_t to, float* data) const {
    if constexpr (kHeight > 1) {
      if ((tiles.rows + tiles.count() - 1) / tiles.count() < kHeight) {
        return Fill<kHeight - 1>(x, tiles, to, data);
      }
    }
    // Some rows at a time, which the first-level cache holds.
    constexpr std::int64_t kRowsAtOnce = 8;
    for (std::int64_t begin = from_; begin < to; begin += kRowsAtOnce) {
      const std::int64_t end = std::min(to, begin + kRowsAtOnce);
      for (std::int64_t tile = 0; tile < tiles.count(); ++tile) {
        const std::int64_t height = tiles.height(tile);
        const float* HWY_RESTRICT source = x.from(tiles.begin(tile), begin).data;
        float* HWY_RESTRICT target = data + tile * stride_ + (begin - from_) * height;
        for (std::int64_t k = begin; k < end; ++k, source += x.stride, target += height) {
          if (height == kHeight) {
            std::memcpy(target, source, kHeight * sizeof(float));
          } else {
            std::memcpy(target, source, (kHeight - 1) * sizeof(float));
          }
        }
      }
    }
  }

  const float* data_;
  std::int64_t from_, stride_;
};

/// How the depth is cut: by its length alone, so that the bits depend on nothing else; and where a
/// word of any type begins.
struct Pieces {
  std::int64_t depth;

  [[nodiscard]] std::int64_t count() const { return (depth + kDepth - 1) / kDepth; }
  [[nodiscard]] std::int64_t begin(std::int64_t piece) const {
    return piece == count() ? depth : depth * piece / count() / kWord * kWord;
  }

 private:
  static constexpr std::int64_t kWord = PerWord(WeightType::kInt8);
};

/// Product over some pieces of the depth; those after the first add to `out`. x is as it is, or
/// `interleaved`.
void ProductOfPieces(const Columns& columns, std::int64_t first, std::int64_t last,
                     std::int64_t rows, std::int64_t depth, std::int64_t first_piece,
                     std::int64_t last_piece, Operand x, const Interleaved* interleaved,
                     Weights weights, Begin begin, Rows<float> out) {
  const Pieces pieces{depth};
  const Tiles tiles{rows};
  std::array<Block, 2 * kMaxGroupBlocks> blocks;
  const TileTable& functions = TilesOf(weights.type, interleaved != nullptr);
  const auto words = [&](std::int64_t k) { return Words(weights.type, k); };
  const float* scales = weights.data + columns.offset(first, 1);
  const float* packed = weights.data + columns.head(weights.type);
  const float* const packed_end = packed + columns.offset(last, words(depth));
  packed += columns.offset(first, words(depth));
  while (first < last) {
    // The groups of a single row are taken two by two: see TileTable.
    int count = BlocksOf(columns, first++, blocks.data());
    if (rows == 1 && first < last) count += BlocksOf(columns, first++, blocks.data() + count);
    for (int panel = 0; panel < count;) {
      const bool two = rows == 1 && interleaved == nullptr && count - panel >= 2 * kPanelBlocks;
      const int width = std::min(count - panel, kPanelBlocks);
      const int all = two ? 2 * width : width;
      const float* const next_panel = packed + all * kLanes * words(depth);
      TileArgs args{};
      args.x_stride = x.stride;
      args.panel_stride = words(depth) * width * kLanes;
      args.scales = scales;
      args.blocks = blocks.data() + panel;
      args.whole = std::all_of(args.blocks, args.blocks + all,
                               [](const Block& b) { return b.count == kLanes; });
      args.bias = begin.bias;
      args.out.stride = out.stride;
      for (std::int64_t piece = first_piece; piece < last_piece; ++piece) {
        const std::int64_t from = pieces.begin(piece);
        const std::int64_t to = pieces.begin(piece + 1);
        const float* const next =
            piece + 1 < last_piece ? packed + words(to) * width * kLanes
                                   : next_panel + words(pieces.begin(first_piece)) * width * kLanes;
        args.packed = packed + words(from) * width * kLanes;
        args.depth = to - from;
        const std::int64_t steps = words(args.depth);
        args.add = begin.add || piece > 0;
        for (std::int64_t tile = 0; tile < tiles.count(); ++tile) {
          const std::int64_t row = tiles.begin(tile);
          const std::int64_t height = tiles.height(tile);
          // What comes next may come from far away, so the first tiles ask for it meanwhile.
          const std::int64_t line = tile * steps * kCacheLine;
          const bool ahead = line < steps * width * kLanes && next + line < packed_end;
          args.prefetch = ahead ? next + line : args.packed;
          args.prefetch_step = ahead ? kCacheLine : 0;
          args.x =
              interleaved != nullptr ? interleaved->at(tile, height, from) : x.from(row, from).data;
          args.out.data = out(row);
          (two ? functions.two_panels
               : functions.one[static_cast<std::size_t>(width - 1)]
                              [static_cast<std::size_t>(height - 1)])(args);
        }
      }
      panel += all;
      packed = next_panel;
      scales += all * kLanes;
    }
  }
}

void ParallelProduct(const GateColumns& c, std::int64_t rows, std::int64_t depth, Operand x,
                     Weights packed, const float* bias, bool add, Rows<float> out) {
  // A piece of the work should be worth the hand-over to another thread, and there should be enough
  // of them to even out. Its part of x stays in the second-level cache while the weights go by: all
  // the depth of some rows, or some depth of the many rows of a transposed x.
  constexpr double kWork = 1e6;
  constexpr std::int64_t kFloats = std::int64_t{1} << 17;
  constexpr std::int64_t kPartRows = 8 * kMaxRows;
  constexpr std::int64_t kTransposedRows = 512;
  assert(!x.transposed || packed.type == WeightType::kFloat32);
  const Columns columns = c;
  const double work = 2.0 * static_cast<double>(rows * depth) * static_cast<double>(c.hidden) *
                      static_cast<double>(c.gates);
  const auto parts = std::max<std::int64_t>(1, static_cast<std::int64_t>(work / kWork));
  const std::int64_t threads = num_threads();
  std::int64_t row_parts, group_parts;
  if (x.transposed) {
    // Not the groups: each would interleave x again.
    const std::int64_t least = (rows + kTransposedRows - 1) / kTransposedRows;
    row_parts = std::clamp(std::min(parts, (rows + kPartRows - 1) / kPartRows), least,
                           std::max(least, threads == 1 ? 1 : 2 * threads));
    group_parts = 1;
  } else {
    const std::int64_t part_rows = std::max(kPartRows, kFloats / depth);
    row_parts = (rows + part_rows - 1) / part_rows;
    group_parts =
        std::clamp<std::int64_t>(parts / row_parts, 1, std::min(4 * threads, columns.groups()));
  }
  const Pieces cut{depth};
  const std::int64_t pieces_at_once =
      x.transposed ? kFloats / kTransposedRows / kDepth : cut.count();
  parallel_for(row_parts * group_parts, [&](std::int64_t part) {
    const std::int64_t by_row = part / group_parts;
    const std::int64_t by_group = part % group_parts;
    const std::int64_t begin = rows * by_row / row_parts;
    const std::int64_t end = rows * (by_row + 1) / row_parts;
    for (std::int64_t piece = 0; piece < cut.count(); piece += pieces_at_once) {
      const std::int64_t piece_end = std::min(cut.count(), piece + pieces_at_once);
      std::optional<Interleaved> interleaved;
      if (x.transposed) {
        interleaved.emplace(x.from(begin, 0), end - begin, cut.begin(piece), cut.begin(piece_end));
      }
      ProductOfPieces(columns, columns.groups() * by_group / group_parts,
                      columns.groups() * (by_group + 1) / group_parts, end - begin, depth, piece,
                      piece_end, x.from(begin, 0), interleaved ? &*interleaved : nullptr, packed,
                      {add, bias}, out.from(begin));
    }
  });
}

}  // namespace

void Product(const Columns& columns, std::int64_t first, std::int64_t last, std::int64_t rows,
             std::int64_t depth, Operand x, Weights packed, Begin begin, Rows<float> out) {
  ProductOfPieces(columns, first, last, rows, depth, 0, Pieces{depth}.count(), x, nullptr, packed,
                  begin, out);
}

}  // namespace HWY_NAMESPACE
}  // namespace riverrun::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace riverrun::kernels {

HWY_EXPORT(ParallelProduct);

void product(const GateColumns& columns, std::int64_t rows, std::int64_t depth, Operand x,
             Weights packed, const float* bias, bool add, Rows<float> out) {
  HWY_DYNAMIC_DISPATCH(ParallelProduct)(columns, rows, depth, x, packed, bias, add, out);
}

}  // namespace riverrun::kernels
#endif  // HWY_ONCE
