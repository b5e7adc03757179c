// Training with recomputation is training without it.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "riverrun/core/error.h"
#include "riverrun/core/memory.h"
#include "riverrun/core/threads.h"
#include "riverrun/nn/cells.h"
#include "riverrun/nn/recurrent.h"

#include "tests/nn/gradient_check.h"
#include "tests/nn/memory_count.h"

namespace riverrun {
namespace {

using test::random_tensor;
using testing::HasSubstr;

struct Trained {
  Tensor output;
  std::vector<Tensor> state;
  std::vector<Tensor> gradients;  // of the input, the initial states and the parameters
  std::vector<std::string> names;
};

struct Case {
  std::int64_t steps = 11;
  std::int64_t batch = 5;
  std::vector<std::int64_t> lengths = {};
  bool initial = true;
  bool zeros = false;  // the initial states
  bool grad_of_state = true;
  bool unbatched = false;
};

/// Output and gradients of Σ output·w + Σ final states·w, for random w.
Trained train(const CellDescriptor& cell, const RecurrentOptions& options, const Case& c) {
  Recurrent net(cell, options);
  Tape tape(/*training=*/true, /*seed=*/3);
  Shape shape = options.batch_first ? Shape{c.batch, c.steps, options.input_size}
                                    : Shape{c.steps, c.batch, options.input_size};
  if (c.unbatched) shape = {c.steps, options.input_size};
  const Var x = tape.input(random_tensor(shape, 1), true);
  std::vector<Var> initial;
  if (c.initial) {
    for (const Tensor& zero : net.zero_state(c.batch).tensors) {
      Tensor start = c.zeros ? zero : random_tensor(zero.shape(), 2 + initial.size());
      if (c.unbatched) start.reshape({zero.size(0), zero.size(2)});
      initial.push_back(tape.input(std::move(start), true));
    }
  }
  const auto [output, state] = net.forward(tape, x, initial, c.lengths);
  std::vector<Tape::Upstream> upstream;
  upstream.push_back({output, random_tensor(output.shape(), 5)});
  for (const Var& last : state) {
    if (c.grad_of_state) upstream.push_back({last, random_tensor(last.shape(), 6)});
  }
  tape.backward(std::move(upstream));

  Trained result{.output = output.value(), .state = {}, .gradients = {}, .names = {}};
  for (const Var& last : state) result.state.push_back(last.value());
  const auto add = [&](const std::string& name, const Tensor& grad) {
    result.names.push_back(name);
    result.gradients.push_back(grad);
  };
  add("input", x.grad());
  for (const Var& start : initial) add("initial state", start.grad());
  for (const NamedParameter& p : net.parameters()) add(p.name, p.parameter->grad());
  return result;
}

void expect_same_bits(const Tensor& a, const Tensor& b) {
  EXPECT_TRUE(std::ranges::equal(a.values(), b.values()));
}

/// The same bits in outputs; gradients that differ by the rounding of sums.
void expect_same(const Trained& with, const Trained& without, float tolerance) {
  expect_same_bits(with.output, without.output);
  ASSERT_EQ(with.state.size(), without.state.size());
  for (std::size_t s = 0; s < with.state.size(); ++s) {
    expect_same_bits(with.state[s], without.state[s]);
  }
  ASSERT_EQ(with.names, without.names);
  for (std::size_t i = 0; i < with.gradients.size(); ++i) {
    const auto a = with.gradients[i].values();
    const auto b = without.gradients[i].values();
    ASSERT_EQ(a.size(), b.size()) << with.names[i];
    float largest = 0.0f;
    float difference = 0.0f;
    for (std::size_t k = 0; k < a.size(); ++k) {
      largest = std::max(largest, std::abs(b[k]));
      difference = std::max(difference, std::abs(a[k] - b[k]));
    }
    // A cell without memory has no gradient of its initial state.
    EXPECT_TRUE(largest > 0.0f || with.names[i] == "initial state") << with.names[i];
    EXPECT_LE(difference, tolerance * largest) << with.names[i];
  }
}

class RecomputeOfEachCell : public testing::TestWithParam<std::string> {
 protected:
  /// For segments of one step, of several with a shorter last one, and of all but one.
  void check(RecurrentOptions options, const Case& c = {}, float tolerance = 1e-6f) const {
    options.input_size = 3;
    if (options.hidden_size == 0) options.hidden_size = 9;
    options.recompute_steps = 0;
    const CellDescriptor& cell = find_cell(GetParam());
    const Trained without = train(cell, options, c);
    for (const std::int64_t steps : {std::int64_t{1}, std::int64_t{4}, c.steps - 1}) {
      SCOPED_TRACE("recompute_steps " + std::to_string(steps));
      options.recompute_steps = steps;
      expect_same(train(cell, options, c), without, tolerance);
    }
  }
  const std::vector<std::int64_t> ragged_ = {2, 9, 1, 9, 4};  // of 11: two more than the longest
};

INSTANTIATE_TEST_SUITE_P(All, RecomputeOfEachCell, testing::ValuesIn(cell_names()),
                         [](const auto& test) { return test.param; });

TEST_P(RecomputeOfEachCell, OneLayer) { check({}); }

TEST_P(RecomputeOfEachCell, WithoutInitialStatesAndGradientsOfFinalOnes) {
  check({}, {.initial = false, .grad_of_state = false});
}

// What is left out of such a pass changes nothing.
TEST_P(RecomputeOfEachCell, WithoutInitialStatesAsWithZeros) {
  const bool projects =
      find_cell(GetParam()).allows_projection() && find_cell(GetParam()).recurrent;
  for (const bool bidirectional : {false, true}) {
    for (const std::int64_t proj_size : {0, projects ? 4 : 0}) {
      for (const std::int64_t steps : {0, 4}) {
        const RecurrentOptions options = {.input_size = 3,
                                          .hidden_size = 9,
                                          .num_layers = 2,
                                          .bidirectional = bidirectional,
                                          .proj_size = proj_size,
                                          .recompute_steps = steps};
        for (Case c : {Case{}, Case{.lengths = ragged_}}) {
          c.zeros = true;
          const Trained zeros = train(find_cell(GetParam()), options, c);
          c.initial = false;
          const Trained none = train(find_cell(GetParam()), options, c);
          expect_same_bits(none.output, zeros.output);
          for (std::size_t i = 0, k = 0; i < none.names.size(); ++i, ++k) {
            while (zeros.names[k] == "initial state") ++k;
            ASSERT_EQ(none.names[i], zeros.names[k]);
            expect_same_bits(none.gradients[i], zeros.gradients[k]);
          }
        }
      }
    }
  }
}

// The backward pass takes some thousand rows at once: here several times, where segments of one
// step are taken whole.
TEST_P(RecomputeOfEachCell, OfMoreRowsThanAreComputedAtOnce) {
  Case c{.batch = 600};
  check({.bidirectional = true}, c, 1e-5f);
  for (std::int64_t b = 0; b < c.batch; ++b) c.lengths.push_back(1 + b % 11);
  check({.num_layers = 2, .bidirectional = true}, c, 1e-5f);
  if (find_cell(GetParam()).allows_projection() && find_cell(GetParam()).recurrent) {
    check({.bidirectional = true, .proj_size = 4}, c, 1e-5f);
  }
}

TEST_P(RecomputeOfEachCell, WithoutBias) { check({.bias = false}); }

TEST_P(RecomputeOfEachCell, LengthsInAnyOrder) { check({}, {.lengths = ragged_}); }

TEST_P(RecomputeOfEachCell, BothDirections) {
  check({.bidirectional = true});
  check({.bidirectional = true}, {.lengths = ragged_});
}

TEST_P(RecomputeOfEachCell, BatchFirst) {
  check({.batch_first = true});
  check({.batch_first = true, .bidirectional = true}, {.lengths = ragged_});
}

TEST_P(RecomputeOfEachCell, Unbatched) { check({}, {.batch = 1, .unbatched = true}); }

TEST_P(RecomputeOfEachCell, StacksWithDropout) {
  check({.num_layers = 3, .dropout = 0.5f});
  check({.num_layers = 2, .batch_first = true, .dropout = 0.5f, .bidirectional = true},
        {.lengths = ragged_});
}

TEST_P(RecomputeOfEachCell, Projections) {
  if (!find_cell(GetParam()).allows_projection()) GTEST_SKIP() << "none allowed";
  check({.proj_size = 4});
  check({.num_layers = 2, .dropout = 0.5f, .bidirectional = true, .proj_size = 4},
        {.lengths = ragged_});
}

TEST_P(RecomputeOfEachCell, MoreRowsThanAreComputedAtOnce) {
  // 1,800 terms, which without recomputation are added one after another.
  check({.hidden_size = 33}, {.steps = 600, .batch = 3}, 3e-6f);
}

TEST_P(RecomputeOfEachCell, HasTheSameBitsWithAnyNumberOfThreads) {
  const int before = num_threads();
  const bool projects =
      find_cell(GetParam()).allows_projection() && find_cell(GetParam()).recurrent;
  struct Run {
    Case of;
    std::int64_t proj_size, recompute_steps;
  };
  // Few rows, so that threads share the units of a step; many, so that they share the rows, which a
  // projection always lets them do; and rows that end, of which a segment would be too little work.
  const std::vector<std::int64_t> lengths = {7, 60, 39, 60, 2, 41};
  const std::vector<Run> runs = {{{.steps = 30, .batch = 2}, 0, 7},
                                 {{.steps = 30, .batch = 40}, 0, 7},
                                 {{.steps = 30, .batch = 40}, projects ? 32 : 0, 0},
                                 {{.steps = 60, .batch = 6, .lengths = lengths}, 0, 0}};
  for (const Run& run : runs) {
    std::vector<Trained> results;
    for (const int threads : {1, 2, 3}) {
      set_num_threads(threads);
      results.push_back(train(find_cell(GetParam()),
                              {.input_size = 5,
                               .hidden_size = 96,
                               .num_layers = 2,
                               .bidirectional = true,
                               .proj_size = run.proj_size,
                               .recompute_steps = run.recompute_steps},
                              run.of));
    }
    set_num_threads(before);
    for (std::size_t i = 1; i < results.size(); ++i) {
      expect_same_bits(results[i].output, results[0].output);
      for (std::size_t k = 0; k < results[0].gradients.size(); ++k) {
        expect_same_bits(results[i].gradients[k], results[0].gradients[k]);
      }
    }
  }
}

TEST(Recompute, SegmentsAsLongAsTheSequenceKeepEverything) {
  const CellDescriptor& lstm = find_cell("lstm");
  const Case c = {.steps = 400};
  const Trained without = train(lstm, {.input_size = 3, .hidden_size = 9}, c);
  for (const std::int64_t steps : {400, 1000}) {
    const Trained with =
        train(lstm, {.input_size = 3, .hidden_size = 9, .recompute_steps = steps}, c);
    for (std::size_t k = 0; k < with.gradients.size(); ++k) {
      expect_same_bits(with.gradients[k], without.gradients[k]);
    }
  }
}

TEST(Recompute, ItsOwnChoiceOfSteps) {
  const CellDescriptor& lstm = find_cell("lstm");
  const Case c = {.steps = 400};
  const auto with = [&](std::int64_t steps) {
    return train(lstm, {.input_size = 3, .hidden_size = 9, .recompute_steps = steps}, c).gradients;
  };
  const auto chosen = with(kRecomputeAuto);
  const auto same = with(52);  // √400 = 20, but 256 rows are 52 steps of 5 sequences
  const auto others = with(20);
  bool differs = false;
  for (std::size_t k = 0; k < chosen.size(); ++k) {
    expect_same_bits(chosen[k], same[k]);
    differs = differs || !std::ranges::equal(chosen[k].values(), others[k].values());
  }
  EXPECT_TRUE(differs) << "the comparison sees nothing";
}

/// The largest number of bytes in tensors while training, beside the input, the output and their
/// gradients, and beside all four as they are packed, if they are.
double peak_bytes(std::int64_t steps, const RecurrentOptions& options, bool ragged) {
  constexpr std::int64_t kBatch = 16;
  Recurrent net(find_cell("lstm"), options);
  std::vector<std::int64_t> lengths;
  std::int64_t rows = steps * kBatch;
  for (std::int64_t b = 1; ragged && b <= kBatch; ++b) {
    lengths.push_back(steps * b / kBatch);
    rows += lengths.back();
  }
  Tape tape;
  set_kept_memory(0);  // what is measured is what tensors hold
  const std::size_t before = test::tensor_bytes();
  test::reset_peak_tensor_bytes();
  const Var x = tape.input(random_tensor({steps, kBatch, options.input_size}, 1), true);
  const Var h = net.forward(tape, x, {}, lengths).output;
  std::vector<Tape::Upstream> upstream;
  upstream.push_back({h, random_tensor(h.shape(), 2)});
  tape.backward(std::move(upstream));
  const std::size_t visible =
      2 * static_cast<std::size_t>(rows * (options.input_size + h.shape()[2])) * sizeof(float);
  return static_cast<double>(test::peak_tensor_bytes() - before - visible);
}

TEST(Recompute, MemoryGrowsWithTheSquareRootOfTheLength) {
  const auto growth = [](std::int64_t steps, std::int64_t recompute_steps, bool bidirectional,
                         bool ragged) {
    const RecurrentOptions options = {.input_size = 2,
                                      .hidden_size = 16,
                                      .bidirectional = bidirectional,
                                      .recompute_steps = recompute_steps};
    return peak_bytes(16 * steps, options, ragged) / peak_bytes(steps, options, ragged);
  };
  for (const bool bidirectional : {false, true}) {
    for (const bool ragged : {false, true}) {
      EXPECT_LE(growth(400, kRecomputeAuto, bidirectional, ragged), 5.0);
      // The control: sixteen times the length, sixteen times the memory; so long that the buffers
      // of a stretch of steps, which do not grow, weigh little.
      EXPECT_GE(growth(1600, 0, bidirectional, ragged), 13.0);
    }
  }
}

TEST(RecomputeErrors, ANegativeNumberOfSteps) {
  try {
    const LSTM net({.input_size = 2, .hidden_size = 3, .recompute_steps = -2});
    ADD_FAILURE() << "nothing was thrown";
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(), HasSubstr("recompute_steps is -2; it must be at least -1"));
  }
}

TEST(RecomputeErrors, ParametersThatChangeBeforeTheBackwardPass) {
  LSTM net({.input_size = 2, .hidden_size = 3, .recompute_steps = 2});
  Tape tape;
  const Var y = net.forward(tape, tape.input(random_tensor({5, 1, 2}, 1))).output;
  net.parameters()[0].parameter->mutable_value().fill(0.0f);
  std::vector<Tape::Upstream> upstream;
  upstream.push_back({y, random_tensor(y.shape(), 2)});
  try {
    tape.backward(std::move(upstream));
    ADD_FAILURE() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("parameters of lstm have changed since its forward pass"));
  }
}

}  // namespace
}  // namespace riverrun
