#include "riverrun/nn/schedule.h"

#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include "riverrun/core/error.h"

namespace riverrun {
namespace {

void expect_rates(const Schedule& schedule, const std::vector<double>& expected) {
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_NEAR(schedule(static_cast<std::int64_t>(i)), expected[i], 1e-12) << "step " << i;
  }
}

// The rates that PyTorch 2.14's schedulers S give, with an optimizer of lr=0.8:
//   for _ in range(n):
//     print(optimizer.param_groups[0]["lr"]); optimizer.step(); scheduler.step()

TEST(Schedule, ConstantIsConstant) { expect_rates(constant_schedule(0.8), {0.8, 0.8, 0.8}); }

// S.StepLR(optimizer, step_size=2, gamma=0.5)
TEST(Schedule, StepAgreesWithPyTorch) {
  expect_rates(step_schedule({.lr = 0.8, .step_size = 2, .gamma = 0.5}),
               {0.8, 0.8, 0.4, 0.4, 0.2, 0.2});
}

TEST(Schedule, StepCanBeginLate) {
  // Zaremba et al. 2014: halved in each epoch after the fourth.
  expect_rates(step_schedule({.lr = 1.0, .step_size = 1, .gamma = 0.5, .first = 4}),
               {1.0, 1.0, 1.0, 1.0, 0.5, 0.25, 0.125});
}

// S.CosineAnnealingLR(optimizer, T_max=5, eta_min=0.1)
TEST(Schedule, CosineAgreesWithPyTorchAndStaysAtItsEnd) {
  expect_rates(cosine_schedule(0.8, 5, 0.1),
               {0.8, 0.7331559480312316, 0.5581559480312316, 0.34184405196876844,
                0.16684405196876845, 0.1, 0.1, 0.1});
}

// S.ChainedScheduler([S.LinearLR(optimizer, start_factor=0.25, total_iters=3),
//                     S.StepLR(optimizer, step_size=3, gamma=0.5)])
TEST(Schedule, WarmupAgreesWithPyTorch) {
  expect_rates(warmup_schedule(4, step_schedule({.lr = 0.8, .step_size = 3, .gamma = 0.5})),
               {0.2, 0.4, 0.6, 0.4, 0.4, 0.4, 0.2, 0.2});
}

// plateau = S.ReduceLROnPlateau(optimizer, factor=0.5, patience=1, cooldown=1, min_lr=0.15)
// for m in measured: plateau.step(m); print(optimizer.param_groups[0]["lr"])
const std::vector<double> kMeasured{3.0, 2.0, 2.0, 1.99999, 2.5, 1.5, 1.6, 1.7,
                                    1.8, 1.9, 2.0, 2.1,     2.2, 2.3, 2.4};
const std::vector<double> kRates{0.8, 0.8, 0.8,  0.4,  0.4,  0.4,  0.4, 0.2,
                                 0.2, 0.2, 0.15, 0.15, 0.15, 0.15, 0.15};
constexpr ReduceOnPlateauOptions kPlateau{
    .lr = 0.8, .factor = 0.5, .patience = 1, .cooldown = 1, .min_lr = 0.15};

TEST(ReduceOnPlateau, AgreesWithPyTorch) {
  ReduceOnPlateau plateau(kPlateau);
  EXPECT_EQ(plateau.lr(), 0.8);
  for (std::size_t i = 0; i < kMeasured.size(); ++i) {
    EXPECT_NEAR(plateau.update(kMeasured[i]), kRates[i], 1e-12) << "measurement " << i;
  }
}

TEST(ReduceOnPlateau, GoesOnFromASavedState) {
  for (std::size_t cut = 0; cut < kMeasured.size(); ++cut) {
    ReduceOnPlateau first(kPlateau);
    for (std::size_t i = 0; i < cut; ++i) first.update(kMeasured[i]);
    ReduceOnPlateau second(kPlateau);
    second.set_state(first.state());
    for (std::size_t i = cut; i < kMeasured.size(); ++i) {
      EXPECT_EQ(second.update(kMeasured[i]), first.update(kMeasured[i]));
    }
    EXPECT_EQ(second.state(), first.state());
  }
}

TEST(ReduceOnPlateau, TakesNaNForNoImprovement) {
  ReduceOnPlateau plateau({.lr = 1.0, .factor = 0.5, .patience = 0});
  EXPECT_EQ(plateau.update(2.0), 1.0);
  EXPECT_EQ(plateau.update(std::numeric_limits<double>::quiet_NaN()), 0.5);
  EXPECT_EQ(plateau.state().best, 2.0);
}

TEST(Schedule, RefusesImpossibleOptions) {
  EXPECT_THROW(static_cast<void>(constant_schedule(-1.0)), ConfigError);
  EXPECT_THROW(static_cast<void>(step_schedule({.lr = 1.0, .step_size = 0})), ConfigError);
  EXPECT_THROW(static_cast<void>(step_schedule({.lr = 1.0, .first = -1})), ConfigError);
  EXPECT_THROW(static_cast<void>(cosine_schedule(1.0, 0)), ConfigError);
  EXPECT_THROW(static_cast<void>(cosine_schedule(1.0, 10, -0.1)), ConfigError);
  EXPECT_THROW(static_cast<void>(warmup_schedule(0, constant_schedule(1.0))), ConfigError);
  EXPECT_THROW(static_cast<void>(warmup_schedule(1, {})), ConfigError);
  EXPECT_THROW(ReduceOnPlateau({.lr = 1.0, .factor = 1.0}), ConfigError);
  EXPECT_THROW(ReduceOnPlateau({.lr = 1.0, .patience = -1}), ConfigError);
}

}  // namespace
}  // namespace riverrun
