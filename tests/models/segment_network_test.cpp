// What a network of segments says is likeliest.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include <gtest/gtest.h>

#include "riverrun/models/forecast_network.h"
#include "riverrun/nn/tape.h"

#include "tests/models/series.h"

namespace riverrun::models {
namespace {

using test::hourly;
using test::small_forecaster;
using test::wave;

// With random weights, quantiles cross.
TEST(SegmentNetwork, WhatIsLikeliestIsTheMedianOfTheForecastOfNewSeriesToo) {
  ForecasterOptions options =
      small_forecaster(hourly({wave(24), wave(24, 3)}), ForecastMethod::kSegments);
  options.quantiles = {0.05, 0.2, 0.4, 0.5, 0.9};
  const data::TimeSeriesTable table = hourly({wave(24), wave(24, 3), wave(24, 5)});
  const ForecastData data(table, options);
  ASSERT_EQ(data.lines()[2].number, 2) << "a line that the model does not know";
  const std::vector<ForecastWindow> windows = {{0, 9}, {2, 11}, {1, 24}, {2, 24}};
  const ForecastBatch batch = forecast_batch(options, data, windows);
  const std::unique_ptr<ForecastNetwork> network = make_segment_network(options);
  Tape tape(/*training=*/false);
  const Var likeliest = network->likeliest(tape, batch, tape.input(batch.past));
  Tensor quantiles = network->forecast(batch, /*seed=*/5, 0);
  int crossing = 0;
  for (std::size_t i = 0; i < likeliest.value().values().size(); ++i) {
    const std::span<float> said = quantiles.values().subspan(5 * i, 5);
    const float of_the_middle = said[3];
    std::ranges::sort(said);
    EXPECT_NEAR(likeliest.value().values()[i], said[3], 1e-6f);
    crossing += of_the_middle != said[3];
  }
  EXPECT_GT(crossing, 0);
  EXPECT_TRUE(std::isfinite(network->loss(tape, batch).loss.value().values()[0]));
}

}  // namespace
}  // namespace riverrun::models
