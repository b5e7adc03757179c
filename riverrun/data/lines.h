#pragma once

// What readers of texts whose units are lines have in common; not for users.

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

namespace riverrun::data {

/// Cuts a text that comes in pieces into lines; a line may be cut anywhere between two. In memory
/// is one line.
class LineSplitter {
 public:
  /// Calls `take(line)` for each line that ends in `piece`, without its "\n".
  template <class Take>
  void feed(std::string_view piece, const Take& take) {
    for (auto end = piece.find('\n'); end != std::string_view::npos; end = piece.find('\n')) {
      if (cut_.empty()) {
        take(piece.substr(0, end));
      } else {
        cut_ += piece.substr(0, end);
        take(std::string_view(cut_));
        cut_.clear();
      }
      piece.remove_prefix(end + 1);
    }
    cut_ += piece;
  }

  /// The text has ended: calls `take(line)` if its last line has no line end.
  template <class Take>
  void finish(const Take& take) {
    if (!cut_.empty()) take(std::string_view(cut_));
    cut_.clear();
  }

 private:
  std::string cut_;  // the beginning of a line whose end has not come
};

[[nodiscard]] bool is_utf8(std::string_view text);

/// The first 64 KiB of a file's text, unpacked if it is gzip; empty if the file cannot be opened
/// and looked at without being used up (standard input, a pipe), or is evidently no text.
[[nodiscard]] std::string head_of_file(const std::filesystem::path& path);

}  // namespace riverrun::data
