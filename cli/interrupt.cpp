#include "cli/interrupt.h"

namespace riverrun::cli {
namespace {

std::atomic<bool> interrupted_flag{false};

}  // namespace

InterruptGuard::InterruptGuard()
    : replaced_{{{SIGINT, {}}, {SIGTERM, {}}, {SIGHUP, {}}, {SIGPIPE, {}}}} {
  for (Replaced& replaced : replaced_) {
    sigaction(replaced.signal, nullptr, &replaced.before);
    if (replaced.before.sa_handler == SIG_IGN) continue;
    struct sigaction action {};
    action.sa_flags = SA_RESTART;
    if (replaced.signal == SIGPIPE) {
      // A reader of our output who went away is an error to report after the run's files are safe,
      // not a reason to die at once.
      action.sa_handler = SIG_IGN;
    } else {
      action.sa_handler = [](int) { interrupted_flag = true; };
      if (replaced.signal == SIGINT) action.sa_flags |= static_cast<int>(SA_RESETHAND);
    }
    sigaction(replaced.signal, &action, nullptr);
  }
}

InterruptGuard::~InterruptGuard() {
  for (const Replaced& replaced : replaced_) {
    sigaction(replaced.signal, &replaced.before, nullptr);
  }
}

const std::atomic<bool>& InterruptGuard::interrupted() const noexcept { return interrupted_flag; }

}  // namespace riverrun::cli
