// Any bytes as an IDX file: it is refused with a FormatError, or holds as many values as its
// extents say, which are the file's last bytes.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "riverrun/core/error.h"
#include "riverrun/tasks/idx.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  for (const int rank : {1, 3}) {
    try {
      const riverrun::tasks::IdxArray array =
          riverrun::tasks::parse_idx(std::as_bytes(std::span(data, size)), "fuzzed", rank);
      std::size_t product = 1;
      for (const std::int64_t extent : array.extents) product *= static_cast<std::size_t>(extent);
      if (product != array.values.size() || product >= size ||
          !std::equal(array.values.begin(), array.values.end(), data + size - product)) {
        std::abort();
      }
    } catch (const riverrun::FormatError&) {
      continue;
    }
  }
  return 0;
}
