#include "riverrun/data/time_series_reader.h"

#include <algorithm>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "riverrun/core/error.h"
#include "riverrun/core/number.h"
#include "riverrun/data/ts_line.h"

namespace riverrun::data {
namespace {

constexpr std::int64_t kMostColumns = 10'000;

constexpr const char* kNumberRule = "it must be a finite number, such as 1234.5, -0.5 or 1e-3";

const TimeSeriesColumns& checked(const TimeSeriesColumns& columns) {
  DistinctColumns distinct("time, series, a target, a past covariate and a known covariate");
  if (!columns.time.empty()) distinct.add("time", columns.time);
  if (!columns.series.empty()) distinct.add("series", columns.series);
  distinct.add("a target", std::span(columns.target));
  distinct.add("a past covariate", std::span(columns.past));
  distinct.add("a known covariate", std::span(columns.known));
  if (!columns.date_format.empty()) (void)TimeFormat(columns.date_format);  // throws
  if (!columns.time_zone.empty()) (void)TimeZone(columns.time_zone);        // throws
  return columns;
}

const TimeSeriesForm& checked(const TimeSeriesForm& form) {
  (void)checked(form.columns);
  const bool has_times = form.frequency.unit != Frequency::Unit::kRow;
  if (has_times == form.columns.time.empty()) {
    throw ConfigError(fmt::format(
        "TimeSeriesForm: frequency is {} and the column of times is {}; there must be one unless "
        "the frequency is row",
        to_string(form.frequency), in_quotes(form.columns.time)));
  }
  return form;
}

/// Of the format that was given, if one was.
bool is_time(std::string_view text, const std::string& format) {
  return format.empty() ? is_date(text) : TimeFormat(format).parse(text).has_value();
}

/// Messages and forecasts write times. In UTC they may be beyond the years that there are.
void require_writable(const TimeSeriesRows& rows) {
  const auto [least, most] = std::minmax_element(rows.times.begin(), rows.times.end());
  for (const auto time : {least, most}) {
    try {
      (void)rows.format.write(*time, rows.offset);
    } catch (const ConfigError& error) {
      throw FormatError(rows.path,
                        fmt::format("line {}, column {}: {}",
                                    rows.lines[static_cast<std::size_t>(time - rows.times.begin())],
                                    in_quotes(rows.time_name), error.what()));
    }
  }
}

std::vector<std::string> names_of(const std::vector<SeriesColumn>& columns) {
  std::vector<std::string> names;
  names.reserve(columns.size());
  for (const SeriesColumn& column : columns) names.push_back(column.name);
  return names;
}

/// By how much the numbers rise from each row to the next, if it is the same everywhere.
std::optional<double> even_rise(std::span<const double> values) {
  constexpr std::size_t kLeastRows = 3;
  if (values.size() < kLeastRows) return std::nullopt;
  const double rise = values[1] - values[0];
  if (!(rise > 0)) return std::nullopt;
  for (std::size_t i = 2; i < values.size(); ++i) {
    constexpr double kTolerance = 1e-6;  // 0.1, 0.2, 0.3 are not
    if (!(std::abs(values[i] - values[i - 1] - rise) <= kTolerance * rise)) return std::nullopt;
  }
  return rise;
}

}  // namespace

TimeSeriesReader::TimeSeriesReader(std::string path, const TimeSeriesColumns& columns,
                                   std::int64_t first_byte)
    : TimeSeriesReader(std::move(path), checked(columns), std::nullopt, first_byte) {}

TimeSeriesReader::TimeSeriesReader(std::string path, const TimeSeriesForm& form,
                                   std::int64_t first_byte)
    : TimeSeriesReader(std::move(path), checked(form).columns, std::optional(form), first_byte) {}

TimeSeriesReader::TimeSeriesReader(std::string path, TimeSeriesColumns columns,
                                   std::optional<TimeSeriesForm> form, std::int64_t first_byte)
    : columns_(std::move(columns)),
      form_(std::move(form)),
      finds_targets_(columns_.target.empty()),
      parser_(
          std::move(path),
          {.is_header = [this](const CsvRow& row) { return is_header(row); },
           .most_columns = kMostColumns},
          [this](const CsvRow& header) { take_header(header); },
          [this](const CsvRow& row) { take_row(row); }, first_byte) {
  if (!columns_.date_format.empty()) times_.emplace_back(columns_.date_format);
  if (columns_.date_format.empty() || form_) times_.emplace_back();
}

TimeSeriesTable TimeSeriesReader::finish() {
  parser_.finish();
  rows_.path = parser_.path();
  if (finds_targets_) {
    choose_targets();
  } else if (!form_) {
    note_unread();
  }
  for (SeriesColumn& column : rows_.covariates) column.values.settle();
  if (!columns_.time_zone.empty()) rows_.zone.emplace(columns_.time_zone);
  if (time_) settle_times();
  columns_.target = names_of(rows_.targets);
  return arrange(std::move(rows_), form_ ? &form_->frequency : nullptr);
}

bool TimeSeriesReader::is_header(const CsvRow& row) {
  for (const std::string& field : row.fields) {
    const std::string_view text = trimmed(field);
    const bool is_number = parse_double(text).has_value();
    if (!is_number && !is_date(text) && !is_time(text, columns_.date_format)) continue;
    no_header_ = fmt::format("the first row is no header, as {} in it is a {}", in_quotes(text),
                             is_number ? "number" : "date");
    return false;
  }
  return true;
}

void TimeSeriesReader::take_header(const CsvRow& header) {
  if (!no_header_.empty()) {
    rows_.notes.push_back(fmt::format("{}: columns are called \"1\", \"2\", …", no_header_));
  }
  if (!columns_.time.empty()) {
    time_ = find(header, columns_.time, "the time");
    rows_.time_name = columns_.time;
  }
  if (!columns_.series.empty()) {
    series_ = find(header, columns_.series, "the series");
  }
  for (const std::string& name : columns_.target) {
    rows_.targets.push_back({.name = name,
                             .place = find(header, name, "a target"),
                             .values = ValueColumn::of_numbers()});
  }
  find_covariates(header);
  find_others(header);
}

std::size_t TimeSeriesReader::find(const CsvRow& header, std::string_view name,
                                   std::string_view role) const {
  return find_column(
      parser_, header, name,
      no_header_.empty() ? std::string(role) : fmt::format("{} ({})", role, no_header_));
}

void TimeSeriesReader::find_covariates(const CsvRow& header) {
  const auto add = [&](const std::string& name, bool known) -> SeriesColumn& {
    return rows_.covariates.emplace_back(
        SeriesColumn{.name = name,
                     .place = find(header, name, known ? "a known covariate" : "a past covariate"),
                     .known = known});
  };
  if (form_) {
    for (const Covariate& covariate : form_->covariates) {
      add(covariate.name, covariate.known).values = covariate.levels.empty()
                                                        ? ValueColumn::of_numbers()
                                                        : ValueColumn::of_words(covariate.levels);
    }
    return;
  }
  for (const std::string& name : columns_.past) add(name, false);
  for (const std::string& name : columns_.known) add(name, true);
}

void TimeSeriesReader::find_others(const CsvRow& header) {
  if (form_ && !finds_targets_) return;
  std::vector<bool> is_named(header.fields.size());
  if (time_) is_named[*time_] = true;
  if (series_) is_named[*series_] = true;
  for (const SeriesColumn& column : rows_.targets) is_named[column.place] = true;
  for (const SeriesColumn& column : rows_.covariates) is_named[column.place] = true;
  for (std::size_t i = 0; i < header.fields.size(); ++i) {
    if (is_named[i]) continue;
    rows_.others.push_back({.name = std::string(trimmed(header.fields[i])),
                            .place = i,
                            .values = finds_targets_ ? ValueColumn() : ValueColumn::of_words()});
  }
}

void TimeSeriesReader::find_time(const CsvRow& row) {
  const std::string& format = columns_.date_format;
  const auto found = std::ranges::find_if(rows_.others, [&](const SeriesColumn& column) {
    return is_time(trimmed(row.fields[column.place]), format);
  });
  if (found != rows_.others.end()) {
    time_ = found->place;
    columns_.time = rows_.time_name = found->name;
    rows_.others.erase(found);
  } else if (!format.empty()) {
    parser_.fail_row(
        fmt::format("no field is a date as {}, the format given, has it; the column of "
                    "times must have one",
                    in_quotes(format)));
  }
}

void TimeSeriesReader::take_row(const CsvRow& row) {
  if (rows_.lines.empty()) {
    if (!time_ && !form_) find_time(row);
    if (!finds_targets_ && !form_) unread_ = names_of(rows_.others);
    // Besides, they only serve to find one that may tell series apart.
    if (!finds_targets_ && series_) rows_.others.clear();
  }
  rows_.lines.push_back(row.line);
  rows_.series.push_back(series_of(row));
  if (time_) take_time(row);
  for (SeriesColumn& column : rows_.targets) {
    if (!column.values.add(trimmed(row.fields[column.place]))) refuse_target(row, column);
  }
  for (SeriesColumn& column : rows_.covariates) {
    if (!column.values.add(trimmed(row.fields[column.place]))) refuse_covariate(row, column);
  }
  take_others(row);
}

std::size_t TimeSeriesReader::series_of(const CsvRow& row) {
  std::vector<std::string>& names = rows_.series_names;
  const std::string_view name =
      series_ ? text_of(parser_, row, *series_, "the name of a series") : "";
  // Rows of one series mostly are neighbours.
  if (!rows_.series.empty() && names[rows_.series.back()] == name) return rows_.series.back();
  const auto found = series_places_.find(name);
  if (found != series_places_.end()) return found->second;
  series_places_.emplace(name, names.size());
  names.emplace_back(name);
  return names.size() - 1;
}

void TimeSeriesReader::take_time(const CsvRow& row) {
  const std::string_view text = text_of(parser_, row, *time_, "a time");
  std::string wrong;
  for (auto way = times_.begin(); way != times_.end();) {
    const std::optional<std::string> refused = way->add(text);
    if (refused) wrong = *refused;
    way = refused ? times_.erase(way) : way + 1;
  }
  if (times_.empty()) parser_.fail(*time_, wrong);
}

void TimeSeriesReader::take_others(const CsvRow& row) {
  for (SeriesColumn& column : rows_.others) {
    const std::string_view text = trimmed(row.fields[column.place]);
    if (column.values.add(text)) continue;
    if (column.values.kind() == ValueColumn::Kind::kWords) {
      column.values.close();
      continue;
    }
    const std::string_view advice = number_advice(text);
    parser_.fail(column.place,
                 fmt::format("the value is {}; {}{}", in_quotes(text), kNumberRule,
                             advice.empty() ? "; if the column is not to be read, name the targets "
                                              "(--target)"
                                            : advice));
  }
}

void TimeSeriesReader::refuse_target(const CsvRow& row, const SeriesColumn& column) const {
  const std::string_view text = trimmed(row.fields[column.place]);
  std::vector<std::string> numbers;
  for (const SeriesColumn& target : rows_.targets) {
    if (parse_double(trimmed(row.fields[target.place]))) numbers.push_back(target.name);
  }
  for (const SeriesColumn& other : rows_.others) {
    if (parse_double(trimmed(row.fields[other.place]))) numbers.push_back(other.name);
  }
  parser_.fail(column.place,
               fmt::format("the value of the target is {}; {}{}{}", in_quotes(text), kNumberRule,
                           number_advice(text),
                           is_like_a_number(text) || numbers.empty()
                               ? ""
                               : fmt::format("; columns of numbers are: {}", listed(numbers))));
}

void TimeSeriesReader::refuse_covariate(const CsvRow& row, const SeriesColumn& column) const {
  const std::string_view text = trimmed(row.fields[column.place]);
  const ValueColumn& values = column.values;
  if (values.kind() != ValueColumn::Kind::kWords) {
    parser_.fail(
        column.place,
        fmt::format("the value is {}; {}{}{}", in_quotes(text), kNumberRule, number_advice(text),
                    values.values().empty() || form_
                        ? ""
                        : ", as the column's first value is one; columns of words begin "
                          "with a word"));
  }
  if (form_) {
    parser_.fail(column.place,
                 fmt::format("the word is {}, which the model does not know; it must be one of {}",
                             in_quotes(text), listed(values.words())));
  }
  parser_.fail(
      column.place,
      fmt::format("the word is {}, and there are {} others before it; a covariate can have "
                  "at most {} (if it tells series apart, it must be named as --series)",
                  in_quotes(text), values.words().size(), ValueColumn::kMostWords));
}

void TimeSeriesReader::note_unread() {
  if (!unread_.empty()) {
    rows_.notes.push_back(fmt::format("not read, as nothing names them: {}", listed(unread_)));
  }
  if (!time_ && !unread_.empty()) {
    rows_.notes.emplace_back(
        "no column of dates was found, so rows follow each other (--time, --date-format)");
  }
}

void TimeSeriesReader::choose_targets() {
  std::vector<std::string> of_words;
  std::vector<std::string> empty;
  std::vector<SeriesColumn> others;
  for (SeriesColumn& column : rows_.others) {
    if (column.values.kind() == ValueColumn::Kind::kNumbers) {
      rows_.targets.push_back(std::move(column));
      continue;
    }
    const bool is_empty = column.values.kind() == ValueColumn::Kind::kUnknown;
    (is_empty ? empty : of_words).push_back(column.name);
    others.push_back(std::move(column));
  }
  rows_.others = std::move(others);
  if (rows_.targets.empty()) {
    throw FormatError(
        parser_.path(),
        "no column of numbers is left to be a target; there must be one besides those "
        "named (--time, --series, --past, --known)");
  }
  for (const SeriesColumn& column : rows_.targets) {
    const std::optional<double> rise = even_rise(column.values.values());
    if (time_ || rows_.targets.size() == 1 || !rise) continue;
    rows_.notes.push_back(
        fmt::format("column {} is forecast too, although it rises by {} in each row: if it is the "
                    "time, --time should say so",
                    in_quotes(column.name), *rise));
  }
  if (!empty.empty()) {
    rows_.notes.push_back(fmt::format("not read, as no value is in them: {}", listed(empty)));
  }
  if (!of_words.empty()) {
    rows_.notes.push_back(
        fmt::format("not read, as they are columns of words that were not named (--series, --past, "
                    "--known): {}",
                    listed(of_words)));
  }
}

void TimeSeriesReader::settle_times() {
  const auto clear = std::ranges::find_if(
      times_, [](const TimeColumn& column) { return !column.unclear().has_value(); });
  if (clear == times_.end()) {
    throw FormatError(
        parser_.path(),
        fmt::format("column {}: {}; {}", in_quotes(rows_.time_name), *times_.front().unclear(),
                    form_
                        ? fmt::format("dates must suit one alone, or the format of those that the "
                                      "model has learnt from, {}",
                                      in_quotes(form_->columns.date_format))
                        : "the format must be given (--date-format)"));
  }
  rows_.format = clear->format();
  rows_.times = clear->times();
  const std::optional<std::int32_t> offset = clear->offset();
  rows_.offset = offset.value_or(0);
  require_writable(rows_);
  columns_.date_format = rows_.format.pattern();
  if (!offset && !rows_.zone && rows_.times.front().kind == TimeStamp::Kind::kZoned) {
    rows_.notes.emplace_back(
        "offsets from UTC differ, as with daylight saving; times are given in UTC, unless the time "
        "zone is named (train --time-zone)");
  }
  times_.clear();
}

}  // namespace riverrun::data
