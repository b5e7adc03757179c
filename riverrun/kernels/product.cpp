#include "riverrun/kernels/highway-config.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "riverrun/kernels/product.cpp"
#include <algorithm>
#include <array>
#include <cassert>
#include <cstdint>
#include <cstring>
#include <new>
#include <span>
#include <utility>
#include <vector>

#include "hwy/foreach_target.h"
#include "hwy/highway.h"

#include "riverrun/core/memory.h"
#include "riverrun/core/threads.h"
#include "riverrun/kernels/cell_kernels.h"
#include "riverrun/kernels/interleaved-inl.h"
#include "riverrun/kernels/product-inl.h"
#include "riverrun/kernels/product_tile-inl.h"

HWY_BEFORE_NAMESPACE();
namespace riverrun::kernels {
namespace HWY_NAMESPACE {
namespace {

// At most so much of the depth is summed before the next tile of rows, except where that is all of
// it. The weights of a tile come from the second-level cache anyway, 192 bytes in 12 cycles; what
// shorter pieces cost is that each of them reads and writes the results.
constexpr std::int64_t kDepth = 384;
constexpr std::int64_t kWholeDepth = 512;

constexpr TileTable kFloatTiles = MakeTileTable<WeightType::kFloat32, false>();
constexpr TileTable kInterleavedTiles = MakeTileTable<WeightType::kFloat32, true>();

const TileTable& TilesOf(WeightType type, bool interleaved) {
  if (type == WeightType::kBFloat16) return BFloat16Tiles();
  if (type == WeightType::kInt8) return Int8Tiles();
  return interleaved ? kInterleavedTiles : kFloatTiles;
}

// The last vector of a matrix as it is may begin at its last number.
static_assert(kLanes - 1 <= static_cast<std::int64_t>(kReadableBehind));

/// How the depth is cut: by its length alone, so that the bits depend on nothing else; and where a
/// word of any type begins.
struct Pieces {
  std::int64_t depth;
  EvenParts words;

  explicit Pieces(std::int64_t d) : Pieces(d, d <= kWholeDepth ? kWholeDepth : kDepth) {}
  Pieces(std::int64_t d, std::int64_t most) : depth(d), words(Words(kWordType, d), most / kWord) {}
  [[nodiscard]] std::int64_t count() const { return words.count; }
  [[nodiscard]] std::int64_t begin(std::int64_t piece) const {
    return std::min(depth, words.begin(piece) * kWord);
  }

 private:
  static constexpr WeightType kWordType = WeightType::kInt8;
  static constexpr std::int64_t kWord = PerWord(kWordType);
};

/// How many whole panels a single row reads side by side: see TileTable. On a Zen 5, several
/// streams come from the second-level cache at two thirds to a half of the speed of one, for which
/// a panel's accumulators are enough; from beyond it four are a tenth faster than one.
std::int64_t PanelsSideBySide(const Columns& columns, std::int64_t depth, WeightType type) {
  if (type != WeightType::kFloat32) return 2;
  constexpr std::int64_t kFirstLevel = std::int64_t{1} << 13;  // floats
  constexpr std::int64_t kSecondLevel = std::int64_t{3} << 16;
  const std::int64_t size = columns.offset(columns.groups(), depth);
  const bool from_second = size > kFirstLevel && size <= kSecondLevel;
  return HWY_ARCH_X86 && kTileOfFew.blocks == 4 && from_second ? 1 : kMostPanels;
}

/// Product over some pieces of the depth; those after the first add to `out`. x is as it is, or
/// `interleaved` and of these pieces only.
void ProductOfPieces(const Columns& columns, std::int64_t first, std::int64_t last,
                     std::int64_t rows, const Pieces& pieces, std::int64_t first_piece,
                     std::int64_t last_piece, Rows<const float> x, Runs runs,
                     const Interleaved* interleaved, Weights weights, Begin begin, Rows<float> out,
                     Ahead* ahead = nullptr) {
  // A tile has rows of one run.
  const EvenParts tiles = TilesOf(columns.tile(), runs.length);
  std::array<Block, kMaxGroupBlocks> blocks;
  const TileTable& functions = TilesOf(weights.type, interleaved != nullptr);
  const std::int64_t first_depth = pieces.begin(first_piece);
  const auto words = [&](std::int64_t k) { return Words(weights.type, k); };
  const bool as_it_is = weights.row_stride != 0;
  assert(!as_it_is || (columns.gates == 1 && columns.slots == nullptr && !columns.few_rows &&
                       weights.type == WeightType::kFloat32));
  const float* scales = weights.data + columns.scales_begin() + columns.offset(first, 1);
  const float* packed = weights.data + columns.head(weights.type);
  // Of these groups: the next are another thread's.
  const float* const end = as_it_is ? weights.data + columns.unit(last)
                                    : packed + columns.offset(last, words(pieces.depth));
  packed += columns.offset(first, words(pieces.depth));
  // Of fewer rows, x is in a cache near by when the second panel of columns comes.
  constexpr std::int64_t kFar = std::int64_t{1} << 15;
  const bool x_is_far = rows * pieces.begin(1) > kFar && interleaved == nullptr;
  for (; first < last; ++first) {
    BlocksOf(columns, first, blocks.data());
    const Block* its_blocks = blocks.data();
    const EvenParts panels = columns.panels(first);
    for (std::int64_t panel = 0; panel < panels.count; ++panel) {
      const std::int64_t width = panels.size_of(panel);
      const float* const panel_begin = as_it_is ? weights.data + its_blocks->column : packed;
      const float* const next_panel =
          panel_begin + width * kLanes * (as_it_is ? 1 : words(pieces.depth));
      TileArgs args{};
      args.x_stride = x.stride;
      args.word_stride = as_it_is ? weights.row_stride : width * kLanes;
      args.panels = 1;
      args.scales = scales;
      args.blocks = its_blocks;
      args.whole = std::all_of(args.blocks, args.blocks + width,
                               [](const Block& b) { return b.count == kLanes; });
      args.bias = begin.bias;
      args.out.stride = out.stride;
      for (std::int64_t piece = first_piece; piece < last_piece; ++piece) {
        const std::int64_t from = pieces.begin(piece);
        const std::int64_t to = pieces.begin(piece + 1);
        // What comes next may come from far away, so the first tiles ask for it meanwhile.
        const bool another = piece + 1 < last_piece;
        const float* const next = another ? panel_begin + words(to) * args.word_stride
                                          : next_panel + words(first_depth) * args.word_stride;
        args.weights = panel_begin + words(from) * args.word_stride;
        args.depth = to - from;
        const std::int64_t steps = words(args.depth);
        const std::int64_t next_of_tile = as_it_is ? kCacheLine : steps * kCacheLine;
        // As it is, a row of the panel begins anywhere in a line.
        const float* const next_end =
            as_it_is ? next + (another || next_panel < end ? width * kLanes + kCacheLine - 1 : 0)
                     : std::min(next + steps * width * kLanes, end);
        args.add = begin.add || piece > 0;
        std::int64_t number = 0;
        for (std::int64_t row = 0, from_row = 0; row < rows;
             row += runs.length, from_row += runs.distance) {
          for (std::int64_t tile = 0; tile < tiles.count; ++tile, ++number) {
            const std::int64_t height = tiles.size_of(tile);
            args.prefetch = args.weights;
            args.prefetch_step = 0;
            if (next + number * next_of_tile < next_end) {
              args.prefetch = next + number * next_of_tile;
              args.prefetch_step = as_it_is ? args.word_stride : kCacheLine;
            } else if (ahead != nullptr && ahead->floats > 0 && height > 1) {
              args.prefetch = ahead->data;
              args.prefetch_step = kCacheLine;
              ahead->data += std::min(ahead->floats, steps * kCacheLine);
              ahead->floats -= steps * kCacheLine;
            }
            const Rows<const float> its_x = x.from(from_row + tiles.begin(tile));
            args.x = interleaved != nullptr
                         ? interleaved->tile(tile) + (from - first_depth) * height
                         : its_x.data + from;
            if (x_is_far) {
              args.next_x = tile + 1 < tiles.count     ? its_x(height) + from
                            : row + runs.length < rows ? x(from_row + runs.distance) + from
                                                       : args.x;
            }
            args.out.data = out(row + tiles.begin(tile));
            functions.one[static_cast<std::size_t>(width - 1)]
                         [static_cast<std::size_t>(height - 1)](args);
          }
        }
      }
      its_blocks += width;
      packed += width * kLanes * words(pieces.depth);
      scales += width * kLanes;
    }
  }
}

/// Product of a single row with what is packed for few. It meets each weight once, so that what is
/// done between two panels counts: one call takes all that have the same width.
void ProductOfRow(const Columns& columns, std::int64_t first, std::int64_t last,
                  const Pieces& pieces, const float* x, Weights weights, Begin begin, float* out) {
  const TileTable& functions = TilesOf(weights.type, false);
  const auto words = [&](std::int64_t k) { return Words(weights.type, k); };
  const std::int64_t side_by_side = PanelsSideBySide(columns, pieces.depth, weights.type);
  const float* packed =
      weights.data + columns.head(weights.type) + columns.offset(first, words(pieces.depth));
  TileArgs args{};
  args.blocks =
      std::launder(reinterpret_cast<const Block*>(weights.data)) + columns.blocks_before(first);
  args.scales = weights.data + columns.scales_begin() + columns.offset(first, 1);
  args.whole = columns.hidden % kLanes == 0;
  args.bias = begin.bias;
  args.out.data = out;
  std::int64_t width = 0, panels = 0;
  const auto take = [&](TileFunction tile, std::int64_t count) {
    args.word_stride = width * kLanes;
    args.panel_stride = words(pieces.depth) * args.word_stride;
    args.panels = count;
    for (std::int64_t piece = 0; piece < pieces.count(); ++piece) {
      const std::int64_t from = pieces.begin(piece);
      args.x = x + from;
      args.weights = packed + words(from) * args.word_stride;
      args.depth = pieces.begin(piece + 1) - from;
      args.add = begin.add || piece > 0;
      tile(args);
    }
    args.blocks += count * width;
    args.scales += count * args.word_stride;
    packed += count * args.panel_stride;
    panels -= count;
  };
  const auto take_all = [&] {
    while (panels > 0) {
      const std::int64_t together = width == kTileOfFew.blocks ? std::min(panels, side_by_side) : 1;
      take(together > 1 ? functions.several[static_cast<std::size_t>(together - 2)]
                        : functions.one[static_cast<std::size_t>(width - 1)][0],
           panels - panels % together);
    }
  };
  for (; first < last; ++first) {
    const EvenParts its = columns.panels(first);
    for (std::int64_t panel = 0; panel < its.count; ++panel) {
      if (its.size_of(panel) != width) take_all();
      width = its.size_of(panel);
      ++panels;
    }
  }
  take_all();
}

/// How much of many rows is done at once: so much of x stays in the second-level cache while all
/// weights go by, with a panel of them and its results, which are added to as long as they are
/// near.
struct AtOnce {
  static constexpr std::int64_t kFloats = std::int64_t{1} << 16;
  static constexpr std::int64_t kLeastRows = 8 * kTile.rows;

  std::int64_t pieces, rows;

  explicit AtOnce(const Pieces& all)
      : pieces(std::clamp<std::int64_t>(kFloats / kLeastRows / all.begin(1), 1, all.count())),
        rows(std::max(kLeastRows, kFloats / all.begin(pieces))) {}
};

// A piece of the work should be worth the hand-over to another thread, and there should be enough
// of them to even out.
constexpr double kWorkPerPart = 1.3e6;

std::int64_t PartsOfWork(double work) {
  return std::max<std::int64_t>(1, static_cast<std::int64_t>(work / kWorkPerPart));
}

void ParallelProduct(const GateColumns& c, std::int64_t rows, std::int64_t depth,
                     Rows<const float> x, Weights operand, const float* bias, bool add,
                     Rows<float> out, bool makes_threads) {
  if (rows == 0) return;
  const Columns columns = c;
  const Pieces pieces(depth);
  const AtOnce at_once(pieces);
  const double work = 2.0 * static_cast<double>(rows * depth) * static_cast<double>(c.hidden) *
                      static_cast<double>(c.gates);
  // Rows divide evenly among threads, groups of columns only if there are as many for each.
  const std::int64_t threads = num_threads();
  std::int64_t row_parts = (rows + at_once.rows - 1) / at_once.rows;
  if (columns.groups() % threads != 0) {
    row_parts =
        std::max(row_parts, std::min({threads, rows / AtOnce::kLeastRows, PartsOfWork(work)}));
  }
  if (row_parts > threads) row_parts = (row_parts + threads - 1) / threads * threads;
  std::int64_t group_parts = std::clamp<std::int64_t>(
      std::min(PartsOfWork(work), 4 * threads) / row_parts, 1, columns.groups());
  if (group_parts > threads) group_parts = group_parts / threads * threads;
  const auto compute = [&](std::int64_t part) {
    const std::int64_t by_row = part / group_parts;
    const std::int64_t by_group = part % group_parts;
    const std::int64_t begin = rows * by_row / row_parts;
    const std::int64_t end = rows * (by_row + 1) / row_parts;
    const std::int64_t first = columns.groups() * by_group / group_parts;
    const std::int64_t last = columns.groups() * (by_group + 1) / group_parts;
    if (rows == 1 && c.few_rows) {
      return ProductOfRow(columns, first, last, pieces, x.data, operand, {add, bias}, out.data);
    }
    for (std::int64_t piece = 0; piece < pieces.count(); piece += at_once.pieces) {
      ProductOfPieces(columns, first, last, end - begin, pieces, piece,
                      std::min(pieces.count(), piece + at_once.pieces), x.from(begin),
                      {end - begin, end - begin}, nullptr, operand, {add, bias}, out.from(begin));
    }
  };
  if (makes_threads) {
    parallel_for(row_parts * group_parts, compute);
  } else {
    parallel_for_if_ready(row_parts * group_parts, compute);
  }
}

void ParallelTransposedProduct(std::int64_t rows, std::int64_t depth, Rows<const float> x,
                               std::span<const Term> terms, float* row_sums) {
  double work = 0.0;
  for (const Term& term : terms) {
    work += 2.0 * static_cast<double>(rows * depth) * static_cast<double>(term.columns);
  }
  // Only the rows are divided: parts of the columns would each interleave x again.
  constexpr std::int64_t kLeastRows = 8 * kTile.rows;
  const std::int64_t threads = num_threads();
  // As many for each thread that is worth it, and none of more rows than are interleaved at once.
  const std::int64_t worth = std::min({PartsOfWork(work), 1 + (rows - 1) / kLeastRows, threads});
  const std::int64_t blocks = (rows + kTransposedRows - 1) / kTransposedRows;
  const std::int64_t parts = (blocks + worth - 1) / worth * worth;
  const Pieces pieces(depth);
  const auto compute = [&](std::int64_t part) {
    const std::int64_t begin = rows * part / parts;
    const std::int64_t end = rows * (part + 1) / parts;
    for (std::int64_t piece = 0; piece < pieces.count(); ++piece) {
      const std::int64_t k = pieces.begin(piece);
      const Interleaved interleaved({x(k) + begin, x.stride}, end - begin,
                                    pieces.begin(piece + 1) - k, rows - end,
                                    row_sums == nullptr ? nullptr : row_sums + begin);
      for (const Term& term : terms) {
        const Columns columns = GateColumns{term.columns};
        ProductOfPieces(columns, 0, columns.groups(), end - begin, pieces, piece, piece + 1, {},
                        {end - begin, end - begin}, &interleaved, term.operand,
                        {.add = term.add || piece > 0}, term.out.from(begin));
      }
    }
  };
  if (worth > 1) return parallel_for(parts, compute);
  for (std::int64_t part = 0; part < parts; ++part) compute(part);
}

}  // namespace

void Product(const Columns& columns, std::int64_t first, std::int64_t last, std::int64_t rows,
             std::int64_t depth, Rows<const float> x, Runs runs, Weights operand, Begin begin,
             Rows<float> out, Ahead* ahead) {
  const Pieces pieces(depth);
  if (rows == 1 && columns.few_rows) {
    return ProductOfRow(columns, first, last, pieces, x.data, operand, begin, out.data);
  }
  if (rows == runs.length || runs.length == runs.distance) {
    ProductOfPieces(columns, first, last, rows, pieces, 0, pieces.count(), x, {rows, rows}, nullptr,
                    operand, begin, out, ahead);
    return;
  }
  const AtOnce at_once(pieces);
  const EvenParts parts(rows / runs.length, std::max<std::int64_t>(1, at_once.rows / runs.length));
  for (std::int64_t part = 0; part < parts.count; ++part) {
    const std::int64_t run = parts.begin(part);
    for (std::int64_t piece = 0; piece < pieces.count(); piece += at_once.pieces) {
      ProductOfPieces(columns, first, last, parts.size_of(part) * runs.length, pieces, piece,
                      std::min(pieces.count(), piece + at_once.pieces), x.from(run * runs.distance),
                      runs, nullptr, operand, begin, out.from(run * runs.length), ahead);
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace riverrun::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace riverrun::kernels {

HWY_EXPORT(ParallelProduct);
HWY_EXPORT(ParallelTransposedProduct);

void product(const GateColumns& columns, std::int64_t rows, std::int64_t depth, Rows<const float> x,
             Weights operand, const float* bias, bool add, Rows<float> out) {
  HWY_DYNAMIC_DISPATCH(ParallelProduct)
  (columns, rows, depth, x, operand, bias, add, out, /*makes_threads=*/true);
}

void product_if_ready(const GateColumns& columns, std::int64_t rows, std::int64_t depth,
                      Rows<const float> x, Weights operand, const float* bias, bool add,
                      Rows<float> out) {
  HWY_DYNAMIC_DISPATCH(ParallelProduct)
  (columns, rows, depth, x, operand, bias, add, out, /*makes_threads=*/false);
}

void transposed_product(std::int64_t rows, std::int64_t depth, Rows<const float> x,
                        std::span<const Term> terms, float* row_sums) {
  HWY_DYNAMIC_DISPATCH(ParallelTransposedProduct)(rows, depth, x, terms, row_sums);
}

}  // namespace riverrun::kernels
#endif  // HWY_ONCE
