#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>

#if defined(__SSE__)
#include <immintrin.h>
#endif

// Internal to riverrun/fixed: vectors of floats, as GCC and Clang both know them. Their arithmetic
// is ordinary arithmetic, so that the compiler schedules it; nothing is left to its vectoriser,
// which at -O2 does little or nothing, differently from version to version.

namespace riverrun::fixed {

/// The instructions that code is made for. A class of this room has them in its type, so that
/// files compiled with different -march cannot be linked into one program that crashes.
template <int kLanes, bool kFma>
struct Target {
  static constexpr int kMaxLanes = kLanes;
};

/// Those of the file that is being compiled: -march=x86-64-v3 gives 8 lanes, -march=native what
/// the machine has, and nothing said the 4 lanes of any x86-64 or arm64.
#if defined(__AVX512F__)
using NativeTarget = Target<16, true>;
#elif defined(__AVX__) && defined(__FMA__)
using NativeTarget = Target<8, true>;
#elif defined(__AVX__)
using NativeTarget = Target<8, false>;
#elif defined(__FMA__) || defined(__ARM_FEATURE_FMA)
using NativeTarget = Target<4, true>;
#else
using NativeTarget = Target<4, false>;
#endif

#define RIVERRUN_FIXED_INLINE inline __attribute__((always_inline))
#define RIVERRUN_FIXED_INLINE_LAMBDA __attribute__((always_inline))

namespace detail {

template <int kLanes>
struct VectorTypes {
  using Floats [[gnu::vector_size(kLanes * sizeof(float))]] = float;
  using Ints [[gnu::vector_size(kLanes * sizeof(float))]] = std::int32_t;
  using Unsigned [[gnu::vector_size(kLanes * sizeof(float))]] = std::uint32_t;
};

/// F below is always one of these.
template <int kLanes>
using Floats = typename VectorTypes<kLanes>::Floats;

template <class F>
inline constexpr int kLanesOf = static_cast<int>(sizeof(F) / sizeof(float));
template <class F>
using IntsOf = typename VectorTypes<kLanesOf<F>>::Ints;

/// As few lanes as hold `size` numbers, at least 4 and at most what the target has.
template <class Target>
[[nodiscard]] constexpr int lanes_for(int size) {
  return std::clamp(static_cast<int>(std::bit_ceil(static_cast<unsigned>(size))), 4,
                    Target::kMaxLanes);
}

template <class F>
[[nodiscard]] RIVERRUN_FIXED_INLINE F load(const float* from) {
  F x;
  std::memcpy(&x, from, sizeof(F));
  return x;
}

template <class F>
RIVERRUN_FIXED_INLINE void store(const F& x, float* to) {
  std::memcpy(to, &x, sizeof(F));
}

/// memmove, which the compilers would call rather than do.
template <class F, int kCount>
RIVERRUN_FIXED_INLINE void copy(const float* from, float* to) {
  constexpr int kWhole = kCount / kLanesOf<F> * kLanesOf<F>;
  for (int i = 0; i < kWhole; i += kLanesOf<F>) store(load<F>(from + i), to + i);
  for (int i = kWhole; i < kCount; ++i) to[i] = from[i];
}

template <class F>
[[nodiscard]] RIVERRUN_FIXED_INLINE F broadcast(float x) {
  return x - F{};  // x + 0 would make 0 of -0, and is therefore not left out
}

/// a·b + c; one instruction where there is one: both compilers fuse what stands in one expression.
template <class F>
[[nodiscard]] RIVERRUN_FIXED_INLINE F mul_add(F a, F b, F c) {
  return a * b + c;
}
/// c - a·b
template <class F>
[[nodiscard]] RIVERRUN_FIXED_INLINE F neg_mul_add(F a, F b, F c) {
  return c - a * b;
}

template <class F>
[[nodiscard]] RIVERRUN_FIXED_INLINE IntsOf<F> bits(F x) {
  return (IntsOf<F>)x;
}
template <class F>
[[nodiscard]] RIVERRUN_FIXED_INLINE F from_bits(IntsOf<F> x) {
  return (F)x;
}

/// What no operator says. The second operand of min and max is the result if either is NaN, as x86
/// has it; there they are intrinsics, because g++ 12 does not see through a comparison with a
/// constant, nor take the roots of a vector together. (maskz: GCC bug 105593 warns of the others.)
template <int kLanes>
struct Operations {
  using F = Floats<kLanes>;
  static RIVERRUN_FIXED_INLINE F max(F a, F b) { return a > b ? a : b; }
  static RIVERRUN_FIXED_INLINE F min(F a, F b) { return a < b ? a : b; }
  static RIVERRUN_FIXED_INLINE F sqrt(F x) {
    for (int i = 0; i < kLanes; ++i) x[i] = std::sqrt(x[i]);
    return x;
  }
  static RIVERRUN_FIXED_INLINE bool any(IntsOf<F> x) {
    std::int32_t all = 0;
    for (int i = 0; i < kLanes; ++i) all |= x[i];
    return all != 0;
  }
};
#if defined(__SSE__)
template <>
struct Operations<4> {
  using F = Floats<4>;
  static RIVERRUN_FIXED_INLINE F max(F a, F b) { return (F)_mm_max_ps((__m128)a, (__m128)b); }
  static RIVERRUN_FIXED_INLINE F min(F a, F b) { return (F)_mm_min_ps((__m128)a, (__m128)b); }
  static RIVERRUN_FIXED_INLINE F sqrt(F x) { return (F)_mm_sqrt_ps((__m128)x); }
  static RIVERRUN_FIXED_INLINE bool any(IntsOf<F> x) { return _mm_movemask_ps((__m128)x) != 0; }
};
#endif
#if defined(__AVX__)
template <>
struct Operations<8> {
  using F = Floats<8>;
  static RIVERRUN_FIXED_INLINE F max(F a, F b) { return (F)_mm256_max_ps((__m256)a, (__m256)b); }
  static RIVERRUN_FIXED_INLINE F min(F a, F b) { return (F)_mm256_min_ps((__m256)a, (__m256)b); }
  static RIVERRUN_FIXED_INLINE F sqrt(F x) { return (F)_mm256_sqrt_ps((__m256)x); }
  static RIVERRUN_FIXED_INLINE bool any(IntsOf<F> x) { return _mm256_movemask_ps((__m256)x) != 0; }
};
#endif
#if defined(__AVX512F__)
template <>
struct Operations<16> {
  using F = Floats<16>;
  static constexpr __mmask16 kAll = 0xFFFF;
  static RIVERRUN_FIXED_INLINE F max(F a, F b) {
    return (F)_mm512_maskz_max_ps(kAll, (__m512)a, (__m512)b);
  }
  static RIVERRUN_FIXED_INLINE F min(F a, F b) {
    return (F)_mm512_maskz_min_ps(kAll, (__m512)a, (__m512)b);
  }
  static RIVERRUN_FIXED_INLINE F sqrt(F x) { return (F)_mm512_maskz_sqrt_ps(kAll, (__m512)x); }
  static RIVERRUN_FIXED_INLINE bool any(IntsOf<F> x) {
    return _mm512_test_epi32_mask((__m512i)x, (__m512i)x) != 0;
  }
};
#endif

/// a > b ? a : b
template <class F>
[[nodiscard]] RIVERRUN_FIXED_INLINE F max(F a, F b) {
  return Operations<kLanesOf<F>>::max(a, b);
}
/// a < b ? a : b
template <class F>
[[nodiscard]] RIVERRUN_FIXED_INLINE F min(F a, F b) {
  return Operations<kLanesOf<F>>::min(a, b);
}
template <class F>
[[nodiscard]] RIVERRUN_FIXED_INLINE F sqrt(F x) {
  return Operations<kLanesOf<F>>::sqrt(x);
}
/// Whether a comparison holds for any element.
template <class F>
[[nodiscard]] RIVERRUN_FIXED_INLINE bool any(IntsOf<F> x) {
  return Operations<kLanesOf<F>>::any(x);
}

}  // namespace detail
}  // namespace riverrun::fixed
