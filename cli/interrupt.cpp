#include "cli/interrupt.h"

namespace riverrun::cli {
namespace {

std::atomic<bool> interrupted_flag{false};

}  // namespace

InterruptGuard::InterruptGuard() {
  struct sigaction action {};
  action.sa_handler = [](int) { interrupted_flag = true; };
  action.sa_flags = SA_RESETHAND | SA_RESTART;
  sigaction(SIGINT, &action, &interrupt_);
  sigaction(SIGTERM, &action, &terminate_);
  // A reader of our output who went away is an error to report after the run's files are safe, not
  // a reason to die at once.
  struct sigaction ignore {};
  ignore.sa_handler = SIG_IGN;
  sigaction(SIGPIPE, &ignore, &pipe_);
}

InterruptGuard::~InterruptGuard() {
  sigaction(SIGINT, &interrupt_, nullptr);
  sigaction(SIGTERM, &terminate_, nullptr);
  sigaction(SIGPIPE, &pipe_, nullptr);
}

const std::atomic<bool>& InterruptGuard::interrupted() const noexcept { return interrupted_flag; }

}  // namespace riverrun::cli
