#pragma once

#include <cmath>
#include <limits>
#include <vector>

#include "riverrun/report/figure.h"

namespace riverrun::test {

/// One figure of each kind: powers of ten over a logarithm, with a gap; points and a line; bars of
/// categories. Their words try to be markup.
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
  return {curves, learning, surprise};
}

}  // namespace riverrun::test
