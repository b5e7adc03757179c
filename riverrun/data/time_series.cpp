#include "riverrun/data/time_series.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

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
  if (of.times.empty()) return advance(frequency, of.start, step);
  if (step < std::ssize(of.times)) return of.times[at(step)];
  return advance(frequency, of.times.back(), step - (std::ssize(of.times) - 1));
}

std::string TimeSeriesTable::written_time(const TimeSeries& of, std::int64_t step) const {
  if (frequency.unit == Frequency::Unit::kRow) return fmt::format("row {}", step + 1);
  return format.write(time_of(of, step), offset);
}

TimeSeriesTable read_time_series(const std::filesystem::path& path, TimeSeriesColumns& columns) {
  return read(path, columns, &columns);
}

TimeSeriesTable read_time_series(const std::filesystem::path& path, const TimeSeriesForm& form) {
  return read(path, form, nullptr);
}

}  // namespace riverrun::data
