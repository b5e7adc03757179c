#pragma once

// Lines of a file of the format ts, their parts, and where these are; not for users.

#include <cstdint>
#include <string>
#include <string_view>

namespace riverrun::data {

/// The line of a text that is being read, for messages about what is in it.
class TsLine {
 public:
  /// `path` is that of the text in messages; its first byte is number `first_byte` of the file.
  TsLine(std::string path, std::int64_t first_byte);

  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  /// From 1; 0 before the first line.
  [[nodiscard]] std::int64_t number() const noexcept { return number_; }
  /// `line` is the next one, without its line end.
  void begin(std::string_view line) noexcept;

  /// Throws FormatError: `at` is the part of the line that is wrong.
  [[noreturn]] void fail(std::string_view at, const std::string& what) const;
  /// Channel and step are counted from 0 here, and from 1 in the message.
  [[noreturn]] void fail(std::string_view at, std::int64_t channel, std::int64_t step,
                         const std::string& what) const;
  /// The text is at its end, and should not be.
  [[noreturn]] void fail_at_end(const std::string& what) const;

 private:
  [[nodiscard]] std::uint64_t byte_of(std::string_view at) const noexcept;

  std::string path_;
  std::int64_t number_ = 0;
  const char* text_ = nullptr;
  std::int64_t byte_;  // of the file, at which the line begins
  std::int64_t next_byte_;
};

/// `text` without blanks around it: spaces, tabs, and the \r of a line that ends with \r\n. What is
/// left points into `text`, even if it is empty.
[[nodiscard]] std::string_view trimmed(std::string_view text) noexcept;

/// Takes what is before the first `separator` off `rest`, and that separator too.
[[nodiscard]] std::string_view take_until(char separator, std::string_view& rest) noexcept;

/// Takes what is before the first blank off `rest`, and the blanks around what is left.
[[nodiscard]] std::string_view take_word(std::string_view& rest) noexcept;

/// How many parts there are between separators; an empty text is one.
[[nodiscard]] std::int64_t count_parts(std::string_view text, char separator) noexcept;

/// Whether the two are the same but for the case of ASCII's letters.
[[nodiscard]] bool same_word(std::string_view a, std::string_view b) noexcept;

/// For a message: the beginning of what may be as long as the file.
[[nodiscard]] std::string in_quotes(std::string_view text);

}  // namespace riverrun::data
