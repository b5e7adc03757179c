#pragma once

#include <chrono>
#include <string>

#include "riverrun/lm/trainer.h"

namespace riverrun::cli {

/// Shows a training run on standard error: a bar that is drawn over itself on a terminal, a line
/// now and then elsewhere, and a line that stays for each validation.
class ProgressDisplay {
 public:
  ProgressDisplay();
  ProgressDisplay(const ProgressDisplay&) = delete;
  ProgressDisplay& operator=(const ProgressDisplay&) = delete;
  ~ProgressDisplay() { finish(); }

  /// `gradient` is what ReachReport says of it, for the end of the line.
  void show(const lm::Progress& progress, const std::string& gradient);
  void show(const lm::Validation& validation, const std::string& gradient);
  /// Removes the bar, for what is printed next.
  void finish();

 private:
  bool terminal_;
  bool bar_shown_ = false;
  std::chrono::steady_clock::time_point last_;
};

}  // namespace riverrun::cli
