#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "riverrun/data/text/byte_store.h"

namespace riverrun::text {

/// How the bytes of a text become UTF-8.
struct TextFormat {
  /// A name that iconv knows, such as "latin1" or "utf-16"; bytes that it does not allow are
  /// refused. Empty: UTF-8, in which they are counted, and read as U+FFFD.
  std::string encoding;
  /// With no encoding: leave the bytes as they are, for tokens that are bytes. Otherwise a byte
  /// order mark at the beginning is dropped, and what is evidently no text (UTF-16, a PDF) refused.
  bool as_bytes = false;
};

/// Throws ConfigError unless `encoding` is one that TextFormat can have, to be told before there is
/// anything to convert.
void require_encoding(const std::string& encoding);

/// The bytes [begin, end) of a text.
struct TextPart {
  std::filesystem::path path;  ///< its file, or "standard input"
  std::int64_t begin = 0;
  std::int64_t end = -1;  ///< -1: to the end of the text
  /// What is read in place of the file: what came from a pipe, was unpacked, or was converted.
  std::shared_ptr<const ByteStore> bytes = nullptr;
};

/// Whole texts, in the order given: files, pipes, or "-" for standard input; a device is one if it
/// is empty, as /dev/null. What begins with gzip's signature is unpacked. A text must be readable
/// more than once, and at any place, so what is not a plain file is first copied into a ByteStore:
/// unpacked, and converted to UTF-8. Throws IoError for what is not there or cannot be read;
/// FormatError if all texts are empty, a gzip file is damaged, bytes are not of the encoding, or a
/// text is evidently of another kind (the message names it); ConfigError for an encoding that is
/// not known.
[[nodiscard]] std::vector<TextPart> open_texts(
    std::span<const std::filesystem::path> paths, const TextFormat& format = {},
    const StoreOptions& store = {.memory_limit = std::int64_t{64} << 20, .temporary_folder = {}});

/// The size in bytes of the part, whose end may be -1. Throws IoError.
[[nodiscard]] std::int64_t size_of(const TextPart& part);

/// Calls `sink(piece)` for each piece of the part, in order; a piece has at most 1 MiB. Throws
/// IoError, FormatError if the file became shorter meanwhile, ConfigError if the part begins after
/// its end, and whatever `sink` throws.
void for_each_piece(const TextPart& part, const std::function<void(std::string_view)>& sink);

/// A whole text, as open_texts() reads it. Throws as that does, and ConfigError if it has more than
/// `most_bytes` bytes.
[[nodiscard]] std::string read_text(const std::filesystem::path& path, const TextFormat& format,
                                    std::int64_t most_bytes);

}  // namespace riverrun::text
