#pragma once

#include <cstddef>
#include <cstdint>

#include <gtest/gtest.h>

#include "riverrun/core/tensor.h"
#include "riverrun/nn/recurrent.h"

namespace riverrun::test {

inline void expect_near(const Tensor& a, const Tensor& b, float tolerance = 2e-6f) {
  ASSERT_EQ(a.shape(), b.shape());
  for (std::int64_t i = 0; i < a.elements(); ++i) {
    ASSERT_NEAR(a.data()[i], b.data()[i], tolerance) << "element " << i;
  }
}

inline void expect_equal(const State& a, const State& b, float tolerance = 2e-6f) {
  ASSERT_EQ(a.tensors.size(), b.tensors.size());
  for (std::size_t s = 0; s < a.tensors.size(); ++s) {
    expect_near(a.tensors[s], b.tensors[s], tolerance);
  }
}

}  // namespace riverrun::test
