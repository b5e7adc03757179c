#include "cli/progress.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <string>
#include <string_view>

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/command.h"

namespace riverrun::cli {
namespace {

using Clock = std::chrono::steady_clock;

std::size_t terminal_width() {
  winsize size{};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
  return size.ws_col;
}

/// Whether a line on standard error can be drawn over.
bool can_redraw() {
  if (::isatty(STDERR_FILENO) != 1) return false;
  const char* kind = std::getenv("TERM");  // Emacs' shell and editors' build windows say "dumb"
  return kind != nullptr && *kind != '\0' && std::string_view(kind) != "dumb";
}

std::string figures(const lm::Progress& p) {
  return fmt::format("epoch {}/{}  loss {:.4f}  perplexity {:.2f}  {} tokens/s  {} left", p.epoch,
                     p.epochs, p.nats, std::exp(p.nats), grouped(std::llround(p.tokens_per_second)),
                     duration(p.seconds_left));
}

}  // namespace

ProgressDisplay::ProgressDisplay() : redraws_(can_redraw()), last_(Clock::now()) {}

void ProgressDisplay::finish() {
  if (!bar_shown_) return;
  write_error("\r\x1b[K");
  bar_shown_ = false;
}

void ProgressDisplay::show(const lm::Progress& p, const std::string& gradient) {
  const auto interval = redraws_ ? std::chrono::milliseconds(200) : std::chrono::seconds(15);
  if (Clock::now() - last_ < interval && p.step != p.total_steps) return;
  last_ = Clock::now();
  if (!redraws_) {
    note(fmt::format("step {}/{}  {}  {}", p.step, p.total_steps, figures(p), gradient));
    return;
  }
  std::string text = figures(p);
  const std::size_t width = terminal_width();
  if (width > text.size() + gradient.size() + 3) text += "  " + gradient;
  std::string bar;
  if (width > text.size() + 10) {
    const std::size_t cells = std::min<std::size_t>(width - text.size() - 6, 30);
    const auto full =
        static_cast<std::size_t>(static_cast<double>(cells) * static_cast<double>(p.step) /
                                 static_cast<double>(p.total_steps));
    bar = fmt::format("[{:#<{}}{:.<{}}]  ", "", full, "", cells - full);
  }
  write_error(fmt::format("\r\x1b[K{:.{}}", bar + text, width - 1));
  bar_shown_ = true;
}

void ProgressDisplay::show(const lm::Validation& v, const std::string& gradient) {
  finish();
  note(
      fmt::format("epoch {:.2f}  step {}  training {:.4f}  validation {:.4f} nats/token  "
                  "perplexity {:.2f}  lr {:.2g}{}{}{}",
                  v.epoch, v.step, v.train_nats, v.valid_nats, std::exp(v.valid_nats), v.lr,
                  gradient.empty() ? "" : "  ", gradient, v.best ? "  best so far" : ""));
}

TokenCounter::TokenCounter(std::int64_t total)
    : total_(total), redraws_(can_redraw()), next_(Clock::now()) {}

void TokenCounter::show(std::int64_t tokens) {
  if (!redraws_ || Clock::now() < next_) return;
  next_ = Clock::now() + std::chrono::milliseconds(200);
  write_error(fmt::format("\r\x1b[K{} of {} tokens", grouped(tokens), grouped(total_)));
  shown_ = true;
}

void TokenCounter::finish() {
  if (shown_) write_error("\r\x1b[K");
  shown_ = false;
}

}  // namespace riverrun::cli
