#pragma once

// Internal to riverrun/io.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "riverrun/io/safetensors.h"

namespace riverrun::io::detail {

inline constexpr std::uint64_t kMaxHeaderSize = 100'000'000;  // the format's own limit
inline constexpr std::size_t kLengthSize = 8;  // of the header's length, before the header
inline constexpr std::string_view kMetadataKey = "__metadata__";

/// What a header says about one tensor; nothing of it is checked but its form.
struct HeaderEntry {
  std::string name;
  DType dtype = DType::kF32;
  std::vector<std::int64_t> shape;
  std::uint64_t begin = 0;  // bytes after the header
  std::uint64_t end = 0;
  std::uint64_t offset = 0;  // where in the file its description ends
};

struct Header {
  Metadata metadata;
  std::vector<HeaderEntry> entries;
};

/// Parses the JSON text that stands at byte kLengthSize of the file `path`. Throws FormatError.
[[nodiscard]] Header parse_header(std::string_view text, const std::string& path);

/// Whatever a file says, made fit for a message: in quotes, escaped, and not longer than a line.
[[nodiscard]] std::string printable(std::string_view text);

}  // namespace riverrun::io::detail
