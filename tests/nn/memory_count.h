#pragma once

#include <cstddef>

namespace riverrun::test {

// This program replaces the operators new and delete, to count. Those with an alignment are what
// tensors allocate with.

/// How often anything has been allocated.
[[nodiscard]] std::size_t allocations();
/// How often a tensor has.
[[nodiscard]] std::size_t tensor_allocations();

/// What tensors hold now.
[[nodiscard]] std::size_t tensor_bytes();
/// The largest value of tensor_bytes() since the last reset.
[[nodiscard]] std::size_t peak_tensor_bytes();
void reset_peak_tensor_bytes();

}  // namespace riverrun::test
