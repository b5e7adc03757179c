// One tile of a product: rows times the blocks of one panel or of some, for each type of weights.
// Included once per target.

#if defined(RIVERRUN_KERNELS_PRODUCT_TILE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef RIVERRUN_KERNELS_PRODUCT_TILE_INL_H_
#undef RIVERRUN_KERNELS_PRODUCT_TILE_INL_H_
#else
#define RIVERRUN_KERNELS_PRODUCT_TILE_INL_H_
#endif

#include <array>
#include <cstdint>
#include <utility>

#include "hwy/highway.h"

#include "riverrun/core/weight_type.h"
#include "riverrun/kernels/product-inl.h"

HWY_BEFORE_NAMESPACE();
namespace riverrun::kernels {
namespace HWY_NAMESPACE {

constexpr std::size_t kMostPanels = 4;

/// One tile: some rows, the blocks of one panel or of some, a piece of the depth. Of a single row,
/// tiles of so many panels as `panels` says, a multiple of what one tile takes.
struct TileArgs {
  const float* x;       // the tile's first row, at the piece's beginning
  const float* next_x;  // that of the next tile if it comes from far away, else nullptr
  std::int64_t x_stride;
  const float* weights;  // at the piece's beginning, where a word begins
  std::int64_t word_stride, panel_stride, panels;
  const float* scales;    // of the blocks' columns, in kInt8
  const float* prefetch;  // what is needed next: at each word of the depth a line of the cache,
  std::int64_t prefetch_step;  // so many floats apart; a single row asks for nothing
  std::int64_t depth;
  const Block* blocks;
  bool whole;  // all blocks have kLanes columns
  bool add;
  const float* bias;
  Rows<float> out;
};

using TileFunction = void (*)(const TileArgs&);

/// The tiles of a type of weights.
struct TileTable {
  std::array<std::array<TileFunction, kMaxRows>, kMaxBlocks> one;  // [blocks - 1][rows - 1]
  // One row meets each weight once, and has too few accumulators in one panel: [panels - 2], all of
  // kTileOfFew.blocks. Where weights are no float32, there are registers for two.
  std::array<TileFunction, kMostPanels - 1> several;
};

/// For an x that is row by row. Each has a translation unit of its own: they take long to compile.
const TileTable& BFloat16Tiles();
const TileTable& Int8Tiles();

/// The weight at a place of each word, as a number; in kInt8 times 2^24, which the scales undo: so
/// the upper byte needs no shift down.
template <WeightType kType, int kPlace>
HWY_INLINE VF WeightOf(VF word) {
  const DF d;
  const hn::RebindToSigned<DF> di;
  if constexpr (kType == WeightType::kFloat32) {
    return word;
  } else if constexpr (kType == WeightType::kBFloat16) {
    const auto bits = hn::BitCast(di, word);
    if constexpr (kPlace == 0) {
      return hn::BitCast(d, hn::ShiftLeft<16>(bits));
    } else {
      return hn::BitCast(d, hn::And(bits, hn::Set(di, static_cast<std::int32_t>(0xFFFF0000))));
    }
  } else {
    auto bits = hn::BitCast(di, word);
    if constexpr (kPlace < 3) bits = hn::ShiftLeft<24 - 8 * kPlace>(bits);
    if constexpr (kPlace > 0) {
      bits = hn::And(bits, hn::Set(di, static_cast<std::int32_t>(0xFF000000)));
    }
    return hn::ConvertTo(d, bits);
  }
}

/// Adds the products of the words' weights from kPlace on, of which the depth still has `left`.
template <WeightType kType, bool kInterleaved, int kPlace, int kRows, int kAll>
HWY_INLINE void AddProducts(const VF (&words)[kAll], const float* HWY_RESTRICT x,
                            std::int64_t x_stride, int left, VF (&sum)[kRows][kAll]) {
  if constexpr (kPlace < PerWord(kType)) {
    if (kPlace >= left) return;
    const DF d;
    VF weight[kAll];
    HWY_UNROLL(16)
    for (int b = 0; b < kAll; ++b) weight[b] = WeightOf<kType, kPlace>(words[b]);
    HWY_UNROLL(16)
    for (int r = 0; r < kRows; ++r) {
      const VF number = hn::Set(d, x[kInterleaved ? r : r * x_stride]);
      HWY_UNROLL(16)
      for (int b = 0; b < kAll; ++b) sum[r][b] = hn::MulAdd(number, weight[b], sum[r][b]);
    }
    AddProducts<kType, kInterleaved, kPlace + 1>(words, x + (kInterleaved ? kRows : 1), x_stride,
                                                 left, sum);
  }
}

template <int kRows, int kAll, int kLocality>
HWY_INLINE void AskForResults(Rows<float> out, const Block* blocks) {
  HWY_UNROLL(16)
  for (int b = 0; b < kAll; ++b) {
    HWY_UNROLL(16)
    for (int r = 0; r < kRows; ++r) {
      __builtin_prefetch(out(r) + blocks[b].column, /*rw=*/1, kLocality);
    }
  }
}

/// The tile that begins with a panel. x is row by row, or interleaved: [depth][kRows].
template <WeightType kType, bool kInterleaved, int kRows, int kBlocks, int kPanels>
HWY_INLINE void TileFrom(const TileArgs& o, std::int64_t panel) {
  const DF d;
  constexpr int kAll = kBlocks * kPanels;
  constexpr int kPerWord = static_cast<int>(PerWord(kType));
  const float* HWY_RESTRICT w = o.weights + panel * o.panel_stride;
  const Block* const blocks = o.blocks + panel * kBlocks;
  [[maybe_unused]] const float* const scales = o.scales + panel * kBlocks * kLanes;
  const float* HWY_RESTRICT x = o.x;
  const std::int64_t x_stride = o.x_stride;
  VF sum[kRows][kAll];
  HWY_UNROLL(16)
  for (int r = 0; r < kRows; ++r) {
    HWY_UNROLL(16)
    for (int b = 0; b < kAll; ++b) sum[r][b] = hn::Zero(d);
  }
  const std::int64_t word_stride = o.word_stride;
  const std::int64_t panel_stride = o.panel_stride;
  const float* prefetch = o.prefetch;
  // The results may be far away: asked for at the beginning, and to the first level, where they
  // would not outlive the weights of a deep tile, again before they are needed.
  if constexpr (kRows > 1) AskForResults<kRows, kAll, /*kLocality=*/2>(o.out, blocks);
  const auto add_word = [&](int left) HWY_ATTR {
    VF words[kAll];
    HWY_UNROLL(16)
    for (int b = 0; b < kAll; ++b) {
      words[b] = hn::LoadU(d, w + b / kBlocks * panel_stride + b % kBlocks * kLanes);
    }
    w += word_stride;
    if constexpr (kRows > 1) {
      __builtin_prefetch(prefetch, /*rw=*/0, /*locality=*/2);
      prefetch += o.prefetch_step;
    }
    AddProducts<kType, kInterleaved, 0>(words, x, x_stride, left, sum);
    x += kInterleaved ? kRows * kPerWord : kPerWord;
  };
  std::int64_t left = o.depth;
  if constexpr (!kInterleaved && kRows > 1) {
    const float* next_x = o.next_x;
    for (; next_x != nullptr && left >= kCacheLine; left -= kCacheLine, next_x += kCacheLine) {
      HWY_UNROLL(16)
      for (int r = 0; r < kRows; ++r) {
        __builtin_prefetch(next_x + r * x_stride, /*rw=*/0, /*locality=*/3);
      }
      for (int word = 0; word < kCacheLine / kPerWord; ++word) add_word(kPerWord);
    }
  }
  if constexpr (kRows > 1) {
    constexpr int kLast = 32;
    for (; left >= kPerWord + kLast; left -= kPerWord) add_word(kPerWord);
    AskForResults<kRows, kAll, /*kLocality=*/3>(o.out, blocks);
  }
  for (; left >= kPerWord; left -= kPerWord) add_word(kPerWord);
  // The last word has places beyond the depth, where x may end.
  if (kPerWord > 1 && left > 0) add_word(static_cast<int>(left));
  // Added at the end, so that a long sum is one of short ones and rounds less.
  const auto finish = [&](const auto& load, const auto& store) HWY_ATTR {
    HWY_UNROLL(16)
    for (int b = 0; b < kAll; ++b) {
      const Block block = blocks[b];
      float* out = o.out(0) + block.column;
      const auto plus = [&](VF products, VF before) HWY_ATTR {
        if constexpr (kType == WeightType::kInt8) {
          return hn::MulAdd(products, hn::LoadU(d, scales + b * kLanes), before);
        } else {
          return hn::Add(products, before);
        }
      };
      if (o.add) {
        HWY_UNROLL(16)
        for (int r = 0; r < kRows; ++r) {
          store(plus(sum[r][b], load(out + r * o.out.stride, block.count)), out + r * o.out.stride,
                block.count);
        }
      } else {
        const VF bias = o.bias == nullptr ? hn::Zero(d) : load(o.bias + block.column, block.count);
        HWY_UNROLL(16)
        for (int r = 0; r < kRows; ++r) {
          store(plus(sum[r][b], bias), out + r * o.out.stride, block.count);
        }
      }
    }
  };
  if (o.whole) {
    finish([&](const float* p, std::int64_t) HWY_ATTR { return hn::LoadU(d, p); },
           [&](VF v, float* p, std::int64_t) HWY_ATTR { hn::StoreU(v, d, p); });
  } else {
    finish(LoadFirst, StoreFirst);
  }
}

template <WeightType kType, bool kInterleaved, int kRows, int kBlocks, int kPanels>
HWY_NOINLINE void Tile(const TileArgs& o) {
  std::int64_t panel = 0;
  do {
    TileFrom<kType, kInterleaved, kRows, kBlocks, kPanels>(o, panel);
    panel += kPanels;
  } while (kRows == 1 && panel < o.panels);
}

/// Nothing of shapes that neither packing needs; what is interleaved is always packed for many
/// rows.
template <WeightType kType, bool kInterleaved, int kRows, int kBlocks>
constexpr TileFunction TileOf() {
  if constexpr (kBlocks <= kTile.blocks || (!kInterleaved && kRows <= kTileOfFew.rows)) {
    return &Tile<kType, kInterleaved, kRows, kBlocks, 1>;
  } else {
    return nullptr;
  }
}

template <WeightType kType, bool kInterleaved, int kBlocks, int... kRows>
constexpr std::array<TileFunction, sizeof...(kRows)> TilesOfBlocks(
    std::integer_sequence<int, kRows...> /*rows*/) {
  return {TileOf<kType, kInterleaved, kRows + 1, kBlocks>()...};
}

template <WeightType kType, bool kInterleaved, int... kBlocks>
constexpr std::array<std::array<TileFunction, kMaxRows>, sizeof...(kBlocks)> AllTiles(
    std::integer_sequence<int, kBlocks...> /*blocks*/) {
  return {TilesOfBlocks<kType, kInterleaved, kBlocks + 1>(
      std::make_integer_sequence<int, kMaxRows>())...};
}

template <WeightType kType, bool kInterleaved>
constexpr TileTable MakeTileTable() {
  TileTable table{
      .one = AllTiles<kType, kInterleaved>(std::make_integer_sequence<int, kMaxBlocks>()),
      .several = {}};
  if constexpr (!kInterleaved) table.several[0] = &Tile<kType, false, 1, kTileOfFew.blocks, 2>;
  if constexpr (!kInterleaved && kType == WeightType::kFloat32) {
    table.several[1] = &Tile<kType, false, 1, kTileOfFew.blocks, 3>;
    table.several[2] = &Tile<kType, false, 1, kTileOfFew.blocks, 4>;
  }
  return table;
}

}  // namespace HWY_NAMESPACE
}  // namespace riverrun::kernels
HWY_AFTER_NAMESPACE();

#endif  // RIVERRUN_KERNELS_PRODUCT_TILE_INL_H_
