#include "riverrun/models/forecast_leaks.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <optional>

#include <fmt/format.h>

namespace riverrun::models {
namespace {

constexpr std::int64_t kLeastRows = 10;

/// A covariate and a target in the rows that are learnt from.
class Pair {
 public:
  Pair(const data::TimeSeriesTable& table, std::size_t covariate, std::size_t target,
       const std::vector<std::int64_t>& rows)
      : table_(table), covariate_(covariate), target_(target), rows_(rows) {}

  /// Whether the covariate is the target of `later` rows later in all rows that have both.
  [[nodiscard]] bool is_target(std::int64_t later) const {
    std::int64_t count = 0;
    std::optional<double> first;
    bool changes = false;
    for (std::size_t s = 0; s < rows_.size(); ++s) {
      const std::int64_t begin = std::max<std::int64_t>(-later, 0);
      for (std::int64_t row = begin; row < rows_[s] - std::max<std::int64_t>(later, 0); ++row) {
        const double x = covariate(s, row);
        const double y = target(s, row + later);
        if (std::isnan(x) || std::isnan(y)) continue;
        if (x != y) return false;
        changes = changes || y != first.value_or(y);
        if (!first) first = y;
        ++count;
      }
    }
    return changes && count >= kLeastRows;
  }

  /// Pearson's, of the differences from the means of the series; 0 if one of the two is constant.
  [[nodiscard]] double correlation() const {
    std::int64_t count = 0;
    double xx = 0;
    double xy = 0;
    double yy = 0;
    for (std::size_t s = 0; s < rows_.size(); ++s) {
      const Means means = means_of(s);
      for (std::int64_t row = 0; row < rows_[s]; ++row) {
        const double x = covariate(s, row) - means.x;
        const double y = target(s, row) - means.y;
        if (std::isnan(x) || std::isnan(y)) continue;
        xx += x * x;
        xy += x * y;
        yy += y * y;
        ++count;
      }
    }
    return count >= kLeastRows && xx > 0 && yy > 0 ? xy / std::sqrt(xx) / std::sqrt(yy) : 0;
  }

 private:
  struct Means {
    double x = 0;
    double y = 0;
  };
  /// Of the rows that have both.
  [[nodiscard]] Means means_of(std::size_t series) const {
    Means sums;
    std::int64_t count = 0;
    for (std::int64_t row = 0; row < rows_[series]; ++row) {
      const double x = covariate(series, row);
      const double y = target(series, row);
      if (std::isnan(x) || std::isnan(y)) continue;
      sums.x += x;
      sums.y += y;
      ++count;
    }
    const double n = static_cast<double>(std::max<std::int64_t>(count, 1));
    return {.x = sums.x / n, .y = sums.y / n};
  }
  [[nodiscard]] double covariate(std::size_t series, std::int64_t row) const {
    return table_.series[series]
        .covariates[static_cast<std::size_t>(row) * table_.covariates.size() + covariate_];
  }
  [[nodiscard]] double target(std::size_t series, std::int64_t row) const {
    return table_.series[series]
        .targets[static_cast<std::size_t>(row) * table_.targets.size() + target_];
  }

  const data::TimeSeriesTable& table_;
  std::size_t covariate_;
  std::size_t target_;
  const std::vector<std::int64_t>& rows_;  // of each series
};

std::string rows_of(std::int64_t count) {
  return fmt::format("{} row{}", count, count == 1 ? "" : "s");
}

/// What the covariate tells of the target; empty if it is nothing.
std::string leak(const Pair& pair, const std::string& target, bool known, std::int64_t look_back,
                 std::int64_t horizon) {
  if (known && pair.is_target(0)) {
    return fmt::format("is target {} in all rows: what is to be forecast is given", target);
  }
  for (std::int64_t rows = 1; rows <= look_back + horizon; ++rows) {
    if (pair.is_target(rows)) {
      return fmt::format("is target {} of {} later: the future is given", target, rows_of(rows));
    }
    // What was a horizon before is known.
    if (known && rows < horizon && pair.is_target(-rows)) {
      return fmt::format("is target {} of {} before: of the {} to come, it is not known in advance",
                         target, rows_of(rows), rows_of(horizon));
    }
  }
  constexpr double kMost = 0.9999;
  const double r = known ? pair.correlation() : 0;
  if (std::abs(r) <= kMost) return "";
  return fmt::format(
      "is all but target {} (their correlation is {:.6f}): what is to be forecast is "
      "given",
      target, r);
}

}  // namespace

std::vector<std::string> leaks(const data::TimeSeriesTable& table, std::int64_t look_back,
                               std::int64_t horizon, const ForecastTraining& learning) {
  std::vector<std::int64_t> rows;
  for (const data::TimeSeries& series : table.series) {
    rows.push_back(learnt_rows(series.observed, horizon, learning));
  }
  std::vector<std::string> found;
  for (std::size_t c = 0; c < table.covariates.size(); ++c) {
    const data::Covariate& covariate = table.covariates[c];
    if (!covariate.levels.empty()) continue;
    for (std::size_t t = 0; t < table.targets.size(); ++t) {
      const std::string what =
          leak(Pair(table, c, t, rows), fmt::format("\"{}\"", table.targets[t]), covariate.known,
               look_back, horizon);
      if (what.empty()) continue;
      found.push_back(fmt::format(
          "the {} covariate \"{}\" {}, and forecasts will look better than they are (a leak)",
          covariate.known ? "known" : "past", covariate.name, what));
    }
  }
  return found;
}

}  // namespace riverrun::models
