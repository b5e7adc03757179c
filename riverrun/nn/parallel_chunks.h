#pragma once

#include <algorithm>
#include <cstdint>

#include "riverrun/core/threads.h"

namespace riverrun {

/// Elements in one piece of elementwise work: large enough to hide the cost of handing it to a
/// thread, small enough that its arrays stay in a first- or second-level cache.
inline constexpr std::int64_t kElementsPerChunk = 16384;

/// Calls `body(begin, end)` for consecutive pieces of [0, total), on all threads. The pieces depend
/// on the sizes alone, so sums made per piece do not depend on the number of threads.
template <class Body>
void parallel_chunks(std::int64_t total, std::int64_t chunk, Body&& body) {
  parallel_for((total + chunk - 1) / chunk, [&](std::int64_t index) {
    body(index * chunk, std::min(total, (index + 1) * chunk));
  });
}

}  // namespace riverrun
