// How a forecaster reads tables: ForecastData, and the batches of its windows.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "riverrun/core/error.h"
#include "riverrun/data/civil_time.h"
#include "riverrun/models/forecast_network.h"
#include "riverrun/nn/ops.h"

namespace riverrun::models {
namespace {

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

std::size_t at(std::int64_t index) { return static_cast<std::size_t>(index); }

data::Frequency frequency_of(const ForecasterOptions& options) {
  return data::parse_frequency(options.frequency).value_or(data::Frequency());
}

/// The look-back of a window in float32, NaN where a value is missing or before the first row.
std::vector<float> look_back(const ForecastData::Line& line, std::int64_t origin,
                             std::int64_t rows) {
  std::vector<float> values(at(rows), kNaN);
  const std::int64_t from = std::max<std::int64_t>(origin - rows, 0);
  std::copy(line.values.begin() + from, line.values.begin() + origin,
            values.end() - (origin - from));
  return values;
}

/// What a window is set against: its last value, and the standard deviation of all.
struct WindowScale {
  float level = 0;
  float scale = 1;
};

WindowScale scale_of(const std::vector<float>& values) {
  WindowScale window;
  double sum = 0;
  double squares = 0;
  std::int64_t count = 0;
  for (const float value : values) {
    if (std::isnan(value)) continue;
    window.level = value;
    sum += static_cast<double>(value);
    ++count;
  }
  if (count == 0) return window;
  const double mean = sum / static_cast<double>(count);
  for (const float value : values) {
    if (std::isnan(value)) continue;
    const double difference = static_cast<double>(value) - mean;
    squares += difference * difference;
  }
  if (count == 1) return window;  // one value says nothing of it: that of the line, 1
  // So that a window that is all but constant does not become noise (Kim et al. 2022).
  constexpr double kLeastVariance = 1e-5;
  window.scale =
      static_cast<float>(std::sqrt(squares / static_cast<double>(count) + kLeastVariance));
  return window;
}

/// Each missing value becomes the one before it or, if they are to be interpolated, one on the line
/// between its neighbours; at an end, the value next to it. Without any value, all are `otherwise`.
void fill(std::vector<float>& values, data::Missing missing, float otherwise) {
  std::size_t known = 0;  // behind the last value that is there
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (std::isnan(values[i])) continue;
    const float before = known > 0 ? values[known - 1] : values[i];
    const bool is_line = known > 0 && missing == data::Missing::kInterpolate;
    const float rise = is_line ? (values[i] - before) / static_cast<float>(i - known + 1) : 0;
    for (std::size_t gap = known; gap < i; ++gap) {
      values[gap] = before + rise * static_cast<float>(gap - known + 1);
    }
    known = i + 1;
  }
  const float last = known > 0 ? values[known - 1] : otherwise;
  std::fill(values.begin() + static_cast<std::ptrdiff_t>(known), values.end(), last);
}

/// Puts the numbers of windows in their places.
class BatchBuilder {
 public:
  BatchBuilder(const ForecasterOptions& options, const ForecastData& data, std::int64_t windows)
      : options_(options), data_(data), sizes_(forecast_sizes(options)), windows_(windows) {
    const std::int64_t s = options.segment;
    batch_.past = Tensor({sizes_.past_segments, windows, sizes_.of_past(s)});
    if (sizes_.of_future(s) > 0) {
      batch_.future = Tensor({sizes_.future_segments, windows, sizes_.of_future(s)});
    }
    batch_.history = Tensor({options.look_back, windows});
    batch_.target = Tensor({options.horizon, windows});
  }

  void add(const ForecastWindow& window) {
    const ForecastData::Line& line = data_.lines()[at(window.line)];
    std::vector<float> values = look_back(line, window.origin, options_.look_back);
    const WindowScale of_window = scale_of(values);
    const std::int64_t b = std::ssize(batch_.lines);
    for (std::int64_t i = 0; i < options_.look_back; ++i) {
      batch_.history.data()[i * windows_ + b] = (values[at(i)] - of_window.level) / of_window.scale;
    }
    fill(values, options_.missing, of_window.level);
    const std::int64_t s = options_.segment;
    const ForecastData::Series& series = data_.series()[at(line.series)];
    const std::int64_t steps = data_.series_of(line).steps;
    for (std::int64_t segment = 0; segment < sizes_.past_segments; ++segment) {
      float* to = batch_.past.data() + (segment * windows_ + b) * sizes_.of_past(s);
      for (std::int64_t i = segment * s; i < (segment + 1) * s; ++i) {
        *to++ = (values[at(i)] - of_window.level) / of_window.scale;
        if (sizes_.value > 1) {
          *to++ = std::isnan(batch_.history.data()[i * windows_ + b]) ? 1.0f : 0.0f;
        }
        const std::int64_t row = window.origin - options_.look_back + i;
        to = copy_covariates(series, row, steps, 0, sizes_.past + sizes_.known, to);
      }
      copy_calendar(series, window.origin - options_.look_back + segment * s, to);
    }
    for (std::int64_t segment = 0; segment < sizes_.future_segments && !batch_.future.empty();
         ++segment) {
      float* to = batch_.future.data() + (segment * windows_ + b) * sizes_.of_future(s);
      const std::int64_t first = window.origin + segment * s;
      for (std::int64_t row = first; row < first + s; ++row) {
        to = copy_covariates(series, std::min(row, window.origin + options_.horizon - 1), steps,
                             sizes_.past, sizes_.known, to);
      }
      copy_calendar(series, first, to);
    }
    for (std::int64_t h = 0; h < options_.horizon; ++h) {
      const std::int64_t row = window.origin + h;
      const float value = row < std::ssize(line.values) ? line.values[at(row)] : kNaN;
      batch_.target.data()[h * windows_ + b] = (value - of_window.level) / of_window.scale;
    }
    batch_.lines.push_back(line.number);
    batch_.level.push_back(of_window.level);
    batch_.scale.push_back(of_window.scale);
  }

  ForecastBatch finish() { return std::move(batch_); }

 private:
  /// Of a row; before the first, the first's.
  float* copy_covariates(const ForecastData::Series& series, std::int64_t row, std::int64_t steps,
                         std::int64_t from, std::int64_t count, float* to) const {
    const std::int64_t of_row = sizes_.past + sizes_.known;
    const std::int64_t place = std::clamp<std::int64_t>(row, 0, steps - 1);
    return std::copy_n(series.covariates.data() + place * of_row + from, count, to);
  }
  void copy_calendar(const ForecastData::Series& series, std::int64_t row, float* to) const {
    const std::int64_t place = std::max<std::int64_t>(row + series.earlier, 0);
    std::copy_n(series.calendar.data() + place * sizes_.calendar, sizes_.calendar, to);
  }

  const ForecasterOptions& options_;
  const ForecastData& data_;
  ForecastSizes sizes_;
  std::int64_t windows_;
  ForecastBatch batch_;
};

/// Turns what a table has into the numbers of a forecaster.
class SeriesReader {
 public:
  SeriesReader(const data::TimeSeriesTable& table, const ForecasterOptions& options)
      : table_(table), options_(options), sizes_(forecast_sizes(options)) {
    for (const ForecastLine& line : options.lines) {
      const auto number = static_cast<std::int32_t>(numbers_.size());
      numbers_.emplace(std::pair(line.series, line.target), number);
    }
  }

  [[nodiscard]] ForecastData::Series series(std::int64_t number) const {
    const data::TimeSeries& series = table_.series[at(number)];
    ForecastData::Series read;
    std::vector<double> of_row(options_.covariate_scales.size());
    for (std::int64_t row = 0; !of_row.empty() && row < series.steps; ++row) {
      table_.write_covariates(series, row, of_row);
      for (std::size_t i = 0; i < of_row.size(); ++i) {
        const CovariateScale& scale = options_.covariate_scales[i];
        const float value =
            readable(of_row[i], {scale.mean, scale.deviation}, series, row, "a covariate");
        read.covariates.push_back(std::isnan(value) ? 0.0f : value);
      }
    }
    read.earlier = sizes_.calendar > 0 ? rows_before(series) : 0;
    for (std::int64_t row = -read.earlier;
         sizes_.calendar > 0 && row < series.steps + options_.horizon; ++row) {
      const std::vector<float> all = data::calendar(table_.frequency, table_.clock_of(series, row));
      const auto first = all.begin() + 2 * options_.calendar_skipped;
      read.calendar.insert(read.calendar.end(), first, first + sizes_.calendar);
    }
    return read;
  }

  [[nodiscard]] ForecastData::Line line(std::int64_t series_number, std::int64_t target) const {
    const data::TimeSeries& series = table_.series[at(series_number)];
    const std::string& name = table_.targets[at(target)];
    ForecastData::Line line;
    line.series = series_number;
    line.target = target;
    for (std::int64_t row = 0; row < series.observed; ++row) {
      line.given.push_back(series.targets[at(row * std::ssize(table_.targets) + target)]);
    }
    const auto found = numbers_.find(std::pair(series.name, name));
    const bool is_new = found == numbers_.end();
    line.number = is_new ? static_cast<std::int32_t>(numbers_.size()) : found->second;
    line.scale = is_new ? models::scale_of(line.given, options_.season)
                        : options_.lines[at(found->second)].scale;
    for (std::int64_t row = 0; row < series.observed; ++row) {
      line.values.push_back(readable(line.given[at(row)], line.scale, series, row,
                                     fmt::format("column \"{}\"", name)));
    }
    return line;
  }

 private:
  /// How many rows before the first of a short series windows_of() has in a look-back, and the
  /// calendar too, which begins with the year 0.
  [[nodiscard]] std::int64_t rows_before(const data::TimeSeries& series) const {
    const std::int64_t earliest = std::max<std::int64_t>(series.observed - options_.horizon, 1);
    std::int64_t rows = std::max<std::int64_t>(options_.look_back - earliest, 0);
    const auto is_there = [&](std::int64_t before) {
      try {
        return data::in_calendar(table_.clock_of(series, -before).whole);
      } catch (const FormatError&) {
        return false;
      }
    };
    while (rows > 0 && !is_there(rows)) --rows;
    return rows;
  }
  /// Standardised. Throws if it is missing and may not be, or beyond what float32 can square.
  [[nodiscard]] float readable(double value, const SeriesScale& scale,
                               const data::TimeSeries& series, std::int64_t row,
                               const std::string& what) const {
    if (std::isnan(value)) {
      if (options_.missing != data::Missing::kError) return kNaN;
      throw FormatError(table_.path, fmt::format("{}, {}: the value is missing",
                                                 table_.written_time(series, row), what));
    }
    constexpr double kMost = 1e18;
    const double x = (value - scale.mean) / scale.deviation;
    if (std::abs(x) < kMost) return static_cast<float>(x);
    throw FormatError(
        table_.path,
        fmt::format("{}, {}: {} is too far from the mean of what was learnt, {:.6g}, for its "
                    "standard deviation, {:.6g}",
                    table_.written_time(series, row), what, value, scale.mean, scale.deviation));
  }

  const data::TimeSeriesTable& table_;
  const ForecasterOptions& options_;
  ForecastSizes sizes_;
  std::map<std::pair<std::string, std::string>, std::int32_t> numbers_;  // of the lines
};

}  // namespace

ForecastSizes forecast_sizes(const ForecasterOptions& options) {
  ForecastSizes sizes{.past_segments = options.look_back / options.segment,
                      .future_segments = (options.horizon - 1) / options.segment + 1,
                      .value = options.missing == data::Missing::kMask ? 2 : 1};
  for (const data::Covariate& covariate : options.covariates) {
    (covariate.known ? sizes.known : sizes.past) += covariate.size();
  }
  if (options.calendar) {
    const std::int64_t last =
        std::min(data::calendar_size(frequency_of(options)) / 2, options.calendar_cycles);
    sizes.calendar = 2 * std::max<std::int64_t>(last - options.calendar_skipped, 0);
  }
  return sizes;
}

ForecastData::ForecastData(const data::TimeSeriesTable& table, const ForecasterOptions& options)
    : table_(&table) {
  if (table.targets != options.columns.target || table.covariates != options.covariates) {
    throw FormatError(table.path, "its columns are not those of the model");
  }
  if (data::to_string(table.frequency) != options.frequency) {
    throw FormatError(table.path,
                      fmt::format("it has a row each {}; the model knows series of a row each {}",
                                  data::to_string(table.frequency), options.frequency));
  }
  const SeriesReader reader(table, options);
  for (std::int64_t i = 0; i < std::ssize(table.series); ++i) {
    series_.push_back(reader.series(i));
    for (std::int64_t target = 0; target < std::ssize(table.targets); ++target) {
      lines_.push_back(reader.line(i, target));
    }
  }
}

std::vector<double> ForecastData::actual(const ForecastWindow& window, std::int64_t horizon) const {
  const std::vector<double>& given = lines_[at(window.line)].given;
  std::vector<double> values(at(horizon), std::numeric_limits<double>::quiet_NaN());
  for (std::int64_t h = 0; h < std::min(horizon, std::ssize(given) - window.origin); ++h) {
    values[at(h)] = given[at(window.origin + h)];
  }
  return values;
}

std::span<const double> ForecastData::history(const ForecastWindow& window) const {
  return std::span(lines_[at(window.line)].given).first(at(window.origin));
}

std::vector<ForecastWindow> windows_of(const ForecastData& data, std::int64_t line,
                                       const ForecasterOptions& options, std::int64_t first,
                                       std::int64_t last, std::int64_t stride) {
  const std::vector<float>& values = data.lines()[at(line)].values;
  const std::int64_t end = std::min(last, std::ssize(values)) - options.horizon;
  const std::int64_t earliest = std::max<std::int64_t>(std::min(options.look_back, end), 1);
  std::vector<ForecastWindow> windows;
  for (std::int64_t origin = std::max(first, earliest); origin <= end; origin += stride) {
    windows.push_back({line, origin});
  }
  return windows;
}

ForecastBatch forecast_batch(const ForecasterOptions& options, const ForecastData& data,
                             std::span<const ForecastWindow> windows) {
  BatchBuilder builder(options, data, std::ssize(windows));
  for (const ForecastWindow& window : windows) builder.add(window);
  return builder.finish();
}

LineVectors::LineVectors(const Tensor& embedding, std::span<const std::int32_t> lines)
    : embedding_(&embedding) {
  const std::int64_t known = embedding.size(0);
  if (std::ranges::none_of(lines, [known](std::int32_t line) { return line >= known; })) return;
  mean_.resize(at(embedding.size(1)));
  for (std::int64_t i = 0; i < embedding.elements(); ++i) {
    mean_[at(i) % mean_.size()] += embedding.data()[i] / static_cast<float>(known);
  }
}

void LineVectors::add_to(std::span<float> to, std::int32_t line) const {
  const bool is_new = line >= embedding_->size(0);
  const float* from = is_new ? mean_.data() : embedding_->data() + line * std::ssize(to);
  for (float& value : to) value += *from++;
}

Var line_vectors(Tape& tape, Embedding& embedding, std::span<const std::int32_t> lines,
                 const Shape& shape) {
  const Tensor& weight = embedding.weight().value();
  const std::int64_t known = weight.size(0);
  if (std::ranges::all_of(lines, [known](std::int32_t line) { return line < known; })) {
    return embedding.forward(tape, lines, shape);
  }
  const std::int64_t features = weight.size(1);
  Tensor all({std::ssize(lines), features});
  const LineVectors vectors(weight, lines);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    vectors.add_to(all.values().subspan(i * at(features), at(features)), lines[i]);
  }
  return reshape(tape.input(std::move(all)), {shape[0], shape[1], features});
}

}  // namespace riverrun::models
