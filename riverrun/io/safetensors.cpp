#include "riverrun/io/safetensors.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "riverrun/io/safetensors_header.h"

namespace riverrun::io {
namespace {

static_assert(std::endian::native == std::endian::little, "safetensors data is little-endian");

struct DTypeInfo {
  std::string_view name;
  std::int64_t size;
};
// In the order of DType.
constexpr std::array<DTypeInfo, 15> kDTypes = {{{"BOOL", 1},
                                                {"U8", 1},
                                                {"I8", 1},
                                                {"F8_E5M2", 1},
                                                {"F8_E4M3", 1},
                                                {"I16", 2},
                                                {"U16", 2},
                                                {"F16", 2},
                                                {"BF16", 2},
                                                {"I32", 4},
                                                {"U32", 4},
                                                {"F32", 4},
                                                {"F64", 8},
                                                {"I64", 8},
                                                {"U64", 8}}};

struct Half {
  std::uint16_t bits;
  explicit operator float() const {
    std::uint32_t sign = static_cast<std::uint32_t>(bits >> 15) << 31;
    std::uint32_t exponent = (bits >> 10) & 31u;
    std::uint32_t fraction = bits & 1023u;
    if (exponent == 0) {  // zero and the subnormals, which are normal as float32
      float magnitude = static_cast<float>(fraction) * 0x1p-24f;
      return std::bit_cast<float>(sign | std::bit_cast<std::uint32_t>(magnitude));
    }
    std::uint32_t wide = exponent == 31 ? 255 : exponent + (127 - 15);
    return std::bit_cast<float>(sign | (wide << 23) | (fraction << 13));
  }
};

struct BFloat16 {
  std::uint16_t bits;
  explicit operator float() const {
    return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
  }
};

using Bytes = std::span<const std::byte>;

// Calls `use(i, value)` for each element. The data may stand at any address.
template <class Stored, class Use>
void for_each_element(Bytes bytes, Use use) {
  for (std::size_t i = 0; i < bytes.size() / sizeof(Stored); ++i) {
    Stored value;
    std::memcpy(&value, bytes.data() + i * sizeof(Stored), sizeof(Stored));
    use(i, value);
  }
}

// As above; false if the type is not one of floating-point numbers.
template <class Use>
bool for_each_float(DType dtype, Bytes bytes, Use use) {
  switch (dtype) {
    case DType::kF16:
      for_each_element<Half>(bytes, [&](std::size_t i, Half x) { use(i, static_cast<float>(x)); });
      return true;
    case DType::kBF16:
      for_each_element<BFloat16>(bytes,
                                 [&](std::size_t i, BFloat16 x) { use(i, static_cast<float>(x)); });
      return true;
    case DType::kF32:
      for_each_element<float>(bytes, use);
      return true;
    case DType::kF64:
      for_each_element<double>(bytes, use);
      return true;
    default:
      return false;
  }
}

// As above, for integers.
template <class Use>
bool for_each_integer(DType dtype, Bytes bytes, Use use) {
  switch (dtype) {
    case DType::kU8:
      for_each_element<std::uint8_t>(bytes, use);
      return true;
    case DType::kI8:
      for_each_element<std::int8_t>(bytes, use);
      return true;
    case DType::kI16:
      for_each_element<std::int16_t>(bytes, use);
      return true;
    case DType::kU16:
      for_each_element<std::uint16_t>(bytes, use);
      return true;
    case DType::kI32:
      for_each_element<std::int32_t>(bytes, use);
      return true;
    case DType::kU32:
      for_each_element<std::uint32_t>(bytes, use);
      return true;
    case DType::kI64:
      for_each_element<std::int64_t>(bytes, use);
      return true;
    case DType::kU64:
      for_each_element<std::uint64_t>(bytes, use);
      return true;
    default:
      return false;
  }
}

std::string wrong_type(const TensorInfo& tensor, std::string_view wanted) {
  return fmt::format("tensor {} is of type {}; it must be of {}", detail::printable(tensor.name),
                     dtype_name(tensor.dtype), wanted);
}

std::size_t elements(const TensorInfo& tensor) {
  return static_cast<std::size_t>(tensor.size) / static_cast<std::size_t>(dtype_size(tensor.dtype));
}

// Whether a header can have the length that the first bytes announce.
void check_header_size(std::uint64_t size, std::uint64_t file_size, const std::string& path) {
  if (size > detail::kMaxHeaderSize) {
    throw FormatError(path, 0,
                      fmt::format("the header is said to have {} bytes; at most {} are allowed (is "
                                  "it a safetensors file?)",
                                  size, detail::kMaxHeaderSize));
  }
  if (size > file_size - detail::kLengthSize) {
    throw FormatError(path, 0,
                      fmt::format("the header is said to have {} bytes, but {} follow; the file is "
                                  "incomplete or no safetensors file",
                                  size, file_size - detail::kLengthSize));
  }
}

// Throws unless the entry's offsets are as far apart as its type and shape say.
void check_size(const detail::HeaderEntry& entry, const std::string& path) {
  auto size = static_cast<std::uint64_t>(dtype_size(entry.dtype));
  for (std::int64_t extent : entry.shape) {
    if (__builtin_mul_overflow(size, static_cast<std::uint64_t>(extent), &size)) {
      throw FormatError(path, entry.offset,
                        fmt::format("tensor {}: {} of shape [{}] is beyond all bounds",
                                    detail::printable(entry.name), dtype_name(entry.dtype),
                                    fmt::join(entry.shape, ", ")));
    }
  }
  if (entry.end < entry.begin || entry.end - entry.begin != size) {
    throw FormatError(
        path, entry.offset,
        fmt::format("tensor {}: data_offsets are [{}, {}]; {} of shape [{}] takes {} bytes",
                    detail::printable(entry.name), entry.begin, entry.end, dtype_name(entry.dtype),
                    fmt::join(entry.shape, ", "), size));
  }
}

// Throws unless the entries, sorted by their offsets, cover [0, data_size).
void check_coverage(const std::vector<detail::HeaderEntry>& entries, std::uint64_t data_size,
                    std::uint64_t data_begin, const std::string& path) {
  std::uint64_t covered = 0;
  for (const detail::HeaderEntry& entry : entries) {
    if (entry.begin != covered) {
      throw FormatError(
          path, entry.offset,
          fmt::format("tensor {} begins at {}, where the tensors before it end at {}; there must "
                      "be no holes or overlaps",
                      detail::printable(entry.name), entry.begin, covered));
    }
    covered = entry.end;
  }
  if (covered != data_size) {
    throw FormatError(
        path, data_begin + std::min(covered, data_size),
        fmt::format("the tensors take {} bytes, but {} follow the header{}", covered, data_size,
                    covered > data_size ? "; the file is incomplete" : ""));
  }
}

}  // namespace

std::string_view dtype_name(DType dtype) noexcept {
  return kDTypes[static_cast<std::size_t>(dtype)].name;
}

std::int64_t dtype_size(DType dtype) noexcept {
  return kDTypes[static_cast<std::size_t>(dtype)].size;
}

std::string TensorInfo::shape_string() const { return fmt::format("[{}]", fmt::join(shape, ", ")); }
std::string TensorView::shape_string() const { return fmt::format("[{}]", fmt::join(shape, ", ")); }

SafetensorsFile::SafetensorsFile(const std::filesystem::path& path) : SafetensorsFile(File(path)) {}

SafetensorsFile::SafetensorsFile(File file) : path_(file.path()), file_(std::move(file)) {
  read_header(file_->size());
}

SafetensorsFile::SafetensorsFile(std::span<const std::byte> bytes, std::string path)
    : path_(std::move(path)), memory_(bytes) {
  read_header(bytes.size());
}

void SafetensorsFile::read(std::uint64_t offset, std::span<std::byte> out) const {
  if (file_) return file_->read(offset, out);
  std::copy_n(memory_.begin() + static_cast<std::ptrdiff_t>(offset), out.size(), out.begin());
}

std::vector<std::byte> SafetensorsFile::read(const TensorInfo& tensor) const {
  std::vector<std::byte> bytes(static_cast<std::size_t>(tensor.size));
  read(tensor.offset, bytes);
  return bytes;
}

void SafetensorsFile::read_header(std::uint64_t file_size) {
  std::uint64_t size = 0;
  if (file_size < sizeof(size)) {
    throw FormatError(path_, file_size,
                      "the file ends before its header; it is no safetensors file or incomplete");
  }
  read(0, std::as_writable_bytes(std::span(&size, 1)));
  check_header_size(size, file_size, path_);
  std::string text(static_cast<std::size_t>(size), '\0');
  read(detail::kLengthSize, std::as_writable_bytes(std::span(text)));
  const std::uint64_t data_begin = detail::kLengthSize + size;
  detail::Header header = detail::parse_header(text, path_);
  metadata_ = std::move(header.metadata);

  auto& entries = header.entries;
  for (const detail::HeaderEntry& entry : entries) check_size(entry, path_);
  std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  check_coverage(entries, file_size - data_begin, data_begin, path_);

  std::sort(entries.begin(), entries.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  tensors_.reserve(entries.size());
  for (detail::HeaderEntry& entry : entries) {
    if (!tensors_.empty() && tensors_.back().name == entry.name) {
      throw FormatError(path_, entry.offset,
                        fmt::format("tensor {} occurs twice", detail::printable(entry.name)));
    }
    tensors_.push_back({.name = std::move(entry.name),
                        .dtype = entry.dtype,
                        .shape = std::move(entry.shape),
                        .offset = data_begin + entry.begin,
                        .size = entry.end - entry.begin});
  }
}

const TensorInfo* SafetensorsFile::find(std::string_view name) const noexcept {
  auto found = std::lower_bound(
      tensors_.begin(), tensors_.end(), name,
      [](const TensorInfo& tensor, std::string_view wanted) { return tensor.name < wanted; });
  return found != tensors_.end() && found->name == name ? &*found : nullptr;
}

const TensorInfo& SafetensorsFile::at(std::string_view name) const {
  if (const TensorInfo* tensor = find(name)) return *tensor;
  throw FormatError(path_, detail::kLengthSize,
                    fmt::format("there is no tensor {}", detail::printable(name)));
}

Tensor SafetensorsFile::tensor(std::string_view name) const {
  const TensorInfo& stored = at(name);
  if (stored.shape.size() > Shape::kMaxRank) {
    throw error(stored,
                fmt::format("tensor {} has shape {}; at most {} dimensions are supported",
                            detail::printable(name), stored.shape_string(), Shape::kMaxRank));
  }
  Tensor result = Tensor::uninitialized(Shape(stored.shape));
  float* out = result.data();
  if (stored.dtype == DType::kF32) {
    read(stored.offset, std::as_writable_bytes(result.values()));
    return result;
  }
  bool floating = for_each_float(stored.dtype, read(stored), [&](std::size_t i, auto value) {
    if (std::isfinite(value) && std::abs(value) > std::numeric_limits<float>::max()) {
      throw error(stored, fmt::format("tensor {}: element {} is {}, too large for a float32",
                                      detail::printable(name), i, value));
    }
    out[i] = static_cast<float>(value);
  });
  if (!floating) throw error(stored, wrong_type(stored, "F16, BF16, F32 or F64"));
  return result;
}

std::vector<double> SafetensorsFile::doubles(std::string_view name) const {
  const TensorInfo& stored = at(name);
  std::vector<double> result(elements(stored));
  if (!for_each_float(stored.dtype, read(stored),
                      [&](std::size_t i, auto value) { result[i] = value; })) {
    throw error(stored, wrong_type(stored, "F16, BF16, F32 or F64"));
  }
  return result;
}

std::vector<std::int64_t> SafetensorsFile::integers(std::string_view name) const {
  const TensorInfo& stored = at(name);
  std::vector<std::int64_t> result(elements(stored));
  bool integer = for_each_integer(stored.dtype, read(stored), [&](std::size_t i, auto value) {
    if (!std::in_range<std::int64_t>(value)) {
      throw error(stored, fmt::format("tensor {}: element {} is {}, too large for 63 bits",
                                      detail::printable(name), i, value));
    }
    // NOLINTNEXTLINE(bugprone-signed-char-misuse): I8 is a number, not a character
    result[i] = static_cast<std::int64_t>(value);
  });
  if (!integer) throw error(stored, wrong_type(stored, "an integer type"));
  return result;
}

std::vector<std::uint64_t> SafetensorsFile::unsigned_integers(std::string_view name) const {
  const TensorInfo& stored = at(name);
  if (stored.dtype != DType::kU64) throw error(stored, wrong_type(stored, "U64"));
  std::vector<std::uint64_t> result(elements(stored));
  for_each_element<std::uint64_t>(read(stored),
                                  [&](std::size_t i, std::uint64_t value) { result[i] = value; });
  return result;
}

std::vector<std::byte> SafetensorsFile::bytes(std::string_view name) const {
  return read(at(name));
}

FormatError SafetensorsFile::error(const TensorInfo& tensor, const std::string& what) const {
  return {path_, tensor.offset, what};
}

}  // namespace riverrun::io
