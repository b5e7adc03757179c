#include "riverrun/models/forecaster.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "riverrun/core/error.h"
#include "riverrun/models/forecast_network.h"

namespace riverrun::models {
namespace {

std::size_t at(std::int64_t index) { return static_cast<std::size_t>(index); }

const ForecasterOptions& checked(const ForecasterOptions& options) {
  check(options);
  return options;
}

std::unique_ptr<ForecastNetwork> make_network(const ForecasterOptions& options) {
  return options.method == ForecastMethod::kSegments ? make_segment_network(options)
                                                     : make_path_network(options);
}

std::vector<NamedShape> shapes_of(const ForecasterOptions& options) {
  return options.method == ForecastMethod::kSegments ? segment_network_shapes(options)
                                                     : path_network_shapes(options);
}

void check_quantiles(const std::vector<double>& quantiles) {
  const bool rises = std::ranges::adjacent_find(quantiles, std::greater_equal{}) == quantiles.end();
  if (rises && std::ranges::find(quantiles, 0.5) != quantiles.end()) return;
  throw ConfigError(
      fmt::format("Forecaster: quantiles are {}; they must rise, and 0.5 must be among them",
                  fmt::join(quantiles, ", ")));
}

void check_lines(const ForecasterOptions& options) {
  if (options.lines.empty()) throw ConfigError("Forecaster: there are no lines");
  std::set<std::pair<std::string, std::string>> lines;
  for (const ForecastLine& line : options.lines) {
    if (!lines.emplace(line.series, line.target).second) {
      throw ConfigError(fmt::format("Forecaster: the line \"{}\" of the series \"{}\" is twice",
                                    line.target, line.series));
    }
    if (std::ranges::find(options.columns.target, line.target) == options.columns.target.end()) {
      throw ConfigError(fmt::format("Forecaster: the line \"{}\" is of no target", line.target));
    }
  }
}

}  // namespace

void check(const ForecasterOptions& options) {
  check_fields("Forecaster", options);
  check_quantiles(options.quantiles);
  if (!data::parse_frequency(options.frequency)) {
    throw ConfigError(fmt::format(
        "Forecaster: frequency is \"{}\"; it must be one such as \"hour\", \"15 minutes\", "
        "\"day\", \"trading day\" or \"month end\"",
        options.frequency));
  }
  check_lines(options);
  std::int64_t numbers = 0;
  bool has_past = false;
  for (const data::Covariate& covariate : options.covariates) {
    numbers += covariate.size();
    has_past = has_past || !covariate.known;
  }
  if (std::ssize(options.covariate_scales) != numbers) {
    throw ConfigError(
        fmt::format("Forecaster: there are {} covariate_scales for covariates of {} numbers",
                    options.covariate_scales.size(), numbers));
  }
  if (options.look_back % options.segment != 0) {
    throw ConfigError(
        fmt::format("Forecaster: look_back is {}; it must be a multiple of segment, {}",
                    options.look_back, options.segment));
  }
  if (options.method == ForecastMethod::kPaths) {
    if (options.segment != 1) {
      throw ConfigError(
          fmt::format("Forecaster: segment is {}; with paths, which are drawn row by row, it is 1",
                      options.segment));
    }
    if (has_past) {
      throw ConfigError(
          "Forecaster: paths cannot read covariates of the past alone, which they would have to "
          "draw; segments can");
    }
  }
  static_cast<void>(shapes_of(options));  // which checks the network's own options
}

std::vector<NamedShape> parameter_shapes(const ForecasterOptions& options) {
  check(options);
  return shapes_of(options);
}

Forecaster::Forecaster(const ForecasterOptions& options)
    : options_(checked(options)), network_(make_network(options)) {}
Forecaster::Forecaster(Forecaster&&) noexcept = default;
Forecaster& Forecaster::operator=(Forecaster&&) noexcept = default;
Forecaster::~Forecaster() = default;

Var Forecaster::loss(Tape& tape, const ForecastData& data,
                     std::span<const ForecastWindow> windows) {
  const ForecastBatch batch = forecast_batch(options_, data, windows);
  if (std::ranges::all_of(batch.target.values(), [](float x) { return std::isnan(x); })) {
    throw ConfigError("Forecaster: nothing is known of what comes after the windows");
  }
  return network_->loss(tape, batch).loss;
}

Forecaster::LossSum Forecaster::loss_sum(const ForecastData& data,
                                         std::span<const ForecastWindow> windows) const {
  return network_->loss_sum(forecast_batch(options_, data, windows));
}

void Forecaster::forecast(const ForecastData& data, std::span<const ForecastWindow> windows,
                          std::uint64_t seed, const Take& take) const {
  constexpr std::int64_t kMostRows = 8192;  // side by side
  constexpr std::int64_t kMostRead = 1 << 22;
  const std::int64_t rows_of_window = options_.method == ForecastMethod::kPaths
                                          ? options_.paths
                                          : (options_.horizon - 1) / options_.segment + 1;
  const std::int64_t together = std::clamp<std::int64_t>(
      std::min(kMostRows / rows_of_window, kMostRead / options_.look_back), 1, 512);
  const std::size_t of_row = options_.quantiles.size();
  std::vector<double> quantiles(at(options_.horizon) * of_row);
  for (std::int64_t first = 0; first < std::ssize(windows); first += together) {
    const auto some =
        windows.subspan(at(first), at(std::min(together, std::ssize(windows) - first)));
    const ForecastBatch batch = forecast_batch(options_, data, some);
    const Tensor said = network_->forecast(batch, seed, static_cast<std::uint64_t>(first));
    for (std::size_t b = 0; b < some.size(); ++b) {
      const ForecastData::Line& line = data.lines()[at(some[b].line)];
      for (std::size_t i = 0; i < quantiles.size(); ++i) {
        const float x = said.data()[(i / of_row * some.size() + b) * of_row + i % of_row];
        const double value = static_cast<double>(batch.level[b]) +
                             static_cast<double>(batch.scale[b]) * static_cast<double>(x);
        quantiles[i] = line.scale.mean + line.scale.deviation * value;
        if (std::isfinite(quantiles[i])) continue;
        throw NumericError(
            fmt::format("Forecaster: what the network says of {} is not finite; the weights are "
                        "too large",
                        data.table().written_time(data.series_of(line), some[b].origin)));
      }
      // Each is learnt by itself, so that two may cross.
      for (std::size_t i = 0; i < quantiles.size(); i += of_row) {
        std::ranges::sort(std::span(quantiles).subspan(i, of_row));
      }
      take(some[b], quantiles);
    }
  }
}

ParameterList Forecaster::parameters() { return network_->parameters(); }
ConstParameterList Forecaster::parameters() const { return std::as_const(*network_).parameters(); }

}  // namespace riverrun::models
