#include "riverrun/kernels/targets.h"

#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "riverrun/core/error.h"

#include "tests/kernels/math_functions.h"

namespace riverrun::kernels {
namespace {

TEST(Targets, AreNamedOnceEach) {
  const std::vector<std::string> names = simd_targets();
  ASSERT_FALSE(names.empty());
  EXPECT_EQ(std::set<std::string>(names.begin(), names.end()).size(), names.size());
  EXPECT_THAT(names, testing::Not(testing::Contains("Unknown")));
}

TEST(Targets, TheBestIsUsedUnlessAnotherIsForced) {
  EXPECT_EQ(simd_target(), simd_targets().front());
  EXPECT_EQ(test::dispatched_target(), simd_targets().front());
}

TEST(Targets, AForcedTargetIsTheOneThatRuns) {
  const std::vector<std::string> names = simd_targets();
  for (const std::string& name : names) {
    force_simd_target(name);
    EXPECT_EQ(simd_target(), name);
    EXPECT_EQ(test::dispatched_target(), name);
    EXPECT_EQ(simd_targets(), names) << "what the machine can run does not change";
  }
  force_simd_target("");
  EXPECT_EQ(simd_target(), names.front());
  EXPECT_EQ(test::dispatched_target(), names.front());
}

TEST(Targets, AnUnknownNameThrowsAndChangesNothing) {
  force_simd_target(simd_targets().back());
  try {
    force_simd_target("MMX");
    ADD_FAILURE() << "MMX was accepted";
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("force_simd_target: name is \"MMX\""));
    EXPECT_THAT(error.what(), testing::HasSubstr(simd_targets().front()));
  }
  EXPECT_EQ(simd_target(), simd_targets().back());
  force_simd_target("");
}

}  // namespace
}  // namespace riverrun::kernels
