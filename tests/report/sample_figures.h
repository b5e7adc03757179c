#pragma once

#include <cmath>
#include <cstddef>
#include <limits>
#include <string>
#include <vector>

#include "riverrun/report/figure.h"

namespace riverrun::test {

/// A forecast over 200 dates: what happened, bands and the median, with a gap in one band; a clock
/// that was put back, so that two dates have the same name.
inline report::Figure sample_forecast() {
  using namespace report;
  constexpr int kHistory = 150;
  constexpr int kSteps = 200;
  constexpr int kClockBack = 170;
  Figure figure{
      .title = "Load of the next two days",
      .x = {.label = "time"},
      .y = {.label = "load", .unit = "MW"},
      .series = {{.name = "what happened", .x = {}, .y = {}},
                 {.name = "0.1 to 0.9", .x = {}, .y = {}, .mark = Mark::kBand, .upper = {}},
                 {.name = "0.25 to 0.75", .x = {}, .y = {}, .mark = Mark::kBand, .upper = {}},
                 {.name = "median", .x = {}, .y = {}}}};
  for (int step = 0; step < kSteps; ++step) {
    const int hour = step < kClockBack ? step : step - 1;
    const std::string day = std::to_string(10 + hour / 24);
    const std::string time = std::to_string(100 + hour % 24).substr(1);
    figure.x.categories.push_back("2024-10-" + day + " " + time + ":00");
    const double level = 60 + 20 * std::sin(0.2618 * hour) + 3 * std::sin(1.7 * hour);
    if (step < kHistory + 25) {
      figure.series[0].x.push_back(step);
      figure.series[0].y.push_back(level);
    }
    if (step < kHistory) continue;
    const double width = 2 + 0.3 * (step - kHistory);
    const double median = 60 + 20 * std::sin(0.2618 * hour);
    for (std::size_t s = 1; s < 4; ++s) {
      figure.series[s].x.push_back(step);
      figure.series[s].y.push_back(s == 3 ? median : median - width / static_cast<double>(s));
      if (s < 3) figure.series[s].upper.push_back(median + width / static_cast<double>(s));
    }
  }
  figure.series[1].upper[30] = std::numeric_limits<double>::quiet_NaN();
  return figure;
}

/// One figure of each kind: powers of ten over a logarithm, with a gap; points and a line; bars of
/// categories; a forecast. Their words try to be markup.
inline std::vector<report::Figure> sample_figures() {
  using namespace report;
  Series falls{.name = "</script><script>alert(1)</script>", .x = {}, .y = {}};
  Series stays{.name = "lstm, forget_bias 1", .x = {}, .y = {}};
  for (int lag = 1; lag <= 3000; ++lag) {
    falls.x.push_back(lag);
    falls.y.push_back(-0.01 * lag);
    stays.x.push_back(lag);
    stays.y.push_back(lag > 50 && lag < 100 ? std::numeric_limits<double>::quiet_NaN()
                                            : -0.3 * std::log10(lag));
  }
  const Figure curves{
      .title = "Gradient <b>norm</b> & lag",
      .x = {.label = "lag", .unit = "steps", .scale = Scale::kLogarithmic},
      .y = {.label = "norm of ∂L/∂h", .scale = Scale::kPowersOfTen, .low = -12, .high = 1},
      .series = {falls, stays}};

  Series line{.name = "mean", .x = {}, .y = {}};
  Series points{.name = "one run", .x = {}, .y = {}, .mark = Mark::kPoints};
  for (int i = 0; i < 60; ++i) {
    line.x.push_back(i * 1000.0);
    line.y.push_back(0.167 * std::exp(-0.05 * i));
    points.x.push_back(i * 1000.0);
    points.y.push_back(line.y.back() * (1 + 0.3 * std::sin(7 * i)));
  }
  const Figure learning{.title = "Error while training",
                        .x = {.label = "sequences"},
                        .y = {.label = "mean squared error", .scale = Scale::kLogarithmic},
                        .series = {line, points}};

  const Figure surprise{.title = "Surprise of each token",
                        .x = {.label = "token", .categories = {"the", "bank", "'s", "<eos>", "€"}},
                        .y = {.label = "surprise", .unit = "nats"},
                        .series = {{.name = "with the river",
                                    .x = {0, 1, 2, 3, 4},
                                    .y = {1.5, 7, 2, 0.5, 9},
                                    .mark = Mark::kBars}}};
  return {curves, learning, surprise, sample_forecast()};
}

}  // namespace riverrun::test
