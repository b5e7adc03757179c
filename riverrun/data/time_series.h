#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "riverrun/core/fields.h"
#include "riverrun/data/frequency.h"
#include "riverrun/data/labelled.h"
#include "riverrun/data/time_format.h"
#include "riverrun/data/time_zone.h"

namespace riverrun::data {

/// Which columns of a CSV file of time series say what. A row is a time, of one series (the "long"
/// form) or of all.
struct TimeSeriesColumns {
  /// The times. Empty: the first column whose first field is a date; if there is none, rows follow
  /// each other.
  std::string time = {};
  /// Names the series that a row belongs to; rows of one series need not be neighbours. Empty: all
  /// rows are one series.
  std::string series = {};
  /// What is to be forecast; empty: all columns of numbers that are nothing else.
  std::vector<std::string> target = {};
  /// What else is known of the past, and what of the future too: numbers or words.
  std::vector<std::string> past = {};
  std::vector<std::string> known = {};
  /// See TimeFormat; empty: it is found out.
  std::string date_format = {};
  /// In which dates without an offset from UTC are; see TimeZone. Empty: they are read as they
  /// stand, and dates whose offsets differ are read and written in UTC.
  std::string time_zone = {};

  friend bool operator==(const TimeSeriesColumns&, const TimeSeriesColumns&) = default;
};

/// A column beside the targets.
struct Covariate {
  std::string name;
  /// Of a column of words, those that occur, in the order of their code points: a network reads it
  /// as one number for each, 1 for the one that stands there and 0 for the others. Empty: numbers.
  std::vector<std::string> levels = {};
  bool known = false;  ///< of the future too

  /// How many numbers a network reads of it at each step.
  [[nodiscard]] std::int64_t size() const noexcept;
  friend bool operator==(const Covariate&, const Covariate&) = default;
};

/// One series: rows that are one step of the frequency apart. Where the file has a gap, rows of
/// missing values are put in.
struct TimeSeries {
  std::string name = {};  ///< that the file gives it; may be empty
  std::int64_t line = 0;  ///< of its earliest row in the file, from 1
  TimeStamp start = {};   ///< of its first row; with Frequency::Unit::kRow, row 0
  std::int64_t steps = 0;
  /// The rows whose targets may be there. With known covariates, rows behind these tell of the
  /// future, and have no targets at all.
  std::int64_t observed = 0;
  std::vector<double> targets = {};  ///< [steps, targets]; NaN where one is missing
  /// [steps, covariates]: a number, or the place of a word in Covariate::levels; NaN as above. See
  /// TimeSeriesTable::write_covariates().
  std::vector<double> covariates = {};
  /// [steps]: where a row is in the file, from 1; 0: the file has none for its time.
  std::vector<std::int64_t> lines = {};
  /// [steps] of trading days, whose holidays no calendar tells; else empty. See
  /// TimeSeriesTable::time_of().
  std::vector<TimeStamp> times = {};
};

/// What a file of time series holds.
struct TimeSeriesTable {
  std::string path;  ///< for messages
  std::vector<std::string> targets;
  std::vector<Covariate> covariates;  ///< the past ones first
  Frequency frequency;
  TimeFormat format;
  std::int32_t offset = 0;  ///< of a format with %z, seconds east of UTC; see TimeFormat
  /// Of TimeSeriesColumns::time_zone. With one, times are local where goes_by_clocks(frequency),
  /// and moments in UTC otherwise.
  std::optional<TimeZone> zone = {};
  std::vector<TimeSeries> series;  ///< at least one, each with at least one observed row
  /// What a user should know and what is no error, a line each, without the path: that rows were
  /// sorted, columns are not read, a target never changes, words are missing, the file has no
  /// header, offsets differ and times are given in UTC.
  std::vector<std::string> notes = {};

  /// How many numbers a network reads of all covariates at each step.
  [[nodiscard]] std::int64_t covariate_size() const noexcept;
  /// Writes these numbers, one covariate after the other, to `out`, [covariate_size()]. Where a
  /// word is missing, all of its numbers are NaN. Throws ShapeError.
  void write_covariates(const TimeSeries& of, std::int64_t step, std::span<double> out) const;
  /// A step, from 0, may be beyond the last one, and of times that are evenly apart before the
  /// first. Throws FormatError where advance() throws.
  [[nodiscard]] TimeStamp time_of(const TimeSeries& of, std::int64_t step) const;
  /// What clocks show then: in a time zone the local date, else time_of().
  [[nodiscard]] TimeStamp clock_of(const TimeSeries& of, std::int64_t step) const;
  /// The time that all of `text` is, as the file would have it or as parse_time() reads it, to be
  /// compared with time_of(); nothing if it is none or of another kind. The number of a row, from
  /// 1, where there are no times.
  [[nodiscard]] std::optional<TimeStamp> parse(std::string_view text) const;
  /// How many of the steps are before the time, and at it or before. Throws as time_of().
  [[nodiscard]] std::int64_t steps_before(const TimeSeries& of, const TimeStamp& time) const;
  [[nodiscard]] std::int64_t steps_until(const TimeSeries& of, const TimeStamp& time) const;
  /// As the file would have it; "row 17", from 1, where there are no times.
  [[nodiscard]] std::string written_time(const TimeSeries& of, std::int64_t step) const;
};

/// Reads time series from a CSV file, whose separator is found out, and whether it has a header: it
/// has none if a field of its first row is a number or a date; then columns are called "1", "2", ….
/// `columns` gets the names of what was found out. Blanks around a field do not count; one that
/// is_missing() is NaN, but of words only an empty one. The first value of a column says whether it
/// is one of numbers or of words. Rows are sorted by time, those of trading days follow each other
/// whatever lies between them. Throws as read_csv(), and FormatError, which names line and column,
/// for a column that is not there, a value that is no finite number, a time that is none or twice
/// in a series (which the end of daylight saving may be the reason for; the message says so), a
/// time that clocks of the time zone skip, or that they show twice, if neither the order of the
/// series' rows nor what is between them tells which of the two it is, times of which no frequency
/// follows or that are off it, a series whose gaps make it more than 100 times as long as it is in
/// the file, one without a value of a target beside known covariates, a row of the future that
/// lacks one of these, two kinds of dates that suit all rows, more than 10,000 columns, and more
/// than 1,000 words of a covariate; ConfigError if one column is to be two things, and for a format
/// that TimeFormat cannot have.
[[nodiscard]] TimeSeriesTable read_time_series(const std::filesystem::path& path,
                                               TimeSeriesColumns& columns);

/// What a file must have in common with the one that was learnt from.
struct TimeSeriesForm {
  TimeSeriesColumns columns;  ///< all that were found out
  std::vector<Covariate> covariates;
  Frequency frequency;
};
/// The same for a file that a model is to read; other columns are ignored. Its frequency is the one
/// given, even for a series of one row, and its dates may be written in another way. Throws
/// FormatError too for a word that is not among a covariate's levels.
[[nodiscard]] TimeSeriesTable read_time_series(const std::filesystem::path& path,
                                               const TimeSeriesForm& form);

/// Drops all rows after a time, and series that have no other. Throws FormatError if none is left.
void cut_after(TimeSeriesTable& table, const TimeStamp& last);

/// Treats the missing values of observed rows, and of known covariates in all rows, as `missing`
/// says. With kMask targets and past covariates may stay NaN, and known covariates are an error
/// still. With kInterpolate known numbers are put on the line between their neighbours, and past
/// covariates keep what they were; targets stay NaN, as who forecasts may interpolate them only
/// between values that came before. Throws FormatError, which says how many there are and where the
/// first one is ("line 4" if the row is in the file, or that the file has no row for its time), if
/// there are any and `missing` is kError; and, before anything is changed, if a column of a series
/// has no value at all. A covariate of words is never between two: with kInterpolate it keeps what
/// it was.
void fill_missing(TimeSeriesTable& table, Missing missing);

}  // namespace riverrun::data

template <>
inline constexpr auto riverrun::kFields<riverrun::data::TimeSeriesColumns> = [] {
  using C = data::TimeSeriesColumns;
  return std::tuple{
      Field{"time", &C::time, any_value(), "Column of times"},
      Field{"series", &C::series, any_value(),
            "Column of a CSV file that names the sequence a row belongs to"},
      Field{"target", &C::target},
      Field{"past", &C::past},
      Field{"known", &C::known},
      Field{"date_format", &C::date_format, any_value(),
            "How dates are written, as strftime has it: %d/%m/%Y %H:%M; not given: found out"},
      Field{"time_zone", &C::time_zone, any_value(),
            "Time zone of dates without an offset, such as Europe/Berlin"}};
}();
