#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "riverrun/train/trainer.h"

namespace riverrun::cli {

/// Shows a training run on standard error: a bar that is drawn over itself on a terminal, a line
/// now and then elsewhere and on a dumb terminal (TERM), and a line that stays for each validation.
class ProgressDisplay {
 public:
  /// `target` is what the model learns, "token"; with `perplexity`, that of the loss is shown too.
  explicit ProgressDisplay(const char* target = "token", bool perplexity = true);
  ProgressDisplay(const ProgressDisplay&) = delete;
  ProgressDisplay& operator=(const ProgressDisplay&) = delete;
  ~ProgressDisplay() { finish(); }

  /// `gradient` is what ReachReport says of it, for the end of the line.
  void show(const Progress& progress, const std::string& gradient = {});
  void show(const Validation& validation, const std::string& gradient = {});
  /// Removes the bar, for what is printed next.
  void finish();

 private:
  [[nodiscard]] std::string figures(const Progress& progress) const;
  [[nodiscard]] std::string perplexity(double loss) const;

  const char* target_;
  bool has_perplexity_;
  bool redraws_;
  std::size_t shown_ = 0;  // bytes of the bar that is shown
  std::chrono::steady_clock::time_point last_;
};

/// Shows on standard error how much of a long text has been read, if that is a terminal that can
/// draw over a line.
class TokenCounter {
 public:
  explicit TokenCounter(std::int64_t total);
  TokenCounter(const TokenCounter&) = delete;
  TokenCounter& operator=(const TokenCounter&) = delete;
  ~TokenCounter() { finish(); }

  void show(std::int64_t tokens);
  /// Removes what is shown, for what is printed next.
  void finish();

 private:
  std::int64_t total_;
  bool redraws_;
  std::size_t shown_ = 0;
  std::chrono::steady_clock::time_point next_;
};

}  // namespace riverrun::cli
