// Compiled kernels, interpreter and scalar reference of every cell, on every SIMD target of the
// machine: the same outputs and the same gradients.
#include "riverrun/kernels/cell_kernels.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "riverrun/cell/reference.h"
#include "riverrun/core/random.h"
#include "riverrun/core/threads.h"
#include "riverrun/kernels/targets.h"
#include "riverrun/nn/cells.h"
#include "riverrun/nn/recurrent.h"
#include "riverrun/nn/tape.h"

#include "tests/cell/odd_cells.h"

namespace riverrun {
namespace {

struct Case {
  const CellDescriptor* cell;
  std::int64_t input, hidden, steps;
  std::vector<std::int64_t> lengths;  // one for each sequence of the batch
};

/// All that a forward and a backward pass give, under names.
struct Result {
  std::vector<std::string> names;
  std::vector<std::vector<double>> values;

  void add(const std::string& name, std::span<const float> v) {
    names.push_back(name);
    values.emplace_back(v.begin(), v.end());
  }
  void add(const std::string& name, std::vector<double> v) {
    names.push_back(name);
    values.push_back(std::move(v));
  }
};

/// What goes in, so that each way of computing gets the same.
struct Inputs {
  explicit Inputs(const Case& c)
      : batch(static_cast<std::int64_t>(c.lengths.size())),
        x({c.steps, batch, c.input}),
        grad_output({c.steps, batch, c.hidden}) {
    Random random(5);
    random.fill_normal(x.values(), 0.0f, 1.0f);
    random.fill_normal(grad_output.values(), 0.0f, 1.0f);
    for (std::size_t s = 0; s < c.cell->states.size(); ++s) {
      initial.emplace_back(Shape{1, batch, c.hidden});
      grad_final.emplace_back(Shape{1, batch, c.hidden});
      random.fill_normal(initial.back().values(), 0.0f, 0.5f);
      random.fill_normal(grad_final.back().values(), 0.0f, 1.0f);
    }
  }
  std::int64_t batch;
  Tensor x, grad_output;
  std::vector<Tensor> initial, grad_final;
};

Result run(const Case& c, const CellDescriptor& cell) {
  const Inputs in(c);
  Recurrent net(cell, {.input_size = c.input, .hidden_size = c.hidden, .seed = 3});
  Tape tape;
  const Var x = tape.input(in.x, true);
  std::vector<Var> initial;
  for (const Tensor& state : in.initial) initial.push_back(tape.input(state, true));
  const auto [output, state] = net.forward(tape, x, initial, c.lengths);
  std::vector<Tape::Upstream> upstream;
  upstream.push_back({output, in.grad_output});
  for (std::size_t s = 0; s < state.size(); ++s) upstream.push_back({state[s], in.grad_final[s]});
  tape.backward(std::move(upstream));

  Result result;
  result.add("output", output.value().values());
  for (std::size_t s = 0; s < state.size(); ++s) {
    result.add(cell.states[s] + "_n", state[s].value().values());
  }
  result.add("grad_input", x.grad().values());
  for (std::size_t s = 0; s < initial.size(); ++s) {
    result.add("grad_" + cell.states[s] + "_0", initial[s].grad().values());
  }
  for (const NamedParameter& p : net.parameters()) {
    result.add("grad." + p.name, p.parameter->grad().values());
  }
  return result;
}

std::vector<double> doubles(const Tensor& tensor) {
  return {tensor.values().begin(), tensor.values().end()};
}

/// The same from the reference, sequence by sequence.
Result run_reference(const Case& c) {
  const Inputs in(c);
  const CellDescriptor& cell = *c.cell;
  const auto states = static_cast<std::int64_t>(cell.states.size());
  Recurrent net(cell, {.input_size = c.input, .hidden_size = c.hidden, .seed = 3});
  reference::Weights weights(cell, c.input, c.hidden);
  for (const NamedParameter& p : net.parameters()) {
    const std::vector<double> v = doubles(p.parameter->value());
    if (p.name == "weight_ih_l0") weights.weight_ih.data = v;
    if (p.name == "weight_hh_l0") weights.weight_hh.data = v;
    if (p.name == "bias_ih_l0") weights.bias_ih = v;
    if (p.name == "bias_hh_l0") weights.bias_hh = v;
    for (std::size_t i = 0; i < cell.params.size(); ++i) {
      if (p.name != cell.params[i] + "_l0") continue;
      std::copy(v.begin(), v.end(),
                weights.params.data.begin() + static_cast<std::ptrdiff_t>(i) * c.hidden);
    }
  }
  const reference::Layer layer(cell, weights);
  std::vector<double> output(static_cast<std::size_t>(in.grad_output.elements()));
  std::vector<double> grad_input(static_cast<std::size_t>(in.x.elements()));
  std::vector<std::vector<double>> last(cell.states.size()), grad_initial(cell.states.size());
  for (auto& v : last) v.resize(static_cast<std::size_t>(in.batch * c.hidden));
  for (auto& v : grad_initial) v.resize(static_cast<std::size_t>(in.batch * c.hidden));
  reference::Weights sum(cell, c.input, c.hidden);
  const auto add = [](std::vector<double>& to, const std::vector<double>& from) {
    for (std::size_t i = 0; i < to.size(); ++i) to[i] += from[i];
  };
  for (std::int64_t b = 0; b < in.batch; ++b) {
    const std::int64_t length = c.lengths[static_cast<std::size_t>(b)];
    reference::Matrix x(length, c.input), grad_output(length, c.hidden);
    reference::Matrix initial(states, c.hidden), grad_final(states, c.hidden);
    const auto at = [&](std::int64_t t, std::int64_t features) {
      return (t * in.batch + b) * features;
    };
    for (std::int64_t t = 0; t < length; ++t) {
      for (std::int64_t i = 0; i < c.input; ++i) x(t, i) = in.x.data()[at(t, c.input) + i];
      for (std::int64_t u = 0; u < c.hidden; ++u) {
        grad_output(t, u) = in.grad_output.data()[at(t, c.hidden) + u];
      }
    }
    for (std::int64_t s = 0; s < states; ++s) {
      for (std::int64_t u = 0; u < c.hidden; ++u) {
        initial(s, u) = in.initial[static_cast<std::size_t>(s)].data()[b * c.hidden + u];
        grad_final(s, u) = in.grad_final[static_cast<std::size_t>(s)].data()[b * c.hidden + u];
      }
    }
    const reference::Layer::Run forward = layer.forward(x, initial);
    const auto grad = layer.backward(forward, grad_output, grad_final);
    for (std::int64_t t = 0; t < length; ++t) {
      for (std::int64_t u = 0; u < c.hidden; ++u) {
        output[static_cast<std::size_t>(at(t, c.hidden) + u)] = forward.output(t, u);
      }
      for (std::int64_t i = 0; i < c.input; ++i) {
        grad_input[static_cast<std::size_t>(at(t, c.input) + i)] = grad.input(t, i);
      }
    }
    for (std::int64_t s = 0; s < states; ++s) {
      for (std::int64_t u = 0; u < c.hidden; ++u) {
        const auto i = static_cast<std::size_t>(b * c.hidden + u);
        last[static_cast<std::size_t>(s)][i] = forward.states.back()(s, u);
        grad_initial[static_cast<std::size_t>(s)][i] = grad.initial_states(s, u);
      }
    }
    add(sum.weight_ih.data, grad.weights.weight_ih.data);
    add(sum.weight_hh.data, grad.weights.weight_hh.data);
    add(sum.bias_ih, grad.weights.bias_ih);
    add(sum.bias_hh, grad.weights.bias_hh);
    add(sum.params.data, grad.weights.params.data);
  }
  Result result;
  result.add("output", output);
  for (std::size_t s = 0; s < last.size(); ++s) result.add(cell.states[s] + "_n", last[s]);
  result.add("grad_input", grad_input);
  for (std::size_t s = 0; s < last.size(); ++s) {
    result.add("grad_" + cell.states[s] + "_0", grad_initial[s]);
  }
  result.add("grad.weight_ih_l0", sum.weight_ih.data);
  if (cell.recurrent) result.add("grad.weight_hh_l0", sum.weight_hh.data);
  result.add("grad.bias_ih_l0", sum.bias_ih);
  if (cell.recurrent) result.add("grad.bias_hh_l0", sum.bias_hh);
  for (std::size_t i = 0; i < cell.params.size(); ++i) {
    const auto begin = sum.params.data.begin() + static_cast<std::ptrdiff_t>(i) * c.hidden;
    result.add("grad." + cell.params[i] + "_l0", std::vector<double>(begin, begin + c.hidden));
  }
  return result;
}

/// The largest difference, relative to the tensor's largest value.
void expect_close(const Result& actual, const Result& expected, double tolerance) {
  ASSERT_EQ(actual.names, expected.names);
  for (std::size_t i = 0; i < actual.names.size(); ++i) {
    ASSERT_EQ(actual.values[i].size(), expected.values[i].size()) << actual.names[i];
    double largest = 1e-30, difference = 0.0;
    for (std::size_t e = 0; e < actual.values[i].size(); ++e) {
      largest = std::max(largest, std::abs(expected.values[i][e]));
      const double d = std::abs(actual.values[i][e] - expected.values[i][e]);
      difference = std::isnan(d) ? INFINITY : std::max(difference, d);
    }
    EXPECT_LE(difference / largest, tolerance) << actual.names[i];
  }
}

class BackToTheBestTarget {
 public:
  BackToTheBestTarget() = default;
  BackToTheBestTarget(const BackToTheBestTarget&) = delete;
  BackToTheBestTarget& operator=(const BackToTheBestTarget&) = delete;
  ~BackToTheBestTarget() { kernels::force_simd_target(""); }
};

std::vector<const CellDescriptor*> all_cells() {
  std::vector<const CellDescriptor*> cells;
  for (const std::string& name : cell_names()) cells.push_back(&find_cell(name));
  cells.push_back(&cell<odd_cells::CoupledLSTM>());
  cells.push_back(&cell<odd_cells::IndRNN>());
  cells.push_back(&cell<odd_cells::AllSplit>());
  return cells;
}

class CellKernels : public testing::TestWithParam<const CellDescriptor*> {
 protected:
  /// Sizes around those of vectors and tiles, batches with and without an odd row out.
  [[nodiscard]] std::vector<Case> cases() const {
    std::vector<Case> all;
    // Not 1: errors are relative to a tensor's largest value, and a single one may be a difference
    // in which everything cancels. The cases of parity have it.
    for (const std::int64_t hidden : {2, 3, 7, 8, 9, 16, 17, 40}) {
      all.push_back({GetParam(), 5, hidden, 4, std::vector<std::int64_t>(7, 4)});
    }
    all.push_back({GetParam(), 5, 17, 1, {1}});
    all.push_back({GetParam(), 9, 33, 6, {2, 6, 1, 6, 3, 5, 4, 1, 6, 2, 3, 3, 1}});
    // More than 256 rows, which threads divide, each with the product of its own inputs.
    all.push_back({GetParam(), 3, 40, 7, std::vector<std::int64_t>(37, 7)});
    all.push_back({GetParam(), 4, 280, 3, {3, 2}});
    all.push_back({GetParam(), 4, 400, 2, {2, 2}});  // a product in two pieces of its depth
    return all;
  }
};

TEST_P(CellKernels, CompiledInterpretedAndReferenceAgreeOnEveryTarget) {
  const BackToTheBestTarget guard;
  CellDescriptor interpreted = *GetParam();
  interpreted.kernels = &kernels::interpreter_kernels();
  for (const Case& c : cases()) {
    const Result expected = run_reference(c);
    for (const std::string& target : kernels::simd_targets()) {
      kernels::force_simd_target(target);
      SCOPED_TRACE(target + ", hidden " + std::to_string(c.hidden) + ", batch " +
                   std::to_string(c.lengths.size()));
      const Result compiled = run(c, *c.cell);
      expect_close(compiled, expected, 1e-6);
      expect_close(run(c, interpreted), expected, 1e-6);
    }
  }
}

// The matrices of a network as `type` has them.
void convert_matrices(Recurrent& net, WeightType type) {
  for (const NamedParameter& p : net.parameters()) {
    if (p.parameter->value().shape().rank() != 2) continue;
    Tensor& weight = p.parameter->mutable_value();
    const std::int64_t depth = weight.size(1);
    for (std::int64_t n = 0; n < weight.size(0); ++n) {
      float* row = weight.data() + n * depth;
      float scale = 0.0f;
      for (std::int64_t k = 0; k < depth; ++k) scale = std::max(scale, std::abs(row[k]) / 127.0f);
      for (std::int64_t k = 0; k < depth; ++k) {
        if (type == WeightType::kInt8) {
          row[k] = std::nearbyint(row[k] / scale) * scale;
        } else {
          int exponent = 0;
          const float mantissa = std::frexp(row[k], &exponent);
          row[k] = std::ldexp(std::nearbyint(std::ldexp(mantissa, 8)), exponent - 8);
        }
      }
    }
  }
}

// A network with smaller weights is one whose weights happen to be such numbers, as a sequence and
// step by step: to the bit in bf16, in int8 but for what multiplying by a column's scale rounds.
TEST_P(CellKernels, SmallerWeightsAreConvertedOnesOnEveryTarget) {
  const BackToTheBestTarget guard;
  for (const WeightType type : {WeightType::kBFloat16, WeightType::kInt8}) {
    for (const std::int64_t hidden : {3, 16, 40, 140}) {
      constexpr std::int64_t kSteps = 5, kBatch = 3, kInput = 7;
      Recurrent net(*GetParam(), {.input_size = kInput, .hidden_size = hidden, .num_layers = 2});
      Recurrent converted(*GetParam(),
                          {.input_size = kInput, .hidden_size = hidden, .num_layers = 2});
      convert_matrices(converted, type);
      net.set_inference_weights(type);
      Tensor x({kSteps, kBatch, kInput});
      Random(/*seed=*/8).fill_normal(x.values(), 0.0f, 1.0f);
      for (const std::string& target : kernels::simd_targets()) {
        kernels::force_simd_target(target);
        SCOPED_TRACE(target + " " + std::string(name(type)) + ", hidden " + std::to_string(hidden));
        const Tensor expected = converted.forward(x).output;
        const Tensor whole = net.forward(x).output;
        Tensor steps({kSteps, kBatch, hidden});
        Stream stream = net.stream(kBatch);
        for (std::int64_t t = 0; t < kSteps; ++t) {
          stream.step(
              {x.data() + t * kBatch * kInput, kBatch * kInput},
              {steps.data() + t * kBatch * hidden, static_cast<std::size_t>(kBatch * hidden)});
        }
        EXPECT_TRUE(std::ranges::equal(whole.values(), steps.values()));
        double worst = 0.0;
        for (std::int64_t i = 0; i < whole.elements(); ++i) {
          const double error = std::abs(whole.data()[i] - expected.data()[i]);
          worst = std::isnan(error) ? INFINITY : std::max(worst, error);
        }
        EXPECT_LE(worst, type == WeightType::kInt8 ? 2e-6 : 0.0);
      }
    }
  }
}

TEST_P(CellKernels, TheNumberOfThreadsChangesNoBits) {
  const int before = num_threads();
  for (const Case& c : cases()) {
    set_num_threads(1);
    const Result one = run(c, *c.cell);
    for (const int threads : {2, 3}) {
      set_num_threads(threads);
      const Result more = run(c, *c.cell);
      EXPECT_EQ(one.values, more.values) << threads << " threads, hidden " << c.hidden;
    }
  }
  set_num_threads(before);
}

INSTANTIATE_TEST_SUITE_P(All, CellKernels, testing::ValuesIn(all_cells()),
                         [](const auto& test) { return test.param->name; });

}  // namespace
}  // namespace riverrun
