#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace riverrun::tasks {

/// An array of bytes from an IDX file, the format of MNIST (LeCun, Cortes & Burges 1998): two zero
/// bytes, the type of its numbers (8: unsigned bytes), how many extents there are, the extents as
/// big-endian 32-bit numbers, and the numbers in row-major order.
struct IdxArray {
  std::vector<std::int64_t> extents;
  std::vector<std::uint8_t> values;
};

/// Throw FormatError unless the file is an array of unsigned bytes of `rank` extents, none of them
/// 0, to the last byte; `path` is for the message. The second throws IoError too.
[[nodiscard]] IdxArray parse_idx(std::span<const std::byte> bytes, const std::string& path,
                                 int rank);
[[nodiscard]] IdxArray read_idx(const std::filesystem::path& path, int rank);

}  // namespace riverrun::tasks
