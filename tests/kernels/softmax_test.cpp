#include "riverrun/kernels/softmax.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "riverrun/core/random.h"
#include "riverrun/kernels/targets.h"

namespace riverrun::kernels {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

/// For each instruction set that this machine can run.
class Softmax : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override { force_simd_target(GetParam()); }
  void TearDown() override { force_simd_target(""); }
};

INSTANTIATE_TEST_SUITE_P(Targets, Softmax, testing::ValuesIn(simd_targets()),
                         [](const auto& case_info) { return case_info.param; });

struct Data {
  std::vector<float> logits, bias;
  std::vector<std::int32_t> targets;
};

Data make_data(std::int64_t rows, std::int64_t classes, float spread) {
  Data data{std::vector<float>(static_cast<std::size_t>(rows * classes)),
            std::vector<float>(static_cast<std::size_t>(classes)),
            {}};
  Random random(static_cast<std::uint64_t>(classes));
  random.fill_normal(data.logits, 0.0f, spread);
  random.fill_normal(data.bias, 0.0f, spread);
  for (std::int64_t r = 0; r < rows; ++r) {
    data.targets.push_back(
        static_cast<std::int32_t>(random.below(static_cast<std::uint32_t>(classes))));
  }
  return data;
}

// All numbers of classes around the lengths of vectors, and some large ones.
TEST_P(Softmax, AgreesWithTheDefinitionInDouble) {
  constexpr std::int64_t kRows = 3;
  constexpr float kScale = 0.25f;
  std::vector<std::int64_t> sizes{1000, 10007};
  for (std::int64_t n = 1; n <= 70; ++n) sizes.push_back(n);
  for (const std::int64_t classes : sizes) {
    for (const bool has_bias : {true, false}) {
      Data data = make_data(kRows, classes, classes % 2 == 0 ? 1.0f : 20.0f);
      const CrossEntropyRows rows{kRows,
                                  classes,
                                  data.logits.data(),
                                  has_bias ? data.bias.data() : nullptr,
                                  data.targets.data(),
                                  -100};
      std::vector<double> nats(kRows);
      cross_entropy(rows, nats.data());
      // In place, as the layers use it; `original` is for the reference.
      const std::vector<float> original = data.logits;
      std::vector<double> nats_with_grad(kRows);
      cross_entropy_with_grad(rows, kScale, data.logits.data(), nats_with_grad.data());
      EXPECT_EQ(nats, nats_with_grad);

      for (std::int64_t r = 0; r < kRows; ++r) {
        std::vector<double> x;
        for (std::int64_t c = 0; c < classes; ++c) {
          const float bias = has_bias ? data.bias[static_cast<std::size_t>(c)] : 0.0f;
          x.push_back(original[static_cast<std::size_t>(r * classes + c)] + bias);
        }
        const double max = *std::ranges::max_element(x);
        double sum = 0.0;
        for (const double value : x) sum += std::exp(value - max);
        const std::int32_t target = data.targets[static_cast<std::size_t>(r)];
        const double expected = std::log(sum) + max - x[static_cast<std::size_t>(target)];
        EXPECT_NEAR(nats[static_cast<std::size_t>(r)], expected, 1e-6 * (1.0 + expected))
            << classes << " classes";
        for (std::int64_t c = 0; c < classes; ++c) {
          const double p = std::exp(x[static_cast<std::size_t>(c)] - max) / sum;
          EXPECT_NEAR(data.logits[static_cast<std::size_t>(r * classes + c)],
                      kScale * (p - (c == target ? 1.0 : 0.0)), 1e-7)
              << classes << " classes";
        }
      }
    }
  }
}

TEST_P(Softmax, IgnoresRows) {
  std::vector<float> logits{1, 2, 3, 4, 5, kNaN};
  const std::vector<std::int32_t> targets{2, 7};
  std::vector<double> nats(2, -1.0);
  cross_entropy_with_grad({2, 3, logits.data(), nullptr, targets.data(), 7}, 1.0f, logits.data(),
                          nats.data());
  EXPECT_GT(nats[0], 0.0);
  EXPECT_EQ(nats[1], 0.0);
  EXPECT_NE(logits[0], 0.0f);
  EXPECT_EQ(logits[3], 0.0f);
  EXPECT_EQ(logits[5], 0.0f);
}

TEST_P(Softmax, IsStableForLogitsOfAnySize) {
  const std::vector<float> logits{3e38f, 3e38f, -3e38f, -kInfinity};
  for (const auto& [target, expected] :
       {std::pair<std::int32_t, double>{1, std::log(2.0)}, {3, kInfinity}}) {
    double nats = 0.0;
    cross_entropy({1, 4, logits.data(), nullptr, &target, -100}, &nats);
    EXPECT_DOUBLE_EQ(nats, expected);
  }
}

// Wherever in the row it stands: in whole vectors and in the rest.
TEST_P(Softmax, ARowThatIsNotNumbersGivesNaN) {
  constexpr std::size_t kClasses = 39;
  const std::int32_t target = 5;
  for (const float bad : {kNaN, kInfinity}) {
    for (std::size_t where = 0; where < kClasses; ++where) {
      std::vector<float> logits(kClasses, 1.0f);
      logits[where] = bad;
      double nats = 0.0;
      cross_entropy_with_grad({1, kClasses, logits.data(), nullptr, &target, -100}, 1.0f,
                              logits.data(), &nats);
      EXPECT_TRUE(std::isnan(nats)) << bad << " at " << where;
      EXPECT_TRUE(std::isnan(logits[0])) << bad << " at " << where;
    }
  }
  const std::vector<float> nothing(kClasses, -kInfinity);
  double nats = 0.0;
  cross_entropy({1, kClasses, nothing.data(), nullptr, &target, -100}, &nats);
  EXPECT_TRUE(std::isnan(nats));
}

}  // namespace
}  // namespace riverrun::kernels
