#include "riverrun/nn/clip.h"

#include <cmath>
#include <limits>
#include <memory>
#include <vector>

#include <gtest/gtest.h>

#include "riverrun/core/error.h"
#include "riverrun/core/threads.h"

#include "tests/nn/gradient_check.h"

namespace riverrun {
namespace {

struct Two {
  std::shared_ptr<Parameter> a = std::make_shared<Parameter>(Shape{2});
  std::shared_ptr<Parameter> b = std::make_shared<Parameter>(Shape{1});
  std::shared_ptr<Parameter> without_gradient = std::make_shared<Parameter>(Shape{5});
  Two(float x, float y, float z) {
    a->mutable_grad() = Tensor({2}, {x, y});
    b->mutable_grad() = Tensor({1}, {z});
  }
  ParameterList list() { return {{"a", a}, {"none", without_gradient}, {"b", b}}; }
};

TEST(ClipGradNorm, ScalesAllGradientsTogether) {
  Two two(2.0f, -3.0f, 6.0f);
  EXPECT_DOUBLE_EQ(clip_grad_norm(two.list(), 3.5), 7.0);
  EXPECT_FLOAT_EQ(two.a->grad().values()[0], 1.0f);
  EXPECT_FLOAT_EQ(two.a->grad().values()[1], -1.5f);
  EXPECT_FLOAT_EQ(two.b->grad().values()[0], 3.0f);
  EXPECT_TRUE(two.without_gradient->grad().empty());
}

TEST(ClipGradNorm, LeavesSmallGradientsAlone) {
  Two two(2.0f, -3.0f, 6.0f);
  EXPECT_DOUBLE_EQ(clip_grad_norm(two.list(), 8.0), 7.0);
  EXPECT_DOUBLE_EQ(clip_grad_norm(two.list(), std::numeric_limits<double>::infinity()), 7.0);
  EXPECT_EQ(two.b->grad().values()[0], 6.0f);
}

TEST(ClipGradNorm, ReportsNaNAndInfinity) {
  Two nan(2.0f, std::numeric_limits<float>::quiet_NaN(), 6.0f);
  EXPECT_TRUE(std::isnan(clip_grad_norm(nan.list(), 1.0)));
  EXPECT_EQ(nan.b->grad().values()[0], 6.0f);
  Two infinite(2.0f, std::numeric_limits<float>::infinity(), 6.0f);
  EXPECT_TRUE(std::isinf(clip_grad_norm(infinite.list(), 1.0)));
  EXPECT_EQ(infinite.b->grad().values()[0], 6.0f);
}

TEST(ClipGradNorm, DoesNotOverflow) {
  Two two(3e30f, 4e30f, 0.0f);  // whose squares no float can hold
  EXPECT_NEAR(clip_grad_norm(two.list(), 1.0) / 5e30, 1.0, 1e-6);
  EXPECT_FLOAT_EQ(two.a->grad().values()[0], 0.6f);
}

TEST(ClipGradNorm, HasTheSameBitsWithAnyNumberOfThreads) {
  const int before = num_threads();
  std::vector<double> norms;
  for (const int threads : {1, 2, 3}) {
    set_num_threads(threads);
    const auto w = std::make_shared<Parameter>(Shape{100003});
    w->mutable_grad() = test::random_tensor({100003}, 1);
    norms.push_back(clip_grad_norm({{"w", w}}, 1.0));
  }
  set_num_threads(before);
  EXPECT_NEAR(norms[0], std::sqrt(100003.0), 2.0);
  EXPECT_EQ(norms[0], norms[1]);
  EXPECT_EQ(norms[0], norms[2]);
}

TEST(ClipGradNorm, CountsAParameterThatIsListedTwiceOnce) {
  Two two(2.0f, -3.0f, 6.0f);
  EXPECT_DOUBLE_EQ(clip_grad_norm(two.list() + two.list(), 3.5), 7.0);
  EXPECT_FLOAT_EQ(two.b->grad().values()[0], 3.0f);
}

TEST(ClipGradValue, ClampsEachElement) {
  Two two(2.0f, -3.0f, std::numeric_limits<float>::quiet_NaN());
  clip_grad_value(two.list(), 2.5f);
  EXPECT_EQ(two.a->grad().values()[0], 2.0f);
  EXPECT_EQ(two.a->grad().values()[1], -2.5f);
  EXPECT_TRUE(std::isnan(two.b->grad().values()[0]));
}

TEST(Clip, RefusesABoundThatIsNotPositive) {
  EXPECT_THROW(clip_grad_norm({}, 0.0), ConfigError);
  EXPECT_THROW(clip_grad_norm({}, std::numeric_limits<double>::quiet_NaN()), ConfigError);
  EXPECT_THROW(clip_grad_value({}, -1.0f), ConfigError);
}

}  // namespace
}  // namespace riverrun
