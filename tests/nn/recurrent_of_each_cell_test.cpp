#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "riverrun/core/threads.h"
#include "riverrun/nn/cells.h"
#include "riverrun/nn/recurrent.h"

#include "tests/nn/expect_near.h"
#include "tests/nn/gradient_check.h"

namespace riverrun {
namespace {

using test::expect_equal;
using test::expect_near;
using test::random_tensor;

/// Rows [begin, end) of the first dimension.
Tensor rows(const Tensor& tensor, std::int64_t begin, std::int64_t end) {
  const std::int64_t size = tensor.elements() / tensor.size(0);
  return Tensor({end - begin, tensor.size(1), tensor.size(2)},
                tensor.values().subspan(static_cast<std::size_t>(begin * size),
                                        static_cast<std::size_t>((end - begin) * size)));
}

/// Sequence b of [seq_len, batch, features], its first `length` steps, as a batch of one.
Tensor sequence(const Tensor& batch, std::int64_t b, std::int64_t length) {
  const std::int64_t features = batch.size(2);
  Tensor one({length, 1, features});
  for (std::int64_t t = 0; t < length; ++t) {
    std::copy_n(batch.data() + (t * batch.size(1) + b) * features, features,
                one.data() + t * features);
  }
  return one;
}

void copy_parameters(Recurrent& to, const std::string& to_suffix, Recurrent& from,
                     const std::string& from_suffix) {
  int copied = 0;
  for (const NamedParameter& target : to.parameters()) {
    if (!target.name.ends_with(to_suffix)) continue;
    const std::string stem = target.name.substr(0, target.name.size() - to_suffix.size());
    for (const NamedParameter& source : from.parameters()) {
      if (source.name != stem + from_suffix) continue;
      target.parameter->mutable_value() = source.parameter->value();
      ++copied;
    }
  }
  ASSERT_GE(copied, 2);
}

class RecurrentOfEachCell : public testing::TestWithParam<std::string> {
 protected:
  [[nodiscard]] const CellDescriptor& cell() const { return find_cell(GetParam()); }
};

INSTANTIATE_TEST_SUITE_P(All, RecurrentOfEachCell, testing::ValuesIn(cell_names()),
                         [](const auto& test) { return test.param; });

// To the bit, though the weights are packed in another way for one row, for few and for many.
TEST_P(RecurrentOfEachCell, StreamIsTheSequence) {
  for (const WeightType type : kWeightTypes) {
    for (const std::int64_t hidden : {5, 16, 33}) {
      Recurrent net(cell(), {.input_size = 3, .hidden_size = hidden, .num_layers = 2});
      net.set_inference_weights(type);
      for (const std::int64_t batch : {1, 2, 13}) {
        const Tensor x = random_tensor({12, batch, 3});
        const auto [output, state] = net.forward(x);
        Stream stream = net.stream(batch);
        Tensor y({12, batch, hidden});
        for (std::int64_t t = 0; t < 12; ++t) {
          stream.step({x.data() + t * batch * 3, static_cast<std::size_t>(batch * 3)},
                      {y.data() + t * batch * hidden, static_cast<std::size_t>(batch * hidden)});
        }
        expect_near(y, output, 0.0f);
        expect_equal(stream.state(), state, 0.0f);
        stream.reset();
        expect_equal(stream.state(), net.zero_state(batch));
      }
    }
  }
}

TEST_P(RecurrentOfEachCell, SmallerWeightsAreNearAndOnlyWithoutGradients) {
  Recurrent net(cell(), {.input_size = 20, .hidden_size = 30, .num_layers = 2});
  const Tensor x = random_tensor({9, 2, 20});
  const auto of_tape = [&] {
    Tape tape;
    return net.forward(tape, tape.input(x)).output.value();
  };
  const Tensor exact = net.forward(x).output;
  const Tensor trained = of_tape();
  for (const WeightType type : {WeightType::kBFloat16, WeightType::kInt8}) {
    net.set_inference_weights(type);
    EXPECT_EQ(net.inference_weights(), type);
    const Tensor smaller = net.forward(x).output;
    EXPECT_FALSE(std::ranges::equal(smaller.values(), exact.values()));
    expect_near(smaller, exact, 0.02f);
    expect_near(of_tape(), trained, 0.0f);
  }
  net.set_inference_weights(WeightType::kFloat32);
  expect_near(net.forward(x).output, exact, 0.0f);
}

TEST_P(RecurrentOfEachCell, ABatchOfLengthsIsEachSequenceAlone) {
  const std::vector<std::int64_t> lengths = {2, 7, 1, 7, 4};
  const Recurrent net(cell(),
                      {.input_size = 3, .hidden_size = 6, .num_layers = 2, .bidirectional = true});
  const Tensor x = random_tensor({8, 5, 3});  // one step longer than the longest
  const auto [output, state] = net.forward(x, {}, lengths);
  ASSERT_EQ(output.shape(), Shape({8, 5, 12}));
  for (std::int64_t b = 0; b < 5; ++b) {
    const std::int64_t length = lengths[static_cast<std::size_t>(b)];
    const auto alone = net.forward(sequence(x, b, length));
    expect_near(sequence(output, b, length), alone.output);
    for (std::int64_t t = length; t < 8; ++t) {
      for (std::int64_t i = 0; i < 12; ++i) {
        ASSERT_EQ(output.data()[(t * 5 + b) * 12 + i], 0.0f);
      }
    }
    for (std::size_t s = 0; s < state.tensors.size(); ++s) {
      for (std::int64_t l = 0; l < 4; ++l) {
        for (std::int64_t u = 0; u < 6; ++u) {
          ASSERT_NEAR(state.tensors[s].data()[(l * 5 + b) * 6 + u],
                      alone.state.tensors[s].data()[l * 6 + u], 2e-6f);
        }
      }
    }
  }
}

// Whichever way the weights are packed for one row, which depends on what the cache holds.
TEST_P(RecurrentOfEachCell, OneSequenceHasTheBitsItHasInABatch) {
  const int threads = num_threads();
  set_num_threads(1);
  for (const std::int64_t hidden : {20, 100}) {
    const Recurrent net(cell(), {.input_size = 5, .hidden_size = hidden});
    const Tensor x = random_tensor({24, 12, 5});
    const Tensor output = net.forward(x).output;
    expect_near(sequence(output, 7, 24), net.forward(sequence(x, 7, 24)).output, 0.0f);
  }
  set_num_threads(threads);
}

// A diverged network must not look healthy at a first step either, where h is zero.
TEST_P(RecurrentOfEachCell, AWeightThatIsNotFiniteShowsInTheFirstStep) {
  Recurrent net(find_cell(GetParam()), {.input_size = 3, .hidden_size = 5});
  const Tensor x = random_tensor({1, 2, 3});
  for (const NamedParameter& p : net.parameters()) {
    if (p.name != "weight_hh_l0") continue;
    // The last rounds to infinity in bf16.
    for (const float value :
         {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
          std::numeric_limits<float>::max()}) {
      net.set_inference_weights(std::isfinite(value) ? WeightType::kBFloat16
                                                     : WeightType::kFloat32);
      for (float& weight : p.parameter->mutable_value().values()) weight = value;
      const Tensor y = net.forward(x).output;
      EXPECT_TRUE(std::ranges::all_of(y.values(), [](float h) { return std::isnan(h); })) << value;
    }
  }
}

TEST_P(RecurrentOfEachCell, StateCarriesASequenceOn) {
  const Recurrent net(cell(), {.input_size = 4, .hidden_size = 7, .num_layers = 2});
  const Tensor x = random_tensor({600, 2, 4});  // more rows than are computed at once
  const auto whole = net.forward(x);
  const auto first = net.forward(rows(x, 0, 411));
  const auto second = net.forward(rows(x, 411, 600), first.state);
  expect_near(rows(whole.output, 411, 600), second.output);
  expect_equal(whole.state, second.state);
  expect_near(net.forward(x, net.zero_state(2)).output, whole.output, 0.0f);
}

TEST_P(RecurrentOfEachCell, LayersAreAComposition) {
  Recurrent both(cell(), {.input_size = 4, .hidden_size = 5, .num_layers = 2, .seed = 1});
  Recurrent first(cell(), {.input_size = 4, .hidden_size = 5, .seed = 2});
  Recurrent second(cell(), {.input_size = 5, .hidden_size = 5, .seed = 3});
  copy_parameters(first, "_l0", both, "_l0");
  copy_parameters(second, "_l0", both, "_l1");
  const Tensor x = random_tensor({6, 3, 4});
  expect_near(second.forward(first.forward(x).output).output, both.forward(x).output);
}

TEST_P(RecurrentOfEachCell, BothDirectionsAreTwoRuns) {
  Recurrent both(cell(), {.input_size = 4, .hidden_size = 5, .bidirectional = true, .seed = 1});
  Recurrent there(cell(), {.input_size = 4, .hidden_size = 5, .seed = 2});
  Recurrent back(cell(), {.input_size = 4, .hidden_size = 5, .seed = 3});
  copy_parameters(there, "_l0", both, "_l0");
  copy_parameters(back, "_l0", both, "_l0_reverse");
  const Tensor x = random_tensor({6, 3, 4});
  Tensor reversed({6, 3, 4});
  for (std::int64_t t = 0; t < 6; ++t) {
    std::copy_n(x.data() + t * 12, 12, reversed.data() + (5 - t) * 12);
  }
  const Tensor output = both.forward(x).output;
  const Tensor a = there.forward(x).output;
  const Tensor b = back.forward(reversed).output;
  for (std::int64_t t = 0; t < 6; ++t) {
    for (std::int64_t r = 0; r < 3; ++r) {
      for (std::int64_t u = 0; u < 5; ++u) {
        const float* row = output.data() + (t * 3 + r) * 10;
        EXPECT_NEAR(row[u], a.data()[(t * 3 + r) * 5 + u], 2e-6f);
        EXPECT_NEAR(row[5 + u], b.data()[((5 - t) * 3 + r) * 5 + u], 2e-6f);
      }
    }
  }
}

TEST_P(RecurrentOfEachCell, TapeAndForwardAgree) {
  Recurrent net(cell(), {.input_size = 4, .hidden_size = 9, .num_layers = 2, .dropout = 0.5f});
  const Tensor x = random_tensor({5, 3, 4});
  Tape tape(/*training=*/false);
  const auto recorded = net.forward(tape, tape.input(x));
  const auto [output, state] = net.forward(x);
  expect_near(recorded.output.value(), output);
  for (std::size_t s = 0; s < state.tensors.size(); ++s) {
    expect_near(recorded.state[s].value(), state.tensors[s]);
  }
}

}  // namespace
}  // namespace riverrun
