#pragma once

// CSV files of time series, read as they come in; not for users, who call read_time_series().

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "riverrun/data/csv_columns.h"
#include "riverrun/data/csv_parser.h"
#include "riverrun/data/time_format.h"
#include "riverrun/data/time_series.h"
#include "riverrun/data/time_series_rows.h"

namespace riverrun::data {

/// Reads a text that comes in pieces. Throws as read_time_series() does.
class TimeSeriesReader {
 public:
  /// `path` and `first_byte` are as CsvParser has them.
  TimeSeriesReader(std::string path, const TimeSeriesColumns& columns, std::int64_t first_byte = 0);
  TimeSeriesReader(std::string path, const TimeSeriesForm& form, std::int64_t first_byte = 0);

  void feed(std::string_view piece) { parser_.feed(piece); }
  [[nodiscard]] TimeSeriesTable finish();
  /// With what was found out; after finish().
  [[nodiscard]] const TimeSeriesColumns& columns() const noexcept { return columns_; }

 private:
  TimeSeriesReader(std::string path, TimeSeriesColumns columns, std::optional<TimeSeriesForm> form,
                   std::int64_t first_byte);

  [[nodiscard]] bool is_header(const CsvRow& row);
  void take_header(const CsvRow& header);
  [[nodiscard]] std::size_t find(const CsvRow& header, std::string_view name,
                                 std::string_view role) const;
  void find_covariates(const CsvRow& header);
  /// The columns that nobody named.
  void find_others(const CsvRow& header);
  /// In the first row.
  void find_time(const CsvRow& row);

  void take_row(const CsvRow& row);
  [[nodiscard]] std::size_t series_of(const CsvRow& row);
  void take_time(const CsvRow& row);
  void take_others(const CsvRow& row);
  [[noreturn]] void refuse_target(const CsvRow& row, const SeriesColumn& column) const;
  [[noreturn]] void refuse_covariate(const CsvRow& row, const SeriesColumn& column) const;

  void choose_targets();
  void note_unread();
  void settle_times();

  TimeSeriesColumns columns_;
  std::optional<TimeSeriesForm> form_;
  bool finds_targets_;
  CsvParser parser_;

  std::string no_header_;  // why the file has none, if it has none
  std::optional<std::size_t> time_, series_;
  std::vector<std::string> unread_;  // columns, of a file whose targets are named
  // The times in the ways that they may be written, the likeliest first.
  std::vector<TimeColumn> times_;
  TimeSeriesRows rows_;
  ByName<std::size_t> series_places_;
};

}  // namespace riverrun::data
