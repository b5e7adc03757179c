#include "riverrun/nn/optimizer.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "riverrun/core/error.h"
#include "riverrun/core/threads.h"
#include "riverrun/nn/linear.h"
#include "riverrun/nn/loss.h"

#include "tests/nn/gradient_check.h"

namespace riverrun {
namespace {

using test::random_tensor;
using ::testing::ElementsAre;

using Make = std::function<std::unique_ptr<Optimizer>(const ParameterList&)>;

template <class O, class Options>
Make maker(const Options& options) {
  return [=](const ParameterList& list) { return std::make_unique<O>(list, options); };
}

constexpr std::array<std::array<float, 4>, 4> kGrads{{{0.1f, -0.2f, 0.3f, -0.4f},
                                                      {-0.3f, 0.1f, 0.2f, 0.5f},
                                                      {0.05f, -0.6f, 0.7f, 0.0f},
                                                      {1.0f, 2.0f, -3.0f, 0.25f}}};

void set_grad(Parameter& parameter, const std::array<float, 4>& grad) {
  std::ranges::copy(grad, parameter.mutable_grad().values().begin());
}

std::shared_ptr<Parameter> start() {
  auto parameter = std::make_shared<Parameter>(Shape{4});
  parameter->set_value(Tensor({4}, {0.5f, -1.25f, 2.0f, 0.0f}));
  return parameter;
}

struct Case {
  const char* name;
  Make make;
  std::array<double, 4> expected;
};

// From PyTorch 2.14:
//   w = torch.nn.Parameter(torch.tensor([0.5, -1.25, 2, 0], dtype=torch.float64))
//   optimizer = torch.optim.…
//   for grad in kGrads:
//     w.grad = torch.tensor(grad, dtype=torch.float64); optimizer.step()
//   print(w.tolist())
std::vector<Case> cases() {
  return {
      {"SGD(lr=0.1)", maker<SGD>(SGDOptions{.lr = 0.1}), {0.415, -1.38, 2.18, -0.035}},
      {"SGD(lr=0.1, momentum=0.9, weight_decay=0.01)",
       maker<SGD>(SGDOptions{.lr = 0.1, .momentum = 0.9, .weight_decay = 0.01}),
       {0.43287368466049997, -1.28322852514625, 1.991976355632, -0.02311102203999997}},
      {"SGD(lr=0.1, momentum=0.9, nesterov=True)",
       maker<SGD>(SGDOptions{.lr = 0.1, .momentum = 0.9, .nesterov = true}),
       {0.35866899999999996, -1.419888, 2.188667, -0.05564599999999998}},
      {"Adam()",
       maker<Adam>(AdamOptions{}),
       {0.4992874231641221, -1.2484492749745957, 1.997491141173643, 0.0004039316861280874}},
      {"Adam(lr=0.01, betas=(0.8, 0.99), eps=1e-6, weight_decay=0.1)",
       maker<Adam>(
           AdamOptions{.lr = 0.01, .beta1 = 0.8, .beta2 = 0.99, .eps = 1e-6, .weight_decay = 0.1}),
       {0.48721159629520266, -1.2283486015304608, 1.9738226764241769, 0.0025444568742045174}},
      {"AdamW()",
       maker<AdamW>(AdamWOptions{}),
       {0.4992674408050886, -1.2483993177560087, 1.9974112008927276, 0.0004039061989827899}},
      {"AdamW(lr=0.01, betas=(0.8, 0.99), weight_decay=0.1)",
       maker<AdamW>(AdamWOptions{.lr = 0.01, .beta1 = 0.8, .beta2 = 0.99, .weight_decay = 0.1}),
       {0.49050484636292446, -1.2305286545473815, 1.9677016254040427, 0.002559134031546145}},
      {"RMSprop()",
       maker<RMSProp>(RMSPropOptions{}),
       {0.38388461215469316, -1.1963865420332978, 1.8520454186912318, -0.014989593220456468}},
      {"RMSprop(lr=0.001, alpha=0.9, momentum=0.5, centered=True, weight_decay=0.1)",
       maker<RMSProp>(RMSPropOptions{
           .lr = 0.001, .alpha = 0.9, .weight_decay = 0.1, .momentum = 0.5, .centered = true}),
       {0.4937614884754111, -1.2414418177889361, 1.9882419984554178, 0.0005247710033846195}},
  };
}

TEST(Optimizer, AgreesWithPyTorch) {
  for (const Case& c : cases()) {
    const auto w = start();
    const auto optimizer = c.make({{"w", w}});
    for (const auto& grad : kGrads) {
      set_grad(*w, grad);
      optimizer->step();
    }
    EXPECT_EQ(optimizer->steps(), 4);
    for (std::size_t i = 0; i < 4; ++i) {
      EXPECT_NEAR(w->value().values()[i], c.expected[i], 5e-7) << c.name << ", element " << i;
    }
  }
}

TEST(Optimizer, ResumesToTheBitFromItsState) {
  for (const Case& c : cases()) {
    const auto w = start();
    const auto whole = c.make({{"w", w}});
    for (const auto& grad : kGrads) {
      set_grad(*w, grad);
      whole->step();
    }

    const auto v = start();
    const auto first = c.make({{"w", v}});
    for (std::size_t i = 0; i < 2; ++i) {
      set_grad(*v, kGrads[i]);
      first->step();
    }
    const auto second = c.make({{"w", v}});
    second->set_steps(first->steps());
    const auto from = first->state();
    const auto to = second->state();
    ASSERT_EQ(from.size(), to.size());
    for (std::size_t i = 0; i < from.size(); ++i) {
      EXPECT_EQ(from[i].first, to[i].first);
      *to[i].second = *from[i].second;
    }
    for (std::size_t i = 2; i < 4; ++i) {
      set_grad(*v, kGrads[i]);
      second->step();
    }
    EXPECT_TRUE(std::ranges::equal(w->value().values(), v->value().values())) << c.name;
  }
}

std::vector<std::string> state_names(Optimizer& optimizer) {
  std::vector<std::string> names;
  for (const auto& [name, tensor] : optimizer.state()) names.push_back(name);
  return names;
}

TEST(Optimizer, RefusesAMomentumThatGrowsWithoutEnd) {
  const auto w = std::make_shared<Parameter>(Shape{2});
  const ParameterList list{{"w", w}};
  for (const double momentum : {-0.1, 1.0, 5.0, std::nan("")}) {
    EXPECT_THROW(SGD(list, {.momentum = momentum}), ConfigError) << momentum;
    EXPECT_THROW(RMSProp(list, {.momentum = momentum}), ConfigError) << momentum;
  }
}

TEST(Optimizer, NamesItsState) {
  const auto a = std::make_shared<Parameter>(Shape{2});
  const auto b = std::make_shared<Parameter>(Shape{3});
  const ParameterList list{{"rnn.a", a}, {"b", b}};
  SGD plain(list);
  SGD momentum(list, {.momentum = 0.5});
  Adam adam(list);
  RMSProp rmsprop(list, {.momentum = 0.5, .centered = true});
  EXPECT_THAT(state_names(plain), ElementsAre());
  EXPECT_THAT(state_names(momentum), ElementsAre("rnn.a.momentum_buffer", "b.momentum_buffer"));
  EXPECT_THAT(state_names(adam),
              ElementsAre("rnn.a.exp_avg", "rnn.a.exp_avg_sq", "b.exp_avg", "b.exp_avg_sq"));
  EXPECT_THAT(state_names(rmsprop),
              ElementsAre("rnn.a.square_avg", "rnn.a.momentum_buffer", "rnn.a.grad_avg",
                          "b.square_avg", "b.momentum_buffer", "b.grad_avg"));
  EXPECT_EQ(adam.state()[2].second->shape(), Shape{3});
}

TEST(Optimizer, RefusesAStateInWhichTwoHaveOneName) {
  const ParameterList list = Linear({.in_features = 2, .out_features = 3}).parameters();
  const ParameterList more = Linear({.in_features = 3, .out_features = 1}).parameters();
  Adam adam(list + more);
  adam.step();  // which needs no names
  EXPECT_THROW(static_cast<void>(adam.state()), ConfigError);
  SGD plain(list + more);
  EXPECT_THAT(state_names(plain), ElementsAre());
  Adam named(prefixed("a", list) + prefixed("b", more));
  EXPECT_EQ(named.state().size(), 8U);
}

TEST(Optimizer, LeavesAParameterWithoutAGradientAlone) {
  const auto w = start();
  const std::uint64_t version = w->version();
  AdamW optimizer({{"w", w}});
  optimizer.step();
  EXPECT_EQ(w->value().values()[0], 0.5f);
  EXPECT_EQ(w->version(), version);
  w->mutable_grad().fill(1.0f);
  optimizer.step();
  EXPECT_NE(w->value().values()[0], 0.5f);
  EXPECT_NE(w->version(), version);  // a packed copy is stale now
}

TEST(Optimizer, UpdatesAParameterThatIsListedTwiceOnce) {
  const auto w = start();
  const auto twice = start();
  set_grad(*w, kGrads[0]);
  set_grad(*twice, kGrads[0]);
  SGD one({{"w", w}}, {.lr = 1.0, .momentum = 0.5});
  SGD two({{"embedding.weight", twice}, {"decoder.weight", twice}}, {.lr = 1.0, .momentum = 0.5});
  one.step();
  two.step();
  EXPECT_TRUE(std::ranges::equal(w->value().values(), twice->value().values()));
  EXPECT_THAT(state_names(two), ElementsAre("embedding.weight.momentum_buffer"));
}

TEST(Optimizer, RefusesANameWithoutAParameter) { EXPECT_THROW(SGD({{"w", nullptr}}), ConfigError); }

TEST(Optimizer, TrainsLayersThatHaveMovedAndOutlivesThem) {
  std::vector<Linear> layers;
  ParameterList parameters;
  for (std::uint64_t i = 0; i < 3; ++i) {  // the vector grows
    layers.emplace_back(LinearOptions{.in_features = 4, .out_features = 4, .seed = i});
    parameters += prefixed(std::to_string(i), layers.back().parameters());
  }
  SGD sgd(parameters, {.lr = 0.1});
  const Tensor before = layers.front().weight().value();
  Tape tape;
  Var x = tape.input(random_tensor({2, 4}, 1));
  for (Linear& layer : layers) x = layer.forward(tape, x);
  tape.backward(mse_loss(x, std::vector<float>(8, 1.0f)));
  sgd.step();
  EXPECT_FALSE(std::ranges::equal(layers.front().weight().value().values(), before.values()));
  layers.clear();
  sgd.step();
  EXPECT_EQ(parameters.front().parameter->value().shape(), (Shape{4, 4}));
}

TEST(Optimizer, UsesTheRateThatIsSet) {
  const auto w = start();
  set_grad(*w, kGrads[0]);
  SGD optimizer({{"w", w}}, {.lr = 1.0});
  optimizer.set_lr(0.5);
  EXPECT_EQ(optimizer.lr(), 0.5);
  optimizer.step();
  EXPECT_FLOAT_EQ(w->value().values()[0], 0.45f);
}

TEST(Optimizer, RefusesImpossibleOptions) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THROW(SGD({}, {.lr = -1.0}), ConfigError);
  EXPECT_THROW(SGD({}, {.lr = nan}), ConfigError);
  EXPECT_THROW(SGD({}, {.momentum = -0.1}), ConfigError);
  EXPECT_THROW(SGD({}, {.weight_decay = -0.1}), ConfigError);
  EXPECT_THROW(SGD({}, {.nesterov = true}), ConfigError);
  EXPECT_THROW(Adam({}, {.beta1 = 1.0}), ConfigError);
  EXPECT_THROW(Adam({}, {.eps = -1e-8}), ConfigError);
  EXPECT_THROW(RMSProp({}, {.alpha = nan}), ConfigError);
  try {
    AdamW({}, {.beta2 = 1.5});
    FAIL();
  } catch (const ConfigError& error) {
    EXPECT_STREQ(error.what(), "AdamW: beta2 is 1.5; it must be in [0, 1)");
  }
  SGD optimizer({});
  EXPECT_THROW(optimizer.set_lr(std::numeric_limits<double>::infinity()), ConfigError);
}

TEST(Optimizer, HasTheSameBitsWithAnyNumberOfThreads) {
  const int before = num_threads();
  std::vector<Tensor> results;
  for (const int threads : {1, 2, 3}) {
    set_num_threads(threads);
    const auto w = std::make_shared<Parameter>(Shape{300, 333});
    w->mutable_value() = random_tensor({300, 333}, 1);
    w->mutable_grad() = random_tensor({300, 333}, 2);
    AdamW optimizer({{"w", w}});
    for (int i = 0; i < 3; ++i) optimizer.step();
    results.push_back(w->value());
  }
  set_num_threads(before);
  EXPECT_TRUE(std::ranges::equal(results[0].values(), results[1].values()));
  EXPECT_TRUE(std::ranges::equal(results[0].values(), results[2].values()));
}

}  // namespace
}  // namespace riverrun
