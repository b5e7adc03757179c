#include "cli/progress.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <string_view>

#include <fmt/format.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/run_report.h"
#include "cli/terminal.h"

namespace riverrun::cli {
namespace {

using Clock = std::chrono::steady_clock;

/// Draws `text`, which is ASCII, over what `shown` bytes of the line are, and makes them its own:
/// an empty one removes it. By blanks, because not every terminal knows an escape sequence for it.
void draw(std::string_view text, std::size_t& shown) {
  const std::size_t rest = shown > text.size() ? shown - text.size() : 0;
  write_error(fmt::format("\r{}{:{}}{}", text, "", rest, text.empty() ? "\r" : ""));
  shown = text.size();
}

}  // namespace

ProgressDisplay::ProgressDisplay(const Words& words)
    : words_(words), redraws_(can_redraw(STDERR_FILENO)), last_(Clock::now()) {}

/// "perplexity 12.34  ", if it is shown.
std::string ProgressDisplay::perplexity(double loss) const {
  return words_.perplexity ? fmt::format("perplexity {:.2f}  ", std::exp(loss)) : std::string();
}

std::string ProgressDisplay::figures(const Progress& p) const {
  return fmt::format("epoch {}/{}  loss {}  {}{} {}s/s  {} left", p.epoch, p.epochs,
                     loss_text(p.loss), perplexity(p.loss),
                     grouped(std::llround(p.targets_per_second)), words_.target,
                     duration(p.seconds_left));
}

void ProgressDisplay::finish() {
  if (shown_ > 0) draw("", shown_);
}

void ProgressDisplay::show(const Progress& p, const std::string& gradient) {
  const auto interval = redraws_ ? std::chrono::milliseconds(200) : std::chrono::seconds(15);
  if (Clock::now() - last_ < interval && p.step != p.total_steps) return;
  last_ = Clock::now();
  if (!redraws_) {
    note(fmt::format("step {}/{}  {}  {}", p.step, p.total_steps, figures(p), gradient));
    return;
  }
  std::string text = figures(p);
  const std::size_t width = terminal_width(STDERR_FILENO).value_or(80);
  if (width > text.size() + gradient.size() + 3) text += "  " + gradient;
  std::string bar;
  if (width > text.size() + 10) {
    const std::size_t cells = std::min<std::size_t>(width - text.size() - 6, 30);
    const auto full =
        static_cast<std::size_t>(static_cast<double>(cells) * static_cast<double>(p.step) /
                                 static_cast<double>(p.total_steps));
    bar = fmt::format("[{:#<{}}{:.<{}}]  ", "", full, "", cells - full);
  }
  draw((bar + text).substr(0, width - 1), shown_);
}

void ProgressDisplay::show(const Validation& v, const std::string& gradient) {
  finish();
  note(fmt::format(
      "epoch {:.2f}  step {}  training {}  {} {}{}  "
      "{}lr {:.2g}{}{}{}",
      v.epoch, v.step, loss_text(v.train_loss), words_.judged, loss_text(v.valid.loss),
      words_.nats ? fmt::format(" nats/{}", words_.target) : "", perplexity(v.valid.loss), v.lr,
      gradient.empty() ? "" : "  ", gradient, v.best ? "  best so far" : ""));
}

ReadCounter::ReadCounter(std::int64_t total, const char* noun)
    : total_(total), noun_(noun), redraws_(can_redraw(STDERR_FILENO)), next_(Clock::now()) {}

void ReadCounter::show(std::int64_t read) {
  if (!redraws_ || Clock::now() < next_) return;
  next_ = Clock::now() + std::chrono::milliseconds(200);
  draw(fmt::format("{} of {} {}", grouped(read), grouped(total_), noun_), shown_);
}

void ReadCounter::finish() {
  if (shown_ > 0) draw("", shown_);
}

}  // namespace riverrun::cli
