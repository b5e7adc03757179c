// Packed right operands, in float32 and the smaller types, on every SIMD target of the machine.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "riverrun/core/tensor.h"
#include "riverrun/core/weight_type.h"
#include "riverrun/kernels/product.h"
#include "riverrun/kernels/targets.h"

#include "tests/kernels/on_each_target.h"

namespace riverrun::kernels {
namespace {

using test::normal;
using test::same_bits;

using PackTest = test::OnEachTarget;

TEST_P(PackTest, PacksAMatrixOfEitherOrderAlike) {
  const Tensor rows = normal({37, 29}, 6);  // [columns, depth]
  Tensor columns = Tensor::uninitialized({29, 37});
  for (std::int64_t i = 0; i < 37; ++i) {
    for (std::int64_t k = 0; k < 29; ++k) columns.data()[k * 37 + i] = rows.data()[i * 29 + k];
  }
  for (const WeightType type : kWeightTypes) {
    for (const bool few_rows : {false, true}) {
      const GateColumns layout{.hidden = 37, .few_rows = few_rows};
      Tensor a({packed_size(layout, 29, type)});
      Tensor b({packed_size(layout, 29, type)});
      pack(layout, rows.data(), 1, 29, 29, a.data(), type);
      pack(layout, columns.data(), 37, 1, 29, b.data(), type);
      EXPECT_TRUE(same_bits(a, b)) << name(type);
    }
  }
}

TEST_P(PackTest, RowsArePackedFromWhereverTheyAre) {
  const std::int64_t columns = 37, depth = 11;
  const Tensor w = normal({depth, columns}, 1);
  std::vector<const float*> rows;
  for (std::int64_t k = depth; k-- > 0;) rows.push_back(w.data() + k * columns);
  Tensor reversed = Tensor::uninitialized(w.shape());
  for (std::int64_t k = 0; k < depth; ++k) {
    std::copy_n(rows[static_cast<std::size_t>(k)], columns, reversed.data() + k * columns);
  }
  Tensor expected({packed_size({columns}, depth)}), packed({packed_size({columns}, depth)});
  pack({columns}, reversed.data(), columns, 1, depth, expected.data());
  pack_rows(columns, rows.data(), depth, packed.data());
  EXPECT_TRUE(same_bits(packed, expected));
}

TEST_P(PackTest, AMatrixThatIsLargeOrForFewRowsIsPacked) {
  for (const GateColumns& layout :
       {GateColumns{.hidden = 1030}, GateColumns{.hidden = 30, .few_rows = true}}) {
    const std::int64_t depth = layout.hidden;
    const Tensor w = normal({depth, layout.hidden}, 1);
    Tensor expected({packed_size(layout, depth)}), room({right_operand_size(layout, depth)});
    pack(layout, w.data(), layout.hidden, 1, depth, expected.data());
    const Weights operand = right_operand(layout, w.data(), depth, room.data());
    EXPECT_EQ(operand.row_stride, 0);
    EXPECT_EQ(operand.data, room.data());
    ASSERT_EQ(room.shape(), expected.shape());
    EXPECT_TRUE(same_bits(room, expected));
  }
}

TEST_P(PackTest, BFloat16RoundsToNearestEven) {
  const float step = std::ldexp(1.0f, -7);
  const std::vector<std::pair<float, float>> rounded = {
      {1.0f + step / 2, 1.0f},
      {1.0f + step * 3 / 2, 1.0f + 2 * step},
      {-1.0f - step * 5 / 8, -1.0f - step},
      {2.0f - step / 4, 2.0f},
      {0.0f, 0.0f},
      {std::numeric_limits<float>::max(), INFINITY},
      {-INFINITY, -INFINITY}};
  for (const auto& [weight, expected] : rounded) {
    const float one = 1.0f;
    float out = 0.0f;
    Tensor packed = Tensor::uninitialized({packed_size({1}, 1, WeightType::kBFloat16)});
    pack({1}, &weight, 1, 1, 1, packed.data(), WeightType::kBFloat16);
    product({1}, 1, 1, {&one, 1}, {packed.data(), WeightType::kBFloat16}, nullptr, false,
            {&out, 1});
    EXPECT_EQ(out, expected) << weight;
  }
}

// A diverged network must not look healthy, nor a column of zeros be divided by its largest.
TEST_P(PackTest, SmallerWeightsKeepNaNAndZeros) {
  const std::int64_t columns = 21, depth = 10;
  Tensor w = normal({columns, depth}, 1);
  for (std::int64_t k = 0; k < depth; ++k) w.data()[2 * depth + k] = 0.0f;
  for (std::int64_t k = 0; k < depth; ++k) w.data()[4 * depth + k] = 1e-42f;
  w.data()[7 * depth + 9] = std::numeric_limits<float>::quiet_NaN();
  w.data()[17 * depth + 3] = std::numeric_limits<float>::infinity();
  const Tensor x = normal({2, depth}, 2);
  for (const WeightType type : {WeightType::kBFloat16, WeightType::kInt8}) {
    Tensor packed = Tensor::uninitialized({packed_size({columns}, depth, type)});
    pack({columns}, w.data(), 1, depth, depth, packed.data(), type);
    Tensor out({2, columns});
    product({columns}, 2, depth, {x.data(), depth}, {packed.data(), type}, nullptr, false,
            {out.data(), columns});
    for (std::int64_t i = 0; i < out.elements(); ++i) {
      const std::int64_t column = i % columns;
      EXPECT_EQ(std::isfinite(out.data()[i]), column != 7 && column != 17) << column;
      if (column == 2 || column == 4) {
        EXPECT_NEAR(out.data()[i], 0.0f, column == 2 ? 0.0f : 1e-40f);
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Targets, PackTest, testing::ValuesIn(simd_targets()),
                         [](const auto& test) { return test.param; });

}  // namespace
}  // namespace riverrun::kernels
