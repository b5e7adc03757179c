#include "riverrun/kernels/dropout.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "riverrun/kernels/targets.h"

namespace riverrun::kernels {
namespace {

/// For each instruction set that this machine can run.
class DropoutKernel : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override { force_simd_target(GetParam()); }
  void TearDown() override { force_simd_target(""); }
};

INSTANTIATE_TEST_SUITE_P(Targets, DropoutKernel, testing::ValuesIn(simd_targets()),
                         [](const auto& case_info) { return case_info.param; });

// Starting in the middle of a block, and where the block's number overflows 32 bits.
TEST_P(DropoutKernel, DrawsTheNumbersOfRandom) {
  constexpr std::uint32_t kThreshold = 0x60000000;
  constexpr float kScale = 1.5f;
  constexpr std::uint64_t kOverflow = std::uint64_t{1} << 34;
  for (const std::uint64_t drawn :
       {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{6}, kOverflow - 23, kOverflow - 20}) {
    for (const std::int64_t n : {0, 1, 2, 3, 5, 64, 67, 300}) {
      const Random::State state{0x123456789ABCDEF0, 0xFEDCBA9876543210, drawn};
      std::vector<float> from;
      std::vector<float> expected;
      Random random(state);
      for (std::int64_t i = 0; i < n; ++i) {
        from.push_back(static_cast<float>(i + 1));
        expected.push_back(random.next() < kThreshold ? 0.0f : from.back() * kScale);
      }
      std::vector<float> to(static_cast<std::size_t>(n), -1.0f);
      dropout(state, kThreshold, kScale, n, from.data(), to.data());
      EXPECT_EQ(to, expected) << "drawn " << drawn << ", n " << n;
    }
  }
}

}  // namespace
}  // namespace riverrun::kernels
