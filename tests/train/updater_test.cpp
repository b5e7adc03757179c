#include "riverrun/train/updater.h"

#include <cstdint>
#include <memory>
#include <span>

#include <gtest/gtest.h>

#include "riverrun/core/random.h"
#include "riverrun/nn/linear.h"
#include "riverrun/nn/loss.h"
#include "riverrun/nn/optimizer.h"

#include "tests/nn/expect_near.h"

namespace riverrun {
namespace {

constexpr double kClip = 0.1;

/// Learns to give the sums of what it reads.
struct Learner {
  Updater::Gradient gradient(const Tensor& x, const Updater::Reduce& reduce = {}) {
    const Tensor targets(Shape{x.size(0), 1});
    return updater.gradient(
        [&](Tape& tape) { return mse_loss(linear.forward(tape, tape.input(x)), targets.values()); },
        reduce);
  }

  Linear linear{{.in_features = 3, .out_features = 1, .seed = 2}};
  Updater updater{linear.parameters(), std::make_unique<Adam>(linear.parameters()), kClip, 1};
};

Tensor rows(const Tensor& all, std::int64_t first, std::int64_t count) {
  return Tensor({count, 3}, all.values().subspan(static_cast<std::size_t>(first * 3),
                                                 static_cast<std::size_t>(count * 3)));
}

// Of two that learn half of a batch each, the mean of the gradients is that of the whole batch, and
// so is its norm, if it is taken before clipping.
TEST(Updater, ReducesGradientsBeforeItClipsThem) {
  Tensor x(Shape{8, 3});
  Random(1).fill_normal(x.values(), 0.0f, 1.0f);
  Learner whole, first, second;
  const double norm = whole.gradient(x).norm;
  ASSERT_GT(norm, kClip);

  Tape tape;
  const Tensor targets(Shape{4, 1});
  tape.backward(mse_loss(second.linear.forward(tape, tape.input(rows(x, 4, 4))), targets.values()));
  const Updater::Gradient reduced =
      first.gradient(rows(x, 0, 4), [&](const ParameterList& parameters) {
        const ParameterList others = second.linear.parameters();
        for (std::size_t p = 0; p < parameters.size(); ++p) {
          const std::span<float> to = parameters[p].parameter->mutable_grad().values();
          const std::span<const float> from = others[p].parameter->grad().values();
          for (std::size_t i = 0; i < to.size(); ++i) to[i] = (to[i] + from[i]) / 2;
        }
      });
  EXPECT_NEAR(reduced.norm, norm, 1e-6);
  for (Learner* learner : {&whole, &first}) learner->updater.step(0.01);
  for (std::size_t p = 0; p < 2; ++p) {
    test::expect_near(whole.linear.parameters()[p].parameter->value(),
                      first.linear.parameters()[p].parameter->value(), 1e-6f);
  }
}

}  // namespace
}  // namespace riverrun
