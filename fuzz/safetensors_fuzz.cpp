// Any bytes as a safetensors file: it is refused with a FormatError, or all of it can be read and
// lies within the bytes.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

#include "riverrun/core/error.h"
#include "riverrun/io/safetensors.h"

#include "tests/io/safetensors_bytes.h"

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);

namespace {

using namespace riverrun::io;

constexpr std::size_t kLengthSize = sizeof(std::uint64_t);

void require(bool condition) {
  if (!condition) std::abort();
}

template <class Read>
void try_reading(Read read) {
  try {
    read();
  } catch (const riverrun::FormatError&) {
    return;  // of another type, say
  }
}

void check(std::span<const std::byte> bytes) {
  SafetensorsFile file(bytes, "fuzzed");
  std::size_t total = 0;
  for (const TensorInfo& tensor : file.tensors()) {
    total += tensor.size;
    require(tensor.offset >= kLengthSize && tensor.offset <= bytes.size());
    require(tensor.size <= bytes.size() - tensor.offset);
    require(file.bytes(tensor.name).size() == tensor.size);
    require(file.find(tensor.name) == &tensor);
    try_reading([&] { (void)file.tensor(tensor.name); });
    try_reading([&] { (void)file.doubles(tensor.name); });
    try_reading([&] { (void)file.integers(tensor.name); });
    try_reading([&] { (void)file.unsigned_integers(tensor.name); });
  }
  require(total <= bytes.size() - kLengthSize);
}

// Where mutation begins: names, types, shapes, metadata and an escape.
const std::string& seed_file() {
  static const std::string file = safetensors_bytes(
      R"({"__metadata__":{"a":"b"},"x":{"dtype":"F64","shape":[1],"data_offsets":[0,8]},)"
      R"("\u00e9":{"dtype":"I64","shape":[0,3],"data_offsets":[8,8]},)"
      R"("h":{"dtype":"BF16","shape":[1,2,1],"data_offsets":[8,12]}})",
      std::string(12, '\x3c'));
  return file;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try_reading([&] { check(std::as_bytes(std::span(data, size))); });
  return 0;
}

// Without a valid file to begin with, and with a header's length that no longer fits, nearly every
// input would be refused within its first nine bytes.
extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t max_size, unsigned int seed) {
  if (size <= kLengthSize && seed_file().size() <= max_size) {
    size = seed_file().size();
    std::memcpy(data, seed_file().data(), size);
  }
  size = LLVMFuzzerMutate(data, size, max_size);
  constexpr unsigned int kLeaveLength = 8;  // in one of so many inputs
  if (size > kLengthSize && seed % kLeaveLength != 0) {
    std::string_view text(reinterpret_cast<const char*>(data), size);
    std::size_t end = text.rfind('}');
    if (end != std::string_view::npos && end >= kLengthSize) {
      std::uint64_t length = end + 1 - kLengthSize;
      std::memcpy(data, &length, sizeof(length));
    }
  }
  return size;
}
