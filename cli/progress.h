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
  struct Words {
    const char* target = "token";       ///< what the model learns
    const char* judged = "validation";  ///< what it is judged on
    bool perplexity = true;             ///< whether that of the loss is shown too
    bool nats = true;                   ///< whether the loss is in nats per target
  };
  explicit ProgressDisplay(const Words& words);
  ProgressDisplay() : ProgressDisplay(Words()) {}
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

  Words words_;
  bool redraws_;
  std::size_t shown_ = 0;  // bytes of the bar that is shown
  std::chrono::steady_clock::time_point last_;
};

/// Shows on standard error how much of something long has been read, if that is a terminal that can
/// draw over a line.
class ReadCounter {
 public:
  /// `noun` is what is counted, in the plural.
  explicit ReadCounter(std::int64_t total, const char* noun = "tokens");
  ReadCounter(const ReadCounter&) = delete;
  ReadCounter& operator=(const ReadCounter&) = delete;
  ~ReadCounter() { finish(); }

  void show(std::int64_t read);
  /// Removes what is shown, for what is printed next.
  void finish();

 private:
  std::int64_t total_;
  const char* noun_;
  bool redraws_;
  std::size_t shown_ = 0;
  std::chrono::steady_clock::time_point next_;
};

}  // namespace riverrun::cli
