#include "tests/nn/memory_count.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <new>

namespace {

std::atomic<std::size_t> all{0};
std::atomic<std::size_t> aligned{0};
std::atomic<std::size_t> bytes{0};
std::atomic<std::size_t> peak{0};

void* try_allocate(std::size_t size) noexcept {
  ++all;
  return std::malloc(std::max<std::size_t>(size, 1));
}

void* allocate(std::size_t size) {
  void* given = try_allocate(size);
  if (given == nullptr) throw std::bad_alloc();
  return given;
}

// Before what is handed out lie its size and the length of what lies before it.
void* allocate(std::size_t size, std::align_val_t alignment) {
  ++all;
  ++aligned;
  const std::size_t header = std::max<std::size_t>(64, static_cast<std::size_t>(alignment));
  const std::size_t length = (header + size + header - 1) / header * header;
  auto* memory = static_cast<unsigned char*>(std::aligned_alloc(header, length));
  if (memory == nullptr) throw std::bad_alloc();
  auto* given = memory + header;
  reinterpret_cast<std::size_t*>(given)[-1] = size;
  reinterpret_cast<std::size_t*>(given)[-2] = header;
  const std::size_t now = bytes += size;
  std::size_t before = peak;
  while (before < now && !peak.compare_exchange_weak(before, now)) {
  }
  return given;
}

void release(void* given) noexcept { std::free(given); }

void release_aligned(void* given) noexcept {
  if (given == nullptr) return;
  bytes -= reinterpret_cast<std::size_t*>(given)[-1];
  std::free(static_cast<unsigned char*>(given) - reinterpret_cast<std::size_t*>(given)[-2]);
}

}  // namespace

void* operator new(std::size_t size) { return allocate(size); }
void* operator new[](std::size_t size) { return allocate(size); }
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return try_allocate(size); }
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept {
  return try_allocate(size);
}
void* operator new(std::size_t size, std::align_val_t to) { return allocate(size, to); }
void* operator new[](std::size_t size, std::align_val_t to) { return allocate(size, to); }

void operator delete(void* p) noexcept { release(p); }
void operator delete[](void* p) noexcept { release(p); }
void operator delete(void* p, std::size_t) noexcept { release(p); }
void operator delete[](void* p, std::size_t) noexcept { release(p); }
void operator delete(void* p, const std::nothrow_t&) noexcept { release(p); }
void operator delete[](void* p, const std::nothrow_t&) noexcept { release(p); }
void operator delete(void* p, std::align_val_t) noexcept { release_aligned(p); }
void operator delete[](void* p, std::align_val_t) noexcept { release_aligned(p); }
void operator delete(void* p, std::size_t, std::align_val_t) noexcept { release_aligned(p); }
void operator delete[](void* p, std::size_t, std::align_val_t) noexcept { release_aligned(p); }

namespace riverrun::test {

std::size_t allocations() { return all; }
std::size_t tensor_allocations() { return aligned; }
std::size_t tensor_bytes() { return bytes; }
std::size_t peak_tensor_bytes() { return peak; }
void reset_peak_tensor_bytes() { peak = bytes.load(); }

}  // namespace riverrun::test
