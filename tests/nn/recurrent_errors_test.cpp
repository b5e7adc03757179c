// What recurrent networks refuse, and what they say of it.

#include <cstdint>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "riverrun/core/error.h"
#include "riverrun/nn/cells.h"
#include "riverrun/nn/recurrent.h"

namespace riverrun {
namespace {

using testing::HasSubstr;

template <class Error, class Body>
void expect_error(const Body& body, const std::string& what) {
  try {
    body();
    ADD_FAILURE() << "nothing was thrown; expected: " << what;
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr(what));
  }
}

TEST(RecurrentErrors, SayWhoWhatAndTheRule) {
  const LSTM net({.input_size = 128, .hidden_size = 8, .num_layers = 2});
  const auto forward = [&](const Shape& shape, const State& state = {},
                           std::vector<std::int64_t> lengths = {}) {
    return [&net, shape, state, lengths] {
      static_cast<void>(net.forward(Tensor(shape), state, lengths));
    };
  };
  expect_error<ShapeError>(forward({16, 4, 100}),
                           "lstm.forward: input is [16, 4, 100]; the last dimension must be "
                           "input_size = 128");
  expect_error<ShapeError>(forward({128}), "must have 3 dimensions, or 2 without a batch");
  expect_error<ShapeError>(forward({0, 4, 128}), "seq_len and batch must be positive");
  expect_error<ShapeError>(forward({3, 2, 128}, {}, {3}), "one for each of the 2 sequences");
  expect_error<ShapeError>(forward({3, 2, 128}, {}, {3, 4}), "a length is 4");
  expect_error<ShapeError>(forward({3, 2, 128}, {}, {3, 0}), "a length is 0");
  State state = net.zero_state(2);
  expect_error<ShapeError>(forward({3, 4, 128}, state), "h_0 is [2, 2, 8]; it must be [2, 4, 8]");
  state.tensors.pop_back();
  expect_error<ShapeError>(forward({3, 2, 128}, state),
                           "1 initial states were given; the cell has 2");
}

TEST(RecurrentErrors, AValueOfNoTape) {
  LSTM net({.input_size = 2, .hidden_size = 3});
  Tape tape;
  expect_error<Error>([&] { static_cast<void>(net.forward(tape, Var{})); }, "it has no value");
}

TEST(RecurrentErrors, InvalidOptions) {
  const auto lstm = [](const RecurrentOptions& o) { return [o] { const LSTM net(o); }; };
  expect_error<ConfigError>(lstm({.input_size = 0, .hidden_size = 3}),
                            "input_size is 0; it must be at least 1");
  for (const std::int64_t size : {std::int64_t{1} << 29, std::int64_t{1} << 62}) {
    expect_error<ConfigError>(lstm({.input_size = 1, .hidden_size = size}), "at most 268435456");
    expect_error<ConfigError>(lstm({.input_size = size, .hidden_size = 1}), "at most 268435456");
  }
  expect_error<ConfigError>(lstm({.input_size = 1, .hidden_size = 1, .num_layers = 1001}), "1000");
  expect_error<ConfigError>(lstm({.input_size = 2, .hidden_size = 3, .dropout = 1.0f}),
                            "must be in [0, 1)");
  expect_error<ConfigError>(lstm({.input_size = 2, .hidden_size = 3, .proj_size = 3}),
                            "less than hidden_size = 3");
  expect_error<ConfigError>(
      [] { const GRU net({.input_size = 2, .hidden_size = 3, .proj_size = 2}); },
      "the cell's step reads h itself");
  expect_error<ConfigError>(
      [] { const GRU net({.input_size = 2, .hidden_size = 3, .forget_bias = 1.0f}); },
      "no gate \"f\"");
  expect_error<ConfigError>(
      [] {
        const LSTM net({.input_size = 2, .hidden_size = 3, .bidirectional = true});
        static_cast<void>(net.stream());
      },
      "needs the whole sequence");
  expect_error<ConfigError>([] { static_cast<void>(find_cell("lsmt")); }, "there are lstm, gru");
  expect_error<ConfigError>([] { static_cast<void>(weight_type("fp8")); },
                            "there are float32, bf16, int8");
  expect_error<ConfigError>(
      [] {
        LSTM net({.input_size = 2, .hidden_size = 3});
        net.set_inference_weights(static_cast<WeightType>(7));
      },
      "WeightType: 7 is none");
}

}  // namespace
}  // namespace riverrun
