// Any bytes as a text: nothing crashes, a file is read as what comes in pieces is, what is not
// converted is read as it is, and what is converted is UTF-8.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <unistd.h>

#include "riverrun/core/error.h"
#include "riverrun/data/text/import.h"
#include "riverrun/data/text/text_input.h"
#include "riverrun/data/text/utf8.h"

namespace {

using namespace riverrun::text;

void require(bool condition) {
  if (!condition) std::abort();
}

/// Nothing if it is refused.
std::optional<std::string> imported(std::string_view head, std::string_view rest, std::size_t piece,
                                    const TextFormat& format) {
  std::string text;
  try {
    Import import("fuzzed", format, [&text](std::string_view some) { text += some; });
    import.feed(head);
    for (std::size_t i = 0; i < rest.size(); i += piece) import.feed(rest.substr(i, piece));
    import.finish();
  } catch (const riverrun::FormatError&) {
    return std::nullopt;
  }
  return text;
}

/// One file for all inputs, which has no other name than this while the fuzzer runs.
class Scratch {
 public:
  Scratch() : descriptor_(::mkstemp(path_.data())) { require(descriptor_ >= 0); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch() {
    ::close(descriptor_);
    ::unlink(path_.c_str());
  }
  std::filesystem::path holding(std::string_view bytes) {
    require(::ftruncate(descriptor_, 0) == 0);
    require(::pwrite(descriptor_, bytes.data(), bytes.size(), 0) ==
            static_cast<ssize_t>(bytes.size()));
    return path_;
  }

 private:
  std::string path_ = (std::filesystem::temp_directory_path() / "riverrun-fuzz-XXXXXX").string();
  int descriptor_;
};

std::optional<std::string> read_file_as(const TextFormat& format, std::string_view bytes) {
  static Scratch scratch;
  try {
    return read_text(scratch.holding(bytes), format, INT64_MAX);
  } catch (const riverrun::FormatError&) {
    return std::nullopt;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  constexpr const char* kEncodings[] = {"",       "",         "utf-8",     "latin1",
                                        "utf-16", "utf-16le", "shift_jis", "iso-2022-jp"};
  const TextFormat format{.encoding = kEncodings[data[0] % 8], .as_bytes = (data[0] & 0x80) != 0};
  const std::size_t piece = std::size_t{1} + data[1] % 16;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);

  const std::optional<std::string> whole = read_file_as(format, bytes);
  const std::string_view head = bytes.substr(0, kHeadBytes);
  const std::optional<std::string> pieces =
      imported(head, bytes.substr(head.size()), piece, format);
  // An empty text is refused, which a part of one is not.
  require(whole == pieces || (!whole && pieces->empty()));
  if (whole && format.encoding.empty() && !is_gzip(bytes)) {
    require(*whole == (format.as_bytes ? bytes : without_byte_order_mark(bytes)));
  }
  if (whole && !format.encoding.empty()) require(to_valid_utf8(*whole) == *whole);

  // Cut anywhere behind the head.
  const std::string begin(kHeadBytes, 'a');
  require(imported(begin, bytes, piece, format) ==
          imported(begin, bytes, bytes.size() + 1, format));
  return 0;
}
