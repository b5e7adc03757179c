#pragma once

#include <atomic>
#include <csignal>

namespace riverrun::cli {

/// While it lives, the first Ctrl-C (or SIGTERM) asks for a clean stop; the next one ends the
/// process. One at a time.
class InterruptGuard {
 public:
  InterruptGuard();
  InterruptGuard(const InterruptGuard&) = delete;
  InterruptGuard& operator=(const InterruptGuard&) = delete;
  ~InterruptGuard();

  [[nodiscard]] const std::atomic<bool>& interrupted() const noexcept;

 private:
  struct sigaction interrupt_ {};
  struct sigaction terminate_ {};
  struct sigaction pipe_ {};
};

}  // namespace riverrun::cli
