#pragma once

// CSV files, read as they come in; not for users, who call read_csv().

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "riverrun/data/csv.h"

namespace riverrun::data {

/// Finds out what separates the fields of a first line that comes in pieces.
class SeparatorFinder {
 public:
  /// What may be found.
  static constexpr std::string_view kSeparators = ",;\t|";

  /// True once the line is at its end, or at a byte 0, before which it has been counted.
  bool feed(std::string_view piece) noexcept;
  /// The separators of which there are most: one, or several if that is not clear.
  [[nodiscard]] std::string most() const;

 private:
  std::array<std::int64_t, kSeparators.size()> counts_{};
  bool quoted_ = false;
  bool may_open_ = true;  // a quote: it does elsewhere only by mistake
};

/// Reads a CSV file that comes in pieces; a field, a doubled quote or a CR LF may be cut anywhere
/// between two. What is in memory is at most a small multiple of what was read. The functions, and
/// what is thrown, are as read_csv() has them.
class CsvParser {
 public:
  using Sink = std::function<void(const CsvRow&)>;

  /// `path` is that of the text in messages; its first byte is number `first_byte` of the file.
  CsvParser(std::string path, const CsvOptions& options, Sink header, Sink row,
            std::int64_t first_byte = 0);

  void feed(std::string_view piece);
  void finish();

  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  /// For the functions: throws FormatError about a field of the row that they were given.
  [[noreturn]] void fail(std::size_t field, const std::string& what) const;
  /// About the row as a whole.
  [[noreturn]] void fail_row(const std::string& what) const;

 private:
  enum class State {
    kStart,
    kPlain,
    kQuoted,
    kClosed
  };  // kClosed: after a quote in a quoted field

  static constexpr std::size_t kNoField = static_cast<std::size_t>(-1);

  void settle_separator();
  void set_separator(char separator);
  void take(std::string_view piece);
  void take_plain(std::string_view run);
  void take_special(char c);
  void take_quote();
  void begin_field();
  void end_field();
  void end_row();
  void take_first_row();
  /// Throws if a name of the header is empty or there twice.
  /// Columns without a name are called by their numbers.
  void number_the_nameless();
  void require_names() const;
  /// Where the field that is being read is in fields_.
  [[nodiscard]] std::size_t stored() const noexcept;
  /// In the message a column of the header has its number, one of a row its name.
  [[noreturn]] void fail_at(std::int64_t byte, std::int64_t line, std::size_t field,
                            const std::string& what) const;

  std::string path_;
  std::function<bool(const CsvRow&)> is_header_;
  std::int64_t most_columns_;
  Sink header_;
  Sink row_;

  char separator_ = '\0';  // until it is known
  SeparatorFinder finder_;
  std::string head_;                    // what came before it was known
  std::array<bool, 256> is_special_{};  // which bytes are more than a character of a field

  State state_ = State::kStart;
  bool after_cr_ = false;
  std::int64_t line_ = 1;
  std::int64_t byte_;
  std::int64_t field_line_ = 1;  // on which the field begins
  std::int64_t row_line_ = 1;

  std::vector<std::string> names_;  // the header, once it was read
  // The row's, and after the first row's end one more for all that a row has too many.
  std::vector<std::string> fields_;
  std::vector<std::int64_t> begins_;  // their bytes
  std::size_t count_ = 0;             // fields of the row that have ended
  bool has_rows_ = false;
};

}  // namespace riverrun::data
