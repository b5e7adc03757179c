#include "riverrun/kernels/highway-config.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "riverrun/kernels/pack.cpp"
#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cassert>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
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

/// Some columns of the right operand, at most kLanes: those of a packed block.
struct Source {
  std::int64_t column, count;
};

/// A panel of blocks of a matrix row by row: of each row, one vector a block. All of a row at once,
/// because rows a large power of two apart meet in few sets of the cache; and nothing but this asks
/// for a few lines of the rows to come.
void PackRowByRow(std::span<const Source> blocks, std::int64_t depth, const auto& row, float* to) {
  constexpr std::int64_t kAhead = 16;
  for (std::int64_t k = 0; k < depth; ++k) {
    const float* const from = row(k);
    const float* const ahead = row(std::min(k + kAhead, depth - 1));
    for (const Source& block : blocks) {
      __builtin_prefetch(ahead + block.column, /*rw=*/0, /*locality=*/3);
      hn::StoreU(LoadFirst(from + block.column, block.count), DF(), to);
      to += kLanes;
    }
  }
}

/// The right operand before it is packed; column (gate, unit) is column gate * hidden + unit.
struct Matrix {
  const float* data;
  std::int64_t row_stride, column_stride;

  /// A panel of blocks: of each row, one vector a block.
  void Pack(std::span<const Source> blocks, std::int64_t depth, float* to) const {
    if (column_stride == 1) {
      PackRowByRow(
          blocks, depth, [&](std::int64_t k) { return data + k * row_stride; }, to);
      return;
    }
    const auto step = static_cast<std::int64_t>(blocks.size()) * kLanes;
    for (const Source& block : blocks) {
      const float* from = data + block.column * column_stride;
      std::int64_t k = 0;
#if HWY_TARGET != HWY_SCALAR
      if (row_stride == 1) k = Transpose(from, block.count, depth, to, step);
#endif
      for (; k < depth; ++k) {
        for (std::int64_t lane = 0; lane < kLanes; ++lane) {
          to[k * step + lane] =
              lane < block.count ? from[k * row_stride + lane * column_stride] : 0.0f;
        }
      }
      to += kLanes;
    }
  }

#if HWY_TARGET != HWY_SCALAR
 private:
  /// The vector of the four numbers at each of `from`, every fourth pointer.
  template <class D>
  static HWY_INLINE hn::Vec<D> LoadFours(D d, const float* const* from, std::int64_t k) {
    if constexpr (hn::MaxLanes(D()) == 4) {
      return hn::LoadU(d, *from + k);
    } else {
      const hn::Half<D> half;
      constexpr std::size_t kHalf = hn::MaxLanes(hn::Half<D>());
      return hn::Combine(d, LoadFours(half, from + kHalf, k), LoadFours(half, from, k));
    }
  }

  /// Columns whose elements are neighbours, four rows at a time; how many rows were done. Whole
  /// vectors are stored: quarters of them take twice as long, a gather ten times.
  std::int64_t Transpose(const float* from, std::int64_t count, std::int64_t depth, float* to,
                         std::int64_t step) const {
    const DF d;
    const auto mask = hn::FirstN(d, static_cast<std::size_t>(count));
    const auto store = [&](VF v, std::int64_t k)
                           HWY_ATTR { hn::StoreU(hn::IfThenElseZero(mask, v), d, to + k * step); };
    std::array<const float*, kLanes> columns;
    for (std::int64_t lane = 0; lane < kLanes; ++lane) {
      columns[static_cast<std::size_t>(lane)] = from + std::min(lane, count - 1) * column_stride;
    }
    std::int64_t k = 0;
    for (; k + 4 <= depth; k += 4) {
      const VF a = LoadFours(d, &columns[0], k), b = LoadFours(d, &columns[1], k);
      const VF c = LoadFours(d, &columns[2], k), e = LoadFours(d, &columns[3], k);
      const VF ac = hn::InterleaveLower(d, a, c), be = hn::InterleaveLower(d, b, e);
      store(hn::InterleaveLower(d, ac, be), k);
      store(hn::InterleaveUpper(d, ac, be), k + 1);
      const VF ac2 = hn::InterleaveUpper(d, a, c), be2 = hn::InterleaveUpper(d, b, e);
      store(hn::InterleaveLower(d, ac2, be2), k + 2);
      store(hn::InterleaveUpper(d, ac2, be2), k + 3);
    }
    return k;
  }
#endif
};

/// The same, its rows lying wherever.
struct ScatteredRows {
  const float* const* rows;

  void Pack(std::span<const Source> blocks, std::int64_t depth, float* to) const {
    PackRowByRow(
        blocks, depth, [&](std::int64_t k) { return rows[k]; }, to);
  }
};

/// Packs a group; `packed` is its place.
void PackGroup(const Columns& columns, std::int64_t group, const auto& matrix, std::int64_t depth,
               float* packed) {
  const std::int64_t begin = columns.block(group);
  const std::int64_t blocks_of_gate = columns.blocks(group);
  const EvenParts panels = columns.panels(group);
  for (std::int64_t panel = 0; panel < panels.count; ++panel) {
    const std::int64_t width = panels.size_of(panel);
    std::array<Source, kMaxBlocks> blocks;
    for (std::int64_t b = 0; b < width; ++b) {
      const std::int64_t number = panels.begin(panel) + b;
      const std::int64_t gate = number / blocks_of_gate;
      const std::int64_t unit = (begin + number % blocks_of_gate) * kLanes;
      blocks[static_cast<std::size_t>(b)] = {gate * columns.hidden + unit,
                                             std::min(kLanes, columns.hidden - unit)};
    }
    matrix.Pack(std::span(blocks).first(static_cast<std::size_t>(width)), depth, packed);
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
  std::array<float, kMaxBlocks * kLanes> inverse;
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

// What PackGroup made, in a smaller type.
void ConvertGroup(WeightType type, const float* from, const EvenParts& panels, std::int64_t depth,
                  float* scales, float* words) {
  for (std::int64_t panel = 0; panel < panels.count; ++panel) {
    const std::int64_t columns = panels.size_of(panel) * kLanes;
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

void PackBlocks(const Columns& columns, float* packed) {
  std::vector<Block> blocks(static_cast<std::size_t>(columns.blocks_before(columns.groups())));
  for (std::int64_t group = 0; group < columns.groups(); ++group) {
    BlocksOf(columns, group, blocks.data() + columns.blocks_before(group));
  }
  // This makes objects of another type in memory that held floats.
  std::memcpy(packed, blocks.data(), blocks.size() * sizeof(Block));
}

void PackAnything(const GateColumns& c, const auto& matrix, std::int64_t depth, float* packed,
                  WeightType type) {
  assert(c.hidden > 0);
  const Columns columns = c;
  if (columns.few_rows) PackBlocks(columns, packed);
  const double work = static_cast<double>(depth) * static_cast<double>(c.hidden * c.gates);
  const std::int64_t pieces =
      std::clamp<std::int64_t>(static_cast<std::int64_t>(work / 32e3), 1, columns.groups());
  parallel_for(pieces, [&](std::int64_t piece) {
    const std::int64_t end = columns.groups() * (piece + 1) / pieces;
    std::vector<float> buffer;
    for (std::int64_t group = columns.groups() * piece / pieces; group < end; ++group) {
      float* to = packed + columns.head(type) + columns.offset(group, Words(type, depth));
      if (type == WeightType::kFloat32) {
        PackGroup(columns, group, matrix, depth, to);
        continue;
      }
      const std::int64_t size = columns.offset(group + 1, 1) - columns.offset(group, 1);
      buffer.resize(static_cast<std::size_t>(size * depth));
      PackGroup(columns, group, matrix, depth, buffer.data());
      ConvertGroup(type, buffer.data(), columns.panels(group), depth,
                   packed + columns.scales_begin() + columns.offset(group, 1), to);
    }
  });
}

void PackMatrix(const GateColumns& columns, const float* matrix, std::int64_t row_stride,
                std::int64_t column_stride, std::int64_t depth, float* packed, WeightType type) {
  PackAnything(columns, Matrix{matrix, row_stride, column_stride}, depth, packed, type);
}

void PackRows(std::int64_t columns, const float* const* rows, std::int64_t depth, float* packed) {
  PackAnything(GateColumns{columns}, ScatteredRows{rows}, depth, packed, WeightType::kFloat32);
}

bool AllFinite(std::span<const float> weights) {
  const DF d;
  constexpr std::int64_t kAtOnce = std::int64_t{1} << 16;
  const auto count = static_cast<std::int64_t>(weights.size());
  std::atomic<bool> finite = true;
  parallel_for((count + kAtOnce - 1) / kAtOnce, [&](std::int64_t part) {
    const std::int64_t end = std::min(count, (part + 1) * kAtOnce);
    // The largest float32 that bf16 does not round to infinity.
    const VF largest = hn::Set(d, std::bit_cast<float>(0x7F7F7FFFU));
    auto within = hn::Eq(largest, largest);
    for (std::int64_t i = part * kAtOnce; i < end; i += kLanes) {
      within = hn::And(
          within,
          hn::Le(hn::Abs(LoadFirst(&weights[static_cast<std::size_t>(i)], end - i)), largest));
    }
    if (!hn::AllTrue(d, within)) finite.store(false, std::memory_order_relaxed);
  });
  return finite;
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace riverrun::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace riverrun::kernels {

HWY_EXPORT(PackedSize);
HWY_EXPORT(PackMatrix);
HWY_EXPORT(PackRows);
HWY_EXPORT(AllFinite);

std::int64_t packed_size(const GateColumns& columns, std::int64_t depth, WeightType type) {
  return HWY_DYNAMIC_DISPATCH(PackedSize)(columns, depth, type);
}

void pack(const GateColumns& columns, const float* matrix, std::int64_t row_stride,
          std::int64_t column_stride, std::int64_t depth, float* packed, WeightType type) {
  HWY_DYNAMIC_DISPATCH(PackMatrix)(columns, matrix, row_stride, column_stride, depth, packed, type);
}

void pack_rows(std::int64_t columns, const float* const* rows, std::int64_t depth, float* packed) {
  HWY_DYNAMIC_DISPATCH(PackRows)(columns, rows, depth, packed);
}

bool all_finite(std::span<const float> weights) { return HWY_DYNAMIC_DISPATCH(AllFinite)(weights); }

namespace {

// A panel of a matrix as it is has its rows far apart. That costs a product of many rows 0 to 5 %
// while the matrix is in a cache near by, which is less than packing it costs, and a fourth beyond;
// and up to a fifth where its longer rows lie in more pages than a core looks up at once, or many
// of them in the same sets of a cache. Few rows, which wait for what they multiply with at each
// step, were slower: docs/performance.md.
bool as_it_is(const GateColumns& columns, std::int64_t depth, Behind behind) {
  constexpr std::int64_t kMost = std::int64_t{1} << 19;  // floats
  constexpr std::int64_t kLongestRow = 384;
  return behind == Behind::kReadable && !columns.few_rows && columns.hidden <= kLongestRow &&
         columns.hidden * depth <= kMost;
}

}  // namespace

std::int64_t right_operand_size(const GateColumns& columns, std::int64_t depth, Behind behind) {
  return as_it_is(columns, depth, behind) ? 0 : packed_size(columns, depth);
}

Weights right_operand(const GateColumns& columns, const float* matrix, std::int64_t depth,
                      float* room, Behind behind) {
  Weights operand(matrix);
  if (as_it_is(columns, depth, behind)) {
    operand.row_stride = columns.hidden;
  } else {
    pack(columns, matrix, columns.hidden, 1, depth, room);
    operand.data = room;
  }
  return operand;
}

}  // namespace riverrun::kernels
#endif  // HWY_ONCE
