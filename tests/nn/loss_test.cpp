#include "riverrun/nn/loss.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include "riverrun/core/error.h"
#include "riverrun/core/memory.h"
#include "riverrun/core/threads.h"
#include "riverrun/kernels/product.h"

#include "tests/nn/gradient_check.h"
#include "tests/nn/memory_count.h"

namespace riverrun {
namespace {

using test::check_gradients;
using test::random_tensor;

// From PyTorch 2.14:
//   logits = torch.tensor([[1, -2, 0.5], [3, 3, -1], [0.25, 100, -100], [0, 1, 2]],
//                         dtype=torch.float64, requires_grad=True)
//   loss = torch.nn.functional.cross_entropy(logits, torch.tensor([0, 1, 2, -100]),
//                                            reduction=reduction)   # "mean", "sum"
//   loss.backward(); print(loss.item(), logits.grad.flatten().tolist())
TEST(CrossEntropy, AgreesWithPyTorch) {
  const std::vector<std::int32_t> targets{0, 1, 2, -100};
  const std::vector<double> summed{-0.3962511038513742,
                                   0.030058887569574023,
                                   0.3661922162818002,
                                   0.4954626425778431,
                                   -0.5045373574221569,
                                   0.009074714844313747,
                                   0.0,
                                   1.0,
                                   -1.0,
                                   0.0,
                                   0.0,
                                   0.0};
  for (const Reduction reduction : {Reduction::kMean, Reduction::kSum}) {
    Tape tape;
    const Var logits =
        tape.input(Tensor({2, 2, 3}, {1, -2, 0.5, 3, 3, -1, 0.25, 100, -100, 0, 1, 2}), true);
    const Var loss = cross_entropy(logits, targets, {.reduction = reduction});
    tape.backward(loss);
    EXPECT_EQ(loss.shape(), Shape{});
    const bool mean = reduction == Reduction::kMean;
    EXPECT_FLOAT_EQ(loss.value().values()[0], mean ? 67.06895340792713f : 201.20686022378138f);
    for (std::size_t i = 0; i < summed.size(); ++i) {
      EXPECT_NEAR(logits.grad().values()[i], summed[i] / (mean ? 3.0 : 1.0), 1e-7) << i;
    }
  }
}

TEST(CrossEntropy, TakesTargetsAsTheyCome) {
  Linear decoder({.in_features = 3, .out_features = 3, .seed = 1});
  Tape tape;
  const Var x = tape.input(random_tensor({4, 3}, 1), true);
  const std::vector<std::int32_t> narrow{0, 1, 2, -100};
  const std::vector<std::int64_t> wide{0, 1, 2, -100};
  const float expected = cross_entropy(x, narrow).value().values()[0];
  EXPECT_EQ(cross_entropy(x, wide).value().values()[0], expected);
  EXPECT_EQ(cross_entropy(x, {0, 1, 2, -100}).value().values()[0], expected);
  const float decoded = linear_cross_entropy(decoder, tape, x, narrow).value().values()[0];
  EXPECT_EQ(linear_cross_entropy(decoder, tape, x, wide).value().values()[0], decoded);
  EXPECT_EQ(linear_cross_entropy(decoder, tape, x, {0, 1, 2, -100}).value().values()[0], decoded);
  EXPECT_EQ(linear_cross_entropy(decoder, x.value(), wide),
            linear_cross_entropy(decoder, x.value(), narrow));
  EXPECT_EQ(mse_loss(tape.input(Tensor({2}, {1.0f, 2.0f})), {2.0f, 4.0f}).value().values()[0],
            2.5f);
  try {
    // As 32 bits it would be 1.
    static_cast<void>(cross_entropy(x, {0, 1, (std::int64_t{1} << 32) + 1, 2}));
    FAIL();
  } catch (const ConfigError& error) {
    EXPECT_STREQ(error.what(),
                 "cross_entropy: target 2 is 4294967297; it must be in [0, classes = 3)");
  }
}

TEST(CrossEntropy, HasTheGradientsOfCentralDifferences) {
  const std::vector<std::int32_t> targets{3, 0, 16, 7};
  check_gradients([&](Tape&, const auto& in) { return cross_entropy(in[0], targets); },
                  {random_tensor({4, 17}, 1)});
}

TEST(CrossEntropy, OfAlmostCertaintyIsNotRoundedAway) {
  Tape tape;
  const std::vector<std::int32_t> targets{0};
  const Var logits = tape.input(Tensor({1, 2}, {12.0f, 0.0f}));
  EXPECT_NEAR(cross_entropy(logits, targets).value().values()[0], std::log1p(std::exp(-12.0)),
              1e-7);
}

TEST(CrossEntropy, OfAllIgnoredIsNaNAsInPyTorch) {
  Tape tape;
  const std::vector<std::int32_t> targets{-100, -100};
  const Var logits = tape.input(Tensor({2, 3}));
  EXPECT_TRUE(std::isnan(cross_entropy(logits, targets).value().values()[0]));
  EXPECT_EQ(cross_entropy(logits, targets, {.reduction = Reduction::kSum}).value().values()[0],
            0.0f);
}

TEST(CrossEntropy, SaysWhatIsWrong) {
  Tape tape;
  const Var logits = tape.input(Tensor({2, 3}));
  EXPECT_THROW(cross_entropy(logits, std::vector<std::int32_t>{0}), ShapeError);
  try {
    cross_entropy(logits, std::vector<std::int32_t>{0, 3});
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "cross_entropy: target 1 is 3; it must be in [0, classes = 3)");
  }
  EXPECT_THROW(cross_entropy(logits, std::vector<std::int32_t>{-1, 0}), ConfigError);
  EXPECT_NO_THROW(cross_entropy(logits, std::vector<std::int32_t>{-1, 0}, {.ignore_index = -1}));
  EXPECT_THROW(cross_entropy(tape.input(Tensor({2, 0})), std::vector<std::int32_t>{0, 0}),
               ShapeError);
}

struct Result {
  float loss;
  std::vector<float> gradients;  // of hidden, weight and bias
};

Result train(Linear& decoder, const Tensor& hidden, const std::vector<std::int32_t>& targets,
             const CrossEntropyOptions& options, float upstream, bool fused) {
  zero_grad(decoder.parameters());
  Tape tape;
  const Var x = tape.input(hidden, true);
  const Var loss = fused ? linear_cross_entropy(decoder, tape, x, targets, options)
                         : cross_entropy(decoder.forward(tape, x), targets, options);
  std::vector<Tape::Upstream> all;
  all.push_back({loss, Tensor(Shape{}, {upstream})});
  tape.backward(std::move(all));
  Result result{loss.value().values()[0], {}};
  const auto append = [&](const Tensor& grad) {
    result.gradients.insert(result.gradients.end(), grad.values().begin(), grad.values().end());
  };
  append(x.grad());
  for (const NamedParameter& entry : decoder.parameters()) append(entry.parameter->grad());
  return result;
}

std::vector<std::int32_t> some_targets(std::int64_t count, std::int64_t classes) {
  std::vector<std::int32_t> targets;
  for (std::int64_t i = 0; i < count; ++i) {
    targets.push_back(i % 9 == 4 ? -100 : static_cast<std::int32_t>(i * 7919 % classes));
  }
  return targets;
}

TEST(LinearCrossEntropy, IsTheSameAsItsTwoLayers) {
  // So many classes that the rows take several chunks, the last one incomplete.
  constexpr std::int64_t kClasses = 30000;
  constexpr std::int64_t kRows = 316;
  static_assert(kRows * kClasses > 2 * kMaxLogits);
  const Tensor hidden = random_tensor({kRows / 4, 4, 8}, 1);
  const auto targets = some_targets(kRows, kClasses);
  for (const bool bias : {true, false}) {
    Linear decoder({.in_features = 8, .out_features = kClasses, .bias = bias, .seed = 2});
    for (const Reduction reduction : {Reduction::kMean, Reduction::kSum}) {
      const float upstream = reduction == Reduction::kMean ? 1.0f : -0.5f;
      const CrossEntropyOptions options{.reduction = reduction};
      const Result fused = train(decoder, hidden, targets, options, upstream, true);
      const Result layers = train(decoder, hidden, targets, options, upstream, false);
      EXPECT_NEAR(fused.loss, layers.loss, 1e-6 * layers.loss);
      ASSERT_EQ(fused.gradients.size(), layers.gradients.size());
      float largest = 0.0f;
      float error = 0.0f;
      for (std::size_t i = 0; i < fused.gradients.size(); ++i) {
        largest = std::max(largest, std::abs(layers.gradients[i]));
        error = std::max(error, std::abs(fused.gradients[i] - layers.gradients[i]));
      }
      EXPECT_LT(error, 1e-6f * largest);

      std::vector<double> per_target(targets.size());
      const double total = linear_cross_entropy(decoder, hidden, targets, per_target);
      EXPECT_EQ(total, linear_cross_entropy(decoder, hidden, targets));
      const double counted = static_cast<double>(
          std::ranges::count_if(targets, [](std::int32_t target) { return target != -100; }));
      const double scale = reduction == Reduction::kMean ? counted : 1.0;
      EXPECT_NEAR(total, layers.loss * scale, 1e-6 * total);
      double sum = 0.0;
      for (const double nats : per_target) sum += nats;
      EXPECT_NEAR(sum, total, 1e-9 * total);
      EXPECT_EQ(per_target[4], 0.0);  // ignored
    }
  }
}

TEST(LinearCrossEntropy, HasTheGradientsOfCentralDifferences) {
  Linear decoder({.in_features = 5, .out_features = 7, .seed = 1});
  const std::vector<std::int32_t> targets{3, 0, 6, -100, 1, 1};
  check_gradients(
      [&](Tape& tape, const auto& in) {
        return linear_cross_entropy(decoder, tape, in[0], targets);
      },
      {random_tensor({2, 3, 5}, 2)}, decoder.parameters());
}

TEST(LinearCrossEntropy, HoldsNoMoreLogitsThanItsBound) {
  constexpr std::int64_t kClasses = 20000;
  constexpr std::int64_t kRows = 1000;
  constexpr std::int64_t kFeatures = 4;
  constexpr std::size_t kAllLogits = kRows * kClasses * sizeof(float);
  Linear decoder({.in_features = kFeatures, .out_features = kClasses, .seed = 1});
  const Tensor hidden = random_tensor({kRows, kFeatures}, 2);
  const auto targets = some_targets(kRows, kClasses);
  // Beside the logits: the gradients of hidden, weight and bias, twice, the input's copy, and what
  // products read: the weight in two orders, some rows of the input.
  const std::int64_t packed = kernels::packed_size({kClasses}, kFeatures) +
                              kernels::packed_size({kFeatures}, kClasses + kRows);
  const std::size_t other =
      sizeof(float) * static_cast<std::size_t>(3 * kRows * kFeatures +
                                               2 * kClasses * (kFeatures + 1) + packed) +
      1000;
  const std::size_t bound = kMaxLogits * sizeof(float) + other;
  ASSERT_LT(2 * bound, kAllLogits);

  const auto peak = [](const auto& body) {
    set_kept_memory(0);  // what is measured is what tensors hold
    const std::size_t before = test::tensor_bytes();
    test::reset_peak_tensor_bytes();
    body();
    return test::peak_tensor_bytes() - before;
  };
  EXPECT_LE(peak([&] { train(decoder, hidden, targets, {}, 1.0f, true); }), bound);
  EXPECT_LE(peak([&] { EXPECT_GT(linear_cross_entropy(decoder, hidden, targets), 0.0); }), bound);
  // The control: two layers hold all logits, so the counter would have seen them.
  EXPECT_GE(peak([&] { train(decoder, hidden, targets, {}, 1.0f, false); }), kAllLogits);
}

TEST(LinearCrossEntropy, HasTheSameBitsWithAnyNumberOfThreads) {
  const int before = num_threads();
  const Tensor hidden = random_tensor({500, 40}, 1);
  const auto targets = some_targets(500, 11000);
  std::vector<Result> results;
  std::vector<double> totals;
  for (const int threads : {1, 2, 3}) {
    set_num_threads(threads);
    Linear decoder({.in_features = 40, .out_features = 11000, .seed = 2});
    results.push_back(train(decoder, hidden, targets, {}, 1.0f, true));
    totals.push_back(linear_cross_entropy(decoder, hidden, targets));
  }
  set_num_threads(before);
  for (std::size_t i = 1; i < results.size(); ++i) {
    EXPECT_EQ(results[i].loss, results[0].loss);
    EXPECT_EQ(results[i].gradients, results[0].gradients);
    EXPECT_EQ(totals[i], totals[0]);
  }
}

TEST(LinearCrossEntropy, LetsNaNThrough) {
  Linear decoder({.in_features = 2, .out_features = 3, .seed = 1});
  const Tensor hidden({2, 2}, {1.0f, std::numeric_limits<float>::quiet_NaN(), 1.0f, 1.0f});
  const std::vector<std::int32_t> targets{0, 1};
  std::vector<double> per_target(2);
  EXPECT_TRUE(std::isnan(linear_cross_entropy(decoder, hidden, targets, per_target)));
  EXPECT_TRUE(std::isnan(per_target[0]));
  EXPECT_FALSE(std::isnan(per_target[1]));
  EXPECT_TRUE(std::isnan(train(decoder, hidden, targets, {}, 1.0f, true).loss));
}

TEST(LinearCrossEntropy, SaysWhatIsWrong) {
  Linear decoder({.in_features = 2, .out_features = 3});
  const std::vector<std::int32_t> targets{0, 1};
  const std::vector<std::int32_t> wrong{0, -1};
  std::vector<double> short_span(1);
  EXPECT_THROW(static_cast<void>(linear_cross_entropy(decoder, Tensor({2, 3}), targets)),
               ShapeError);
  EXPECT_THROW(static_cast<void>(linear_cross_entropy(decoder, Tensor({3, 2}), targets)),
               ShapeError);
  EXPECT_THROW(
      static_cast<void>(linear_cross_entropy(decoder, Tensor({2, 2}), targets, short_span)),
      ShapeError);
  EXPECT_THROW(static_cast<void>(linear_cross_entropy(decoder, Tensor({2, 2}), wrong)),
               ConfigError);
  Tape tape;
  EXPECT_THROW(linear_cross_entropy(decoder, tape, tape.input(Tensor({2, 2})), wrong), ConfigError);
}

// From PyTorch 2.14: torch.nn.functional.mse_loss(torch.tensor([[1., -2.], [0.5, 3.]]),
// torch.tensor([[0., -2.], [1., 5.]])) is (1 + 0 + 0.25 + 4) / 4.
TEST(MseLoss, IsTheMeanOfTheSquares) {
  Tape tape;
  const Var input = tape.input(Tensor({2, 2}, {1, -2, 0.5, 3}), true);
  const std::vector<float> targets{0, -2, 1, 5};
  const Var loss = mse_loss(input, targets);
  tape.backward(loss);
  EXPECT_FLOAT_EQ(loss.value().values()[0], 1.3125f);
  const std::vector<float> grad{0.5f, 0, -0.25f, -1};
  for (std::size_t i = 0; i < grad.size(); ++i) EXPECT_FLOAT_EQ(input.grad().values()[i], grad[i]);
}

TEST(MseLoss, HasTheGradientsOfCentralDifferences) {
  const std::vector<float> targets{0.3f, -1, 2, 0.7f, 0, 1};
  check_gradients([&](Tape&, const auto& in) { return mse_loss(in[0], targets); },
                  {random_tensor({2, 3}, 1)});
}

TEST(MseLoss, NeedsATargetForEachElement) {
  Tape tape;
  const Var input = tape.input(Tensor({2, 2}));
  EXPECT_THROW(mse_loss(input, std::vector<float>(3)), ShapeError);
}

// Errors 2, 1 and -1, then one that is not known, then -2, 0 and 0.5. With quantiles 0.1, 0.5 and
// 0.9 they cost 0.2, 0.5, 0.1; and 1.8, 0, 0.45.
TEST(QuantileLoss, IsTheMeanOfTheKnownOnes) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  Tape tape;
  const Var input = tape.input(Tensor({3, 1, 3}, {1, 2, 4, 7, 8, 9, 0, -2, -2.5}), true);
  const std::vector<float> targets{3, nan, -2};
  const std::vector<double> quantiles{0.1, 0.5, 0.9};
  const Var loss = quantile_loss(input, targets, quantiles);
  tape.backward(loss);
  EXPECT_EQ(loss.shape(), Shape{});
  EXPECT_FLOAT_EQ(loss.value().values()[0], 3.05f / 6);
  // Where the target is what was said, the slope is that from above.
  const std::vector<float> slopes{-0.1f, -0.5f, 0.1f, 0, 0, 0, 0.9f, 0.5f, -0.9f};
  for (std::size_t i = 0; i < slopes.size(); ++i) {
    EXPECT_FLOAT_EQ(input.grad().values()[i], slopes[i] / 6) << i;
  }
}

TEST(QuantileLoss, HasTheGradientsOfCentralDifferences) {
  const std::vector<float> targets{0.3f, -1, std::numeric_limits<float>::quiet_NaN(), 0.7f};
  const std::vector<double> quantiles{0.2, 0.5, 0.7};
  check_gradients([&](Tape&, const auto& in) { return quantile_loss(in[0], targets, quantiles); },
                  {random_tensor({2, 2, 3}, 1)});
}

TEST(QuantileLoss, IsLeastAtTheQuantile) {
  const std::vector<float> targets{5, 1, 4, 2, 3, 6, 9, 8, 7, 10, 11};
  const auto loss_of = [&](float said) {
    Tape tape;
    Tensor all({11, 1});
    std::ranges::fill(all.values(), said);
    return quantile_loss(tape.input(all), targets, std::vector{0.25}).value().values()[0];
  };
  EXPECT_LT(loss_of(3), loss_of(2.9f));
  EXPECT_LT(loss_of(3), loss_of(3.1f));
}

TEST(QuantileLoss, OfNothingKnownIsNaN) {
  Tape tape;
  const Var input = tape.input(Tensor({2, 1}));
  const std::vector<float> targets(2, std::numeric_limits<float>::quiet_NaN());
  EXPECT_TRUE(std::isnan(quantile_loss(input, targets, std::vector{0.5}).value().values()[0]));
}

TEST(QuantileLoss, LetsNaNThrough) {
  Tape tape;
  const Var input = tape.input(Tensor({1, 1}, {std::numeric_limits<float>::quiet_NaN()}));
  const std::vector<float> targets{1};
  EXPECT_TRUE(std::isnan(quantile_loss(input, targets, std::vector{0.5}).value().values()[0]));
}

TEST(QuantileLoss, SaysWhatIsWrong) {
  Tape tape;
  const Var input = tape.input(Tensor({2, 3}));
  const std::vector<float> two(2);
  const std::vector<float> three(3);
  const std::vector<double> quantiles{0.1, 0.5, 0.9};
  EXPECT_THROW(quantile_loss(input, three, quantiles), ShapeError);
  EXPECT_THROW(quantile_loss(input, three, std::vector{0.1, 0.5}), ShapeError);
  EXPECT_THROW(quantile_loss(input, two, std::vector<double>{}), ShapeError);
  EXPECT_THROW(quantile_loss(tape.input(Tensor({3, 2})), two, quantiles), ShapeError);
  for (const double wrong : {0.0, 1.0, -0.1, std::numeric_limits<double>::quiet_NaN()}) {
    EXPECT_THROW(quantile_loss(input, two, std::vector{0.1, 0.5, wrong}), ConfigError) << wrong;
  }
}

}  // namespace
}  // namespace riverrun
