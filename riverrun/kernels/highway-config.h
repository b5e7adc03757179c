// Included before any other Highway header by every translation unit that uses Highway: chooses
// the instruction sets for which kernels are compiled. Each costs a copy of every kernel, so the
// ones that would bring float32 next to nothing over a neighbour are left out:
//
//   x86-64   the compiler's baseline (SSE2 or portable code), SSE4, AVX2 with FMA, AVX-512
//   others   the machine's vectors of fixed size (NEON, …), or portable code

#pragma once

// The same baseline with every compiler: a user's own cell, made with clang++, finds its products
// in a library made with g++, in which Highway's emulated vectors are not to be relied on.
#define HWY_BROKEN_EMU128 1

// Its macros are expanded where they are used, so they may be redefined once the names of the
// targets that this version of Highway knows are there.
#include "hwy/detect_targets.h"

#ifdef HWY_AVX3_ZEN4
#define RIVERRUN_HWY_AVX3_ZEN4 HWY_AVX3_ZEN4
#else
#define RIVERRUN_HWY_AVX3_ZEN4 0
#endif
#ifdef HWY_AVX3_SPR
#define RIVERRUN_HWY_AVX3_SPR HWY_AVX3_SPR
#else
#define RIVERRUN_HWY_AVX3_SPR 0
#endif
#ifdef HWY_AVX10_2
#define RIVERRUN_HWY_AVX10_2 HWY_AVX10_2
#else
#define RIVERRUN_HWY_AVX10_2 0
#endif
// Later versions of Highway have two NEONs, which differ by the instructions for AES. The one
// without them runs everywhere, and is used whatever options a user's own cell is compiled with.
#ifdef HWY_NEON_WITHOUT_AES
#define RIVERRUN_HWY_NEON HWY_NEON
#else
#define RIVERRUN_HWY_NEON 0
#endif
#ifdef HWY_NEON_BF16
#define RIVERRUN_HWY_NEON_BF16 HWY_NEON_BF16
#else
#define RIVERRUN_HWY_NEON_BF16 0
#endif

// SVE and RVV: the kernels keep vectors in arrays, which those of unknown length cannot be.
#undef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS                                                                \
  (HWY_SSSE3 | HWY_AVX3_DL | RIVERRUN_HWY_AVX3_ZEN4 | RIVERRUN_HWY_AVX3_SPR |               \
   RIVERRUN_HWY_AVX10_2 | RIVERRUN_HWY_NEON | RIVERRUN_HWY_NEON_BF16 | HWY_SVE | HWY_SVE2 | \
   HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)
