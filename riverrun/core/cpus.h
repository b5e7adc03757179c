#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

namespace riverrun {

/// The numbers of the CPUs that the calling thread may run on; empty if the system does not tell.
[[nodiscard]] std::vector<int> allowed_cpus();

/// How many threads can compute at the same time on these CPUs: one for each of their cores,
/// because a core's CPUs share its arithmetic units, but no more than the CPU time that the
/// process's control groups allow, rounded up. At least 1. A core is that of
/// sys/devices/system/cpu/, a control group is looked up in proc/self/cgroup and sys/fs/cgroup/, of
/// version 1 or 2; what the system does not tell is no limit. `root` is where /proc and /sys are.
[[nodiscard]] int usable_cores(std::span<const int> cpus, const std::filesystem::path& root = "/");

/// The bytes of data that the first-level cache of CPU 0 holds, of sys/devices/system/cpu/; 32 KiB
/// if the system does not tell.
[[nodiscard]] std::int64_t first_level_cache(const std::filesystem::path& root = "/");

}  // namespace riverrun
