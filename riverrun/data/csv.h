#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <span>
#include <string>
#include <string_view>

namespace riverrun::data {

/// A row of a CSV file.
struct CsvRow {
  std::int64_t line = 0;  ///< on which it begins, from 1
  std::span<const std::string> fields;
};

struct CsvOptions {
  /// Between fields: ',', ';', a tab or '|'; '\0': the one of these that the first line has most
  /// of, outside of quotes.
  char separator = '\0';
  /// Whether the first row has the names of the columns; empty: it has. If it has not, they are
  /// called "1", "2", …, and the first row is one like the others. With it, a column without a name
  /// is called by its number.
  std::function<bool(const CsvRow&)> is_header = {};
  /// A first row of more fields is an error.
  std::int64_t most_columns = std::numeric_limits<std::int64_t>::max();
};

/// Reads a CSV file as RFC 4180 defines it and as spreadsheets write it: fields in quotes may have
/// separators, line ends and doubled quotes; lines end with LF, CR LF or CR; a byte order mark and
/// empty lines are skipped. The file may be gzip or a pipe; "-" is standard input. `header` gets
/// the names of the columns, `row` each row of as many fields. Throws IoError; FormatError,
/// which names the file, the line and the field, if a quote does not end, something stands beside
/// it, a row has more or fewer fields than the header, the header has an empty or a repeated name
/// (blanks around it aside), there is no row, a byte is NUL or not UTF-8, or two separators are as
/// many in the first line; ConfigError for a separator that CsvOptions cannot have; and whatever
/// the functions throw.
void read_csv(const std::filesystem::path& path, const CsvOptions& options,
              const std::function<void(const CsvRow&)>& header,
              const std::function<void(const CsvRow&)>& row);

/// Whether a field stands for a value that is missing: empty, or "NA", "N/A", "NaN", "null",
/// "none", "?" in any case, blanks around it aside.
[[nodiscard]] bool is_missing(std::string_view field);

}  // namespace riverrun::data
