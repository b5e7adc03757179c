#pragma once

// The rows of a file of time series, and how series are made of them; not for users.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "riverrun/data/time_series.h"
#include "riverrun/data/value_column.h"

namespace riverrun::data {

/// A column that is read.
struct SeriesColumn {
  std::string name;
  std::size_t place = 0;  ///< in the file
  ValueColumn values = {};
  bool known = false;  ///< of the future too
};

/// What stands in the file, row by row.
struct TimeSeriesRows {
  std::string path;
  std::string time_name = {};             ///< of its column
  std::vector<std::int64_t> lines = {};   ///< [rows]
  std::vector<std::size_t> series = {};   ///< [rows]: indices into series_names
  std::vector<TimeStamp> times = {};      ///< [rows], or empty: there are none
  std::vector<std::string> series_names;  ///< one that is empty: all rows are one series
  TimeFormat format = {};
  std::int32_t offset = 0;
  std::optional<TimeZone> zone = {};
  std::vector<SeriesColumn> targets = {};
  std::vector<SeriesColumn> covariates = {};  ///< the past ones first
  std::vector<SeriesColumn> others = {};      ///< of which one may tell series apart
  std::vector<std::string> notes = {};
};

/// `frequency`: that of a model; null: it is found out. Throws as read_time_series().
[[nodiscard]] TimeSeriesTable arrange(TimeSeriesRows rows, const Frequency* frequency);

/// Throws FormatError, which names the line of a row and the column of times.
[[noreturn]] void fail_at(const TimeSeriesRows& rows, std::size_t row, const std::string& what);
/// Whether it is a time of day in the night, in which clocks are changed, without an offset.
[[nodiscard]] bool may_be_changed(const TimeFormat& format, const TimeStamp& time);

// Steps of this. Each series is the indices of its rows.
using RowsOfSeries = std::vector<std::vector<std::size_t>>;

/// In a time zone, makes the times local, if the frequency goes by clocks, and moments otherwise.
/// Times that clocks show twice, or never, as read_time_series() says.
void settle_zone(TimeSeriesRows& rows, const RowsOfSeries& series, const Frequency* frequency);
/// Sorts each series by time, if it is not sorted, which is noted, and throws if a time is there
/// twice.
void sort_by_time(TimeSeriesRows& rows, RowsOfSeries& series);
/// Of sorted series.
[[nodiscard]] Frequency frequency_of(const TimeSeriesRows& rows, const RowsOfSeries& series,
                                     const Frequency* frequency);
/// At which step each of the rows of a sorted series is.
[[nodiscard]] std::vector<std::int64_t> steps_of(const TimeSeriesRows& rows,
                                                 const std::vector<std::size_t>& series,
                                                 const Frequency& frequency);

/// What is noted of the values of all series.
void note_values(const TimeSeriesRows& rows, TimeSeriesTable& table);

}  // namespace riverrun::data
