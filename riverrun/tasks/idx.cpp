#include "riverrun/tasks/idx.h"

#include <fmt/format.h>

#include "riverrun/core/error.h"
#include "riverrun/data/text/text_input.h"

namespace riverrun::tasks {

IdxArray parse_idx(std::span<const std::byte> bytes, const std::string& path, int rank) {
  constexpr std::uint8_t kUnsignedBytes = 8;
  const auto fail = [&](std::size_t offset, const std::string& what) {
    throw FormatError(path, offset, "not the IDX file that it should be: " + what);
  };
  const auto byte = [&](std::size_t at) { return std::to_integer<std::uint64_t>(bytes[at]); };

  const std::size_t header = 4 + 4 * static_cast<std::size_t>(rank);
  if (bytes.size() < header) fail(bytes.size(), fmt::format("it ends within {} bytes", header));
  if (byte(0) != 0 || byte(1) != 0) fail(0, "it does not begin with two zero bytes");
  if (byte(2) != kUnsignedBytes) fail(2, fmt::format("its type is {}, not unsigned byte", byte(2)));
  if (byte(3) != static_cast<std::uint64_t>(rank)) {
    fail(3, fmt::format("it has {} extents instead of {}", byte(3), rank));
  }
  IdxArray array;
  const std::uint64_t there = bytes.size() - header;
  std::uint64_t needed = 1;
  for (std::size_t at = 4; at < header; at += 4) {
    const std::uint64_t extent =
        byte(at) << 24 | byte(at + 1) << 16 | byte(at + 2) << 8 | byte(at + 3);
    if (extent == 0) fail(at, "an extent is 0");
    // In this order no product can overflow.
    if (needed > there / extent) {
      fail(bytes.size(),
           fmt::format("{} bytes follow the header, fewer than its extents need", there));
    }
    needed *= extent;
    array.extents.push_back(static_cast<std::int64_t>(extent));
  }
  if (needed != there) {
    fail(header + needed, fmt::format("{} bytes too many", there - needed));
  }
  const auto* const values = reinterpret_cast<const std::uint8_t*>(bytes.data()) + header;
  array.values.assign(values, values + needed);
  return array;
}

IdxArray read_idx(const std::filesystem::path& path, int rank) {
  // Bytes are read as texts of bytes are: MNIST comes as gzip.
  const std::string bytes = text::read_text(path, {.encoding = {}, .as_bytes = true}, INT64_MAX);
  return parse_idx(std::as_bytes(std::span(bytes)), path.string(), rank);
}

}  // namespace riverrun::tasks
