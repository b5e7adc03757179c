#include "riverrun/report/figure.h"

#include <algorithm>
#include <cmath>
#include <string_view>

#include <fmt/format.h>

#include "riverrun/core/error.h"
#include "riverrun/data/text/utf8.h"

namespace riverrun::report {
namespace {

bool can_be_shown(double value, Scale scale) {
  return std::isfinite(value) && (scale != Scale::kLogarithmic || value > 0);
}

}  // namespace

std::string csv_field(std::string_view text) {
  std::string valid = text::to_valid_utf8(text);
  if (valid.find_first_of(",\"\r\n") == std::string::npos) return valid;
  std::string quoted = "\"";
  for (const char c : valid) {
    quoted += c;
    if (c == '"') quoted += c;
  }
  return quoted + '"';
}

std::string Axis::heading() const { return unit.empty() ? label : label + " (" + unit + ")"; }

std::string power_of_ten(double log10) {
  double exponent = std::floor(log10);
  double mantissa = std::pow(10, log10 - exponent);
  if (mantissa >= 9.995) {  // which would be rounded to 10.00
    mantissa = 1;
    ++exponent;
  }
  return fmt::format("{:.2f}e{:+03.0f}", mantissa, exponent);
}

bool is_gap(const Figure& figure, const Series& series, std::size_t i) {
  return !can_be_shown(series.y[i], figure.y.scale) ||
         (series.mark == Mark::kBand && !can_be_shown(series.upper[i], figure.y.scale));
}

void check(const Figure& figure) {
  const auto fail = [&](const std::string& what) {
    throw ConfigError(fmt::format("figure \"{}\": {}", figure.title, what));
  };
  if (figure.series.empty()) fail("there is no series; at least one is needed");
  const auto categories = static_cast<double>(figure.x.categories.size());
  for (const Series& series : figure.series) {
    if (series.x.size() != series.y.size() || series.x.empty()) {
      fail(fmt::format("the series \"{}\" has {} x and {} y; it must have as many, and not none",
                       series.name, series.x.size(), series.y.size()));
    }
    const std::size_t edge = series.mark == Mark::kBand ? series.y.size() : 0;
    if (series.upper.size() != edge) {
      fail(
          fmt::format("the series \"{}\" has {} y and an upper edge of {}; a band must have as "
                      "many, and all else none",
                      series.name, series.y.size(), series.upper.size()));
    }
    if (series.mark == Mark::kBars && figure.x.categories.empty()) {
      fail(fmt::format("the bars \"{}\" need categories to stand on", series.name));
    }
    for (const double x : series.x) {
      if (!can_be_shown(x, figure.x.scale)) {
        fail(fmt::format("the series \"{}\" has a point at x = {}; its axis cannot show that",
                         series.name, x));
      }
      if (categories > 0 && !(x >= 0 && x < categories && x == std::floor(x))) {
        fail(
            fmt::format("the series \"{}\" has a point at x = {}; it must be the number of one of "
                        "the {} categories",
                        series.name, x, categories));
      }
    }
  }
}

Figure thinned(const Figure& figure, std::size_t most) {
  Figure result = figure;
  for (Series& series : result.series) {
    if (series.x.size() <= most) continue;
    const auto shown = [&](double x) {
      return figure.x.scale == Scale::kLogarithmic ? std::log(x) : x;
    };
    const auto [low, high] = std::minmax_element(series.x.begin(), series.x.end());
    const double width = (shown(*high) - shown(*low)) / static_cast<double>(most);
    Series few{.name = series.name, .x = {}, .y = {}, .mark = series.mark, .upper = {}};
    for (std::size_t i = 0; i < series.x.size(); ++i) {
      const bool is_end = i == 0 || i + 1 == series.x.size();
      if (!is_end && std::abs(shown(series.x[i]) - shown(few.x.back())) < width) continue;
      few.x.push_back(series.x[i]);
      few.y.push_back(series.y[i]);
      if (!series.upper.empty()) few.upper.push_back(series.upper[i]);
    }
    series = std::move(few);
  }
  return result;
}

std::size_t style_of(const Figure& figure, std::size_t series) {
  const auto end = figure.series.begin() + static_cast<std::ptrdiff_t>(series);
  return static_cast<std::size_t>(std::count_if(
      figure.series.begin(), end, [](const Series& s) { return s.mark != Mark::kBand; }));
}

std::string to_csv(const Figure& figure) {
  check(figure);
  const auto heading = [](const Axis& axis) {
    return csv_field((axis.scale == Scale::kPowersOfTen ? "log10 of " : "") + axis.heading());
  };
  const bool has_bands =
      std::ranges::find(figure.series, Mark::kBand, &Series::mark) != figure.series.end();
  std::string csv = fmt::format("series,{},{}{}\r\n", heading(figure.x), heading(figure.y),
                                has_bands ? ",upper" : "");
  for (const Series& series : figure.series) {
    const std::string name = csv_field(series.name);
    for (std::size_t i = 0; i < series.x.size(); ++i) {
      const std::string x =
          figure.x.categories.empty()
              ? fmt::format("{}", series.x[i])
              : csv_field(figure.x.categories[static_cast<std::size_t>(series.x[i])]);
      const bool gap = is_gap(figure, series, i);
      csv += fmt::format("{},{},{}", name, x, gap ? "" : fmt::format("{}", series.y[i]));
      if (has_bands) csv += ',';
      if (series.mark == Mark::kBand && !gap) csv += fmt::format("{}", series.upper[i]);
      csv += "\r\n";
    }
  }
  return csv;
}

}  // namespace riverrun::report
