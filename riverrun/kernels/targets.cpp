#include "riverrun/kernels/targets.h"

#include <atomic>
#include <cstdint>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "riverrun/core/error.h"

// The configuration must come before any other header of Highway.
// clang-format off
#include "riverrun/kernels/highway-config.h"
#include "hwy/targets.h"
// clang-format on

namespace riverrun::kernels {
namespace {

/// The compiled targets among `targets`, a set of Highway's bits. The baseline is always there:
/// Highway's own may be a different one, since its library is compiled elsewhere.
std::int64_t compiled(std::int64_t targets) { return (targets & HWY_TARGETS) | HWY_STATIC_TARGET; }

/// Asked once, before the first force_simd_target can narrow what Highway reports.
std::int64_t available() {
  static const std::int64_t targets = compiled(hwy::SupportedTargets());
  return targets;
}

/// The target that force_simd_target asked for, or 0. Highway is not asked for it: it would ask the
/// processor, which takes tens of microseconds on a virtual machine.
std::atomic<std::int64_t> forced_target{0};

/// A lower bit is a better target.
std::int64_t best(std::int64_t targets) { return targets & -targets; }

}  // namespace

std::vector<std::string> simd_targets() {
  std::vector<std::string> names;
  for (std::int64_t rest = available(); rest != 0; rest &= rest - 1) {
    names.emplace_back(hwy::TargetName(best(rest)));
  }
  return names;
}

std::string_view simd_target() {
  const std::int64_t forced = forced_target.load(std::memory_order_relaxed);
  return hwy::TargetName(forced != 0 ? forced : best(available()));
}

void force_simd_target(std::string_view name) {
  std::int64_t forced = name.empty() ? available() : 0;
  for (std::int64_t rest = available(); rest != 0; rest &= rest - 1) {
    if (hwy::TargetName(best(rest)) == name) forced = best(rest);
  }
  if (forced == 0) {
    throw ConfigError(fmt::format("force_simd_target: name is \"{}\"; it must be one of {}", name,
                                  fmt::join(simd_targets(), ", ")));
  }
  forced_target.store(name.empty() ? 0 : forced, std::memory_order_relaxed);
  hwy::SetSupportedTargetsForTest(name.empty() ? 0 : forced);
  // Highway looks at the supported targets at the first dispatch only, then at this.
  hwy::GetChosenTarget().Update(forced);
}

}  // namespace riverrun::kernels
