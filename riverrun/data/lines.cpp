#include "riverrun/data/lines.h"

#include <algorithm>
#include <cstdint>
#include <span>
#include <system_error>

#include "riverrun/core/error.h"
#include "riverrun/core/file.h"
#include "riverrun/data/text/import.h"
#include "riverrun/data/text/utf8.h"

namespace riverrun::data {

namespace fs = std::filesystem;

bool is_utf8(std::string_view text) {
  const auto is_ascii = [](char c) { return static_cast<unsigned char>(c) < 0x80; };
  if (std::ranges::all_of(text, is_ascii)) return true;
  bool all_valid = true;
  const auto sink = [&all_valid](char32_t, int, bool valid) { all_valid = all_valid && valid; };
  text::Utf8Scanner scanner;
  scanner.feed(text, sink);
  scanner.finish(sink);
  return all_valid;
}

std::string head_of_file(const fs::path& path) {
  constexpr std::size_t kMost = std::size_t{64} << 10;
  std::error_code ignored;
  if (path == "-" || !fs::is_regular_file(path, ignored)) return {};
  std::string head;
  try {
    const File file(path);
    std::string bytes(std::min<std::uint64_t>(file.size(), kMost), '\0');
    file.read(0, std::as_writable_bytes(std::span(bytes)));
    text::Import import(path.string(), {}, [&head](std::string_view piece) {
      head += piece.substr(0, kMost - head.size());
    });
    import.feed(bytes);
    import.finish();
  } catch (const FormatError&) {
    return head;  // of a longer gzip file there is only a part
  } catch (const Error&) {
    return {};
  }
  return head;
}

}  // namespace riverrun::data
