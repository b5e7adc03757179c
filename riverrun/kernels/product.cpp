#include "riverrun/kernels/highway-config.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "riverrun/kernels/product.cpp"
#include <algorithm>
#include <array>
#include <bit>
#include <cassert>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
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

HWY_EXPORT(PackedSize);
HWY_EXPORT(PackMatrix);
HWY_EXPORT(ParallelProduct);

std::int64_t packed_size(const GateColumns& columns, std::int64_t depth, WeightType type) {
  return HWY_DYNAMIC_DISPATCH(PackedSize)(columns, depth, type);
}

void pack(const GateColumns& columns, const float* matrix, std::int64_t row_stride,
          std::int64_t column_stride, std::int64_t depth, float* packed, WeightType type) {
  HWY_DYNAMIC_DISPATCH(PackMatrix)(columns, matrix, row_stride, column_stride, depth, packed, type);
}

void product(const GateColumns& columns, std::int64_t rows, std::int64_t depth, Operand x,
             Weights packed, const float* bias, bool add, Rows<float> out) {
  HWY_DYNAMIC_DISPATCH(ParallelProduct)(columns, rows, depth, x, packed, bias, add, out);
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
