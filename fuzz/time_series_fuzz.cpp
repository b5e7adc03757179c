// Any bytes as a CSV file of time series: it is refused with a FormatError, or the series are as
// the interface has them; the same however it comes in pieces, and if a model with the same form
// reads it. Then missing values are treated in each way.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "riverrun/core/error.h"
#include "riverrun/data/time_series_reader.h"

namespace {

using namespace riverrun::data;

void require(bool condition) {
  if (!condition) std::abort();
}

std::size_t at(std::int64_t index) { return static_cast<std::size_t>(index); }

/// What was read, or why it was refused.
struct Read {
  TimeSeriesTable table;
  TimeSeriesColumns columns;
  std::string refused;
};

/// `expected` is columns or a form.
template <class Expected>
Read read(std::string_view text, const Expected& expected, std::size_t piece) {
  try {
    TimeSeriesReader reader("fuzzed", expected);
    for (std::size_t i = 0; i < text.size(); i += piece) reader.feed(text.substr(i, piece));
    TimeSeriesTable table = reader.finish();
    return {std::move(table), reader.columns(), ""};
  } catch (const riverrun::FormatError& error) {
    return {{}, {}, error.what()};
  }
}

bool same_value(double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); }

bool same_series(const TimeSeries& a, const TimeSeries& b) {
  return a.name == b.name && a.line == b.line && a.start == b.start && a.steps == b.steps &&
         a.observed == b.observed && std::ranges::equal(a.targets, b.targets, same_value) &&
         std::ranges::equal(a.covariates, b.covariates, same_value) && a.lines == b.lines &&
         a.times == b.times;
}

bool same_series(const Read& a, const Read& b) {
  return std::ranges::equal(
      a.table.series, b.table.series,
      [](const TimeSeries& first, const TimeSeries& second) { return same_series(first, second); });
}

bool is_sound(const TimeSeriesTable& table, const TimeSeries& series) {
  const std::size_t covariates = table.covariates.size();
  if (series.steps < 1 || series.observed < 1 || series.observed > series.steps ||
      series.targets.size() != at(series.steps) * table.targets.size() ||
      series.covariates.size() != at(series.steps) * covariates ||
      std::ssize(series.lines) != series.steps) {
    return false;
  }
  if (std::ranges::any_of(series.targets, [](double x) { return std::isinf(x); })) return false;
  for (std::size_t i = 0; i < series.covariates.size(); ++i) {
    const double value = series.covariates[i];
    const Covariate& covariate = table.covariates[i % covariates];
    const bool is_future = i / covariates >= at(series.observed);
    if (std::isinf(value) || (is_future && covariate.known && std::isnan(value))) return false;
    if (covariate.levels.empty() || std::isnan(value)) continue;
    if (value < 0 || value >= static_cast<double>(covariate.levels.size())) return false;
  }
  return true;
}

void require_sound(const Read& read, std::int64_t bytes) {
  const TimeSeriesTable& table = read.table;
  require(!table.series.empty() && !table.targets.empty());
  require(read.columns.target == table.targets);
  std::int64_t rows = 0;
  for (const Covariate& covariate : table.covariates) {
    require(std::ranges::is_sorted(covariate.levels));
  }
  for (const TimeSeries& series : table.series) {
    require(is_sound(table, series));
    const auto there =
        std::ranges::count_if(series.lines, [](std::int64_t line) { return line > 0; });
    require(there > 0 && series.steps <= 100 * there);
    require(series.lines.front() > 0 && series.lines.back() > 0);
    rows += there;
    require(!table.written_time(series, series.steps - 1).empty());
  }
  require(rows <= bytes);
}

void require_filled(TimeSeriesTable table, Missing missing) {
  try {
    fill_missing(table, missing);
  } catch (const riverrun::FormatError&) {
    return;
  }
  for (const TimeSeries& series : table.series) {
    require(is_sound(table, series));
    // Who forecasts interpolates targets, and only between values that came before.
    if (missing != Missing::kError) continue;
    const auto observed = at(series.observed) * table.targets.size();
    require(std::none_of(series.targets.begin(),
                         series.targets.begin() + static_cast<std::ptrdiff_t>(observed),
                         [](double x) { return std::isnan(x); }));
  }
}

TimeSeriesColumns columns_of(std::uint8_t choice) {
  TimeSeriesColumns columns;
  if ((choice & 0x01) != 0) columns.time = "t";
  if ((choice & 0x02) != 0) columns.series = "s";
  if ((choice & 0x04) != 0) columns.target = {"y"};
  if ((choice & 0x08) != 0) columns.past = {"p"};
  if ((choice & 0x10) != 0) columns.known = {"k"};
  if ((choice & 0x20) != 0) columns.date_format = "%d/%m/%Y";
  return columns;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const TimeSeriesColumns columns = columns_of(data[0]);
  const std::size_t piece = std::size_t{1} + data[1] % 16;
  const std::string_view text(reinterpret_cast<const char*>(data) + 2, size - 2);

  const Read whole = read(text, columns, text.size() + 1);
  const Read pieces = read(text, columns, piece);
  require(whole.refused == pieces.refused);
  if (!whole.refused.empty()) return 0;
  require(whole.columns == pieces.columns && same_series(whole, pieces) &&
          whole.table.covariates == pieces.table.covariates &&
          whole.table.notes == pieces.table.notes);
  require_sound(whole, static_cast<std::int64_t>(size));

  const TimeSeriesForm form = {.columns = whole.columns,
                               .covariates = whole.table.covariates,
                               .frequency = whole.table.frequency};
  const Read again = read(text, form, piece);
  require(again.refused.empty() && same_series(whole, again));

  for (const Missing missing : {Missing::kError, Missing::kInterpolate, Missing::kMask}) {
    require_filled(whole.table, missing);
  }
  return 0;
}
