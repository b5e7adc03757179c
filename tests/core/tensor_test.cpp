#include "riverrun/core/tensor.h"

#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "riverrun/core/error.h"

namespace riverrun {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;

TEST(Shape, KnowsItsExtents) {
  Shape shape{2, 3, 5};
  EXPECT_EQ(shape.rank(), 3);
  EXPECT_EQ(shape[0], 2);
  EXPECT_EQ(shape[-1], 5);
  EXPECT_EQ(shape.elements(), 30);
  EXPECT_EQ(shape.to_string(), "[2, 3, 5]");
  EXPECT_EQ(Shape().elements(), 1);
  EXPECT_EQ(Shape().to_string(), "[]");
}

TEST(Shape, ComparesRankAndExtents) {
  EXPECT_EQ((Shape{2, 3}), (Shape{2, 3}));
  EXPECT_NE((Shape{2, 3}), (Shape{3, 2}));
  EXPECT_NE((Shape{2}), (Shape{2, 0}));
}

TEST(Shape, RefusesWhatItCannotHold) {
  EXPECT_THROW((Shape{1, 1, 1, 1, 1}), ShapeError);
  EXPECT_THROW((Shape{2, -1}), ShapeError);
  std::int64_t half = std::int64_t{1} << 32;
  EXPECT_THROW((Shape{half, half}), ShapeError);
  Shape shape{2, 3};
  EXPECT_THROW((void)shape[2], ShapeError);
  EXPECT_THROW((void)shape[-3], ShapeError);
}

TEST(Tensor, StartsAsZeros) {
  Tensor tensor(Shape{3, 4});
  EXPECT_FALSE(tensor.empty());
  EXPECT_EQ(tensor.elements(), 12);
  EXPECT_THAT(tensor.values(), Each(0.0f));
}

TEST(Tensor, IsAlignedForSimd) {
  for (std::int64_t size : {1, 3, 17, 1000}) {
    Tensor tensor(Shape{size});
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(tensor.data()) % 64, 0u) << size;
  }
}

TEST(Tensor, TakesExactlyTheValuesOfItsShape) {
  Tensor tensor(Shape{2, 2}, {1, 2, 3, 4});
  EXPECT_THAT(tensor.values(), ElementsAre(1, 2, 3, 4));
  EXPECT_THROW(Tensor(Shape{2, 2}, {1, 2, 3}), ShapeError);
}

TEST(Tensor, CopyIsIndependent) {
  Tensor first(Shape{2}, {1, 2});
  Tensor second = first;
  second.values()[0] = 9;
  EXPECT_THAT(first.values(), ElementsAre(1, 2));
  EXPECT_THAT(second.values(), ElementsAre(9, 2));
}

TEST(Tensor, CopyingIntoEnoughMemoryKeepsIt) {
  Tensor big(Shape{10});
  const float* memory = big.data();
  big = Tensor(Shape{2}, {1, 2});  // a move: takes the other's memory
  EXPECT_NE(big.data(), memory);

  Tensor target(Shape{10});
  memory = target.data();
  Tensor source(Shape{2}, {1, 2});
  target = source;
  EXPECT_EQ(target.data(), memory);
  EXPECT_EQ(target.shape(), (Shape{2}));
  EXPECT_THAT(target.values(), ElementsAre(1, 2));
}

TEST(Tensor, MoveLeavesTheSourceEmpty) {
  Tensor first(Shape{2}, {1, 2});
  Tensor second = std::move(first);
  EXPECT_TRUE(first.empty());  // NOLINT(bugprone-use-after-move): what is tested
  EXPECT_EQ(first.elements(), 0);
  EXPECT_THAT(second.values(), ElementsAre(1, 2));
  Tensor copy_of_empty = first;
  EXPECT_TRUE(copy_of_empty.empty());
  second = first;
  EXPECT_TRUE(second.empty());
}

TEST(Tensor, WithoutElementsIsNotEmpty) {
  Tensor tensor(Shape{0, 4});
  EXPECT_FALSE(tensor.empty());
  EXPECT_EQ(tensor.elements(), 0);
  Tensor copy = tensor;
  EXPECT_FALSE(copy.empty());
  EXPECT_EQ(copy.shape(), (Shape{0, 4}));
}

TEST(Tensor, ReshapeKeepsTheElements) {
  Tensor tensor(Shape{2, 3}, {1, 2, 3, 4, 5, 6});
  tensor.reshape(Shape{3, 2});
  EXPECT_EQ(tensor.shape(), (Shape{3, 2}));
  EXPECT_THAT(tensor.values(), ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_THROW(tensor.reshape(Shape{4}), ShapeError);
  EXPECT_EQ(tensor.shape(), (Shape{3, 2}));
}

TEST(Tensor, ResizeAllocatesOnlyBeyondTheCapacity) {
  Tensor tensor(Shape{4, 5});
  const float* memory = tensor.data();
  tensor.resize(Shape{3});
  tensor.resize(Shape{20});
  EXPECT_EQ(tensor.data(), memory);
  EXPECT_EQ(tensor.capacity(), 20u);
  tensor.resize(Shape{21});
  EXPECT_EQ(tensor.elements(), 21);
  EXPECT_GE(tensor.capacity(), 21u);
}

TEST(Tensor, KeepsItsContentsWhenThereIsNoMemory) {
  Tensor tensor(Shape{2}, {1, 2});
  EXPECT_THROW(tensor.resize(Shape{std::numeric_limits<std::int64_t>::max()}), std::bad_alloc);
  EXPECT_THAT(tensor.values(), ElementsAre(1, 2));
}

}  // namespace
}  // namespace riverrun
