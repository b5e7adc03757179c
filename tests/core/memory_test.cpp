#include "riverrun/core/memory.h"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <new>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace riverrun {
namespace {

constexpr std::size_t kMegabyte = std::size_t{1} << 18;  // in floats

/// Where memory of a size was, before it was given back.
const float* give_back(std::size_t floats) { return allocate_memory(floats).get(); }

void forget_kept_memory() {
  set_kept_memory(0);
  set_kept_memory(kDefaultKeptMemory);
}

TEST(Memory, IsAlignedAndWritable) {
  for (const std::size_t floats : {std::size_t{1}, std::size_t{100}, kMegabyte, 40 * kMegabyte}) {
    const Memory memory = allocate_memory(floats);
    EXPECT_EQ(memory.get_deleter().capacity, floats);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(memory.get()) % 64, 0U);
    memory[0] = 1.0f;
    memory[floats - 1] = 2.0f;
    EXPECT_EQ(memory[floats - 1], 2.0f);
  }
}

TEST(Memory, MayBeReadALittleBehindItsEnd) {
  for (const std::size_t floats : {std::size_t{1}, std::size_t{1000}, kMegabyte, 40 * kMegabyte}) {
    const Memory memory = allocate_memory(floats);
    std::memset(&memory[0], 0, floats * sizeof(float));
    const volatile float* const behind = &memory[floats];
    // Beyond what belongs to it, AddressSanitizer or the system would stop here.
    for (std::size_t i = 0; i < kReadableBehind; ++i) static_cast<void>(behind[i]);
  }
}

TEST(Memory, IsHandedOutAgainWhereItFits) {
  if (!kKeepsMemory) GTEST_SKIP() << "AddressSanitizer is to see every release";
  forget_kept_memory();
  const float* const first = give_back(kMegabyte);
  const Memory too_large = allocate_memory(kMegabyte + 1);
  EXPECT_NE(too_large.get(), first);
  const Memory too_small = allocate_memory(kMegabyte / 2);
  EXPECT_NE(too_small.get(), first);
  const Memory fits = allocate_memory(kMegabyte - 1000);
  EXPECT_EQ(fits.get(), first);
  EXPECT_EQ(fits.get_deleter().capacity, kMegabyte);
}

// As a network of some layers gives it back, which is in the system's hands otherwise.
TEST(Memory, IsHandedOutAgainInSmallBlocksToo) {
  if (!kKeepsMemory) GTEST_SKIP() << "AddressSanitizer is to see every release";
  forget_kept_memory();
  constexpr std::size_t kSmall = 5000;  // in floats
  std::vector<Memory> all;
  for (int i = 0; i < 32; ++i) all.push_back(allocate_memory(kSmall));
  all.clear();
  for (int i = 0; i < 32; ++i) {
    all.push_back(allocate_memory(kSmall - 1));
    EXPECT_EQ(all.back().get_deleter().capacity, kSmall);
  }
}

TEST(Memory, IsNotKeptBeyondALimit) {
  if (!kKeepsMemory) GTEST_SKIP() << "AddressSanitizer is to see every release";
  forget_kept_memory();
  std::vector<Memory> all;
  for (int i = 0; i < 40; ++i) all.push_back(allocate_memory(kMegabyte));
  all.clear();
  int handed_out_again = 0;
  for (int i = 0; i < 40; ++i) {
    // A little less than what is kept, so that the capacity tells where it comes from.
    all.push_back(allocate_memory(kMegabyte - 1));
    handed_out_again += all.back().get_deleter().capacity == kMegabyte;
  }
  EXPECT_GT(handed_out_again, 0);
  EXPECT_LE(handed_out_again, 32);
}

TEST(Memory, IsKeptUpToWhatIsInUse) {
  if (!kKeepsMemory) GTEST_SKIP() << "AddressSanitizer is to see every release";
  forget_kept_memory();
  constexpr std::size_t kLarge = 50 * kMegabyte;  // more than is kept at least
  const auto was_kept = [&] {
    static_cast<void>(give_back(kLarge));
    return allocate_memory(kLarge - 1).get_deleter().capacity == kLarge;
  };
  EXPECT_FALSE(was_kept());
  {
    const Memory in_use = allocate_memory(kLarge);
    EXPECT_TRUE(was_kept());
  }
  EXPECT_EQ(allocate_memory(kLarge - 2).get_deleter().capacity, kLarge - 2);
}

TEST(Memory, IsNotKeptBeyondALimitThatIsSet) {
  const Memory in_use = allocate_memory(50 * kMegabyte);
  set_kept_memory(kMegabyte);
  static_cast<void>(give_back(kMegabyte));  // four times as many bytes
  EXPECT_EQ(allocate_memory(kMegabyte - 1).get_deleter().capacity, kMegabyte - 1);
  set_kept_memory(kDefaultKeptMemory);
}

TEST(Memory, IsReleased) {
  static_cast<void>(give_back(kMegabyte));
  set_kept_memory(0);
  EXPECT_EQ(allocate_memory(kMegabyte - 1).get_deleter().capacity, kMegabyte - 1);
  EXPECT_EQ(allocate_memory(kMegabyte - 2).get_deleter().capacity, kMegabyte - 2);
  set_kept_memory(kDefaultKeptMemory);
}

TEST(Memory, IsSharedByThreads) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([t] {
      for (std::size_t i = 0; i < 300; ++i) {
        const std::size_t floats = kMegabyte + i % 7;
        const Memory memory = allocate_memory(floats);
        memory[0] = static_cast<float>(t);
        memory[floats - 1] = static_cast<float>(t);
        std::this_thread::yield();
        EXPECT_EQ(memory[0], static_cast<float>(t));
        EXPECT_EQ(memory[floats - 1], static_cast<float>(t));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(Memory, OfAnImpossibleSizeIsRefused) {
  // Whose number of bytes is not a number. The sanitizers end the program at any that is allocated.
  constexpr std::size_t kMost = std::numeric_limits<std::size_t>::max();
  EXPECT_THROW(static_cast<void>(allocate_memory(kMost)), std::bad_alloc);
  // Whose number of bytes is one, but not with what operator new adds.
  EXPECT_THROW(static_cast<void>(allocate_memory(kMost / sizeof(float) - 17)), std::bad_alloc);
}

}  // namespace
}  // namespace riverrun
