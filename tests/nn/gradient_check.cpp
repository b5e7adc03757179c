#include "tests/nn/gradient_check.h"

#include <algorithm>
#include <cmath>
#include <string>

#include <gtest/gtest.h>

#include "riverrun/core/random.h"

namespace riverrun::test {
namespace {

constexpr std::uint64_t kUpstreamSeed = 99;

double weighted_sum(const Tensor& output) {
  const Tensor weights = random_tensor(output.shape(), kUpstreamSeed);
  double total = 0.0;
  for (std::size_t i = 0; i < output.values().size(); ++i) {
    total += static_cast<double>(output.values()[i]) * weights.values()[i];
  }
  return total;
}

void compare(const std::string& name, const Tensor& grad, Tensor& value, double tolerance, float h,
             const std::function<double()>& loss) {
  ASSERT_EQ(grad.shape(), value.shape()) << name;
  std::vector<double> expected;
  double largest = 0.0;
  for (float& x : value.values()) {
    const float before = x;
    x = before + h;
    const float above = x;
    const double loss_above = loss();
    x = before - h;
    const double loss_below = loss();
    expected.push_back((loss_above - loss_below) / (static_cast<double>(above) - x));
    x = before;
    largest = std::max(largest, std::abs(expected.back()));
  }
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_NEAR(grad.values()[i], expected[i], tolerance * largest) << name << ", element " << i;
  }
}

}  // namespace

Tensor random_tensor(const Shape& shape, std::uint64_t seed) {
  Tensor tensor(shape);
  Random(seed).fill_normal(tensor.values(), 0.0f, 1.0f);
  return tensor;
}

void check_gradients(const Function& function, std::vector<Tensor> inputs,
                     const ParameterList& parameters, double tolerance, float h, bool training) {
  const auto record = [&](Tape& tape, std::vector<Var>& vars) {
    for (const Tensor& input : inputs) vars.push_back(tape.input(input, true));
    return function(tape, vars);
  };
  const auto loss = [&] {
    Tape tape(training);
    std::vector<Var> vars;
    return weighted_sum(record(tape, vars).value());
  };

  for (const NamedParameter& entry : parameters) entry.parameter->zero_grad();
  Tape tape(training);
  std::vector<Var> vars;
  const Var output = record(tape, vars);
  std::vector<Tape::Upstream> upstream;
  upstream.push_back({output, random_tensor(output.shape(), kUpstreamSeed)});
  tape.backward(std::move(upstream));

  for (std::size_t i = 0; i < inputs.size(); ++i) {
    compare("input " + std::to_string(i), vars[i].grad(), inputs[i], tolerance, h, loss);
  }
  for (const NamedParameter& entry : parameters) {
    const Tensor grad = entry.parameter->grad();
    const auto tell_that_it_changed = [&] { static_cast<void>(entry.parameter->mutable_value()); };
    compare(entry.name, grad, entry.parameter->mutable_value(), tolerance, h, [&] {
      tell_that_it_changed();
      return loss();
    });
    tell_that_it_changed();
  }
}

}  // namespace riverrun::test
