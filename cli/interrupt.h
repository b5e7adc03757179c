#pragma once

#include <array>
#include <atomic>
#include <csignal>

namespace riverrun::cli {

/// While it lives, the first SIGINT (Ctrl-C), SIGTERM or SIGHUP (a closed terminal) asks for a
/// clean stop. A second Ctrl-C ends the process; a second SIGTERM or SIGHUP changes nothing,
/// because `timeout`, and a shell whose terminal closes, send theirs twice. A signal that was
/// ignored when the process began, as by nohup or in the background of a script, stays ignored. One
/// guard at a time.
class InterruptGuard {
 public:
  InterruptGuard();
  InterruptGuard(const InterruptGuard&) = delete;
  InterruptGuard& operator=(const InterruptGuard&) = delete;
  ~InterruptGuard();

  [[nodiscard]] const std::atomic<bool>& interrupted() const noexcept;

 private:
  struct Replaced {
    int signal;
    struct sigaction before;
  };
  std::array<Replaced, 4> replaced_{};
};

}  // namespace riverrun::cli
