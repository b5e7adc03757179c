#pragma once

#include <cstdint>

#include "riverrun/core/random.h"

namespace riverrun::kernels {

/// to[i] = 0 where the i-th next() of Random(start) is below `threshold`, from[i] · scale
/// elsewhere, for i in [0, n). One thread; the bits of an element depend on the position
/// start.drawn + i alone.
void dropout(const Random::State& start, std::uint32_t threshold, float scale, std::int64_t n,
             const float* from, float* to);

}  // namespace riverrun::kernels
