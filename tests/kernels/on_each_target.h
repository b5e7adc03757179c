// What the tests of products and of their packed operands share.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>

#include <gtest/gtest.h>

#include "riverrun/core/random.h"
#include "riverrun/core/tensor.h"
#include "riverrun/kernels/targets.h"

namespace riverrun::test {

/// A test whose parameter is one of kernels::simd_targets().
class OnEachTarget : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override { kernels::force_simd_target(GetParam()); }
  void TearDown() override { kernels::force_simd_target(""); }
};

inline Tensor normal(const Shape& shape, std::uint64_t stream) {
  Tensor tensor = Tensor::uninitialized(shape);
  Random(/*seed=*/7, stream).fill_normal(tensor.values(), 0.0f, 1.0f);
  return tensor;
}

inline bool same_bits(const Tensor& a, const Tensor& b) {
  return std::memcmp(a.data(), b.data(), a.values().size_bytes()) == 0;
}

}  // namespace riverrun::test
