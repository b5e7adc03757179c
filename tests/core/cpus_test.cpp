#include "riverrun/core/cpus.h"

#include <array>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <sched.h>

#include "riverrun/core/threads.h"

#include "tests/temporary_folder.h"

namespace riverrun {
namespace {

const int first_num_threads = num_threads();

TEST(NumThreads, IsAtFirstThatOfTheUsableCores) {
  EXPECT_EQ(first_num_threads, usable_cores(allowed_cpus()));
}

// A system's /proc and /sys.
class SystemTree : public ::testing::Test {
 protected:
  [[nodiscard]] const std::filesystem::path& root() const { return root_.path(); }
  void write(const std::string& path, const std::string& contents) {
    const std::filesystem::path file = root_ / path;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << contents << '\n';
  }

 private:
  TemporaryFolder root_;
};

class UsableCores : public SystemTree {
 protected:
  void write_core(int cpu, const std::string& its_cpus,
                  const std::string& name = "core_cpus_list") {
    write("sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/topology/" + name, its_cpus);
  }
  int count(std::span<const int> cpus) { return usable_cores(cpus, root()); }

  static constexpr std::array<int, 8> kEight = {0, 1, 2, 3, 4, 5, 6, 7};
};

TEST_F(UsableCores, AreCPUsWhereNothingElseIsKnown) {
  EXPECT_EQ(count(kEight), 8);
  EXPECT_EQ(count(std::array{5}), 1);
  EXPECT_EQ(count({}), 1);
}

TEST_F(UsableCores, CountTheCPUsOfACoreOnce) {
  for (int cpu = 0; cpu < 8; ++cpu) {
    write_core(cpu, std::to_string(cpu % 4) + "," + std::to_string(cpu % 4 + 4));
  }
  EXPECT_EQ(count(kEight), 4);
  EXPECT_EQ(count(std::array{1, 5}), 1);
  EXPECT_EQ(count(std::array{1, 2, 5}), 2);
}

TEST_F(UsableCores, KnowTheOlderNameOfTheList) {
  write_core(0, "0-1", "thread_siblings_list");
  write_core(1, "0-1", "thread_siblings_list");
  EXPECT_EQ(count(std::array{0, 1, 2}), 2);  // of CPU 2 nothing is known
}

TEST_F(UsableCores, AreNoMoreThanTheControlGroupGrantsTimeFor) {
  write("proc/self/cgroup", "0::/app.slice/job");
  const std::vector<std::pair<std::string, int>> limits = {{"300000 100000", 3},
                                                           {"310000 100000", 4},
                                                           {"50000 100000", 1},
                                                           {"1600000 100000", 8},
                                                           {"max 100000", 8}};
  for (const auto& [limit, expected] : limits) {
    write("sys/fs/cgroup/app.slice/job/cpu.max", limit);
    EXPECT_EQ(count(kEight), expected) << limit;
  }
}

TEST_F(UsableCores, AreNoMoreThanTheGroupsAroundItGrantTimeFor) {
  write("proc/self/cgroup", "0::/app.slice/job");
  write("sys/fs/cgroup/app.slice/job/cpu.max", "max 100000");
  write("sys/fs/cgroup/app.slice/cpu.max", "500000 100000");
  EXPECT_EQ(count(kEight), 5);
  write("sys/fs/cgroup/cpu.max", "20000 10000");
  EXPECT_EQ(count(kEight), 2);
}

TEST_F(UsableCores, KnowControlGroupsOfVersion1) {
  write("proc/self/cgroup", "12:memory:/job\n4:cpu,cpuacct:/job\n1:name=systemd:/job");
  write("sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_quota_us", "-1");
  write("sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_period_us", "100000");
  EXPECT_EQ(count(kEight), 8);
  write("sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_quota_us", "200000");
  EXPECT_EQ(count(kEight), 2);
}

// Docker with version 1: the path is the host's, the folder is the container's own.
TEST_F(UsableCores, KnowTheGroupOfAContainerThatSeesItsOwnOnly) {
  write("proc/self/cgroup", "4:cpu,cpuacct:/docker/0123abcd");
  write("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "150000");
  write("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000");
  EXPECT_EQ(count(kEight), 2);
}

TEST_F(UsableCores, TakeWhatTheyCannotReadForNoLimit) {
  write("proc/self/cgroup", "nonsense\n0:\n::\n0::/job");
  for (const char* text : {"", "100000", "x 100000", "100000 0", "100000 -100000", "nan 1"}) {
    write("sys/fs/cgroup/job/cpu.max", text);
    EXPECT_EQ(count(kEight), 8) << text;
  }
}

TEST_F(UsableCores, FindTheFolderOfVersion1ByAnotherName) {
  write("proc/self/cgroup", "4:cpuacct,cpu:/job");
  write("sys/fs/cgroup/cpu/job/cpu.cfs_quota_us", "200000");
  write("sys/fs/cgroup/cpu/job/cpu.cfs_period_us", "100000");
  EXPECT_EQ(count(kEight), 2);
}

TEST_F(UsableCores, AreNotLimitedByGroupsThatTheProcessIsNotIn) {
  write("proc/self/cgroup", "0::/../other");
  write("sys/fs/cgroup/cpu.max", "100000 100000");
  EXPECT_EQ(count(kEight), 8);
}

TEST(AllowedCPUs, AreThoseThatAThreadIsBoundTo) {
  const std::vector<int> all = allowed_cpus();
  ASSERT_FALSE(all.empty());
  std::vector<int> bound;
  std::thread([&] {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(all.back(), &set);
    ASSERT_EQ(sched_setaffinity(0, sizeof(set), &set), 0);
    bound = allowed_cpus();
  }).join();
  EXPECT_EQ(bound, std::vector<int>{all.back()});
}

class FirstLevelCache : public SystemTree {
 protected:
  void write_cache(int index, const std::string& level, const std::string& type,
                   const std::string& size) {
    const std::string cache =
        "sys/devices/system/cpu/cpu0/cache/index" + std::to_string(index) + "/";
    write(cache + "level", level);
    write(cache + "type", type);
    write(cache + "size", size);
  }
};

TEST_F(FirstLevelCache, IsThatOfData) {
  write_cache(0, "1", "Instruction", "64K");
  write_cache(1, "1", "Data", "48K");
  write_cache(2, "2", "Unified", "1024K");
  EXPECT_EQ(first_level_cache(root()), 48 << 10);
}

TEST_F(FirstLevelCache, IsTakenFor32KiBWhereNothingIsKnown) {
  EXPECT_EQ(first_level_cache(root()), 32 << 10);
  write_cache(0, "1", "Data", "large");
  write_cache(1, "1", "Data", "-48K");
  EXPECT_EQ(first_level_cache(root()), 32 << 10);
}

}  // namespace
}  // namespace riverrun
