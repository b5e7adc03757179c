#include "riverrun/data/time_series.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "riverrun/core/error.h"
#include "riverrun/data/text/text_input.h"
#include "riverrun/data/time_series_reader.h"
#include "riverrun/data/ts_line.h"

namespace riverrun::data {
namespace {

std::size_t at(std::int64_t index) { return static_cast<std::size_t>(index); }

/// `expected` is columns or a form.
template <class Expected>
TimeSeriesTable read(const std::filesystem::path& path, const Expected& expected,
                     TimeSeriesColumns* columns) {
  const text::TextPart part = text::open_texts(std::span(&path, 1)).front();
  TimeSeriesReader reader(part.path.string(), expected, part.begin);
  text::for_each_piece(part, [&reader](std::string_view piece) { reader.feed(piece); });
  TimeSeriesTable table = reader.finish();
  if (columns != nullptr) *columns = reader.columns();
  return table;
}

/// How many steps there are before the first for which `is_behind(time)`, of as many as the series
/// has.
template <class IsBehind>
std::int64_t steps_ahead(const TimeSeriesTable& table, const TimeSeries& series,
                         IsBehind is_behind) {
  std::int64_t low = 0;
  std::int64_t high = series.steps;
  while (low < high) {
    const std::int64_t middle = low + (high - low) / 2;
    if (is_behind(table.time_of(series, middle))) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return low;
}

/// Leaves so many steps, but for those at the end that the file has no row for.
void shorten(TimeSeries& series, std::int64_t steps) {
  while (steps > 0 && series.lines[at(steps - 1)] == 0) --steps;
  const std::size_t targets = series.targets.size() / at(series.steps);
  const std::size_t covariates = series.covariates.size() / at(series.steps);
  series.steps = steps;
  series.observed = std::min(series.observed, steps);
  series.targets.resize(at(steps) * targets);
  series.covariates.resize(at(steps) * covariates);
  series.lines.resize(at(steps));
  if (!series.times.empty()) series.times.resize(at(steps));
}

}  // namespace

std::int64_t Covariate::size() const noexcept { return levels.empty() ? 1 : std::ssize(levels); }

std::int64_t TimeSeriesTable::covariate_size() const noexcept {
  std::int64_t size = 0;
  for (const Covariate& covariate : covariates) size += covariate.size();
  return size;
}

void TimeSeriesTable::write_covariates(const TimeSeries& of, std::int64_t step,
                                       std::span<double> out) const {
  if (std::ssize(out) != covariate_size()) {
    throw ShapeError(fmt::format("write_covariates: out is [{}]; it must be [{}]", out.size(),
                                 covariate_size()));
  }
  for (std::size_t c = 0; c < covariates.size(); ++c) {
    const double value = of.covariates[at(step) * covariates.size() + c];
    const auto numbers = out.first(at(covariates[c].size()));
    out = out.subspan(numbers.size());
    const bool is_number = covariates[c].levels.empty();
    std::ranges::fill(numbers, is_number || std::isnan(value) ? value : 0.0);
    if (!is_number && !std::isnan(value)) numbers[static_cast<std::size_t>(value)] = 1;
  }
}

TimeStamp TimeSeriesTable::time_of(const TimeSeries& of, std::int64_t step) const {
  if (frequency.unit == Frequency::Unit::kRow) return {.whole = step};
  if (step >= 0 && step < std::ssize(of.times)) return of.times[at(step)];
  const std::int64_t known = step < 0 || of.times.empty() ? 0 : std::ssize(of.times) - 1;
  const TimeStamp& from = of.times.empty() ? of.start : of.times[at(known)];
  try {
    return advance(frequency, from, step - known);
  } catch (const ConfigError&) {
    throw FormatError(
        path, fmt::format("the time {} rows after {} is too far; times must be {}", step - known,
                          write_time(format, from, offset, zone),
                          from.kind == TimeStamp::Kind::kNumber ? "numbers of 64 bits"
                                                                : "in the years 0 to 9999"));
  }
}

TimeStamp TimeSeriesTable::clock_of(const TimeSeries& of, std::int64_t step) const {
  const TimeStamp time = time_of(of, step);
  return zone ? zone->local(time) : time;
}

std::optional<TimeStamp> TimeSeriesTable::parse(std::string_view text) const {
  std::optional<TimeStamp> time = format.parse(text);
  if (!time) time = parse_time(text);
  if (time && zone) time = goes_by_clocks(frequency) ? zone->local(*time) : zone->moment(*time);
  if (!time || time->kind != series.front().start.kind) return std::nullopt;
  if (frequency.unit == Frequency::Unit::kRow) --time->whole;
  return time;
}

std::int64_t TimeSeriesTable::steps_before(const TimeSeries& of, const TimeStamp& time) const {
  return steps_ahead(*this, of, [&](const TimeStamp& other) { return other >= time; });
}

std::int64_t TimeSeriesTable::steps_until(const TimeSeries& of, const TimeStamp& time) const {
  return steps_ahead(*this, of, [&](const TimeStamp& other) { return other > time; });
}

std::string TimeSeriesTable::written_time(const TimeSeries& of, std::int64_t step) const {
  if (frequency.unit == Frequency::Unit::kRow) return fmt::format("row {}", step + 1);
  return write_time(format, time_of(of, step), offset, zone);
}

void cut_after(TimeSeriesTable& table, const TimeStamp& last) {
  std::vector<TimeSeries> left;
  for (TimeSeries& series : table.series) {
    const std::int64_t steps = table.steps_until(series, last);
    if (steps == 0) continue;
    if (steps < series.steps) shorten(series, steps);
    left.push_back(std::move(series));
  }
  const std::size_t all = table.series.size();
  table.series = std::move(left);
  if (table.series.empty()) {
    throw FormatError(table.path,
                      fmt::format("all rows are after {}; at least one must not be",
                                  write_time(table.format, last, table.offset, table.zone)));
  }
  if (table.series.size() == all) return;
  table.notes.push_back(fmt::format("{} of {} series begin after {} and are not read",
                                    all - table.series.size(), all,
                                    write_time(table.format, last, table.offset, table.zone)));
}

TimeSeriesTable read_time_series(const std::filesystem::path& path, TimeSeriesColumns& columns) {
  return read(path, columns, &columns);
}

TimeSeriesTable read_time_series(const std::filesystem::path& path, const TimeSeriesForm& form) {
  return read(path, form, nullptr);
}

}  // namespace riverrun::data
