#include "riverrun/core/cpus.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
#include <locale>
#include <set>
#include <sstream>
#include <string>
#include <thread>

#if __has_include(<sched.h>)
#include <sched.h>
#endif

namespace riverrun {
namespace {

namespace fs = std::filesystem;

// Empty if there is none.
std::string first_line(const fs::path& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

constexpr double kUnlimited = std::numeric_limits<double>::infinity();

// The CPUs' worth of time in a quota and a period, in microseconds. Neither "max" nor -1, which
// stand for no limit, is a positive number.
double granted(const std::string& quota_and_period) {
  std::istringstream numbers(quota_and_period);
  numbers.imbue(std::locale::classic());
  double quota = 0.0, period = 0.0;
  numbers >> quota >> period;
  return quota > 0.0 && period > 0.0 ? quota / period : kUnlimited;
}

double granted_here(const fs::path& group) {
  return std::min(granted(first_line(group / "cpu.max")),
                  granted(first_line(group / "cpu.cfs_quota_us") + ' ' +
                          first_line(group / "cpu.cfs_period_us")));
}

// The least that the group and those that it is in are granted. In a container the path may be that
// which the host sees, of which only the end of the way up, the mounted folder, is there.
double granted_to(const fs::path& mounted, fs::path group) {
  double least = granted_here(mounted);
  for (; !group.empty(); group = group.parent_path()) {
    least = std::min(least, granted_here(mounted / group));
  }
  return least;
}

double granted_time(const fs::path& root) {
  std::ifstream groups(root / "proc/self/cgroup");
  double least = kUnlimited;
  // "0::/path", or of version 1 "4:cpu,cpuacct:/path".
  for (std::string line; std::getline(groups, line);) {
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const fs::path group = fs::path(line.substr(second + 1)).relative_path();
    // Beyond the groups that this process may see.
    if (group.begin() != group.end() && *group.begin() == "..") continue;
    // Of version 1 the folder may have another name, "cpu,cpuacct" for "cpuacct,cpu", and "cpu"
    // leads to it.
    const bool has_cpu = (',' + controllers + ',').find(",cpu,") != std::string::npos;
    if (!controllers.empty() && !has_cpu) continue;
    least = std::min(least, granted_to(root / "sys/fs/cgroup" / controllers, group));
    if (has_cpu) least = std::min(least, granted_to(root / "sys/fs/cgroup/cpu", group));
  }
  return least;
}

}  // namespace

std::vector<int> allowed_cpus() {
  std::vector<int> cpus;
#ifdef CPU_ISSET_S
  // As many as the system has are not known before; it refuses a set that is too small.
  for (int most = CPU_SETSIZE; most <= 1 << 20; most *= 2) {
    std::vector<cpu_set_t> sets(static_cast<std::size_t>(most / CPU_SETSIZE));
    const std::size_t bytes = sets.size() * sizeof(cpu_set_t);
    if (sched_getaffinity(0, bytes, sets.data()) != 0) continue;
    for (int cpu = 0; cpu < most; ++cpu) {
      if (CPU_ISSET_S(cpu, bytes, sets.data())) cpus.push_back(cpu);
    }
    return cpus;
  }
#else
  // Where a process cannot be bound to some, as on macOS, all count.
  for (int cpu = 0; cpu < static_cast<int>(std::thread::hardware_concurrency()); ++cpu) {
    cpus.push_back(cpu);
  }
#endif
  return cpus;
}

int usable_cores(std::span<const int> cpus, const fs::path& root) {
  // All CPUs of a core have the same list of them.
  std::set<std::string> cores;
  for (const int cpu : cpus) {
    const fs::path topology =
        root / "sys/devices/system/cpu" / ("cpu" + std::to_string(cpu)) / "topology";
    std::string its_cpus = first_line(topology / "core_cpus_list");
    if (its_cpus.empty()) its_cpus = first_line(topology / "thread_siblings_list");
    cores.insert(its_cpus.empty() ? std::to_string(cpu) : its_cpus);
  }
  const auto count = static_cast<double>(std::max<std::size_t>(1, cores.size()));
  return static_cast<int>(std::min(count, std::ceil(granted_time(root))));
}

std::int64_t first_level_cache(const fs::path& root) {
  for (int index = 0; index < 4; ++index) {
    const fs::path cache =
        root / "sys/devices/system/cpu/cpu0/cache" / ("index" + std::to_string(index));
    const std::string type = first_line(cache / "type");
    if (first_line(cache / "level") != "1" || (type != "Data" && type != "Unified")) continue;
    std::istringstream size(first_line(cache / "size"));  // "32K"
    size.imbue(std::locale::classic());
    std::int64_t kibibytes = 0;
    if (size >> kibibytes && size.get() == 'K' && kibibytes > 0) return kibibytes << 10;
  }
  return std::int64_t{32} << 10;
}

}  // namespace riverrun
