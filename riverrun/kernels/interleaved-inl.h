// The left operand of a transposed product, in the order in which tiles read it. Included once per
// target.

#if defined(RIVERRUN_KERNELS_INTERLEAVED_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef RIVERRUN_KERNELS_INTERLEAVED_INL_H_
#undef RIVERRUN_KERNELS_INTERLEAVED_INL_H_
#else
#define RIVERRUN_KERNELS_INTERLEAVED_INL_H_
#endif

#include <algorithm>
#include <array>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "hwy/highway.h"

#include "riverrun/kernels/product-inl.h"

HWY_BEFORE_NAMESPACE();
namespace riverrun::kernels {
namespace HWY_NAMESPACE {

// So many rows of a transposed operand are interleaved at once: with a piece of the depth, a
// quarter of the second-level cache.
constexpr std::int64_t kTransposedRows = 128;

/// Some rows and some depth of a transposed matrix x [depth, rows], of which a tile would read a
/// few numbers here and there: tile by tile, [tile][depth][row].
class Interleaved {
 public:
  /// Adds to sums[rows], unless it is nullptr. Beside the rows, `readable` numbers of each row of x
  /// may be read.
  Interleaved(Rows<const float> x, std::int64_t rows, std::int64_t depth, std::int64_t readable,
              float* sums)
      // Tiles a power of two apart would meet in a few sets of the cache.
      : stride_(depth * kTile.rows + kCacheLine) {
    const EvenParts tiles = TilesOf(kTile, rows);
    const std::int64_t count = tiles.count;
    std::array<std::int64_t, (kTransposedRows + kTile.rows - 1) / kTile.rows + 1> begins;
    assert(rows <= kTransposedRows);
    for (std::int64_t tile = 0; tile <= count; ++tile) begins[tile] = tiles.begin(tile);
    // Copies have a length that the compiler knows. What is too much lies where the tile's next
    // depth will be; only where it would be read beyond x, at the end, the length is the true one.
    std::int64_t whole = count;
    while (whole > 0 && begins[whole - 1] + kCopied > rows + readable) --whole;
    float* const buffer = Buffer(static_cast<std::size_t>(count * stride_));
    data_ = buffer;
    for (std::int64_t k = 0; k < depth; ++k) {
      const float* HWY_RESTRICT from = x(k);
      float* HWY_RESTRICT to = buffer;
      // Some lines of each row, which nothing else asks for.
      const float* const ahead = x(std::min(k + kAhead, depth - 1));
      for (std::int64_t row = 0; row < rows; row += kCacheLine) {
        __builtin_prefetch(ahead + row, /*rw=*/0, /*locality=*/3);
      }
      std::int64_t tile = 0;
      for (; tile < whole; ++tile, to += stride_) {
        const std::int64_t height = begins[tile + 1] - begins[tile];
        std::memcpy(to + k * height, from + begins[tile], kCopied * sizeof(float));
      }
      for (; tile < count; ++tile, to += stride_) {
        const std::int64_t height = begins[tile + 1] - begins[tile];
        std::copy_n(from + begins[tile], height, to + k * height);
      }
      if (sums == nullptr) continue;
      for (std::int64_t row = 0; row < rows; row += kLanes) {
        const std::int64_t left = rows - row;
        StoreFirst(hn::Add(LoadFirst(sums + row, left), LoadFirst(from + row, left)), sums + row,
                   left);
      }
    }
  }

  [[nodiscard]] const float* tile(std::int64_t number) const { return data_ + number * stride_; }

 private:
  static constexpr std::int64_t kCopied = 8;
  static constexpr std::int64_t kAhead = 8;
  static_assert(kTile.rows <= kCopied && kCopied - 1 <= kCacheLine);

  // The thread's own, uninitialized. Not a vector: a static object may compute in its destructor,
  // when the main thread's have been destroyed; then this one is made anew.
  static float* Buffer(std::size_t size) {
    static thread_local float* data = nullptr;
    static thread_local std::size_t capacity = 0;
    struct AtEndOfThread {
      ~AtEndOfThread() {
        delete[] data;
        data = nullptr;
        capacity = 0;
      }
    };
    static thread_local AtEndOfThread at_end;
    (void)at_end;
    if (capacity < size) {
      delete[] data;
      data = nullptr;
      capacity = 0;
      data = new float[size];
      capacity = size;
    }
    return data;
  }

  std::int64_t stride_;
  const float* data_;
};

}  // namespace HWY_NAMESPACE
}  // namespace riverrun::kernels
HWY_AFTER_NAMESPACE();

#endif  // RIVERRUN_KERNELS_INTERLEAVED_INL_H_
