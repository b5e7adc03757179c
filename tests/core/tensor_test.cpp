#include "riverrun/core/tensor.h"

#include <array>
#include <cstdint>
#include <limits>
#include <memory>
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

TEST(Tensor, BorrowsMemoryAndLeavesItAsItIs) {
  std::array<float, 6> memory{1, 2, 3, 4, 5, 6};
  {
    Tensor borrowed = Tensor::borrow(Shape{2, 2}, memory.data());
    EXPECT_TRUE(borrowed.is_borrowed());
    EXPECT_EQ(borrowed.data(), memory.data());
    EXPECT_EQ(borrowed.capacity(), 4u);
    borrowed.values()[3] = 9;
    Tensor moved = std::move(borrowed);
    EXPECT_TRUE(moved.is_borrowed());
    EXPECT_FALSE(borrowed.is_borrowed());  // NOLINT(bugprone-use-after-move): that is the question
  }
  EXPECT_THAT(memory, ElementsAre(1, 2, 3, 9, 5, 6));
}

TEST(Tensor, ACopyOfABorrowedOneOwnsItsElements) {
  std::array<float, 2> memory{1, 2};
  const Tensor borrowed = Tensor::borrow(Shape{2}, memory.data());
  Tensor copy = borrowed;
  EXPECT_FALSE(copy.is_borrowed());
  copy.values()[0] = 7;
  EXPECT_EQ(memory[0], 1);
}

TEST(Tensor, WhatIsCopiedToABorrowedOneIsWrittenThereIfThereIsRoom) {
  std::array<float, 3> memory{1, 2, 3};
  Tensor borrowed = Tensor::borrow(Shape{2}, memory.data());
  const Tensor two(Shape{2}, {4, 5});
  borrowed = two;
  EXPECT_THAT(memory, ElementsAre(4, 5, 3));
  const Tensor three(Shape{3}, {6, 7, 8});
  borrowed = three;
  EXPECT_FALSE(borrowed.is_borrowed());
  EXPECT_THAT(memory, ElementsAre(4, 5, 3));
}

TEST(Tensor, HoldsTheLenderAsLongAsTheMemory) {
  auto lender = std::make_shared<std::vector<float>>(4, 1.0f);
  Tensor borrowed = Tensor::borrow(Shape{4}, lender->data(), lender);
  EXPECT_EQ(lender.use_count(), 2);
  Tensor moved = std::move(borrowed);
  EXPECT_EQ(lender.use_count(), 2);
  moved = Tensor(Shape{1});
  EXPECT_EQ(lender.use_count(), 1);
}

TEST(Tensor, DoesNotBorrowFromNowhere) {
  EXPECT_THROW(static_cast<void>(Tensor::borrow(Shape{2}, nullptr)), ConfigError);
}

TEST(Tensor, KeepsItsContentsWhenThereIsNoMemory) {
  Tensor tensor(Shape{2}, {1, 2});
  EXPECT_THROW(tensor.resize(Shape{std::numeric_limits<std::int64_t>::max()}), std::bad_alloc);
  EXPECT_THAT(tensor.values(), ElementsAre(1, 2));
}

}  // namespace
}  // namespace riverrun
