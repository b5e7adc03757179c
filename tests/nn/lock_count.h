#pragma once

#include <cstddef>

namespace riverrun::test {

// This program replaces the functions that lock, to count.

/// How often a mutex or a lock for readers and writers has been locked, or a condition waited for.
[[nodiscard]] std::size_t locks();

/// False where a sanitizer has replaced the same functions: then locks() is always 0.
[[nodiscard]] bool counts_locks();

}  // namespace riverrun::test
