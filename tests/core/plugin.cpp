// A plug-in that uses threads and tensors' memory, for process_test.cpp.

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "riverrun/core/memory.h"
#include "riverrun/core/threads.h"

extern "C" __attribute__((visibility("default"))) bool plugin_computes();

bool plugin_computes() {
  riverrun::set_num_threads(4);
  std::atomic<std::int64_t> sum{0};
  riverrun::parallel_for(100, [&](std::int64_t i) {
    const riverrun::Memory memory = riverrun::allocate_memory(std::size_t{1} << 14);
    memory[0] = static_cast<float>(i);
    sum += static_cast<std::int64_t>(memory[0]);
  });
  return sum == 4950;
}
