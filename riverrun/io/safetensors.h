#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "riverrun/core/error.h"
#include "riverrun/core/file.h"
#include "riverrun/core/tensor.h"

namespace riverrun::io {

/// The element types of safetensors files. riverrun computes with kF32; it reads the other floating
/// types by converting them and hands out the rest as they are.
enum class DType : std::uint8_t {
  kBool,
  kU8,
  kI8,
  kF8E5M2,
  kF8E4M3,
  kI16,
  kU16,
  kF16,
  kBF16,
  kI32,
  kU32,
  kF32,
  kF64,
  kI64,
  kU64,
};

/// As a file's header writes it: "F32".
[[nodiscard]] std::string_view dtype_name(DType dtype) noexcept;
/// Of one element, in bytes.
[[nodiscard]] std::int64_t dtype_size(DType dtype) noexcept;

/// A named array of any type and rank, little-endian and row-major: what a file says about it.
struct TensorInfo {
  std::string name;
  DType dtype = DType::kF32;
  std::vector<std::int64_t> shape;
  std::uint64_t offset = 0;  // of its first byte, in the file
  std::uint64_t size = 0;    // in bytes

  /// "[16, 4, 100]"
  [[nodiscard]] std::string shape_string() const;
};

/// One to write, whose bytes belong to the caller.
struct TensorView {
  std::string name;
  DType dtype = DType::kF32;
  std::vector<std::int64_t> shape;
  std::span<const std::byte> bytes;

  /// "[16, 4, 100]"
  [[nodiscard]] std::string shape_string() const;
};

/// What they show must outlive them. The last three have one dimension.
[[nodiscard]] TensorView view(std::string name, const Tensor& tensor);
[[nodiscard]] TensorView view(std::string name, std::span<const std::int64_t> values);
[[nodiscard]] TensorView view(std::string name, std::span<const std::uint64_t> values);
[[nodiscard]] TensorView view(std::string name, std::span<const double> values);

/// Text that a file carries beside its tensors.
using Metadata = std::map<std::string, std::string>;

/// A safetensors file, read. Opening it checks everything that its header says, against itself and
/// against the size of the file, so that no later call can reach outside of the file: the header's
/// length (at most 100 MB), its JSON, types, shapes, and offsets, which must cover all bytes after
/// the header without holes or overlaps. So nothing larger than the file is ever allocated. Reading
/// a tensor throws IoError, and FormatError if the file was shortened meanwhile.
class SafetensorsFile {
 public:
  /// Reads the header; tensors are read when asked for. Throws IoError and FormatError.
  explicit SafetensorsFile(const std::filesystem::path& path);
  explicit SafetensorsFile(File file);
  /// Reads from memory, which must outlive this object; `path` is the name used in messages.
  SafetensorsFile(std::span<const std::byte> bytes, std::string path);

  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  [[nodiscard]] const Metadata& metadata() const noexcept { return metadata_; }

  /// All tensors, in order of their names.
  [[nodiscard]] std::span<const TensorInfo> tensors() const noexcept { return tensors_; }
  /// Null if there is no such tensor.
  [[nodiscard]] const TensorInfo* find(std::string_view name) const noexcept;
  /// Throws FormatError if there is no such tensor.
  [[nodiscard]] const TensorInfo& at(std::string_view name) const;

  /// A tensor of any floating type of at least 16 bits, converted to float32. Throws FormatError if
  /// there is no such tensor, if it is of another type or has more than Shape::kMaxRank dimensions,
  /// or if a finite float64 is too large for a float32.
  [[nodiscard]] Tensor tensor(std::string_view name) const;
  /// The elements of a tensor of any floating type of at least 16 bits, each exactly. Throws
  /// FormatError if there is no such tensor or it is of another type.
  [[nodiscard]] std::vector<double> doubles(std::string_view name) const;
  /// The elements of a tensor of any signed or unsigned integer type. Throws FormatError if there
  /// is no such tensor, if it is of another type, or if a value does not fit.
  [[nodiscard]] std::vector<std::int64_t> integers(std::string_view name) const;
  /// The elements of a tensor of type U64. Throws FormatError if there is none or of another type.
  [[nodiscard]] std::vector<std::uint64_t> unsigned_integers(std::string_view name) const;

  /// The bytes of a tensor of any type. Throws FormatError if there is no such tensor.
  [[nodiscard]] std::vector<std::byte> bytes(std::string_view name) const;

  /// A FormatError about this tensor, at its first byte: for whoever finds the contents wrong.
  [[nodiscard]] FormatError error(const TensorInfo& tensor, const std::string& what) const;

 private:
  void read_header(std::uint64_t file_size);
  void read(std::uint64_t offset, std::span<std::byte> out) const;
  [[nodiscard]] std::vector<std::byte> read(const TensorInfo& tensor) const;

  std::string path_;
  std::optional<File> file_;           // or
  std::span<const std::byte> memory_;  // what is in it
  Metadata metadata_;
  std::vector<TensorInfo> tensors_;
};

/// Writes a safetensors file atomically (replace_file). The bytes depend only on what is written,
/// not on the order of `tensors`: as the format's own library does, types come in the reverse order
/// of DType, so that all data is aligned, and names decide among equals. Throws ConfigError for a
/// name that is empty, reserved, repeated or not UTF-8, or a shape that does not match the bytes;
/// IoError.
void write_safetensors(const std::filesystem::path& path, std::span<const TensorView> tensors,
                       const Metadata& metadata = {});

}  // namespace riverrun::io
