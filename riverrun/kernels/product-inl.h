// The product of rows with a matrix: gates, their gradients, projections. Declared here for
// the kernels of each SIMD target, defined in product.cpp.

#if defined(RIVERRUN_KERNELS_PRODUCT_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef RIVERRUN_KERNELS_PRODUCT_INL_H_
#undef RIVERRUN_KERNELS_PRODUCT_INL_H_
#else
#define RIVERRUN_KERNELS_PRODUCT_INL_H_
#endif

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <numeric>

#include "hwy/highway.h"

#include "riverrun/kernels/cell_kernels.h"

HWY_BEFORE_NAMESPACE();
namespace riverrun::kernels {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using DF = hn::ScalableTag<float>;
using VF = hn::Vec<DF>;

inline constexpr std::int64_t kLanes = static_cast<std::int64_t>(hn::MaxLanes(DF()));
inline constexpr std::int64_t kCacheLine = 64 / sizeof(float);

// Where masks are cheap, and no byte beyond the mask is touched.
#if HWY_TARGET <= HWY_AVX2 && HWY_ARCH_X86
inline constexpr bool kHasMasks = true;
#else
inline constexpr bool kHasMasks = false;
#endif

/// The vector at p, of which only `count` elements may be touched; the others are zero.
HWY_INLINE VF LoadFirst(const float* p, std::int64_t count) {
  const DF d;
  if (count >= kLanes) return hn::LoadU(d, p);
  if constexpr (kHasMasks) {
    return hn::MaskedLoad(hn::FirstN(d, static_cast<std::size_t>(count)), d, p);
  }
  HWY_ALIGN float lanes[kLanes] = {};
  std::memcpy(lanes, p, static_cast<std::size_t>(count) * sizeof(float));
  return hn::Load(d, lanes);
}

HWY_INLINE void StoreFirst(VF v, float* p, std::int64_t count) {
  const DF d;
  if (count >= kLanes) {
    hn::StoreU(v, d, p);
  } else if constexpr (kHasMasks) {
    hn::BlendedStore(v, hn::FirstN(d, static_cast<std::size_t>(count)), d, p);
  } else {
    HWY_ALIGN float lanes[kLanes];
    hn::Store(v, d, lanes);
    std::memcpy(p, lanes, static_cast<std::size_t>(count) * sizeof(float));
  }
}

/// The largest tile of a product: rows x blocks accumulators, a block being kLanes columns. An
/// FMA's result is ready after 4 cycles and two start per cycle, so 8 accumulators keep the units
/// busy; 6 x 2 leave 4 of 16 registers for the operands, 8 x 3 leave 8 of the 32 of
/// AVX-512 and 64-bit Arm.
struct TileShape {
  int rows, blocks;
};
#if (HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3) || HWY_ARCH_ARM_A64
inline constexpr TileShape kTile = {8, 3};
// A single row has one accumulator a block. And a group of four gates is one block of units, so
// that units divide evenly among threads.
inline constexpr TileShape kTileOfFew = {6, 4};
#else
inline constexpr TileShape kTile = {6, 2};
inline constexpr TileShape kTileOfFew = kTile;
#endif
inline constexpr int kMaxBlocks = std::max(kTile.blocks, kTileOfFew.blocks);
inline constexpr int kMaxRows = std::max(kTile.rows, kTileOfFew.rows);

/// How many weights of a type, of the same column and one depth after another, are in a word of 32
/// bits, the first in the lowest bits. So a load gives whole vectors whatever the type, each weight
/// in its column's lane, and a shift or a mask makes it a number: no lane changes places.
constexpr std::int64_t PerWord(WeightType type) {
  return type == WeightType::kInt8 ? 4 : type == WeightType::kBFloat16 ? 2 : 1;
}
/// The words of a column.
constexpr std::int64_t Words(WeightType type, std::int64_t depth) {
  return (depth + PerWord(type) - 1) / PerWord(type);
}

/// `whole` cut into so few parts that none has more than `most`, of sizes that differ by one at
/// most. Without a division after the first: a step of a small layer takes some hundred cycles in
/// all.
struct EvenParts {
  std::int64_t count, size, larger;  // the first `larger` parts have one more than `size`

  EvenParts(std::int64_t whole, std::int64_t most)
      : count(whole <= most ? 1 : (whole + most - 1) / most),
        size(count == 1 ? whole : whole / count),
        larger(whole - size * count) {}
  [[nodiscard]] std::int64_t begin(std::int64_t part) const {
    return part * size + std::min(part, larger);
  }
  [[nodiscard]] std::int64_t size_of(std::int64_t part) const {
    return size + (part < larger ? 1 : 0);
  }
};

/// How rows are cut into tiles: evenly, because a left-over single row would starve the FMA units.
inline EvenParts TilesOf(TileShape tile, std::int64_t rows) { return {rows, tile.rows}; }

/// Where the results of a block go.
struct Block {
  std::int64_t column, count;
};

/// The columns of a packed matrix. They are packed in groups of units, such that all gates of a
/// group fill whole panels of a tile's blocks, or nearly: [group][panel][depth][block][lane], a
/// group's blocks being ordered [gate][block of units]. So a thread takes some groups, and has all
/// gates of their units.
///
/// In a smaller type, `depth` is that in words. Before the first group come, for few rows, the
/// Blocks in the same order, because finding them again took a fifteenth of a step of 40 units; and
/// in kInt8 the columns' scales, [group][block][lane].
struct Columns : GateColumns {
  Columns() : Columns(GateColumns{}) {}
  Columns(const GateColumns& columns)  // NOLINT(google-explicit-constructor)
      : GateColumns(columns), parts_((hidden + kLanes - 1) / kLanes, blocks_of_group()) {}

  [[nodiscard]] TileShape tile() const { return few_rows ? kTileOfFew : kTile; }
  /// At most.
  [[nodiscard]] int blocks_of_group() const {
    // By constants, which takes no division.
    return few_rows ? kTileOfFew.blocks / std::gcd(gates, kTileOfFew.blocks)
                    : kTile.blocks / std::gcd(gates, kTile.blocks);
  }

  [[nodiscard]] std::int64_t groups() const { return parts_.count; }
  /// Blocks of units before a group, and in it.
  [[nodiscard]] std::int64_t block(std::int64_t group) const { return parts_.begin(group); }
  [[nodiscard]] std::int64_t blocks(std::int64_t group) const { return parts_.size_of(group); }
  /// Units before a group.
  [[nodiscard]] std::int64_t unit(std::int64_t group) const {
    return std::min(hidden, block(group) * kLanes);
  }
  /// The panels of a group, in blocks: about equal, because in a narrow one an FMA waits for the
  /// one before it.
  [[nodiscard]] EvenParts panels(std::int64_t group) const {
    return {blocks(group) * gates, tile().blocks};
  }
  /// Blocks before a group.
  [[nodiscard]] std::int64_t blocks_before(std::int64_t group) const {
    return block(group) * gates;
  }
  /// Packed floats from the first group to this one; `depth` in words.
  [[nodiscard]] std::int64_t offset(std::int64_t group, std::int64_t depth) const {
    return blocks_before(group) * kLanes * depth;
  }
  /// The floats before the scales: whole lines of the cache.
  [[nodiscard]] std::int64_t scales_begin() const {
    constexpr std::int64_t kBlocksOfLine = kCacheLine * sizeof(float) / sizeof(Block);
    return few_rows ? (blocks_before(groups()) + kBlocksOfLine - 1) / kBlocksOfLine * kCacheLine
                    : 0;
  }
  /// The floats before the first group.
  [[nodiscard]] std::int64_t head(WeightType type) const {
    return scales_begin() + (type == WeightType::kInt8 ? offset(groups(), 1) : 0);
  }

 private:
  EvenParts parts_;
};

inline constexpr std::size_t kMaxGroupBlocks = GateLayout::kMaxGates * kMaxBlocks;

/// The blocks of a group in their packed order; how many they are.
inline std::size_t BlocksOf(const Columns& columns, std::int64_t group, Block* blocks) {
  const std::int64_t begin = columns.unit(group);
  const std::int64_t end = std::min(columns.hidden, begin + columns.blocks(group) * kLanes);
  std::size_t count = 0;
  std::int64_t unit = begin;
  // One loop, not one in another, which compilers make vectors of: those take longer to set up.
  for (int gate = 0; gate < columns.gates; ++count) {
    const std::int64_t slot = columns.slots == nullptr ? 0 : columns.slots[gate];
    blocks[count] = {slot * columns.hidden + unit, std::min(kLanes, end - unit)};
    unit += kLanes;
    if (unit >= end) {
      unit = begin;
      ++gate;
    }
  }
  return count;
}

/// What a product begins with: zeros, what is in `out`, or a row of `out`'s width.
struct Begin {
  bool add = false;
  const float* bias = nullptr;
};

/// Rows that come in runs: `length` neighbours, the next `distance` rows after the first of them.
struct Runs {
  std::int64_t length, distance;
};

/// What is read after a product; nothing is left when `floats` is no longer positive. A product of
/// several rows asks for one line of it at each step of the depth at which it asks for no weights.
struct Ahead {
  const float* data = nullptr;
  std::int64_t floats = 0;
};

/// out[rows, …] = begin + x[rows, depth]·w, for the columns of the groups [first, last). `operand`
/// is the whole matrix w. Every element adds its products in the same order whatever the rows and
/// the groups are, and so gets the same bits. The rows of x may be some of each step of a sequence.
void Product(const Columns& columns, std::int64_t first, std::int64_t last, std::int64_t rows,
             std::int64_t depth, Rows<const float> x, Runs runs, Weights operand, Begin begin,
             Rows<float> out, Ahead* ahead = nullptr);
inline void Product(const Columns& columns, std::int64_t first, std::int64_t last,
                    std::int64_t rows, std::int64_t depth, Rows<const float> x, Weights operand,
                    Begin begin, Rows<float> out, Ahead* ahead = nullptr) {
  Product(columns, first, last, rows, depth, x, {rows, rows}, operand, begin, out, ahead);
}

}  // namespace HWY_NAMESPACE
}  // namespace riverrun::kernels
HWY_AFTER_NAMESPACE();

#endif  // RIVERRUN_KERNELS_PRODUCT_INL_H_
