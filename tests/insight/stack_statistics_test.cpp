#include "riverrun/insight/stack_statistics.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

#include "riverrun/core/error.h"
#include "riverrun/nn/cells.h"

#include "tests/insight/networks.h"

namespace riverrun::insight {
namespace {

using test::noise;

Tensor reversed(const Tensor& x) {
  Tensor result(x.shape());
  for (std::int64_t t = 0; t < x.size(0); ++t) {
    std::copy_n(x.data() + t * x.size(2), x.size(2),
                result.data() + (x.size(0) - 1 - t) * x.size(2));
  }
  return result;
}

TEST(StackStatistics, OfOneDirectionIsWhatAGateTraceSees) {
  LSTM net({.input_size = 3, .hidden_size = 5, .num_layers = 2, .seed = 3});
  const Tensor first = noise({9, 1, 3}, 1);
  const Tensor second = noise({4, 1, 3}, 2);
  StackStatistics statistics(net);
  statistics.add(first);
  statistics.add(second);
  UnitStatistics expected(2, 5, 3, 0);
  for (const Tensor* x : {&first, &second}) {
    GateTrace trace(net);  // each from a zero state
    trace.read(*x, [&](std::span<const LayerStep> layers) { expected.add(layers, {}); });
  }
  ASSERT_EQ(statistics.parts().size(), 2u);
  EXPECT_EQ(statistics.steps(), 13);
  for (std::size_t layer = 0; layer < 2; ++layer) {
    for (std::size_t i = 0; i < 5; ++i) {
      const UnitStatistics& units = statistics.parts()[layer].units;
      // The second layer reads h as float32, as in the network itself.
      EXPECT_NEAR(units.time_constant({0, i}), expected.time_constant({layer, i}), 1e-5);
      for (std::size_t o = 0; o < 3; ++o) {
        EXPECT_NEAR(units.mean_opening({0, i}, o), expected.mean_opening({layer, i}, o), 1e-6);
      }
    }
  }
  const auto ranked = statistics.by_memory();
  ASSERT_EQ(ranked.size(), 10u);
  EXPECT_NEAR(ranked.front().time_constant, expected.by_memory().front().value, 1e-5);
}

TEST(StackStatistics, TheReverseDirectionReadsFromTheEnd) {
  GRU both({.input_size = 3, .hidden_size = 4, .bidirectional = true, .seed = 3});
  GRU alone({.input_size = 3, .hidden_size = 4});
  ParameterList to = alone.parameters();
  for (const NamedParameter& from : both.parameters()) {
    for (const NamedParameter& named : to) {
      if (from.name == named.name + "_reverse") named.parameter->set_value(from.parameter->value());
    }
  }
  const Tensor x = noise({8, 1, 3}, 1);
  StackStatistics statistics(both);
  statistics.add(x);
  StackStatistics expected(alone);
  expected.add(reversed(x));
  ASSERT_EQ(statistics.parts().size(), 2u);
  EXPECT_TRUE(statistics.parts()[1].reverse);
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_DOUBLE_EQ(statistics.parts()[1].units.time_constant({0, i}),
                     expected.parts()[0].units.time_constant({0, i}));
  }
}

TEST(StackStatistics, TheSecondLayerReadsBothDirectionsOfTheFirst) {
  LSTM net({.input_size = 2, .hidden_size = 3, .num_layers = 2, .bidirectional = true, .seed = 6});
  // The output of the first layer, from a network of it alone.
  LSTM first({.input_size = 2, .hidden_size = 3, .bidirectional = true});
  LSTM second({.input_size = 6, .hidden_size = 3, .bidirectional = true});
  for (const NamedParameter& from : net.parameters()) {
    std::string name = from.name;
    Recurrent* to = &first;
    if (const std::size_t at = name.find("_l1"); at != std::string::npos) {
      name.replace(at, 3, "_l0");
      to = &second;
    }
    for (const NamedParameter& named : to->parameters()) {
      if (named.name == name) named.parameter->set_value(from.parameter->value());
    }
  }
  const Tensor x = noise({7, 1, 2}, 1);
  StackStatistics statistics(net);
  statistics.add(x);
  StackStatistics expected(second);
  expected.add(first.forward(x).output);
  ASSERT_EQ(statistics.parts().size(), 4u);
  for (std::size_t part = 0; part < 2; ++part) {
    for (std::size_t i = 0; i < 3; ++i) {
      EXPECT_NEAR(statistics.parts()[2 + part].units.mean_opening({0, i}, 1),
                  expected.parts()[part].units.mean_opening({0, i}, 1), 1e-6);
    }
  }
}

TEST(StackStatistics, OfACellWithoutGatesHasNoOpenings) {
  Recurrent net(find_cell("rnn_tanh"), {.input_size = 2, .hidden_size = 3});
  StackStatistics statistics(net);
  statistics.add(noise({7, 1, 2}, 1));
  EXPECT_TRUE(statistics.openings().empty());
  EXPECT_TRUE(statistics.by_memory().empty());
}

TEST(StackStatistics, RefusesAProjectionAndOtherSizes) {
  EXPECT_THROW(StackStatistics(LSTM({.input_size = 2, .hidden_size = 3, .proj_size = 1})),
               ConfigError);
  StackStatistics statistics(GRU({.input_size = 2, .hidden_size = 3}));
  EXPECT_THROW(statistics.add(noise({7, 1, 3}, 1)), ShapeError);
}

}  // namespace
}  // namespace riverrun::insight
