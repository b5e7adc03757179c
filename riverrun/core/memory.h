#pragma once

#include <cstddef>
#include <memory>

namespace riverrun {

// AddressSanitizer is to see it when memory is used after it was given back.
#if defined(__SANITIZE_ADDRESS__)
inline constexpr bool kKeepsMemory = false;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
inline constexpr bool kKeepsMemory = false;
#else
inline constexpr bool kKeepsMemory = true;
#endif
#else
inline constexpr bool kKeepsMemory = true;
#endif

/// Gives back what allocate_memory gave, or lets go of what was borrowed.
struct GiveBack {
  std::size_t capacity = 0;                      // in floats
  std::shared_ptr<const void> lender = nullptr;  // of borrowed memory
  void operator()(float* data) const noexcept;
};
using Memory = std::unique_ptr<float[], GiveBack>;

/// So many floats behind those that were asked for may be read, whatever they are: a product may
/// load a vector whole that begins at the last number of a matrix (kernels::Weights::row_stride).
inline constexpr std::size_t kReadableBehind = 16;

/// Memory for tensors: at least so many floats, uninitialized, aligned to 64 bytes. What is larger
/// than 16 KiB and was given back lately is handed out again, because what comes from the system
/// is cleared first, page by page: a tenth of the time of a small network's forward pass. Throws
/// std::bad_alloc.
[[nodiscard]] Memory allocate_memory(std::size_t floats);

/// Memory of somebody else, which is kept as long as `lender` is held. Nothing behind it is read.
[[nodiscard]] Memory borrow_memory(float* data, std::size_t floats,
                                   std::shared_ptr<const void> lender);

/// How much of what is given back is kept for that, by all threads together: by default 32 MiB, and
/// up to as much as is in use, weights and gradients included, where that is more.
inline constexpr std::size_t kDefaultKeptMemory = std::size_t{1} << 25;
/// Any other number is the most that is kept: 0 keeps nothing. What is beyond it goes to the
/// system.
void set_kept_memory(std::size_t bytes) noexcept;

}  // namespace riverrun
